// What reading a stream of alike frames does most often: comparing what surrounds the tokens, and taking them out.
#ifndef CKERNELS_FRAMES_H
#define CKERNELS_FRAMES_H
#include <stddef.h>
#include <stdint.h>

/// A frame: head, a time stamp and middle where there is a stamp, the token, tail. Stamp and token are printable ASCII
/// without quotes and backslashes. Borrowed; tail is not empty.
typedef struct {
  const uint8_t *_Nullable head, *_Nullable middle, *_Nonnull tail;
  size_t head_count, middle_count, tail_count;
  int has_stamp;
} ckernels_frame;

/// What was gathered: where the first frame starts that was not taken, the tokens, and their bytes.
typedef struct {
  size_t place, tokens, bytes;
} ckernels_tokens;

/// Takes the tokens, none of them empty, of the frames that lie end to end in bytes (count,) from `start` on, until one has
/// another shape, is not there whole, or has no room: text (text_room,) gets the tokens, ends (ends_room,) where each ends
/// there, plus `offset`.
ckernels_tokens ckernels_take_tokens(const ckernels_frame *_Nonnull frame, const uint8_t *_Nonnull bytes, size_t count,
                                     size_t start, uint8_t *_Nonnull text, size_t text_room, intptr_t *_Nonnull ends,
                                     size_t ends_room, intptr_t offset);

#endif
