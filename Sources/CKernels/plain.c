// Kernels for what every x86-64 (SSE2), every arm64 (NEON) and any other processor has.
#pragma STDC FP_CONTRACT OFF
#define KIND plain
#define TILE_ROWS 2
#define TILE_PANELS 1
#include "shapes.h"

enum { SMALL_ROWS = TILE_ROWS, SMALL_BYTES = PAIRED_BYTES, SMALL_STEP = 4 * SMALL_BYTES };
ALWAYS_INLINE void put_small(char *at, i32x16 numbers) { put_paired(at, numbers); }

#if defined(__SSE2__)
typedef int32_t i32x4 __attribute__((vector_size(16), aligned(2), may_alias));
typedef int16_t i16x8 __attribute__((vector_size(16), aligned(2), may_alias));
typedef struct { i32x4 part[4]; } sums;

ALWAYS_INLINE void sums_add(sums *s, const char *weights, const char *pair) {
  i32x4 both = (i32x4){0} + *(const four_bytes *)pair;
  const i16x8 *w = (const i16x8 *)weights;
  s->part[0] += (i32x4)__builtin_ia32_pmaddwd128(w[0], (i16x8)both);
  s->part[1] += (i32x4)__builtin_ia32_pmaddwd128(w[1], (i16x8)both);
  s->part[2] += (i32x4)__builtin_ia32_pmaddwd128(w[2], (i16x8)both);
  s->part[3] += (i32x4)__builtin_ia32_pmaddwd128(w[3], (i16x8)both);
}
ALWAYS_INLINE void sums_add_small(sums *s, const char *weights, const char *four) {
  i16x8 even = (i16x8)((i32x4){0} + *(const four_bytes *)four), odd = (i16x8)((i32x4){0} + *(const four_bytes *)(four + 4));
  const i16x8 *w = (const i16x8 *)weights;
  for (int i = 0; i < 4; i++)
    s->part[i] += (i32x4)__builtin_ia32_pmaddwd128((w[i] << 8) >> 8, even) + (i32x4)__builtin_ia32_pmaddwd128(w[i] >> 8, odd);
}
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef struct { int32x4_t part[4]; } sums;

/// The products of two neighbours each, added up.
ALWAYS_INLINE int32x4_t pair_products(int16x8_t a, int16x8_t b) {
  return vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
ALWAYS_INLINE void sums_add(sums *s, const char *weights, const char *pair) {
  int16x8_t both = vreinterpretq_s16_s32(vdupq_n_s32(*(const four_bytes *)pair));
  for (int i = 0; i < 4; i++)
    s->part[i] = vaddq_s32(s->part[i], pair_products(vreinterpretq_s16_s8(vld1q_s8((const int8_t *)weights + 16 * i)), both));
}
ALWAYS_INLINE void sums_add_small(sums *s, const char *weights, const char *four) {
  int16x8_t even = vreinterpretq_s16_s32(vdupq_n_s32(*(const four_bytes *)four));
  int16x8_t odd = vreinterpretq_s16_s32(vdupq_n_s32(*(const four_bytes *)(four + 4)));
  for (int i = 0; i < 4; i++) {
    int16x8_t w = vreinterpretq_s16_s8(vld1q_s8((const int8_t *)weights + 16 * i));
    int32x4_t products = vaddq_s32(pair_products(vshrq_n_s16(vshlq_n_s16(w, 8), 8), even), pair_products(vshrq_n_s16(w, 8), odd));
    s->part[i] = vaddq_s32(s->part[i], products);
  }
}
#else
typedef struct { int32_t part[16]; } sums;

ALWAYS_INLINE void sums_add(sums *s, const char *weights, const char *pair) {
  const int16_t *both = (const int16_t *)pair, *w = (const int16_t *)weights;
  for (int i = 0; i < 16; i++) s->part[i] += w[2 * i] * both[0] + w[2 * i + 1] * both[1];
}
ALWAYS_INLINE void sums_add_small(sums *s, const char *weights, const char *four) {
  const int16_t *all = (const int16_t *)four;
  const int8_t *w = (const int8_t *)weights;
  for (int i = 0; i < 16; i++)
    s->part[i] += w[4 * i] * all[0] + w[4 * i + 2] * all[1] + w[4 * i + 1] * all[2] + w[4 * i + 3] * all[3];
}
#endif

ALWAYS_INLINE void sums_clear(sums *s) { memset(s, 0, sizeof *s); }
ALWAYS_INLINE i32x16 sums_value(const sums *s) {
  i32x16 value;
  memcpy(&value, s, sizeof value);
  return value;
}

/// Adds the products of 64 bytes from 0 to 15 and of 64 with a sign.
ALWAYS_INLINE void add_bytes(i32x16 *sums, const uint8_t *numbers, const int8_t *others) {
  for (int i = 0; i < 64; i += 16) {
    i16x16 products = __builtin_convertvector(*(const u8x16 *)(numbers + i), i16x16) *
                      __builtin_convertvector(*(const i8x16 *)(others + i), i16x16);
    *sums += __builtin_convertvector(products, i32x16);
  }
}

#include "words.h"
#include "vectors.h"
#include "encoding.h"
