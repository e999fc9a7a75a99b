// Dot products and scans of one kind. Included by each kind's file, behind its dot_i8 and hamming.

static float dot_f32(const float *a, const float *b, size_t count) {
  f32x16 first = f32_all(0), second = f32_all(0);
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    first += f32_load(a + i) * f32_load(b + i);
    second += f32_load(a + i + 16) * f32_load(b + i + 16);
  }
  float sum = f32_sum(first + second);
  for (; i < count; i++) sum += a[i] * b[i];
  return sum;
}
static void scan_f32(const float *matrix, size_t rows, size_t count, const float *vector, float *scores) {
  for (size_t row = 0; row < rows; row++) scores[row] = dot_f32(matrix + row * count, vector, count);
}
static void scan_i8(const int8_t *matrix, size_t rows, size_t count, const int8_t *vector, int32_t *scores) {
  for (size_t row = 0; row < rows; row++) scores[row] = dot_i8(matrix + row * count, vector, count);
}
static void scan_hamming(const uint64_t *codes, size_t rows, size_t words, const uint64_t *code, uint16_t *distances) {
  // 384 bits are what the embedded model makes: a count that is known is unrolled.
  if (words == 6)
    for (size_t row = 0; row < rows; row++) distances[row] = (uint16_t)hamming(codes + row * 6, code, 6);
  else
    for (size_t row = 0; row < rows; row++) distances[row] = (uint16_t)hamming(codes + row * words, code, words);
}
