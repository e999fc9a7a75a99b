// Words by themselves, compared by the rows that the encoder looks them up in. Included by each kind's file.

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

/// Words ahead of the one in hand whose rows are fetched: they lie all over the model.
enum { words_ahead = 4 };

ALWAYS_INLINE void fetch_row(const ckernels_encoder *model, size_t id) {
  if (!model->near_words) return;
  const char *row = (const char *)model->near_words + id * (4 + model->dims / 2);
  for (size_t byte = 0; byte < 4 + model->dims / 2; byte += 64) __builtin_prefetch(row + byte);
}

/// Terms whose products are summed up side by side.
enum { terms_abreast = 4 };

/// cosines (ABREAST,) of a word's numbers (dims,) of some length and so many terms. A constant, so the sums stay in registers.
ALWAYS_INLINE void compare_terms(const size_t ABREAST, const float *numbers, float length, const float *terms, size_t dims,
                                 float *cosines) {
  f32x16 products[terms_abreast];
  for (size_t term = 0; term < ABREAST; term++) products[term] = f32_all(0);
  for (size_t i = 0; i < dims; i += 32) {
    f32x16 low = f32_load(numbers + i), high = f32_load(numbers + i + 16);
    for (size_t term = 0; term < ABREAST; term++)
      products[term] += low * f32_load(terms + term * dims + i) + high * f32_load(terms + term * dims + i + 16);
  }
  for (size_t term = 0; term < ABREAST; term++) cosines[term] = length > 0 ? f32_sum(products[term]) / length : 0;
}

static void compare_words(const ckernels_encoder *model, const int32_t *ids, const uint32_t *bounds, size_t count,
                          const float *terms, size_t term_count, float *cosines) {
  size_t dims = model->dims;
  float numbers[CKERNELS_DIMS_MOST];
  for (size_t word = 0; word < count; word++, cosines += term_count) {
    if (word + words_ahead < count && bounds[word + words_ahead] < bounds[count])
      fetch_row(model, (size_t)ids[bounds[word + words_ahead]]);
    f32x16 square = f32_all(0);
    for (size_t i = 0; i < dims; i += 32) {
      f32x16 low = f32_all(0), high = f32_all(0);
      for (size_t piece = bounds[word]; piece < bounds[word + 1]; piece++)
        add_row(model, (size_t)ids[piece], i, &low, &high);
      square += low * low + high * high;
      f32_store(numbers + i, low);
      f32_store(numbers + i + 16, high);
    }
    float length = __builtin_elementwise_sqrt(f32_sum(square));
    size_t term = 0;
    for (; term + terms_abreast <= term_count; term += terms_abreast)
      compare_terms(terms_abreast, numbers, length, terms + term * dims, dims, cosines + term);
    switch (term_count - term) {
      case 3: compare_terms(3, numbers, length, terms + term * dims, dims, cosines + term); break;
      case 2: compare_terms(2, numbers, length, terms + term * dims, dims, cosines + term); break;
      case 1: compare_terms(1, numbers, length, terms + term * dims, dims, cosines + term); break;
    }
  }
}
