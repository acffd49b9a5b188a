/* LZ77 with a hash of four bytes, in the manner of LZ4: a text is packed, unpacked and compared. */
#include "work.h"

#include <string.h>

enum { TEXT = 1 << 17, HASH_BITS = 13, MATCH_MIN = 4, WINDOW = 65535 };

static uint8_t text[TEXT], packed[TEXT + TEXT / 8], unpacked[TEXT];
static uint32_t heads[1 << HASH_BITS];

static void make_text(void) {
  static const char *const words[] = {"page ", "frame ", "mapping ", "of the ", "address space ", "fault", "s, ", "\n", "a ", "dirty ", "and ", "segment", ". ", "(0x", "7fff)", "write-back "};
  uint32_t seed = 5, at = 0;
  while (at < TEXT) {
    uint32_t random = next_random(&seed);
    const char *word = words[random & 15];
    while (*word && at < TEXT) text[at++] = (uint8_t)*word++;
    if ((random >> 8 & 15) == 0 && at < TEXT) text[at++] = (uint8_t)(random >> 16);
  }
}

static uint32_t word_at(const uint8_t *at) {
  uint32_t word;
  memcpy(&word, at, 4);
  return word;
}

static CALLED uint32_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end) {
  const uint8_t *from = b;
  while (b < end && *a == *b) a++, b++;
  return (uint32_t)(b - from);
}

/** A length of 15 and more goes on in bytes of 255. */
static uint8_t *put_rest(uint8_t *to, uint32_t length) {
  for (; length >= 255; length -= 255) *to++ = 255;
  *to++ = (uint8_t)length;
  return to;
}

static CALLED uint8_t *put_sequence(uint8_t *to, const uint8_t *literals, uint32_t count, uint32_t distance, uint32_t match) {
  uint32_t more = match - MATCH_MIN;
  *to++ = (uint8_t)((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
  if (count >= 15) to = put_rest(to, count - 15);
  for (uint32_t i = 0; i < count; i++) *to++ = literals[i];
  *to++ = (uint8_t)distance;
  *to++ = (uint8_t)(distance >> 8);
  if (more >= 15) to = put_rest(to, more - 15);
  return to;
}

static CALLED uint32_t pack(void) {
  const uint8_t *end = text + TEXT, *literals = text, *at = text + 1;
  uint8_t *to = packed;
  memset(heads, 0, sizeof heads);
  while (at + MATCH_MIN < end) {
    uint32_t hash = word_at(at) * 2654435761u >> (32 - HASH_BITS);
    const uint8_t *found = text + heads[hash];
    heads[hash] = (uint32_t)(at - text);
    if (at - found > WINDOW || word_at(found) != word_at(at)) {
      at++;
      continue;
    }
    uint32_t match = match_length(found, at, end);
    to = put_sequence(to, literals, (uint32_t)(at - literals), (uint32_t)(at - found), match);
    at += match;
    literals = at;
  }
  /* The end: literals, with a distance of 0. */
  return (uint32_t)(put_sequence(to, literals, (uint32_t)(end - literals), 0, MATCH_MIN) - packed);
}

static uint32_t take_rest(const uint8_t **at, uint32_t length) {
  uint8_t more;
  if (length < 15) return length;
  do length += more = *(*at)++; while (more == 255);
  return length;
}

static CALLED uint32_t unpack(void) {
  const uint8_t *at = packed;
  uint8_t *to = unpacked;
  for (;;) {
    uint32_t token = *at++, count = take_rest(&at, token >> 4);
    for (uint32_t i = 0; i < count; i++) *to++ = *at++;
    uint32_t distance = at[0] | (uint32_t)at[1] << 8;
    at += 2;
    if (distance == 0) return (uint32_t)(to - unpacked);
    uint32_t match = take_rest(&at, token & 15) + MATCH_MIN;
    for (const uint8_t *from = to - distance; match > 0; match--) *to++ = *from++;
  }
}

static CALLED uint32_t round_of(void) {
  uint32_t length = pack();
  if (unpack() != TEXT || memcmp(text, unpacked, TEXT) != 0) return 0;
  return mix(length, packed[length / 2]);
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  make_text();
  while (rounds-- > 0) sum = round_of();
  return sum;
}
