// Kernels for AVX-512 with VNNI.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>
#define KIND avx512
#define TILE_ROWS 14
#define TILE_PANELS 2
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,popcnt"))), apply_to = function)
#include "shapes.h"

typedef __m512i sums;

ALWAYS_INLINE i32x16 sums_value(const sums *s) { return (i32x16)*s; }
ALWAYS_INLINE void sums_clear(sums *s) { *s = _mm512_setzero_si512(); }
ALWAYS_INLINE void sums_add(sums *s, const char *weights, const char *pair) {
  // Not _mm512_dpwssd_epi32: clang takes it apart into a multiplication and an addition again, which costs a quarter.
  __m512i both = _mm512_set1_epi32(*(const four_bytes *)pair);
  __asm__("vpdpwssd %1, %2, %0" : "+v"(*s) : "v"(both), "v"(*(const i32x16 *)weights));
}

// A row's numbers of 8 bits: one byte each.
enum { SMALL_ROWS = TILE_ROWS, SMALL_BYTES = 1, SMALL_STEP = 4 * SMALL_BYTES };
ALWAYS_INLINE void put_small(char *at, i32x16 numbers) { *(u8x16 *)at = __builtin_convertvector(numbers, u8x16); }
ALWAYS_INLINE void sums_add_small(sums *s, const char *weights, const char *four) {
  __m512i all = _mm512_set1_epi32(*(const four_bytes *)four);
  __asm__("vpdpbusd %2, %1, %0" : "+v"(*s) : "v"(all), "v"(*(const i32x16 *)weights));
}

/// Adds the products of 64 bytes, none below zero, and of 64 with a sign: four neighbours in a sum.
ALWAYS_INLINE void add_bytes(i32x16 *sums, const uint8_t *numbers, const int8_t *others) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(*sums) : "v"(*(const u8x64 *)numbers), "v"(*(const u8x64 *)others));
}

#include "words.h"
#include "vectors.h"
#include "encoding.h"
#pragma clang attribute pop
#endif
