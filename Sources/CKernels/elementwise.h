// What happens to numbers between two matrix products. Included by each kind's file.

/// eˣ for x <= 0, to within 2 units of the last place; the polynomial of Cephes' expf (netlib.org/cephes).
ALWAYS_INLINE f32x16 exponential(f32x16 x) {
  x = f32_max(x, f32_all(-87.0f));
  i32x16 power = i32_nearest(x * 1.44269504088896341f);
  f32x16 n = __builtin_convertvector(power, f32x16);
  x = x - n * 0.693359375f;
  x = x - n * -2.12194440e-4f;
  f32x16 y = x * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * x + 8.3334519073e-3f;
  y = y * x + 4.1665795894e-2f;
  y = y * x + 1.6666665459e-1f;
  y = y * x + 5.0000001201e-1f;
  y = y * (x * x) + x + 1.0f;
  return (f32x16)((i32x16)y + (power << 23));
}

/// The error function, to within some units of the last place; the rational function of Eigen's erf for floats.
ALWAYS_INLINE f32x16 error_function(f32x16 x) {
  x = f32_max(f32_min(x, f32_all(4)), f32_all(-4));
  f32x16 square = x * x;
  f32x16 p = square * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * square + -2.10102402082508e-06f;
  p = p * square + -5.69250639462346e-05f;
  p = p * square + -7.34990630326855e-04f;
  p = p * square + -2.95459980854025e-03f;
  p = p * square + -1.60960333262415e-02f;
  f32x16 q = square * -1.45660718464996e-05f + -2.13374055278905e-04f;
  q = q * square + -1.68282697438203e-03f;
  q = q * square + -7.37332916720468e-03f;
  q = q * square + -1.42647390514189e-02f;
  return x * p / q;
}

/// numbers (count,) through the Gaussian error linear unit; count is a multiple of 16.
static void gelu(float *numbers, size_t count) {
  for (size_t i = 0; i < count; i += 16) {
    f32x16 x = f32_load(numbers + i);
    f32_store(numbers + i, x * 0.5f * (error_function(x * 0.70710678118654752f) + 1.0f));
  }
}

/// Rounds factor * numbers to 16 bits.
ALWAYS_INLINE void to_whole(const float *numbers, size_t count, float factor, int16_t *whole) {
  for (size_t i = 0; i < count; i += 16)
    *(i16x16 *)(whole + i) = __builtin_convertvector(i32_nearest(f32_load(numbers + i) * factor), i16x16);
}

// What the largest number of a row of 8 bits is at most; times 127 it leaves three quarters of 32 bits to the others.
#define SMALL_TOP 4000000.0f

// 2^31 / 4,095, less a little for rounding: a row whose whole numbers add up to no more, signs left off, meets weights of
// 13 bits in sums that fit 32.
#define ROW_BUDGET 524000.0f

/// numbers (count,) as whole numbers, as large as the sums allow; returns what they are to be multiplied by.
static float quantize(const float *numbers, size_t count, int16_t *whole) {
  f32x16 largest = f32_all(0), total = f32_all(0);
  for (size_t i = 0; i < count; i += 16) {
    f32x16 size = f32_abs(f32_load(numbers + i));
    largest = f32_max(largest, size);
    total += size;
  }
  float top = f32_largest(largest), sum = f32_sum(total);
  if (!(top > 0)) {
    memset(whole, 0, count * sizeof *whole);
    return 0;
  }
  float factor = 32767.0f / top, affordable = (ROW_BUDGET - 0.5f * (float)count) / sum;
  if (affordable < factor) factor = affordable;
  to_whole(numbers, count, factor, whole);
  return 1.0f / factor;
}

