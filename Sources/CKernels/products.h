// Matrix products of whole numbers with exact 32-bit sums. Included by each kind's file, behind its `sums`.

/// What is multiplied, both sides in steps: for each channel four bytes, which are two numbers of 16 bits or four of 8; for each
/// row as many numbers, of which those of 8 bits have no sign and stand as `put_small` leaves them. Borrowed.
typedef struct {
  const char *numbers;      // (rows, stride bytes)
  size_t stride;
  const float *scales;      // (rows,)
  const small_row *smalls;  // (rows,) of 8 bits
} factors;

typedef struct {
  const char *numbers;      // [panels][steps][16][4 bytes]
  const float *scales;      // by channel
  const float *biases;      // by channel; may be NULL
  const int32_t *totals;    // by channel, of 8 bits: its weights added up
} channels;

/// A block of the product: ROWS rows by PANELS panels of sixteen channels, of 8 bits where SMALL. Constants, so everything stays in
/// registers. Meanwhile fetches AHEAD lines of 64 bytes for each step of `ahead`.
ALWAYS_INLINE void tile(const int SMALL, const int ROWS, const int PANELS, const int AHEAD, const char *ahead, factors a,
                        size_t first_row, channels w, size_t first_panel, size_t steps, float *out, size_t out_stride) {
  const char *numbers = a.numbers + first_row * a.stride, *weights = w.numbers + first_panel * steps * 64;
  sums s[TILE_ROWS][TILE_PANELS];
#pragma clang loop unroll(full)
  for (int row = 0; row < ROWS; row++)
#pragma clang loop unroll(full)
    for (int panel = 0; panel < PANELS; panel++) sums_clear(&s[row][panel]);
  for (size_t k = 0; k < steps; k++) {
    for (int line = 0; line < AHEAD; line++) __builtin_prefetch(ahead + ((size_t)AHEAD * k + (size_t)line) * 64, 0, 2);
#pragma clang loop unroll(full)
    for (int row = 0; row < ROWS; row++) {
      const char *step = numbers + (size_t)row * a.stride + (SMALL ? SMALL_STEP : 4) * k;
#pragma clang loop unroll(full)
      for (int panel = 0; panel < PANELS; panel++) {
        const char *sixteen = weights + ((size_t)panel * steps + k) * 64;
        if (SMALL) sums_add_small(&s[row][panel], sixteen, step);
        else sums_add(&s[row][panel], sixteen, step);
      }
    }
  }
  out += first_row * out_stride + 16 * first_panel;
#pragma clang loop unroll(full)
  for (int panel = 0; panel < PANELS; panel++) {
    size_t channel = 16 * (first_panel + (size_t)panel);
    f32x16 scale = f32_load(w.scales + channel), bias = w.biases ? f32_load(w.biases + channel) : f32_all(0);
#pragma clang loop unroll(full)
    for (int row = 0; row < ROWS; row++) {
      i32x16 value = sums_value(&s[row][panel]);
      if (SMALL) {
        small_row of = a.smalls[first_row + (size_t)row];
        i32x16 four = *(const i32x16 *)(weights + ((size_t)panel * steps + (size_t)of.place / 4) * 64);
        i32x16 weight = (four << (24 - 8 * (of.place & 3))) >> 24;
        value += of.top * weight - of.zero * *(const i32x16 *)(w.totals + channel);
      }
      f32_store(out + (size_t)row * out_stride + 16 * panel,
                __builtin_convertvector(value, f32x16) * (scale * a.scales[first_row + (size_t)row]) + bias);
    }
  }
}

/// All rows by PANELS panels, in tiles of about as many rows each: one of a single row waits for its own sums. While the first two
/// tiles are computed, the next column's weights come near, if wanted: of the few rows that a question has, each needs all of the
/// model. They are fetched no faster than they are used: lines that are waited for take the place of those that are near.
ALWAYS_INLINE void column(const int SMALL, const int PANELS, factors a, size_t rows, channels w, size_t panel, size_t steps,
                          float *out, size_t out_stride, int fetches_ahead) {
#define TILE(ROWS, AHEAD) tile(SMALL, ROWS, PANELS, AHEAD, ahead, a, row, w, panel, steps, out, out_stride)
#define CASE(ROWS, AHEAD) case ROWS: TILE(ROWS, AHEAD); break
#if TILE_ROWS > 6
#define TALL_CASES(AHEAD) CASE(14, AHEAD); CASE(13, AHEAD); CASE(12, AHEAD); CASE(11, AHEAD); CASE(10, AHEAD); CASE(9, AHEAD); CASE(8, AHEAD); CASE(7, AHEAD);
#else
#define TALL_CASES(AHEAD)
#endif
#if TILE_ROWS > 2
#define TILES(AHEAD) \
  switch (height) { \
    TALL_CASES(AHEAD) CASE(6, AHEAD); CASE(5, AHEAD); CASE(4, AHEAD); CASE(3, AHEAD); CASE(2, AHEAD); \
    default: TILE(1, AHEAD); \
  }
#else
#define TILES(AHEAD) \
  if (height == 2) TILE(2, AHEAD); \
  else TILE(1, AHEAD);
#endif
  const char *ahead = w.numbers + (panel + (size_t)PANELS) * steps * 64;
  size_t tallest = SMALL ? SMALL_ROWS : TILE_ROWS, tiles = (rows + tallest - 1) / tallest, left = tiles;
  for (size_t row = 0, height; row < rows; row += height, left--) {
    height = (rows - row + left - 1) / left;
    if (PANELS == 2 && fetches_ahead && tiles == 1) {
      TILES(2)
    } else if (PANELS == 2 && fetches_ahead && left + 2 > tiles) {
      TILES(1)
      ahead += steps * 64;
    } else {
      TILES(0)
    }
  }
#undef TILES
#undef TALL_CASES
#undef CASE
#undef TILE
}

ALWAYS_INLINE void product(const int SMALL, factors a, size_t rows, channels w, size_t panels, size_t steps, float *out,
                           size_t out_stride, int fetches_ahead) {
  size_t panel = 0;
#if TILE_PANELS == 2
  for (; panel + 2 <= panels; panel += 2) column(SMALL, 2, a, rows, w, panel, steps, out, out_stride, fetches_ahead);
#endif
  for (; panel < panels; panel++) column(SMALL, 1, a, rows, w, panel, steps, out, out_stride, fetches_ahead);
}

/// out (rows, 16 panels) = a (rows, 2 steps) · weightsᵀ of 16 bits, each row times its scale, each channel times its, plus a bias.
/// No sum may leave 32 bits: the callers see to it.
static void multiply(factors a, size_t rows, channels w, size_t panels, size_t steps, float *out, size_t out_stride,
                     int fetches_ahead) {
  product(0, a, rows, w, panels, steps, out, out_stride, fetches_ahead);
}

/// The same of a (rows, 4 steps), of 8 bits: 16,384 products, what is taken off for zeros and what is added for tops fit 32.
static void multiply_small(factors a, size_t rows, channels w, size_t panels, size_t steps, float *out, size_t out_stride,
                           int fetches_ahead) {
  product(1, a, rows, w, panels, steps, out, out_stride, fetches_ahead);
}
