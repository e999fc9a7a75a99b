// Single words, compared by the rows that the encoder looks them up in. Included by each kind's file.

static void compare_word(const ckernels_encoder *model, const int32_t *ids, size_t count, const float *terms,
                         size_t term_count, float *cosines) {
  size_t dims = model->dims;
  f32x16 square = f32_all(0), products[CKERNELS_TERMS_MOST];
  for (size_t term = 0; term < term_count; term++) products[term] = f32_all(0);
  for (size_t i = 0; i < dims; i += 16) {
    f32x16 row = f32_all(0);
    for (size_t piece = 0; piece < count; piece++) {
      const int16_t *numbers = model->words + (size_t)ids[piece] * dims + i;
      row += __builtin_convertvector(*(const i16x16 *)numbers, f32x16) * model->word_scales[ids[piece]];
    }
    square += row * row;
    for (size_t term = 0; term < term_count; term++) products[term] += row * f32_load(terms + term * dims + i);
  }
  float length = __builtin_sqrtf(f32_sum(square));
  for (size_t term = 0; term < term_count; term++) cosines[term] = length > 0 ? f32_sum(products[term]) / length : 0;
}
