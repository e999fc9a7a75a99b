// Chooses the kind of kernels once, and calls it.
#include "CKernels.h"
#include "kinds.h"
#include <stdatomic.h>

ckernels_kind ckernels_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
    return ckernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt")) return ckernels_avx2;
#endif
  return ckernels_plain;
}

const ckernels_table *ckernels_of(ckernels_kind kind) {
  ckernels_kind best = ckernels_best();
  if (kind > best) kind = best;
#if defined(__x86_64__)
  if (kind == ckernels_avx512) return &ckernels_avx512_table;
  if (kind == ckernels_avx2) return &ckernels_avx2_table;
#endif
  return &ckernels_plain_table;
}

/// The functions of the best kind, looked for once. Threads that look at the same time find the same.
static inline const ckernels_table *table(void) {
  static const ckernels_table *_Atomic found;
  const ckernels_table *known = atomic_load_explicit(&found, memory_order_relaxed);
  if (known) return known;
  known = ckernels_of(ckernels_best());
  atomic_store_explicit(&found, known, memory_order_relaxed);
  return known;
}

int ckernels_encode(const ckernels_encoder *model, const int32_t *ids, size_t count, void *workspace,
                    const uint32_t *bounds, size_t parts, float *sums) {
  return table()->encode(model, ids, count, workspace, bounds, parts, sums);
}
float ckernels_word_length(const ckernels_encoder *model, const int32_t *ids, size_t pieces) {
  return table()->word_length(model, ids, pieces);
}
void ckernels_compare_words(const ckernels_encoder *model, const int32_t *pieces, const uint32_t *bounds, const float *lengths,
                            const int32_t *words, size_t count, const float *terms, size_t term_count, float *cosines) {
  table()->compare_words(model, pieces, bounds, lengths, words, count, terms, term_count, cosines);
}
float ckernels_dot_int4(const ckernels_query *query, const void *entry) { return table()->dot_int4(query, entry); }
