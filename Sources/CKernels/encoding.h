// One text through the encoder. Included by each kind's file, last.
#include "layout.h"
#include "products.h"
#include "elementwise.h"

// Queries and keys: 32 products of numbers this large fit 32 bits.
#define QUERY_LARGEST 8191.0f
// Values: times shares that add up to 65,256 at most they fit 32 bits.
#define VALUE_LARGEST 30000.0f

/// numbers (count,) as the whole numbers of row `row` of a product with the model's weights: whole (rows, count), scales and smalls
/// (rows,).
static void make_whole(const ckernels_encoder *model, const float *numbers, size_t count, int16_t *whole, size_t row, float *scales,
                       small_row *smalls) {
  if (model->small_weights)
    scales[row] = quantize_small(numbers, count, (char *)whole + row * count * SMALL_BYTES, smalls + row);
  else scales[row] = quantize(numbers, count, whole + row * count);
}

/// out (rows, width) = the rows from `first` on of whole (…, inputs) · the weights of a dense layer.
static void multiply_dense(const ckernels_encoder *model, const dense *layer, size_t width, size_t inputs, const int16_t *whole,
                           const float *scales, const small_row *smalls, size_t first, size_t rows, workspace *s,
                           float *out) {
  size_t stride = inputs * (model->small_weights ? SMALL_BYTES : sizeof(int16_t)), panels = width / 16;
  // Bytes of a channel's weights, and steps of them.
  size_t deep = inputs * (model->small_weights ? 1 : sizeof(int16_t)), steps = deep / 4;
  factors a = {(const char *)whole + first * stride, stride, scales + first, smalls + first};
  void (*product)(factors, size_t, channels, size_t, size_t, float *, size_t, int) =
      model->small_weights ? multiply_small : multiply;
  if (model->source != ckernels_read) {
    channels w = {layer->weights, layer->scales, layer->biases, layer->totals};
    product(a, rows, w, panels, steps, out, width, model->source == ckernels_near);
    return;
  }
  for (size_t panel = 0; panel < panels; panel += slice_panels) {
    size_t some = panels - panel < slice_panels ? panels - panel : slice_panels, channel = 16 * panel;
    channels w = {ckernels_slice(model, layer->weights + channel * deep, some * 16 * deep, s), layer->scales + channel,
                  layer->biases + channel, layer->totals ? layer->totals + channel : NULL};
    product(a, rows, w, some, steps, out + channel, width, 0);
  }
}

/// The 32 numbers of one head as whole ones; returns what they are to be multiplied by.
ALWAYS_INLINE float head_to_whole(const float *numbers, int16_t *whole) {
  float top = f32_largest(f32_max(f32_abs(f32_load(numbers)), f32_abs(f32_load(numbers + 16))));
  float factor = top > 0 ? QUERY_LARGEST / top : 0;
  to_whole(numbers, head_dims, factor, whole);
  return top / QUERY_LARGEST;
}

/// Queries, keys and values of `block` rows from `first` on.
static void take_attention_block(const ckernels_encoder *model, const dense *layer, workspace *s, size_t first,
                                 size_t block) {
  size_t dims = model->dims, panels = s->padded / 16;
  multiply_dense(model, layer, 3 * dims, dims, s->whole_rows, s->row_scales, s->row_smalls, first, block, s, s->wide);
  for (size_t row = 0; row < block; row++) {
    const float *wide = s->wide + row * 3 * dims;
    size_t token = first + row;
    for (size_t head = 0; head < model->heads; head++) {
      s->query_scales[head * s->count + token] =
          head_to_whole(wide + head * head_dims, s->queries + (head * s->count + token) * head_dims);
      int16_t key[head_dims];
      s->key_scales[head * s->padded + token] = head_to_whole(wide + dims + head * head_dims, key);
      int16_t *packed = s->keys + ((head * panels + token / 16) * 16 * 16 + token % 16) * 2;
      for (size_t pair = 0; pair < head_dims / 2; pair++) memcpy(packed + pair * 32, key + 2 * pair, 4);
    }
    memcpy(s->values + token * dims, wide + 2 * dims, dims * sizeof(float));
  }
}

/// The values as whole numbers, packed by channel. Behind the last token there are zeros.
static void pack_values(size_t dims, workspace *s) {
  for (size_t channel = 0; channel < dims; channel += 16) {
    f32x16 top = f32_all(0);
    for (size_t token = 0; token < s->count; token++)
      top = f32_max(top, f32_abs(f32_load(s->values + token * dims + channel)));
    f32x16 factor = f32_select(top > f32_all(0), VALUE_LARGEST / top, f32_all(0));
    f32_store(s->value_scales + channel, top / VALUE_LARGEST);
    for (size_t token = 0; token < s->padded; token += 2) {
      i32x16 even = {0}, odd = {0};
      if (token < s->count) even = i32_nearest(f32_load(s->values + token * dims + channel) * factor);
      if (token + 1 < s->count) odd = i32_nearest(f32_load(s->values + (token + 1) * dims + channel) * factor);
      i32x16 both = (even & 0xFFFF) | (odd << 16);
      memcpy(s->whole_values + channel * s->padded + token * 16, &both, sizeof both);
    }
  }
}

