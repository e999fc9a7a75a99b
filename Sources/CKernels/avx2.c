// Kernels for AVX2.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#define KIND avx2
#define TILE_ROWS 6
#define TILE_PANELS 1
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#include "shapes.h"

// Bare vectors and builtins, not the functions of immintrin.h: without optimization those cost tens of copies each.
typedef int32_t i32x8 __attribute__((vector_size(32), aligned(2), may_alias));
typedef int16_t i16x8x2 __attribute__((vector_size(32), aligned(2), may_alias));
typedef struct { i32x8 low, high; } sums;

ALWAYS_INLINE void sums_clear(sums *s) { s->low = s->high = (i32x8){0}; }
ALWAYS_INLINE void sums_add(sums *s, const int16_t *weights, int32_t pair) {
  i32x8 both = (i32x8){0} + pair;
  s->low += (i32x8)__builtin_ia32_pmaddwd256(*(const i16x8x2 *)weights, (i16x8x2)both);
  s->high += (i32x8)__builtin_ia32_pmaddwd256(*(const i16x8x2 *)(weights + 16), (i16x8x2)both);
}
ALWAYS_INLINE i32x16 sums_value(const sums *s) {
  i32x16 value;
  memcpy(&value, s, sizeof value);
  return value;
}

static uint32_t hamming(const uint64_t *a, const uint64_t *b, size_t words) {
  uint32_t count = 0;
  for (size_t i = 0; i < words; i++) count += (uint32_t)__builtin_popcountll(a[i] ^ b[i]);
  return count;
}
static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t count) {
  __m256i sum = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(a + i)));
    __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(b + i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
  }
  int32_t parts[8], total = 0;
  memcpy(parts, &sum, sizeof parts);
  for (int part = 0; part < 8; part++) total += parts[part];
  for (; i < count; i++) total += a[i] * b[i];
  return total;
}

#include "comparing.h"
#include "encoding.h"
#pragma clang attribute pop
#endif
