// Tokens out of a stream of alike frames, sixteen bytes at once where the processor can, else eight.
#include "CKernels.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static int is_plain(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

#if defined(__SSE2__)
// A bit for each of sixteen bytes that is not plain.
static inline unsigned others(const uint8_t *bytes) {
  const __m128i block = _mm_loadu_si128((const __m128i *)bytes);
  // As signed numbers, bytes from 0x80 on are below a space too.
  const __m128i other = _mm_or_si128(_mm_cmplt_epi8(block, _mm_set1_epi8(0x20)),
                                     _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                                  _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));
  return (unsigned)_mm_movemask_epi8(other);
}
#endif

// The place of the first byte from `place` on that cannot stand in a JSON string for itself, or is not ASCII; else `end`.
static inline size_t plain_end(const uint8_t *bytes, size_t place, size_t end) {
#if defined(__SSE2__)
  for (; place + 16 <= end; place += 16) {
    const unsigned mask = others(bytes + place);
    if (mask) return place + (size_t)__builtin_ctz(mask);
  }
#endif
  while (place < end && is_plain(bytes[place])) place++;
  return place;
}

// Whether all bytes are plain.
static inline int is_plain_run(const uint8_t *bytes, size_t count) {
#if defined(__SSE2__)
  if (count >= 16) {
    unsigned mask = others(bytes + count - 16);
    for (size_t place = 0; place + 16 < count; place += 16) mask |= others(bytes + place);
    return mask == 0;
  }
#endif
  return plain_end(bytes, 0, count) == count;
}

static inline int is_equal_8(const uint8_t *one, const uint8_t *other) {
  uint64_t words[2];
  memcpy(&words[0], one, 8);
  memcpy(&words[1], other, 8);
  return words[0] == words[1];
}

static inline int is_equal_4(const uint8_t *one, const uint8_t *other) {
  uint32_t words[2];
  memcpy(&words[0], one, 4);
  memcpy(&words[1], other, 4);
  return words[0] == words[1];
}

// Whether both have the same bytes. A call of memcmp costs more than it takes to compare so few.
static inline int is_equal(const uint8_t *one, const uint8_t *other, size_t count) {
#if defined(__SSE2__)
  if (count >= 16) {
    size_t place = 0;
    for (; place + 16 < count; place += 16)
      if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(one + place)),
                                           _mm_loadu_si128((const __m128i *)(other + place)))) != 0xFFFF)
        return 0;
    // The last sixteen may be compared twice.
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(one + count - 16)),
                                            _mm_loadu_si128((const __m128i *)(other + count - 16)))) == 0xFFFF;
  }
#endif
  if (count >= 8) {
    size_t place = 0;
    for (; place + 8 < count; place += 8)
      if (!is_equal_8(one + place, other + place)) return 0;
    return is_equal_8(one + count - 8, other + count - 8);
  }
  if (count >= 4) return is_equal_4(one, other) && is_equal_4(one + count - 4, other + count - 4);
  for (size_t place = 0; place < count; place++)
    if (one[place] != other[place]) return 0;
  return 1;
}

// The place after the stamp that starts at `place`. Most are as long as the one before, `length`: then the place is known
// before the stamp is read, and the processor goes on while it reads.
static inline size_t stamp_end(const uint8_t *bytes, size_t place, size_t end, size_t *length) {
  if (*length < end - place && !is_plain(bytes[place + *length]) && is_plain_run(bytes + place, *length))
    return place + *length;
  const size_t found = plain_end(bytes, place, end);
  *length = found - place;
  return found;
}

ckernels_tokens ckernels_take_tokens(const ckernels_frame *frame, const uint8_t *bytes, size_t count, size_t start,
                                     uint8_t *text, size_t text_room, intptr_t *ends, size_t ends_room,
                                     intptr_t offset) {
  const ckernels_frame f = *frame;
  const size_t around = f.head_count + f.middle_count + f.tail_count;
  ckernels_tokens taken = {.place = start};
  size_t stamp = 0;
  while (taken.tokens < ends_room) {
    size_t place = taken.place;
    if (count - place <= around || !is_equal(bytes + place, f.head, f.head_count)) break;
    place += f.head_count;
    if (f.has_stamp) {
      place = stamp_end(bytes, place, count, &stamp);
      if (count - place <= f.middle_count || !is_equal(bytes + place, f.middle, f.middle_count)) break;
      place += f.middle_count;
    }
    const size_t end = plain_end(bytes, place, count), length = end - place;
    if (length == 0 || length > text_room - taken.bytes || count - end < f.tail_count ||
        !is_equal(bytes + end, f.tail, f.tail_count))
      break;
    // One copy of sixteen bytes where there is room for it: the next token overwrites what is too much.
    if (length <= 16 && count - place >= 16 && text_room - taken.bytes >= 16)
      memcpy(text + taken.bytes, bytes + place, 16);
    else
      memcpy(text + taken.bytes, bytes + place, length);
    taken.bytes += length;
    ends[taken.tokens++] = offset + (intptr_t)taken.bytes;
    taken.place = end + f.tail_count;
  }
  return taken;
}
