// Single words, compared by the rows that the encoder looks them up in. Included by each kind's file.

typedef uint8_t u8x16 __attribute__((vector_size(16), aligned(1), may_alias));

/// Adds the numbers of a piece's row from i to i + 32 to the two halves of a sum.
ALWAYS_INLINE void add_row(const ckernels_encoder *model, size_t id, size_t i, f32x16 *low, f32x16 *high) {
  if (model->near_words) {
    const uint8_t *row = model->near_words + id * (4 + model->dims / 2);
    float scale;
    memcpy(&scale, row, 4);
    i32x16 both = __builtin_convertvector(*(const u8x16 *)(row + 4 + i / 2), i32x16);
    *low += (__builtin_convertvector(both & 15, f32x16) - 7.5f) * scale;
    *high += (__builtin_convertvector(both >> 4, f32x16) - 7.5f) * scale;
  } else {
    const int16_t *row = model->words + id * model->dims + i;
    float scale = model->word_scales[id];
    *low += __builtin_convertvector(*(const i16x16 *)row, f32x16) * scale;
    *high += __builtin_convertvector(*(const i16x16 *)(row + 16), f32x16) * scale;
  }
}

static void compare_word(const ckernels_encoder *model, const int32_t *ids, size_t count, const float *terms,
                         size_t term_count, float *cosines) {
  size_t dims = model->dims;
  f32x16 square = f32_all(0), products[CKERNELS_TERMS_MOST];
  for (size_t term = 0; term < term_count; term++) products[term] = f32_all(0);
  for (size_t i = 0; i < dims; i += 32) {
    f32x16 low = f32_all(0), high = f32_all(0);
    for (size_t piece = 0; piece < count; piece++) add_row(model, (size_t)ids[piece], i, &low, &high);
    square += low * low + high * high;
    for (size_t term = 0; term < term_count; term++)
      products[term] += low * f32_load(terms + term * dims + i) + high * f32_load(terms + term * dims + i + 16);
  }
  float length = __builtin_sqrtf(f32_sum(square));
  for (size_t term = 0; term < term_count; term++) cosines[term] = length > 0 ? f32_sum(products[term]) / length : 0;
}
