// Where the parts of a layer are in the model, and where things are kept while a text is encoded.
#ifndef LAYOUT_H
#define LAYOUT_H

#include "CKernels.h"

enum {
  head_dims = 32,    // dims of a head
  block_rows = CKERNELS_BLOCK,  // rows that go through the dense layers together: their numbers stay in the second-level cache
  query_rows = 24,   // rows whose attention is computed together: their scores stay in the first-level cache
  slice_panels = 4,  // panels of sixteen channels that are read together: one or more columns of the product
};

/// One dense layer: weights packed, of 16 or 8 bits; scales, biases and, of 8 bits, the totals of the weights by channel.
typedef struct {
  const char *weights;
  const float *scales, *biases;
  const int32_t *totals;
} dense;

typedef struct {
  dense attention, output, up, down;
  const float *attention_gain, *attention_bias, *down_gain, *down_bias;
} encoder_layer;

/// What else makes a row of whole numbers of 8 bits: the one that stands for 0; and where the number is that stands by itself, and
/// what it is (among the others it is 0).
typedef struct {
  int32_t zero, place, top;
} small_row;

/// Numbers kept while `count` pieces are encoded. `padded`: count up to a multiple of 16.
typedef struct {
  size_t count, padded;
  float *rows;                // (count, dims): what goes from layer to layer
  int16_t *whole_rows;        // (count, dims); of 8 bits as `put_small` leaves them, in no more room
  float *row_scales;          // (count,)
  small_row *row_smalls;      // (count,)
  int16_t *queries;           // (heads, count, 32)
  float *query_scales;        // (heads, count)
  int16_t *keys;              // heads x packed (padded, 32)
  float *key_scales;          // (heads, padded)
  float *values;              // (count, dims)
  int16_t *whole_values;      // heads x packed (32, padded)
  float *value_scales;        // (dims,)
  float *context;             // (count, dims)
  float *wide;                // (block_rows, 3 dims or inner)
  int16_t *whole_wide;        // (block_rows, inner); the same
  float *wide_scales;         // (block_rows,)
  small_row *wide_smalls;     // (block_rows,)
  float *scores;              // (query_rows, padded)
  int16_t *whole_scores;      // (query_rows, padded)
  float *score_scales;        // (query_rows,)
  char *slice;                // (slice_panels, dims or inner, 16): weights that were read; NULL where none are
  int failure;                // of reading them: an errno, or 0
} workspace;

/// Lays the workspace out from `start`; returns how many bytes it takes. start may be NULL.
size_t ckernels_lay_out(const ckernels_encoder *model, size_t count, char *start, workspace *space);
/// The `size` bytes of weights from `weights` on, read into the workspace's slice. After a failure they are zeros, and nothing more
/// is read.
const char *ckernels_slice(const ckernels_encoder *model, const char *weights, size_t size, workspace *space);
/// The parts of layer `number`.
encoder_layer ckernels_layer(const ckernels_encoder *model, size_t number);

#endif
