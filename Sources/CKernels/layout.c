// Where the parts of a layer are in the model, and where things are kept while a text is encoded.
#include "layout.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t layer_weights(const ckernels_encoder *model) {
  return (size_t)model->dims * model->dims * 4 + (size_t)model->dims * model->inner * 2;
}
static size_t layer_channels(const ckernels_encoder *model) { return (size_t)model->dims * 5 + (size_t)model->inner; }
static size_t layer_vectors(const ckernels_encoder *model) { return (size_t)model->dims * 14 + (size_t)model->inner * 2; }

size_t ckernels_encoder_vector_count(const ckernels_encoder *model) {
  return (size_t)model->dims * 2 + model->layers * layer_vectors(model);
}
size_t ckernels_encoder_weight_count(const ckernels_encoder *model) { return model->layers * layer_weights(model); }
size_t ckernels_encoder_channel_count(const ckernels_encoder *model) { return model->layers * layer_channels(model); }

int ckernels_encoder_can_run(const ckernels_encoder *model) {
  return model->dims > 0 && model->dims % 64 == 0 && model->inner > 0 && model->inner % 64 == 0 && model->heads > 0 &&
         model->layers > 0 && (uint64_t)model->heads * head_dims == model->dims && model->dims <= CKERNELS_DIMS_MOST &&
         model->inner <= 16384 && model->layers <= 256 && model->positions > 0 && model->positions <= 8192;
}

encoder_layer ckernels_layer(const ckernels_encoder *model, size_t number) {
  size_t dims = model->dims, inner = model->inner, place = number * layer_weights(model);
  const float *v = model->vectors + 2 * dims + number * layer_vectors(model);
  encoder_layer layer = {
      .attention = {NULL, v, v + 3 * dims, NULL},
      .output = {NULL, v + 6 * dims, v + 7 * dims, NULL},
      .attention_gain = v + 8 * dims,
      .attention_bias = v + 9 * dims,
      .up = {NULL, v + 10 * dims, v + 10 * dims + inner, NULL},
      .down = {NULL, v + 10 * dims + 2 * inner, v + 11 * dims + 2 * inner, NULL},
      .down_gain = v + 12 * dims + 2 * inner,
      .down_bias = v + 13 * dims + 2 * inner,
  };
  dense *parts[] = {&layer.attention, &layer.output, &layer.up, &layer.down};
  size_t counts[] = {3 * dims * dims, dims * dims, dims * inner, dims * inner}, widths[] = {3 * dims, dims, inner, dims};
  size_t channel = number * layer_channels(model);
  for (size_t part = 0; part < 4; place += counts[part], channel += widths[part], part++) {
    if (model->small_weights) {
      parts[part]->weights = (const char *)(model->small_weights + place);
      parts[part]->scales = model->small_scales + channel;
      parts[part]->totals = model->small_totals + channel;
    } else {
      parts[part]->weights = (const char *)(model->weights + place);
    }
  }
  return layer;
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
  TAKE(row_smalls, count);
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
  TAKE(wide_smalls, block);
  TAKE(scores, queries * padded);
  TAKE(whole_scores, queries * padded);
  TAKE(score_scales, queries);
  size_t deepest = model->inner > dims ? model->inner : dims;
  s->slice = NULL;
  if (model->source == ckernels_read) TAKE(slice, slice_panels * deepest * 16 * (model->small_weights ? 1 : sizeof(int16_t)));
  s->failure = 0;
#undef TAKE
  return place;
}

const char *ckernels_slice(const ckernels_encoder *model, const char *weights, size_t size, workspace *s) {
  size_t read = 0;
  off_t place = weights - (const char *)model->start;
  while (!s->failure && read < size) {
    ssize_t got = pread(model->file, s->slice + read, size - read, place + (off_t)read);
    if (got > 0) read += (size_t)got;
    else if (got == 0) s->failure = EIO;
    else if (errno != EINTR) s->failure = errno;
  }
  memset(s->slice + read, 0, size - read);
  return s->slice;
}

size_t ckernels_encoder_workspace(const ckernels_encoder *model, size_t count) {
  workspace unused;
  return ckernels_lay_out(model, count, NULL, &unused);
}
