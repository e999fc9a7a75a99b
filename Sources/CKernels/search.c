// Scans of sign codes and dot products with small integers, compiled for several processors and chosen at load.
#include "CKernelsSearch.h"
#include <string.h>

// Which clone is taken is asked before a thread sanitizer has begun, and it would watch the asking.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_WATCHED
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(IS_WATCHED)
// By features, never by a processor's name: other makers' have them too.
#define CLONES __attribute__((target_clones("avx512vpopcntdq", "avx2", "default")))
#else
#define CLONES
#endif

CLONES void ckernels_scan_codes(
    const void *codes, size_t groups, size_t words, const uint64_t *planes, int32_t *scores) {
  const unsigned char *next = codes;
  for (size_t group = 0; group < groups; group++) {
    uint64_t sums[CKERNELS_CODES_ABREAST] = {0}, counts[CKERNELS_CODES_ABREAST] = {0};
    for (size_t word = 0; word < words; word++) {
      uint64_t code[CKERNELS_CODES_ABREAST];
      memcpy(code, next, sizeof code);
      next += sizeof code;
      for (size_t entry = 0; entry < CKERNELS_CODES_ABREAST; entry++) {
        sums[entry] += (uint64_t)__builtin_popcountll(code[entry] & planes[word])
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[words + word]) << 1)
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[2 * words + word]) << 2)
            + ((uint64_t)__builtin_popcountll(code[entry] & planes[3 * words + word]) << 3);
        counts[entry] += (uint64_t)__builtin_popcountll(code[entry]);
      }
    }
    for (size_t entry = 0; entry < CKERNELS_CODES_ABREAST; entry++)
      scores[group * CKERNELS_CODES_ABREAST + entry] = (int32_t)sums[entry] - 8 * (int32_t)counts[entry];
  }
}

// Sums side by side, in one order on every processor: the same bytes give the same float everywhere.
enum { LANES = 16 };

static float total(const float *lanes) {
  float sum = 0;
  for (size_t lane = 0; lane < LANES; lane++) sum += lanes[lane];
  return sum;
}

CLONES float ckernels_dot_int4(const float *query, const void *entry, size_t dims) {
  const unsigned char *bytes = entry;
  float lanes[LANES] = {0};
  size_t place = 0;
  for (; place + LANES <= dims; place += LANES)
    for (size_t lane = 0; lane < LANES; lane++) {
#pragma clang fp contract(off)
      int level = bytes[(place + lane) / 2] >> (4 * (lane & 1)) & 15;
      lanes[lane] += query[place + lane] * ((float)level - 7.5f);
    }
  for (size_t lane = 0; place < dims; place++, lane++) {
#pragma clang fp contract(off)
    int level = bytes[place / 2] >> (4 * (place & 1)) & 15;
    lanes[lane] += query[place] * ((float)level - 7.5f);
  }
  return total(lanes);
}

CLONES float ckernels_dot_int12(const float *query, const void *entry, size_t dims) {
  const signed char *high = entry;
  const unsigned char *low = (const unsigned char *)entry + dims;
  float lanes[LANES] = {0};
  size_t place = 0;
  for (; place + LANES <= dims; place += LANES)
    for (size_t lane = 0; lane < LANES; lane++) {
#pragma clang fp contract(off)
      int small = low[(place + lane) / 2] >> (4 * (lane & 1)) & 15;
      lanes[lane] += query[place + lane] * (float)(high[place + lane] * 16 + small);
    }
  for (size_t lane = 0; place < dims; place++, lane++) {
#pragma clang fp contract(off)
    int small = low[place / 2] >> (4 * (place & 1)) & 15;
    lanes[lane] += query[place] * (float)(high[place] * 16 + small);
  }
  return total(lanes);
}
