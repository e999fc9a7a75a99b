// What searching vectors does most often. Bytes are little-endian; no pointer needs to be aligned.
#ifndef CKERNELS_SEARCH_H
#define CKERNELS_SEARCH_H
#include <stddef.h>
#include <stdint.h>

/// Entries that stand side by side in packed codes.
enum { CKERNELS_CODES_ABREAST = 8 };
/// Bits of a query's component; 8 stands for zero.
enum { CKERNELS_QUERY_PLANES = 4 };

/// How near each entry is to a query, by the signs of its components alone.
///
/// scores (groups * 8,) = sum over planes b of 2^b * popcount(plane b & code) - 8 * popcount(code), which grows with the
/// sum of the query's components where the entry's are positive.
/// @param codes (groups, words, 8) of 64 sign bits each: eight entries side by side.
/// @param planes (4, words): bit b of the query's components, each from 0 to 15.
void ckernels_scan_codes(const void *codes, size_t groups, size_t words, const uint64_t *planes, int32_t *scores);

/// query (dims,) . entry (dims,), the entry's components having 4 bits, two a byte, even ones low: from -7.5 to 7.5 in steps
/// of 1, so that none is 0. dims may be odd.
float ckernels_dot_int4(const float *query, const void *entry, size_t dims);

/// query (dims,) . entry (dims,), the entry's components having 12 bits: dims high bytes, then (dims + 1) / 2 bytes with the low
/// four bits of two components each, even ones low; from -2047 to 2047. dims may be odd.
float ckernels_dot_int12(const float *query, const void *entry, size_t dims);
#endif
