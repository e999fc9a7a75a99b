// The functions of each kind of kernels: one file a kind.
#ifndef KINDS_H
#define KINDS_H

#include "CKernels.h"

extern const ckernels_table ckernels_plain_table;
#if defined(__x86_64__)
extern const ckernels_table ckernels_avx2_table, ckernels_avx512_table;
#endif

#endif
