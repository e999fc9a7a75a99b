// The best k of many scores: a heap of k whose root is the worst that is still among them.
#include "CKernels.h"

/// Moves the worst entry of the heap below `parent` into its place. WORSE(x, y): whether row x ranks behind row y.
#define SIFT(NAME, TYPE, WORSE)                                                                                    \
  static void sift_##NAME(const TYPE *scores, uint32_t *heap, size_t count, size_t parent) {                       \
    uint32_t moving = heap[parent];                                                                                \
    for (size_t child; (child = 2 * parent + 1) < count; parent = child) {                                         \
      if (child + 1 < count && WORSE(heap[child + 1], heap[child])) child++;                                       \
      if (!WORSE(heap[child], moving)) break;                                                                      \
      heap[parent] = heap[child];                                                                                  \
    }                                                                                                              \
    heap[parent] = moving;                                                                                         \
  }

/// Keeps k rows while scanning, then sorts them in place, best first. IS_NUMBER(x): whether row x may be among them.
#define TOP(NAME, TYPE, WORSE, IS_NUMBER, BEATS)                                                                   \
  SIFT(NAME, TYPE, WORSE)                                                                                          \
  size_t ckernels_##NAME(const TYPE *scores, size_t rows, size_t k, uint32_t *indices) {                           \
    size_t kept = 0, row = 0;                                                                                      \
    if (!k) return 0;                                                                                              \
    for (; row < rows && kept < k; row++)                                                                          \
      if (IS_NUMBER(row)) indices[kept++] = (uint32_t)row;                                                         \
    for (size_t parent = kept / 2; parent-- > 0;) sift_##NAME(scores, indices, kept, parent);                      \
    for (; row < rows; row++)                                                                                      \
      if (scores[row] BEATS scores[indices[0]]) {                                                                  \
        indices[0] = (uint32_t)row;                                                                                \
        sift_##NAME(scores, indices, kept, 0);                                                                     \
      }                                                                                                            \
    for (size_t left = kept; left > 1; left--) {                                                                   \
      uint32_t worst = indices[0];                                                                                 \
      indices[0] = indices[left - 1];                                                                              \
      sift_##NAME(scores, indices, left - 1, 0);                                                                   \
      indices[left - 1] = worst;                                                                                   \
    }                                                                                                              \
    return kept;                                                                                                   \
  }

#define SMALLER(x, y) (scores[x] < scores[y] || (scores[x] == scores[y] && (x) > (y)))
#define FARTHER(x, y) (scores[x] > scores[y] || (scores[x] == scores[y] && (x) > (y)))
#define ALWAYS(x) 1
#define ORDERED(x) (scores[x] == scores[x])

// A later row with an equal score ranks behind, so only a strictly better one gets in.
TOP(top_f32, float, SMALLER, ORDERED, >)
TOP(top_i32, int32_t, SMALLER, ALWAYS, >)
TOP(nearest_u16, uint16_t, FARTHER, ALWAYS, <)
