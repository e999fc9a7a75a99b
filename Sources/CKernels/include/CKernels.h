// The loops that Swift is measurably slower at: searching vectors, running a text through a BERT, and reading a stream.
//
// Every function on vectors exists several times, for what the processor has: AVX-512 with VNNI, AVX2, or what every x86-64 or arm64
// has. The functions here take the best one at run time; `ckernels_of` gives another. All of them give the same bits:
// products of whole numbers are exact, and numbers with a point are added and multiplied in one order, never fused.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CKernelsFrames.h"
#include "CKernelsSearch.h"

/// The kinds of kernels, worst first.
typedef enum { ckernels_plain = 0, ckernels_avx2 = 1, ckernels_avx512 = 2 } ckernels_kind;

/// The best kind that this processor runs.
ckernels_kind ckernels_best(void);

// The encoder: a BERT whose weights are whole numbers of 13 bits, or of 8 (Scripts/convert-model.py documents the layout).

/// Dims of a model, at most; pieces that go through the dense layers together.
enum { CKERNELS_DIMS_MOST = 4096, CKERNELS_BLOCK = 48 };

/// Pieces of a word that is compared by itself, at most.
enum { CKERNELS_PIECES_MOST = 16 };

/// How the weights of a model are come by.
typedef enum {
  ckernels_mapped = 0,  // they are in memory, or come there by being touched
  ckernels_near = 1,    // they are in memory: the next ones are fetched while some are multiplied; else each try is a walk for nothing
  ckernels_read = 2,    // from a file, some at a time: a third of what touching them all would cost, for who encodes one short text
} ckernels_source;

/// Where the parts of a model are. Borrowed: whoever calls keeps them alive, 64-byte aligned.
typedef struct {
  uint32_t dims, layers, heads, inner, positions, vocabulary;
  float epsilon;
  const int16_t *_Nonnull words;        // (vocabulary, dims)
  const float *_Nonnull word_scales;    // (vocabulary,)
  const float *_Nonnull position_rows;  // (positions, dims)
  const float *_Nonnull vectors;        // scales, biases and norms
  const int16_t *_Nonnull weights;      // packed
  const uint8_t *_Nullable near_words;  // (vocabulary, 4 + dims / 2): the words in four bits; NULL where there are none
  // The weights once more in 8 bits, which take half the memory and, with VNNI, half the products; where they are there, they are taken.
  const int8_t *_Nullable small_weights;  // packed
  const float *_Nullable small_scales;    // (channels,)
  const int32_t *_Nullable small_totals;  // (channels,): a channel's weights added up
  ckernels_source source;
  int32_t file;                   // if weights are read: an open file,
  const void *_Nullable start;    // and where its first byte would be
} ckernels_encoder;

/// How many numbers `vectors` and `weights` hold, `small_weights` as many.
size_t ckernels_encoder_vector_count(const ckernels_encoder *_Nonnull model);
size_t ckernels_encoder_weight_count(const ckernels_encoder *_Nonnull model);
/// How many channels all dense layers have together.
size_t ckernels_encoder_channel_count(const ckernels_encoder *_Nonnull model);
/// Whether the shape is one that the kernels can run: dims and inner multiples of 64, heads of 32 dims.
int ckernels_encoder_can_run(const ckernels_encoder *_Nonnull model);
/// Bytes of working memory for `count` pieces.
size_t ckernels_encoder_workspace(const ckernels_encoder *_Nonnull model, size_t count);
/// sums (parts, dims) = the last layer's rows (count, dims) added up part by part: their means but for their lengths. Part p
/// is the rows from bounds[p] to bounds[p + 1], the end not included; bounds (parts + 1,) ascend to `count` at most.
/// 1 <= count <= positions, every id below `vocabulary`; workspace is 64-byte aligned. Weights that are read are read once for each
/// `CKERNELS_BLOCK` pieces. Returns 0, or the errno of reading them, EIO where the file ended: then sums are of no use.
int ckernels_encode(const ckernels_encoder *_Nonnull model, const int32_t *_Nonnull ids, size_t count,
                     void *_Nonnull workspace, const uint32_t *_Nonnull bounds, size_t parts, float *_Nonnull sums);

/// The length of the rows of a word's pieces added up, of `near_words`, which must be there; 0 without any. CKERNELS_PIECES_MOST
/// count.
float ckernels_word_length(const ckernels_encoder *_Nonnull model, const int32_t *_Nonnull ids, size_t pieces);
/// cosines (count, terms) of words and of terms (terms, dims) of length one. A word w is the mean of the rows of its pieces,
/// pieces[bounds[w]] to pieces[bounds[w + 1]], the end not included; 0 for one without. Rows of `near_words`, which take a quarter of
/// the memory, where they are there: multiplied by terms in eight bits, and of a word's pieces CKERNELS_PIECES_MOST count.
/// @param lengths what `ckernels_word_length` tells of each w; not read without `near_words`.
void ckernels_compare_words(const ckernels_encoder *_Nonnull model, const int32_t *_Nonnull pieces,
                            const uint32_t *_Nonnull bounds, const float *_Nonnull lengths, const int32_t *_Nonnull words,
                            size_t count, const float *_Nonnull terms, size_t term_count, float *_Nonnull cosines);

/// The functions of one kind, each as the one of its name above.
typedef struct {
  int (*_Nonnull encode)(const ckernels_encoder *_Nonnull, const int32_t *_Nonnull, size_t, void *_Nonnull,
                         const uint32_t *_Nonnull, size_t, float *_Nonnull);
  float (*_Nonnull word_length)(const ckernels_encoder *_Nonnull, const int32_t *_Nonnull, size_t);
  void (*_Nonnull compare_words)(const ckernels_encoder *_Nonnull, const int32_t *_Nonnull, const uint32_t *_Nonnull,
                                 const float *_Nonnull, const int32_t *_Nonnull, size_t, const float *_Nonnull, size_t,
                                 float *_Nonnull);
  float (*_Nonnull dot_int4)(const ckernels_query *_Nonnull, const void *_Nonnull);
} ckernels_table;

/// The functions of a kind, or of the best one where this processor does not run it.
const ckernels_table *_Nonnull ckernels_of(ckernels_kind kind);

#endif
