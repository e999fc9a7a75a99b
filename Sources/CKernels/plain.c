// Kernels for what every x86-64 (SSE2), every arm64 (NEON) and any other processor has.
#pragma STDC FP_CONTRACT OFF
#define KIND plain
#define TILE_ROWS 2
#define TILE_PANELS 1
#include "shapes.h"

#if defined(__SSE2__)
typedef int32_t i32x4 __attribute__((vector_size(16), aligned(2), may_alias));
typedef int16_t i16x8 __attribute__((vector_size(16), aligned(2), may_alias));
typedef struct { i32x4 part[4]; } sums;

ALWAYS_INLINE void sums_add(sums *s, const int16_t *weights, int32_t pair) {
  i32x4 both = (i32x4){0} + pair;
  const i16x8 *w = (const i16x8 *)weights;
  s->part[0] += (i32x4)__builtin_ia32_pmaddwd128(w[0], (i16x8)both);
  s->part[1] += (i32x4)__builtin_ia32_pmaddwd128(w[1], (i16x8)both);
  s->part[2] += (i32x4)__builtin_ia32_pmaddwd128(w[2], (i16x8)both);
  s->part[3] += (i32x4)__builtin_ia32_pmaddwd128(w[3], (i16x8)both);
}
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef struct { int32x4_t part[4]; } sums;

ALWAYS_INLINE void sums_add(sums *s, const int16_t *weights, int32_t pair) {
  int16x8_t both = vreinterpretq_s16_s32(vdupq_n_s32(pair));
  for (int i = 0; i < 4; i++) {
    int16x8_t w = vld1q_s16(weights + 8 * i);
    int32x4_t low = vmull_s16(vget_low_s16(w), vget_low_s16(both)), high = vmull_high_s16(w, both);
    s->part[i] = vaddq_s32(s->part[i], vpaddq_s32(low, high));
  }
}
#else
typedef struct { int32_t part[16]; } sums;

ALWAYS_INLINE void sums_add(sums *s, const int16_t *weights, int32_t pair) {
  int16_t both[2];
  memcpy(both, &pair, sizeof both);
  for (int i = 0; i < 16; i++) s->part[i] += weights[2 * i] * both[0] + weights[2 * i + 1] * both[1];
}
#endif

ALWAYS_INLINE void sums_clear(sums *s) { memset(s, 0, sizeof *s); }
ALWAYS_INLINE i32x16 sums_value(const sums *s) {
  i32x16 value;
  memcpy(&value, s, sizeof value);
  return value;
}

#include "words.h"
#include "encoding.h"