/// numbers (count,) as whole numbers of 8 bits, and what else makes their row (layout.h); returns what these are to be multiplied
/// by. The largest stands by itself: often it is many times as large as all others, which are rounded more finely without it.
static float quantize_small(const float *numbers, size_t count, char *whole, small_row *row) {
  const i32x16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  f32x16 largest = f32_all(0);
  i32x16 places = lanes;
  for (size_t i = 0; i < count; i += 16) {
    f32x16 size = f32_abs(f32_load(numbers + i));
    i32x16 is_larger = size > largest;
    largest = f32_select(is_larger, size, largest);
    places = (is_larger & (lanes + (int32_t)i)) | (~is_larger & places);
  }
  float top = f32_largest(largest);
  *row = (small_row){0};
  // Below this a scale might have no reciprocal, and what it would have for one is not the same on all processors.
  if (!(top > 1e-30f)) {
    memset(whole, 0, count * SMALL_BYTES);
    return 0;
  }
  int lane = 0;
  while (largest[lane] != top) lane++;
  int32_t place = places[lane];
  f32x16 most = f32_all(0), least = f32_all(0);
  for (size_t i = 0; i < count; i += 16) {
    f32x16 x = f32_select(lanes + (int32_t)i == place, f32_all(0), f32_load(numbers + i));
    most = f32_max(most, x);
    least = f32_max(least, -x);
  }
  float bottom = f32_largest(least), scale = (f32_largest(most) + bottom) / 255.0f;
  // However small all others are, the largest stays a whole number whose products fit.
  if (scale < top / SMALL_TOP) scale = top / SMALL_TOP;
  float factor = 1.0f / scale;
  i32x16 zero = i32_nearest(f32_all(bottom * factor));
  for (size_t i = 0; i < count; i += 16) {
    f32x16 x = f32_select(lanes + (int32_t)i == place, f32_all(0), f32_load(numbers + i));
    // Two that were rounded can be one beside the range.
    i32x16 number = i32_nearest(x * factor) + zero;
    put_small(whole + i * SMALL_BYTES, i32_max(i32_min(number, (i32x16){0} + 255), (i32x16){0}));
  }
  *row = (small_row){zero[0], place, i32_nearest(f32_all(numbers[place] * factor))[0]};
  return scale;
}

/// row (dims,) = (row + other), moved to mean 0 and variance 1, times gain plus bias. other may be NULL.
static void add_and_norm(float *row, const float *other, const float *gain, const float *bias, size_t dims,
                         float epsilon) {
  f32x16 total = f32_all(0);
  for (size_t i = 0; i < dims; i += 16) {
    f32x16 x = f32_load(row + i);
    if (other) x += f32_load(other + i);
    f32_store(row + i, x);
    total += x;
  }
  float mean = f32_sum(total) / (float)dims;
  f32x16 squares = f32_all(0);
  for (size_t i = 0; i < dims; i += 16) {
    f32x16 x = f32_load(row + i) - mean;
    squares += x * x;
  }
  float scale = 1.0f / __builtin_elementwise_sqrt(f32_sum(squares) / (float)dims + epsilon);
  for (size_t i = 0; i < dims; i += 16) {
    f32x16 x = (f32_load(row + i) - mean) * scale;
    f32_store(row + i, x * f32_load(gain + i) + f32_load(bias + i));
  }
}

/// scores (count,) to shares that are whole numbers and add up to some 65,000; returns what they are to be multiplied by
/// to add up to 1. Behind `count`, up to `padded`, there is nothing, and the shares are 0.
static float shares(float *scores, size_t count, size_t padded, int16_t *whole) {
  for (size_t i = count; i < padded; i++) scores[i] = -1e30f;
  f32x16 largest = f32_load(scores);
  for (size_t i = 16; i < padded; i += 16) largest = f32_max(largest, f32_load(scores + i));
  float top = f32_largest(largest);
  f32x16 total = f32_all(0);
  for (size_t i = 0; i < padded; i += 16) {
    f32x16 share = exponential(f32_load(scores + i) - top);
    f32_store(scores + i, share);
    total += share;
  }
  float sum = f32_sum(total), factor = 65000.0f / sum;
  if (factor > 32767.0f) factor = 32767.0f;
  to_whole(scores, padded, factor, whole);
  return 1.0f / (factor * sum);
}
