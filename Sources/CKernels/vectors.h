// Pages' vectors of four bits, multiplied by a question's in whole numbers. Included by each kind's file.

/// Adds the products of 64 bytes of an entry, which are 128 of its components, and of the parts of as many of the query's.
ALWAYS_INLINE void add_nibbles(i32x16 *high, i32x16 *low, const uint8_t *entry, const int8_t *parts) {
  u8x64 both = *(const u8x64 *)entry, even = both & 15, odd = both >> 4;
  add_bytes(high, (const uint8_t *)&even, parts);
  add_bytes(low, (const uint8_t *)&even, parts + 64);
  add_bytes(high, (const uint8_t *)&odd, parts + 128);
  add_bytes(low, (const uint8_t *)&odd, parts + 192);
}

static float dot_int4(const ckernels_query *query, const void *entry) {
  const uint8_t *bytes = entry;
  const int8_t *parts = query->parts;
  i32x16 high = {0}, low = {0};
  size_t left = (query->dims + 1) / 2;
  for (; left >= 64; left -= 64, bytes += 64, parts += 256) add_nibbles(&high, &low, bytes, parts);
  if (left) {
    uint8_t last[64] = {0};
    memcpy(last, bytes, left);
    add_nibbles(&high, &low, last, parts);
  }
  // A component n stands for n - 7.5.
  int64_t twice = 2 * (int64_t)i32_sum(high * 256 + low) - 15 * (int64_t)query->total;
  return (float)(0.5 * (double)twice * (double)query->factor);
}