/// context (count, dims): for each head the mean of the values, each with its share of the row's attention.
static void attend(const ckernels_encoder *model, workspace *s) {
  size_t dims = model->dims, padded = s->padded;
  for (size_t head = 0; head < model->heads; head++)
    for (size_t first = 0; first < s->count; first += query_rows) {
      size_t rows = s->count - first < query_rows ? s->count - first : query_rows;
      // scores (rows, padded) = queries (rows, 32) · keysᵀ
      size_t query = head * s->count + first;
      factors queries = {(const char *)(s->queries + query * head_dims), 2 * head_dims, s->query_scales + query, NULL};
      channels keys = {(const char *)(s->keys + head * padded * head_dims), s->key_scales + head * padded, NULL, NULL};
      multiply(queries, rows, keys, padded / 16, head_dims / 2, s->scores, padded, 0);
      shares(s->scores, rows, s->count, padded, s->whole_scores, s->score_scales);
      // context (rows, 32) = shares (rows, padded) · values
      factors scores = {(const char *)s->whole_scores, 2 * padded, s->score_scales, NULL};
      channels values = {(const char *)(s->whole_values + head * padded * head_dims), s->value_scales + head * head_dims, NULL,
                         NULL};
      multiply(scores, rows, values, head_dims / 16, padded / 2, s->context + first * dims + head * head_dims, dims, 0);
    }
}

/// What follows the attention for `block` rows from `first` on: two norms, and up and down between them.
static void feed_forward_block(const ckernels_encoder *model, const encoder_layer *layer, workspace *s, size_t first,
                               size_t block) {
  size_t dims = model->dims, inner = model->inner, end = first + block;
  for (size_t row = first; row < end; row++)
    make_whole(model, s->context + row * dims, dims, s->whole_rows, row, s->row_scales, s->row_smalls);
  multiply_dense(model, &layer->output, dims, dims, s->whole_rows, s->row_scales, s->row_smalls, first, block, s, s->wide);
  for (size_t row = first; row < end; row++) {
    add_and_norm(s->rows + row * dims, s->wide + (row - first) * dims, layer->attention_gain, layer->attention_bias, dims,
                 model->epsilon);
    make_whole(model, s->rows + row * dims, dims, s->whole_rows, row, s->row_scales, s->row_smalls);
  }
  multiply_dense(model, &layer->up, inner, dims, s->whole_rows, s->row_scales, s->row_smalls, first, block, s, s->wide);
  for (size_t row = 0; row < block; row++) {
    (model->small_weights ? gelu_small : gelu)(s->wide + row * inner, inner);
    make_whole(model, s->wide + row * inner, inner, s->whole_wide, row, s->wide_scales, s->wide_smalls);
  }
  multiply_dense(model, &layer->down, dims, inner, s->whole_wide, s->wide_scales, s->wide_smalls, 0, block, s, s->wide);
  for (size_t row = first; row < end; row++) {
    add_and_norm(s->rows + row * dims, s->wide + (row - first) * dims, layer->down_gain, layer->down_bias, dims, model->epsilon);
    make_whole(model, s->rows + row * dims, dims, s->whole_rows, row, s->row_scales, s->row_smalls);
  }
}

/// rows (count, dims): the pieces' embeddings and those of their positions, normed.
static void embed_pieces(const ckernels_encoder *model, const int32_t *ids, workspace *s) {
  size_t dims = model->dims;
  for (size_t token = 0; token < s->count; token++) {
    const int16_t *word = model->words + (size_t)ids[token] * dims;
    const float *position = model->position_rows + token * dims;
    float *row = s->rows + token * dims, scale = model->word_scales[ids[token]];
    for (size_t i = 0; i < dims; i += 16)
      f32_store(row + i, __builtin_convertvector(*(const i16x16 *)(word + i), f32x16) * scale + f32_load(position + i));
    add_and_norm(row, NULL, model->vectors, model->vectors + dims, dims, model->epsilon);
    make_whole(model, row, dims, s->whole_rows, token, s->row_scales, s->row_smalls);
  }
}

/// sum (dims,) = rows (count, dims) added up from `first` to `end`.
static void add_up(const float *rows, size_t dims, size_t first, size_t end, float *sum) {
  for (size_t i = 0; i < dims; i += 16) {
    f32x16 total = f32_all(0);
    for (size_t token = first; token < end; token++) total += f32_load(rows + token * dims + i);
    f32_store(sum + i, total);
  }
}

static int encode(const ckernels_encoder *model, const int32_t *ids, size_t count, void *start, const uint32_t *bounds,
                  size_t parts, float *sums) {
  workspace space, *s = &space;
  ckernels_lay_out(model, count, start, s);
  // Behind the last token there is nothing: its scores are set aside, but must be numbers.
  memset(s->keys, 0, s->padded * model->dims * sizeof *s->keys);
  memset(s->key_scales, 0, model->heads * s->padded * sizeof *s->key_scales);
  embed_pieces(model, ids, s);
  for (size_t number = 0; number < model->layers; number++) {
    encoder_layer layer = ckernels_layer(model, number);
    for (size_t first = 0; first < count; first += block_rows)
      take_attention_block(model, &layer.attention, s, first, count - first < block_rows ? count - first : block_rows);
    pack_values(model->dims, s);
    attend(model, s);
    for (size_t first = 0; first < count; first += block_rows)
      feed_forward_block(model, &layer, s, first, count - first < block_rows ? count - first : block_rows);
  }
  for (size_t part = 0; part < parts; part++)
    add_up(s->rows, model->dims, bounds[part], bounds[part + 1], sums + part * model->dims);
  return s->failure;
}

const ckernels_table JOIN(ckernels_, KIND, _table) = {encode, word_length, compare_words, dot_int4};
