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

/// The same to within 9e-5 up to 66, and to 1.4e-6 of the number beyond, without a division: what is rounded to 8 bits then errs by a
/// hundred times as much. Half of the error function as a polynomial whose product with the number errs least (a linear program),
/// from 4.2 on as large as there.
static void gelu_small(float *numbers, size_t count) {
  for (size_t i = 0; i < count; i += 16) {
    f32x16 number = f32_load(numbers + i), x = f32_max(f32_min(number, f32_all(4.2f)), f32_all(-4.2f)), square = x * x;
    f32x16 p = square * -9.017568142e-10f + 7.941356108e-08f;
    p = p * square + -3.037933592e-06f;
    p = p * square + 6.689068013e-05f;
    p = p * square + -9.506569532e-04f;
    p = p * square + 9.298224706e-03f;
    p = p * square + -6.552818612e-02f;
    p = p * square + 3.984658525e-01f;
    f32_store(numbers + i, number * (x * p + 0.5f));
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

/// The two largest of what was met, lane by lane.
typedef struct { f32x16 first, second; } two_largest;

ALWAYS_INLINE void meet(two_largest *two, f32x16 x) {
  two->second = f32_max(two->second, f32_min(two->first, x));
  two->first = f32_max(two->first, x);
}

/// The largest without `top`, which is met once more than is wanted.
ALWAYS_INLINE float largest_but(two_largest two, float top) {
  float first[16];
  memcpy(first, &two.first, sizeof first);
  int lane = 0;
  while (first[lane] != top) lane++;
  two.first[lane] = two.second[lane];
  return f32_largest(two.first);
}

/// Sixteen numbers as whole ones from 0 to 255.
ALWAYS_INLINE void put_whole(f32x16 x, float factor, i32x16 zero, char *whole) {
  // Two that were rounded can be one beside the range.
  i32x16 number = i32_nearest(x * factor) + zero;
  put_small(whole, i32_max(i32_min(number, (i32x16){0} + 255), (i32x16){0}));
}

/// numbers (count,) as whole numbers of 8 bits, and what else makes their row (layout.h); returns what these are to be multiplied
/// by. The largest stands by itself: often it is many times as large as all others, which are rounded more finely without it.
static float quantize_small(const float *numbers, size_t count, char *whole, small_row *row) {
  const i32x16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  two_largest above = {f32_all(0), f32_all(0)}, below = above;
  for (size_t i = 0; i < count; i += 16) {
    f32x16 x = f32_load(numbers + i);
    meet(&above, x);
    meet(&below, -x);
  }
  float most = f32_largest(above.first), least = f32_largest(below.first), top = most < least ? least : most;
  *row = (small_row){0};
  // Below this a scale might have no reciprocal, and what it would have for one is not the same on all processors.
  if (!(top > 1e-30f)) {
    memset(whole, 0, count * SMALL_BYTES);
    return 0;
  }
  float standing = most < least ? -least : most;
  if (standing < 0) least = largest_but(below, least);
  else most = largest_but(above, most);
  float scale = (most + least) / 255.0f;
  // However small all others are, the largest stays a whole number whose products fit.
  if (scale < top / SMALL_TOP) scale = top / SMALL_TOP;
  float factor = 1.0f / scale;
  i32x16 zero = i32_nearest(f32_all(least * factor));
  size_t own = 0, place;
  while (!__builtin_reduce_or(f32_load(numbers + own) == standing)) own += 16;
  for (place = own; numbers[place] != standing;) place++;
  for (size_t i = 0; i < count; i += 16) put_whole(f32_load(numbers + i), factor, zero, whole + i * SMALL_BYTES);
  f32x16 others = f32_select(lanes == (int32_t)(place - own), f32_all(0), f32_load(numbers + own));
  put_whole(others, factor, zero, whole + own * SMALL_BYTES);
  *row = (small_row){zero[0], (int32_t)place, i32_nearest(f32_all(standing * factor))[0]};
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

/// scores (rows, padded) to shares that are whole numbers and of each row add up to some 65,000; scales (rows,) are what they are to
/// be multiplied by to add up to 1. Behind `count` of a row there is nothing, and the shares are 0. Step by step for all rows: those of
/// one row wait for each other.
static void shares(float *scores, size_t rows, size_t count, size_t padded, int16_t *whole, float *scales) {
  const i32x16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const size_t last = padded - 16;
  const i32x16 is_there = lanes < (int32_t)(count - last);
  float tops[query_rows], sums[query_rows];
  for (size_t row = 0; row < rows; row++) {
    const float *own = scores + row * padded;
    f32x16 largest = f32_select(is_there, f32_load(own + last), f32_all(-1e30f));
    for (size_t i = 0; i < last; i += 16) largest = f32_max(largest, f32_load(own + i));
    tops[row] = f32_largest(largest);
  }
  for (size_t row = 0; row < rows; row++) {
    float *own = scores + row * padded;
    f32x16 total = f32_all(0);
    for (size_t i = 0; i < padded; i += 16) {
      f32x16 share = exponential((i < last ? f32_load(own + i) : f32_select(is_there, f32_load(own + i), f32_all(-1e30f))) - tops[row]);
      f32_store(own + i, share);
      total += share;
    }
    sums[row] = f32_sum(total);
  }
  for (size_t row = 0; row < rows; row++) {
    float factor = 65000.0f / sums[row];
    if (factor > 32767.0f) factor = 32767.0f;
    to_whole(scores + row * padded, padded, factor, whole + row * padded);
    scales[row] = 1.0f / (factor * sums[row]);
  }
}
