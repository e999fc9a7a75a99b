// Kernels for AVX-512 with VNNI and VPOPCNTDQ.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#define KIND avx512
#define TILE_ROWS 6
#define TILE_PANELS 4
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq,popcnt"))), apply_to = function)
#include "shapes.h"

typedef __m512i sums;

ALWAYS_INLINE void sums_clear(sums *s) { *s = _mm512_setzero_si512(); }
ALWAYS_INLINE void sums_add(sums *s, const int16_t *weights, int32_t pair) {
  // Not _mm512_dpwssd_epi32: clang takes it apart into a multiplication and an addition again, which costs a quarter.
  __m512i both = _mm512_set1_epi32(pair);
  __asm__("vpdpwssd %1, %2, %0" : "+v"(*s) : "v"(both), "v"(*(const i32x16 *)weights));
}
ALWAYS_INLINE i32x16 sums_value(const sums *s) { return (i32x16)*s; }

static uint32_t hamming(const uint64_t *a, const uint64_t *b, size_t words) {
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < words; i += 8) {
    __mmask8 mask = words - i >= 8 ? 0xFF : (__mmask8)((1u << (words - i)) - 1);
    __m512i x = _mm512_maskz_loadu_epi64(mask, a + i), y = _mm512_maskz_loadu_epi64(mask, b + i);
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
  }
  return (uint32_t)_mm512_reduce_add_epi64(sum);
}
// Bytes without sign times bytes with: a is moved up by 128, and 128 times the sum of b taken off again.
static int32_t dot_i8(const int8_t *a, const int8_t *b, size_t count) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  __m512i sum = _mm512_setzero_si512(), excess = _mm512_setzero_si512();
  for (size_t i = 0; i < count; i += 64) {
    __mmask64 mask = count - i >= 64 ? ~0ull : (1ull << (count - i)) - 1;
    __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, a + i), flip), y = _mm512_maskz_loadu_epi8(mask, b + i);
    sum = _mm512_dpbusd_epi32(sum, x, y);
    excess = _mm512_dpbusd_epi32(excess, flip, y);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, excess));
}

#include "comparing.h"
#include "encoding.h"
#pragma clang attribute pop
#endif
