// Words by themselves, compared by the rows that the encoder looks them up in. Included by each kind's file.

/// What words are compared with, and which.
typedef struct {
  const int32_t *pieces;
  const uint32_t *bounds;
  const float *lengths;
  const int32_t *words;
  size_t count;
  const float *terms;
  size_t terms_in_row;  // of the cosines
} comparison;

/// Words ahead of the one in hand whose rows are fetched: they lie all over the model.
enum { words_ahead = 4 };

/// Terms that a row is multiplied by side by side, and together.
enum { terms_abreast = 4, terms_together = 16 };

// ---- Rows of four bits: whole numbers, multiplied by terms of eight

/// Terms as bytes from -127 to 127 in the order of `open_row`, behind them as many of zeros as make it fours.
typedef struct {
  _Alignas(64) int8_t bytes[terms_together * CKERNELS_DIMS_MOST];
  size_t rows;
  float factors[terms_together];   // what the bytes are to be multiplied by
  int32_t totals[terms_together];  // the bytes of each term, added up
} small_terms;

ALWAYS_INLINE const uint8_t *near_row(const ckernels_encoder *model, int32_t id) {
  return model->near_words + (size_t)id * (4 + model->dims / 2);
}

static void fetch_row(const ckernels_encoder *model, int32_t id) {
  const char *row = (const char *)near_row(model, id);
  for (size_t byte = 0; byte < 4 + model->dims / 2; byte += 64) __builtin_prefetch(row + byte);
}

/// A row's numbers from 0 to 15, a byte each; of every 64 those of 0 to 15, 32 to 47, 16 to 31, 48 to 63. Returns its scale.
ALWAYS_INLINE float open_row(const uint8_t *row, size_t dims, uint8_t *numbers) {
  float scale;
  memcpy(&scale, row, 4);
  for (size_t i = 0; i < dims; i += 64) {
    u8x32 both = *(const u8x32 *)(row + 4 + i / 2);
    *(u8x64 *)(numbers + i) = u8_join(both & 15, both >> 4);
  }
  return scale;
}

static void close_term(const float *numbers, size_t dims, small_terms *small, size_t term) {
  f32x16 largest = f32_all(0);
  for (size_t i = 0; i < dims; i += 16) largest = f32_max(largest, f32_abs(f32_load(numbers + i)));
  float top = f32_largest(largest), factor = top > 0 ? 127.0f / top : 0;
  i32x16 total = {0};
  int8_t *bytes = small->bytes + term * dims;
  for (size_t i = 0; i < dims; i += 16) {
    // Of every four sixteens the second and the third change places.
    size_t from = i & 16 ? (i & 32 ? i : i + 16) : (i & 32 ? i - 16 : i);
    i32x16 whole = i32_nearest(f32_load(numbers + from) * factor);
    total += whole;
    *(i8x16 *)(bytes + i) = __builtin_convertvector(whole, i8x16);
  }
  small->factors[term] = top / 127.0f;
  small->totals[term] = i32_sum(total);
}

static void close_terms(const float *terms, size_t count, size_t dims, small_terms *small) {
  for (size_t term = 0; term < count; term++) close_term(terms + term * dims, dims, small, term);
  small->rows = (count + terms_abreast - 1) / terms_abreast * terms_abreast;
  memset(small->bytes + count * dims, 0, (small->rows - count) * dims);
}

/// sums (terms_abreast,) of the products of numbers (dims,), 15 at most, and of others (terms_abreast, dims).
ALWAYS_INLINE void multiply_bytes(const uint8_t *numbers, const int8_t *others, size_t dims, int32_t *sums) {
  i32x16 products[terms_abreast];
  for (size_t row = 0; row < terms_abreast; row++) products[row] = (i32x16){0};
  for (size_t i = 0; i < dims; i += 64)
    for (size_t row = 0; row < terms_abreast; row++) add_bytes(&products[row], numbers + i, others + row * dims + i);
  i32_sums(products, sums);
}

/// The length of a word of `pieces` pieces, a number n of whose rows stands for its scale times n - 7.5; 0 without any.
static float word_length(const ckernels_encoder *model, const int32_t *ids, size_t pieces) {
  const size_t dims = model->dims;
  _Alignas(64) uint8_t numbers[CKERNELS_PIECES_MOST * CKERNELS_DIMS_MOST];
  float scales[CKERNELS_PIECES_MOST], square = 0;
  int32_t totals[CKERNELS_PIECES_MOST];
  if (pieces > CKERNELS_PIECES_MOST) pieces = CKERNELS_PIECES_MOST;
  for (size_t piece = 0; piece < pieces; piece++) {
    uint8_t *own = numbers + piece * dims;
    scales[piece] = open_row(near_row(model, ids[piece]), dims, own);
    totals[piece] = 0;
    for (size_t i = 0; i < dims; i++) totals[piece] += own[i];
    for (size_t other = 0; other <= piece; other++) {
      i32x16 products = {0};
      for (size_t i = 0; i < dims; i += 64) add_bytes(&products, own + i, (const int8_t *)(numbers + other * dims + i));
      float both = (float)(4 * i32_sum(products) - 30 * (totals[piece] + totals[other]) + 225 * (int32_t)dims);
      square += (other < piece ? 2 : 1) * scales[piece] * scales[other] * both;
    }
  }
  // All sums are of numbers twice as large.
  return square > 0 ? 0.5f * __builtin_elementwise_sqrt(square) : 0;
}

