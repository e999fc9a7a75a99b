// Prints what the kernels make of seeded numbers, to be compared with what they make of them on another processor.
// Usage: bits [KIND], 0 for plain, 1 for AVX2, 2 for AVX-512; Scripts/test-arm64.sh runs it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

enum { WORDS = 50, PIECES = 64, DIMS = 64, TERMS = 3, COMPARED = 20, PAGE_DIMS = 384 };

static uint64_t seed = 7;

/// 31 bits of a linear congruential generator: the constants are Knuth's for MMIX.
static uint32_t draw(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33);
}

static float draw_float(float low, float high) { return low + (high - low) * (float)(draw() & 0xFFFF) / 65536.0f; }

static int draw_whole(int limit) { return (int)(draw() % (uint32_t)(2 * limit + 1)) - limit; }

/// Memory at a multiple of 64, all zeros. The process ends soon; nothing is given back.
static void *take(size_t bytes) {
  size_t size = (bytes + 63) & ~(size_t)63;
  void *memory = aligned_alloc(64, size);
  if (!memory) abort();
  return memset(memory, 0, size);
}

static float *take_floats(size_t count, float low, float high) {
  float *numbers = take(count * sizeof *numbers);
  for (size_t place = 0; place < count; place++) numbers[place] = draw_float(low, high);
  return numbers;
}

static uint8_t *take_bytes(size_t count) {
  uint8_t *bytes = take(count);
  for (size_t place = 0; place < count; place++) bytes[place] = (uint8_t)draw();
  return bytes;
}

/// FNV-1a.
static uint64_t hash(const void *bytes, size_t count) {
  uint64_t hash = 14695981039346656037u;
  for (const uint8_t *byte = bytes; count--; byte++) hash = (hash ^ *byte) * 1099511628211u;
  return hash;
}

static ckernels_encoder make_encoder(int has_small_weights) {
  ckernels_encoder model = {.dims = DIMS, .layers = 2, .heads = 2, .inner = 2 * DIMS, .positions = PIECES, .vocabulary = WORDS,
                            .epsilon = 1e-12f, .source = ckernels_near};
  size_t weights = ckernels_encoder_weight_count(&model), channels = ckernels_encoder_channel_count(&model);
  int16_t *words = take(WORDS * DIMS * sizeof *words), *large = take(weights * sizeof *large);
  int8_t *small = take(weights);
  int32_t *totals = take(channels * sizeof *totals);
  for (size_t place = 0; place < WORDS * DIMS; place++) words[place] = (int16_t)draw_whole(32767);
  for (size_t place = 0; place < weights; place++) large[place] = (int16_t)draw_whole(4095);
  for (size_t place = 0; place < weights; place++) small[place] = (int8_t)draw_whole(127);
  for (size_t place = 0; place < channels; place++) totals[place] = draw_whole(1000);
  uint8_t *near = take_bytes(WORDS * (4 + DIMS / 2));
  for (size_t word = 0; word < WORDS; word++) {
    float scale = draw_float(0.01f, 0.02f);
    memcpy(near + word * (4 + DIMS / 2), &scale, sizeof scale);
  }
  model.words = words;
  model.word_scales = take_floats(WORDS, 1e-5f, 3e-5f);
  model.position_rows = take_floats(PIECES * DIMS, -0.1f, 0.1f);
  model.vectors = take_floats(ckernels_encoder_vector_count(&model), 1e-5f, 5e-5f);
  model.weights = large;
  model.near_words = near;
  if (has_small_weights) {
    model.small_weights = small;
    model.small_scales = take_floats(channels, 0.0005f, 0.002f);
    model.small_totals = totals;
  }
  return model;
}

static void encode(const ckernels_table *kernels, const ckernels_encoder *model) {
  for (size_t count = 1; count <= PIECES; count++) {
    int32_t ids[PIECES];
    for (size_t place = 0; place < count; place++) ids[place] = (int32_t)(draw() % WORDS);
    uint32_t bounds[] = {0, (uint32_t)(count / 2), (uint32_t)count};
    float sums[2 * DIMS];
    void *workspace = take(ckernels_encoder_workspace(model, count));
    int error = kernels->encode(model, ids, count, workspace, bounds, 2, sums);
    printf("%s, %zu pieces: %d %016" PRIx64 "\n", model->small_weights ? "8 bits" : "13 bits", count, error,
           hash(sums, sizeof sums));
  }
}

