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
ALWAYS_INLINE void sums_add(sums *s, const char *weights, const char *pair) {
  i32x8 both = (i32x8){0} + *(const four_bytes *)pair;
  s->low += (i32x8)__builtin_ia32_pmaddwd256(*(const i16x8x2 *)weights, (i16x8x2)both);
  s->high += (i32x8)__builtin_ia32_pmaddwd256(*(const i16x8x2 *)(weights + 32), (i16x8x2)both);
}

// Four rows, for weights that are taken apart want registers, too.
enum { SMALL_ROWS = 4, SMALL_BYTES = PAIRED_BYTES, SMALL_STEP = 4 * SMALL_BYTES };
ALWAYS_INLINE void put_small(char *at, i32x16 numbers) { put_paired(at, numbers); }
/// Four products a channel: those of the even bytes, and those of the odd ones.
ALWAYS_INLINE i32x8 four_products(i16x8x2 weights, i32x8 even, i32x8 odd) {
  return (i32x8)__builtin_ia32_pmaddwd256((weights << 8) >> 8, (i16x8x2)even) +
         (i32x8)__builtin_ia32_pmaddwd256(weights >> 8, (i16x8x2)odd);
}
ALWAYS_INLINE void sums_add_small(sums *s, const char *weights, const char *four) {
  i32x8 even = (i32x8){0} + *(const four_bytes *)four, odd = (i32x8){0} + *(const four_bytes *)(four + 4);
  s->low += four_products(*(const i16x8x2 *)weights, even, odd);
  s->high += four_products(*(const i16x8x2 *)(weights + 32), even, odd);
}
ALWAYS_INLINE i32x16 sums_value(const sums *s) {
  i32x16 value;
  memcpy(&value, s, sizeof value);
  return value;
}

/// Adds the products of 64 bytes from 0 to 15 and of 64 with a sign: four neighbours in a sum.
ALWAYS_INLINE i32x8 byte_products(const uint8_t *numbers, const int8_t *others) {
  typedef char i8x32 __attribute__((vector_size(32), aligned(1), may_alias));
  i16x8x2 pairs = __builtin_ia32_pmaddubsw256(*(const i8x32 *)numbers, *(const i8x32 *)others);
  return (i32x8)__builtin_ia32_pmaddwd256(pairs, (i16x8x2){0} + 1);
}
ALWAYS_INLINE void add_bytes(i32x16 *sums, const uint8_t *numbers, const int8_t *others) {
  *sums += __builtin_shufflevector(byte_products(numbers, others), byte_products(numbers + 32, others + 32), 0, 1, 2, 3, 4, 5, 6,
                                   7, 8, 9, 10, 11, 12, 13, 14, 15);
}

#include "words.h"
#include "vectors.h"
#include "encoding.h"
#pragma clang attribute pop
#endif
