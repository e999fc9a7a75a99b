// What the files of one kind share: vectors of sixteen, and names that end in the kind.
#include "CKernels.h"
#include "kinds.h"
#include <string.h>

// Vectors wider than the processor's are only ever handed to functions that are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)

// Sixteen numbers side by side, however many the processor takes at once.
typedef float f32x16 __attribute__((vector_size(64), aligned(2), may_alias));
typedef int32_t i32x16 __attribute__((vector_size(64), aligned(2), may_alias));
typedef int16_t i16x16 __attribute__((vector_size(32), aligned(2), may_alias));
typedef uint8_t u8x16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef int8_t i8x16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t u8x32 __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint8_t u8x64 __attribute__((vector_size(64), aligned(1), may_alias));
/// Neighbours of four bytes together, taken as one.
typedef int32_t four_bytes __attribute__((aligned(2), may_alias));

ALWAYS_INLINE f32x16 f32_load(const float *at) { return *(const f32x16 *)at; }
ALWAYS_INLINE void f32_store(float *at, f32x16 value) { *(f32x16 *)at = value; }
ALWAYS_INLINE f32x16 f32_all(float value) {
  return (f32x16){value, value, value, value, value, value, value, value,
                  value, value, value, value, value, value, value, value};
}
// A row's numbers of 8 bits where no instruction multiplies bytes: 16 bits each, of every four the even ones before the odd ones,
// pairs as those that weights are taken apart into.
enum { PAIRED_BYTES = 2 };
ALWAYS_INLINE void put_paired(char *at, i32x16 numbers) {
  i32x16 paired = __builtin_shufflevector(numbers, numbers, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
  *(i16x16 *)at = __builtin_convertvector(paired, i16x16);
}
/// Both, one behind the other: written at once they can be read at once.
ALWAYS_INLINE u8x64 u8_join(u8x32 first, u8x32 second) {
  return __builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
                                 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63);
}
/// The first where the mask is all ones, the second where it is zero.
ALWAYS_INLINE f32x16 f32_select(i32x16 mask, f32x16 a, f32x16 b) {
  return (f32x16)((mask & (i32x16)a) | (~mask & (i32x16)b));
}
ALWAYS_INLINE f32x16 f32_min(f32x16 a, f32x16 b) { return f32_select(a < b, a, b); }
ALWAYS_INLINE f32x16 f32_max(f32x16 a, f32x16 b) { return f32_select(a > b, a, b); }
ALWAYS_INLINE i32x16 i32_min(i32x16 a, i32x16 b) { return ((a < b) & a) | (~(a < b) & b); }
ALWAYS_INLINE i32x16 i32_max(i32x16 a, i32x16 b) { return ((a > b) & a) | (~(a > b) & b); }
ALWAYS_INLINE f32x16 f32_abs(f32x16 value) { return (f32x16)((i32x16)value & 0x7FFFFFFF); }
typedef float f32x8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float f32x4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float f32x2 __attribute__((vector_size(8), aligned(4), may_alias));
/// The sixteen added up, always in the same order: halves onto halves.
ALWAYS_INLINE float f32_sum(f32x16 v) {
  f32x8 eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  f32x4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  f32x2 two = __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
  return two[0] + two[1];
}
/// The sixteen added up.
ALWAYS_INLINE int32_t i32_sum(i32x16 v) { return __builtin_reduce_add(v); }
/// sums (4,): each of four added up. Where one alone takes four steps, all of them take five.
ALWAYS_INLINE void i32_sums(const i32x16 *four, int32_t *sums) {
#define PAIR(a, b) \
  (__builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) + \
   __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31))
  i32x16 first = PAIR(four[0], four[1]), second = PAIR(four[2], four[3]);
#undef PAIR
  // Of every four: two of the first, two of the second, two of the third, two of the fourth.
  i32x16 all = __builtin_shufflevector(first, second, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
               __builtin_shufflevector(first, second, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  typedef int32_t i32x8_ __attribute__((vector_size(32)));
  typedef int32_t i32x4_ __attribute__((vector_size(16), aligned(4), may_alias));
  i32x8_ eight = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
  *(i32x4_ *)sums = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
}
ALWAYS_INLINE float f32_largest(f32x16 v) {
  float part[16];
  memcpy(part, &v, sizeof part);
  for (int width = 8; width; width /= 2)
    for (int i = 0; i < width; i++) part[i] = part[i] > part[i + width] ? part[i] : part[i + width];
  return part[0];
}
// 1.5 * 2^23: a number below 2^22 that is added to it is rounded to a whole one, half to even, in the lowest bits.
#define ROUNDING 12582912.0f
/// The nearest whole numbers; |value| is below 2^22.
ALWAYS_INLINE i32x16 i32_nearest(f32x16 value) { return (i32x16)(value + ROUNDING) - (i32x16)f32_all(ROUNDING); }