static void compare_words(const ckernels_table *kernels, const ckernels_encoder *model) {
  int32_t pieces[2 * COMPARED], words[COMPARED];
  uint32_t bounds[COMPARED + 1] = {0};
  float lengths[COMPARED], cosines[COMPARED * TERMS];
  for (size_t word = 0; word < COMPARED; word++) {
    pieces[2 * word] = (int32_t)(draw() % WORDS);
    pieces[2 * word + 1] = (int32_t)(draw() % WORDS);
    bounds[word + 1] = (uint32_t)(2 * word + 2);
    words[word] = (int32_t)word;
    lengths[word] = kernels->word_length(model, pieces + 2 * word, 2);
  }
  float *terms = take_floats(TERMS * DIMS, -0.2f, 0.2f);
  kernels->compare_words(model, pieces, bounds, lengths, words, COMPARED, terms, TERMS, cosines);
  printf("words: %016" PRIx64 " %016" PRIx64 "\n", hash(lengths, sizeof lengths), hash(cosines, sizeof cosines));
}

static void search(const ckernels_table *kernels) {
  for (size_t dims = PAGE_DIMS - 5; dims <= PAGE_DIMS; dims++) {
    float *numbers = take_floats(dims, -1, 1);
    ckernels_query query;
    ckernels_make_query(numbers, dims, take(ckernels_query_bytes(dims)), &query);
    uint8_t *entry = take_bytes(2 * dims);
    printf("%zu dims: %a %a\n", dims, kernels->dot_int4(&query, entry), ckernels_dot_int12(numbers, entry, dims));
  }
  enum { GROUPS = 3, CODE_WORDS = 6 };
  uint64_t planes[CKERNELS_QUERY_PLANES * CODE_WORDS];
  memcpy(planes, take_bytes(sizeof planes), sizeof planes);
  int32_t scores[GROUPS * CKERNELS_CODES_ABREAST];
  ckernels_scan_codes(take_bytes(GROUPS * CODE_WORDS * 64), GROUPS, CODE_WORDS, planes, scores);
  printf("codes: %016" PRIx64 "\n", hash(scores, sizeof scores));
}

static void take_tokens(void) {
  const uint8_t head[] = "{\"t\":\"", tail[] = "\"}\n";
  ckernels_frame frame = {.head = head, .head_count = sizeof head - 1, .tail = tail, .tail_count = sizeof tail - 1};
  uint8_t bytes[4096], text[4096];
  intptr_t ends[256];
  size_t count = 0;
  for (int token = 0; token < 90; token++) {
    memcpy(bytes + count, head, frame.head_count);
    count += frame.head_count;
    // The last has what no token has.
    for (uint32_t left = 1 + draw() % 30; left--; count++) bytes[count] = (uint8_t)(token == 89 ? '\\' : 'a' + draw() % 26);
    memcpy(bytes + count, tail, frame.tail_count);
    count += frame.tail_count;
  }
  ckernels_tokens taken = ckernels_take_tokens(&frame, bytes, count, 0, text, sizeof text, ends, 256, 3);
  printf("tokens: %zu %zu %016" PRIx64 " %016" PRIx64 "\n", taken.place, taken.tokens, hash(text, taken.bytes),
         hash(ends, taken.tokens * sizeof *ends));
}

int main(int count, char **arguments) {
  const ckernels_table *kernels = ckernels_of(count > 1 ? (ckernels_kind)atoi(arguments[1]) : ckernels_plain);
  for (int has_small_weights = 0; has_small_weights < 2; has_small_weights++) {
    ckernels_encoder model = make_encoder(has_small_weights);
    encode(kernels, &model);
    compare_words(kernels, &model);
  }
  search(kernels);
  take_tokens();
  return 0;
}
