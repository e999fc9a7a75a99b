// Matrix products of 16-bit whole numbers with exact 32-bit sums. Included by each kind's file, behind its `sums`.

/// A block of the product: ROWS rows by PANELS panels of sixteen channels. Constants, so everything stays in registers. Meanwhile
/// fetches AHEAD lines of 64 bytes for each pair of `ahead`.
ALWAYS_INLINE void tile(const int ROWS, const int PANELS, const int AHEAD, const char *ahead, const int16_t *a, size_t a_stride, const float *row_scales,
                        const int16_t *weights, size_t pairs, const float *scales, const float *biases, float *out,
                        size_t out_stride) {
  sums s[TILE_ROWS][TILE_PANELS];
#pragma clang loop unroll(full)
  for (int row = 0; row < ROWS; row++)
#pragma clang loop unroll(full)
    for (int panel = 0; panel < PANELS; panel++) sums_clear(&s[row][panel]);
  for (size_t k = 0; k < pairs; k++) {
    for (int line = 0; line < AHEAD; line++) __builtin_prefetch(ahead + ((size_t)AHEAD * k + (size_t)line) * 64, 0, 2);
#pragma clang loop unroll(full)
    for (int row = 0; row < ROWS; row++) {
      int32_t pair = *(const pair_of_i16 *)(a + (size_t)row * a_stride + 2 * k);
#pragma clang loop unroll(full)
      for (int panel = 0; panel < PANELS; panel++)
        sums_add(&s[row][panel], weights + ((size_t)panel * pairs + k) * 32, pair);
    }
  }
#pragma clang loop unroll(full)
  for (int panel = 0; panel < PANELS; panel++) {
    f32x16 scale = f32_load(scales + 16 * panel), bias = biases ? f32_load(biases + 16 * panel) : f32_all(0);
#pragma clang loop unroll(full)
    for (int row = 0; row < ROWS; row++) {
      f32x16 sum = __builtin_convertvector(sums_value(&s[row][panel]), f32x16);
      f32_store(out + (size_t)row * out_stride + 16 * panel, sum * (scale * row_scales[row]) + bias);
    }
  }
}

/// All rows by PANELS panels, in tiles of about as many rows each: one of a single row waits for its own sums. While the first two
/// tiles are computed, the next column's weights come near, if wanted: of the few rows that a question has, each needs all of the model.
ALWAYS_INLINE void column(const int PANELS, const int16_t *a, size_t a_stride, const float *row_scales, size_t rows,
                          const int16_t *weights, size_t pairs, const float *scales, const float *biases, float *out,
                          size_t out_stride, int fetches_ahead) {
#define TILE(ROWS, AHEAD) \
  tile(ROWS, PANELS, AHEAD, ahead, a + row * a_stride, a_stride, row_scales + row, weights, pairs, scales, biases, \
       out + row * out_stride, out_stride)
#if TILE_ROWS > 2
#define TILES(AHEAD) \
  switch (height) { \
  case 6: TILE(6, AHEAD); break; \
  case 5: TILE(5, AHEAD); break; \
  case 4: TILE(4, AHEAD); break; \
  case 3: TILE(3, AHEAD); break; \
  case 2: TILE(2, AHEAD); break; \
  default: TILE(1, AHEAD); \
  }
#else
#define TILES(AHEAD) \
  if (height == 2) TILE(2, AHEAD); \
  else TILE(1, AHEAD);
#endif
  enum { AHEAD_LINES = 2 };
  const char *ahead = (const char *)(weights + (size_t)PANELS * pairs * 32);
  size_t left = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (size_t row = 0, number = 0, height; row < rows; row += height, left--, number++) {
    height = (rows - row + left - 1) / left;
    if (PANELS == 4 && fetches_ahead && number < 2) {
      TILES(AHEAD_LINES)
      ahead += pairs * AHEAD_LINES * 64;
    } else {
      TILES(0)
    }
  }
#undef TILES
#undef TILE
}

/// out (rows, 16 panels) = a (rows, 2 pairs) · weightsᵀ, each row times its scale, each channel times its, plus its bias.
/// weights: [panels][pairs][16][2]. biases may be NULL. No sum may leave 32 bits: the callers see to it.
static void multiply(const int16_t *a, size_t a_stride, const float *row_scales, size_t rows, const int16_t *weights,
                     size_t panels, size_t pairs, const float *scales, const float *biases, float *out,
                     size_t out_stride, int fetches_ahead) {
  size_t panel = 0;
#define COLUMN(PANELS) \
  column(PANELS, a, a_stride, row_scales, rows, weights + panel * pairs * 32, pairs, scales + 16 * panel, \
         biases ? biases + 16 * panel : NULL, out + 16 * panel, out_stride, fetches_ahead)
#if TILE_PANELS == 4
  for (; panel + 4 <= panels; panel += 4) COLUMN(4);
#endif
#if TILE_PANELS >= 2
  for (; panel + 2 <= panels; panel += 2) COLUMN(2);
#endif
  for (; panel < panels; panel++) COLUMN(1);
#undef COLUMN
}
