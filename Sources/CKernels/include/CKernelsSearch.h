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
void ckernels_scan_codes(const void *_Nonnull codes, size_t groups, size_t words, const uint64_t *_Nonnull planes,
                         int32_t *_Nonnull scores);

/// Dims of a query in whole numbers, at most.
enum { CKERNELS_QUERY_DIMS_MOST = 1 << 16 };

/// A query in whole numbers of 16 bits, of fewer where it has more than 4,386 dims. Borrows its parts.
typedef struct {
  size_t dims;
  const int8_t *_Nonnull parts;  // [128 dims][even, odd][high, low][64]: a number is 256 times its high part and its low one
  float factor;                  // what the numbers are to be multiplied by
  int32_t total;                 // the numbers added up
} ckernels_query;

/// Bytes that a query's parts take.
size_t ckernels_query_bytes(size_t dims);
/// query = numbers (dims,), none further from its number than half of the largest of all / 32,512, of 65,536 dims / 2,056. All zeros
/// where one is no number or is beyond 3.4e38, where none reaches 1e-30, and beyond CKERNELS_QUERY_DIMS_MOST.
void ckernels_make_query(const float *_Nonnull numbers, size_t dims, int8_t *_Nonnull parts, ckernels_query *_Nonnull query);
/// query (dims,) . entry (dims,), the entry's components having 4 bits, two a byte, even ones low: from -7.5 to 7.5 in steps
/// of 1, so that none is 0. dims may be odd; then the last four bits are not read as a component.
float ckernels_dot_int4(const ckernels_query *_Nonnull query, const void *_Nonnull entry);

/// query (dims,) . entry (dims,), the entry's components having 12 bits: dims high bytes, then (dims + 1) / 2 bytes with the low
/// four bits of two components each, even ones low; from -2047 to 2047. dims may be odd.
float ckernels_dot_int12(const float *_Nonnull query, const void *_Nonnull entry, size_t dims);
#endif
