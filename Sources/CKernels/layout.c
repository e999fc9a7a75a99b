// Where the parts of a layer are in the model, and where things are kept while a text is encoded.
#include "layout.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t layer_weights(const ckernels_encoder *model) {
  return (size_t)model->dims * model->dims * 4 + (size_t)model->dims * model->inner * 2;
}
static size_t layer_vectors(const ckernels_encoder *model) { return (size_t)model->dims * 14 + (size_t)model->inner * 2; }

size_t ckernels_encoder_vector_count(const ckernels_encoder *model) {
  return (size_t)model->dims * 2 + model->layers * layer_vectors(model);
}
size_t ckernels_encoder_weight_count(const ckernels_encoder *model) { return model->layers * layer_weights(model); }

int ckernels_encoder_can_run(const ckernels_encoder *model) {
  return model->dims > 0 && model->dims % 64 == 0 && model->inner > 0 && model->inner % 64 == 0 && model->heads > 0 &&
         model->layers > 0 && (uint64_t)model->heads * head_dims == model->dims && model->dims <= CKERNELS_DIMS_MOST &&
         model->inner <= 16384 && model->layers <= 256 && model->positions > 0 && model->positions <= 8192;
}

encoder_layer ckernels_layer(const ckernels_encoder *model, size_t number) {
  size_t dims = model->dims, inner = model->inner;
  const int16_t *w = model->weights + number * layer_weights(model);
  const float *v = model->vectors + 2 * dims + number * layer_vectors(model);
  return (encoder_layer){
      .attention = {w, v, v + 3 * dims},
      .output = {w + 3 * dims * dims, v + 6 * dims, v + 7 * dims},
      .attention_gain = v + 8 * dims,
      .attention_bias = v + 9 * dims,
      .up = {w + 4 * dims * dims, v + 10 * dims, v + 10 * dims + inner},
      .down = {w + 4 * dims * dims + dims * inner, v + 10 * dims + 2 * inner, v + 11 * dims + 2 * inner},
      .down_gain = v + 12 * dims + 2 * inner,
      .down_bias = v + 13 * dims + 2 * inner,
  };
}

/// Takes `count` numbers of `size` bytes from `place` on, at a multiple of 64.
static void *take(char *start, size_t *place, size_t count, size_t size) {
  size_t at = *place;
  *place = (at + count * size + 63) & ~(size_t)63;
  return start ? start + at : NULL;
}

size_t ckernels_lay_out(const ckernels_encoder *model, size_t count, char *start, workspace *s) {
  size_t dims = model->dims, heads = model->heads, place = 0;
  size_t block = count < block_rows ? count : block_rows, queries = count < query_rows ? count : query_rows;
  size_t padded = (count + 15) & ~(size_t)15;
  size_t widest = model->inner > 3 * dims ? model->inner : 3 * dims;
#define TAKE(name, count) s->name = take(start, &place, count, sizeof *s->name)
  s->count = count;
  s->padded = padded;
  TAKE(rows, count * dims);
  TAKE(whole_rows, count * dims);
  TAKE(row_scales, count);
  TAKE(queries, count * dims);
  TAKE(query_scales, heads * count);
  TAKE(keys, padded * dims);
  TAKE(key_scales, heads * padded);
  TAKE(values, count * dims);
  TAKE(whole_values, padded * dims);
  TAKE(value_scales, dims);
  TAKE(context, count * dims);
  TAKE(wide, block * widest);
  TAKE(whole_wide, block * model->inner);
  TAKE(wide_scales, block);
  TAKE(scores, queries * padded);
  TAKE(whole_scores, queries * padded);
  TAKE(score_scales, queries);
  size_t deepest = model->inner > dims ? model->inner : dims;
  s->slice = NULL;
  if (model->source == ckernels_read) TAKE(slice, slice_panels * deepest * 16);
  s->failure = 0;
#undef TAKE
  return place;
}

const int16_t *ckernels_slice(const ckernels_encoder *model, const int16_t *weights, size_t count, workspace *s) {
  char *slice = (char *)s->slice;
  size_t size = count * sizeof *weights, read = 0;
  uint64_t place = model->place + (uint64_t)(weights - model->weights) * sizeof *weights;
  while (!s->failure && read < size) {
    ssize_t got = pread(model->file, slice + read, size - read, (off_t)(place + read));
    if (got > 0) read += (size_t)got;
    else if (got == 0) s->failure = EIO;
    else if (errno != EINTR) s->failure = errno;
  }
  memset(slice + read, 0, size - read);
  return s->slice;
}

size_t ckernels_encoder_workspace(const ckernels_encoder *model, size_t count) {
  workspace unused;
  return ckernels_lay_out(model, count, NULL, &unused);
}
