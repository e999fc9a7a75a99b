// Where the parts of a layer are in the model, and where things are kept while a text is encoded.
#ifndef LAYOUT_H
#define LAYOUT_H

#include "CKernels.h"

enum {
  head_dims = 32,    // dims of a head
  block_rows = CKERNELS_BLOCK,  // rows that go through the dense layers together: their numbers stay in the second-level cache
  query_rows = 24,   // rows whose attention is computed together: their scores stay in the first-level cache
  slice_panels = 4,  // panels of sixteen channels that are read together: a column of the product
};

/// One dense layer: weights packed, scales and biases by channel.
typedef struct {
  const int16_t *weights;
  const float *scales, *biases;
} dense;

typedef struct {
  dense attention, output, up, down;
  const float *attention_gain, *attention_bias, *down_gain, *down_bias;
} encoder_layer;

/// Numbers kept while `count` pieces are encoded. `padded`: count up to a multiple of 16.
typedef struct {
  size_t count, padded;
  float *rows;                // (count, dims): what goes from layer to layer
  int16_t *whole_rows;        // (count, dims)
  float *row_scales;          // (count,)
  int16_t *queries;           // (heads, count, 32)
  float *query_scales;        // (heads, count)
  int16_t *keys;              // heads x packed (padded, 32)
  float *key_scales;          // (heads, padded)
  float *values;              // (count, dims)
  int16_t *whole_values;      // heads x packed (32, padded)
  float *value_scales;        // (dims,)
  float *context;             // (count, dims)
  float *wide;                // (block_rows, 3 dims or inner)
  int16_t *whole_wide;        // (block_rows, inner)
  float *wide_scales;         // (block_rows,)
  float *scores;              // (query_rows, padded)
  int16_t *whole_scores;      // (query_rows, padded)
  float *score_scales;        // (query_rows,)
  int16_t *slice;             // (slice_panels, dims or inner, 16): weights that were read; NULL where none are
  int failure;                // of reading them: an errno, or 0
} workspace;

/// Lays the workspace out from `start`; returns how many bytes it takes. start may be NULL.
size_t ckernels_lay_out(const ckernels_encoder *model, size_t count, char *start, workspace *space);
/// The `count` weights from `weights` on, read into the workspace's slice. After a failure they are zeros, and nothing more is read.
const int16_t *ckernels_slice(const ckernels_encoder *model, const int16_t *weights, size_t count, workspace *space);
/// The parts of layer `number`.
encoder_layer ckernels_layer(const ckernels_encoder *model, size_t number);

#endif