/// cosines (count,) of a word's pieces and of some terms.
ALWAYS_INLINE void compare_near(const ckernels_encoder *model, const int32_t *ids, size_t pieces, float length,
                                const small_terms *terms, size_t count, float *cosines) {
  const size_t dims = model->dims;
  _Alignas(64) uint8_t numbers[CKERNELS_DIMS_MOST];
  float along[terms_together] = {0};
  for (size_t piece = 0; piece < pieces; piece++) {
    const float scale = open_row(near_row(model, ids[piece]), dims, numbers);
    int32_t sums[terms_together];
    for (size_t row = 0; row < terms->rows; row += terms_abreast)
      multiply_bytes(numbers, terms->bytes + row * dims, dims, sums + row);
    for (size_t term = 0; term < count; term++)
      along[term] += scale * (float)(2 * sums[term] - 15 * terms->totals[term]);
  }
  const float factor = length > 0 ? 0.5f / length : 0;
  // Of a row that is not sound, no length is known, and it is near to nothing.
  for (size_t term = 0; term < count; term++) cosines[term] = length > 0 ? along[term] * (terms->factors[term] * factor) : 0;
}

static void compare_all_near(const ckernels_encoder *model, const comparison *it, size_t term_count, float *cosines) {
  small_terms terms;
  close_terms(it->terms, term_count, model->dims, &terms);
  for (size_t place = 0; place < it->count; place++, cosines += it->terms_in_row) {
    if (place + words_ahead < it->count) {
      const int32_t ahead = it->words[place + words_ahead];
      for (uint32_t piece = it->bounds[ahead]; piece < it->bounds[ahead + 1]; piece++) fetch_row(model, it->pieces[piece]);
    }
    const int32_t word = it->words[place];
    size_t pieces = it->bounds[word + 1] - it->bounds[word];
    if (pieces > CKERNELS_PIECES_MOST) pieces = CKERNELS_PIECES_MOST;
    compare_near(model, it->pieces + it->bounds[word], pieces, it->lengths[word], &terms, term_count, cosines);
  }
}

// ---- Rows in full, of a model that has no others

/// Adds the numbers of a piece's row from i to i + 32 to the two halves of a sum.
ALWAYS_INLINE void add_row(const ckernels_encoder *model, int32_t id, size_t i, f32x16 *low, f32x16 *high) {
  const int16_t *row = model->words + (size_t)id * model->dims + i;
  float scale = model->word_scales[id];
  *low += __builtin_convertvector(*(const i16x16 *)row, f32x16) * scale;
  *high += __builtin_convertvector(*(const i16x16 *)(row + 16), f32x16) * scale;
}

static void compare_all_full(const ckernels_encoder *model, const comparison *it, float *cosines) {
  const size_t dims = model->dims;
  float numbers[CKERNELS_DIMS_MOST];
  for (size_t place = 0; place < it->count; place++) {
    const int32_t word = it->words[place];
    f32x16 square = f32_all(0);
    for (size_t i = 0; i < dims; i += 32) {
      f32x16 low = f32_all(0), high = f32_all(0);
      for (uint32_t piece = it->bounds[word]; piece < it->bounds[word + 1]; piece++)
        add_row(model, it->pieces[piece], i, &low, &high);
      square += low * low + high * high;
      f32_store(numbers + i, low);
      f32_store(numbers + i + 16, high);
    }
    float length = __builtin_elementwise_sqrt(f32_sum(square));
    for (size_t term = 0; term < it->terms_in_row; term++) {
      f32x16 products = f32_all(0);
      for (size_t i = 0; i < dims; i += 16) products += f32_load(numbers + i) * f32_load(it->terms + term * dims + i);
      *cosines++ = length > 0 ? f32_sum(products) / length : 0;
    }
  }
}

static void compare_words(const ckernels_encoder *model, const int32_t *pieces, const uint32_t *bounds, const float *lengths,
                          const int32_t *words, size_t count, const float *terms, size_t term_count, float *cosines) {
  const comparison all = {pieces, bounds, lengths, words, count, terms, term_count};
  if (!model->near_words) {
    compare_all_full(model, &all, cosines);
    return;
  }
  for (size_t first = 0; first < term_count; first += terms_together) {
    comparison some = all;
    some.terms += first * model->dims;
    const size_t left = term_count - first;
    compare_all_near(model, &some, left < terms_together ? left : terms_together, cosines + first);
  }
}
