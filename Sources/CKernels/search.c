// Scans of sign codes and dot products with integers of twelve bits, compiled for several processors and chosen at load; and
// queries in whole numbers.
#include "shapes.h"

// Which clone is taken is asked before a thread sanitizer has begun, and it would watch the asking.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_WATCHED
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(IS_WATCHED)
// By features, never by a processor's name: other makers' have them too.
#define CLONES __attribute__((target_clones("avx512vpopcntdq", "avx2", "default")))
#else
#define CLONES
#endif

CLONES void ckernels_scan_codes(
    const void *codes, size_t groups, size_t words, const uint64_t *planes, int32_t *scores) {
  const unsigned char *next = codes;
  for (size_t group = 0; group < groups; group++) {
    uint64_t sums[CKERNELS_CODES_ABREAST] = {0}, counts[CKERNELS_CODES_ABREAST] = {0};
    for (size_t word = 0; word < words; word++) {
      uint64_t code[CKERNELS_CODES_ABREAST];
      memcpy(code, next, sizeof code);
      next += sizeof code;
      for (size_t entry = 0; entry < CKERNELS_CODES_ABREAST; entry++) {
        sums[entry] += (uint64_t)__builtin_popcountll(code[entry] & planes[word])
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[words + word]) << 1)
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[2 * words + word]) << 2)
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[3 * words + word]) << 3);
        counts[entry] += (uint64_t)__builtin_popcountll(code[entry]);
      }
    }
    for (size_t entry = 0; entry < CKERNELS_CODES_ABREAST; entry++)
      scores[group * CKERNELS_CODES_ABREAST + entry] = (int32_t)sums[entry] - 8 * (int32_t)counts[entry];
  }
}

// Sums side by side, in one order on every processor: the same bytes give the same float everywhere.
enum { LANES = 16 };

typedef uint8_t u8x8 __attribute__((vector_size(8), aligned(1), may_alias));

/// The halves of eight bytes, the low one of each first.
ALWAYS_INLINE u8x16 halves(const unsigned char *bytes) {
  u8x8 both = *(const u8x8 *)bytes, low = both & 15, high = both >> 4;
  return __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
}

static float total(const float *lanes) {
  float sum = 0;
  for (size_t lane = 0; lane < LANES; lane++) sum += lanes[lane];
  return sum;
}

CLONES float ckernels_dot_int12(const float *query, const void *entry, size_t dims) {
#pragma clang fp contract(off)
  const signed char *high = entry;
  const unsigned char *low = (const unsigned char *)entry + dims;
  f32x16 sums = {0};
  size_t place = 0;
  for (; place + LANES <= dims; place += LANES) {
    i32x16 large = __builtin_convertvector(*(const i8x16 *)(high + place), i32x16) * 16;
    i32x16 level = large + __builtin_convertvector(halves(low + place / 2), i32x16);
    sums += *(const f32x16 *)(query + place) * __builtin_convertvector(level, f32x16);
  }
  float lanes[LANES];
  memcpy(lanes, &sums, sizeof lanes);
  for (size_t lane = 0; place < dims; place++, lane++) {
    int small = low[place / 2] >> (4 * (place & 1)) & 15;
    lanes[lane] += query[place] * (float)(high[place] * 16 + small);
  }
  return total(lanes);
}

size_t ckernels_query_bytes(size_t dims) { return (dims + 127) / 128 * 256; }

/// What a component is at most: 32 bits hold its products with sixteen levels, added up, and a byte each its two parts.
static float largest_whole(size_t dims) {
  const size_t affordable = INT32_MAX / (15 * dims), largest = 127 * 256;
  return affordable - 128 < largest ? (float)(affordable - 128) : (float)largest;
}

void ckernels_make_query(const float *numbers, size_t dims, int8_t *parts, ckernels_query *query) {
  float top = 0;
  int is_sound = dims > 0 && dims <= CKERNELS_QUERY_DIMS_MOST;
  for (size_t i = 0; i < dims; i++) {
    float size = numbers[i] < 0 ? -numbers[i] : numbers[i];
    // Nothing is as large as what is no number.
    if (!(size <= 3.4e38f)) is_sound = 0;
    if (size > top) top = size;
  }
  memset(parts, 0, ckernels_query_bytes(dims));
  *query = (ckernels_query){dims, parts, 0, 0};
  // Below this a factor might have no reciprocal.
  if (!is_sound || top < 1e-30f) return;
  const float factor = largest_whole(dims) / top;
  for (size_t i = 0; i < dims; i++) {
    const float scaled = numbers[i] * factor;
    const int32_t whole = (int32_t)(scaled < 0 ? scaled - 0.5f : scaled + 0.5f), low = ((whole + 128) & 255) - 128;
    int8_t *four = parts + i / 128 * 256 + (i & 1) * 128 + (i % 128) / 2;
    four[0] = (int8_t)((whole - low) / 256);
    four[64] = (int8_t)low;
    query->total += whole;
  }
  query->factor = 1.0f / factor;
}
