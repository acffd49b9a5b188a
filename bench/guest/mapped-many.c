/* Reads of words at random places of many mappings. */
#include "maps.h"

enum { READS = 50000 };

void prepare(void) {
  uint32_t seed = 1;
  for (int map = 0; map < MAPS; map++) {
    for (uint32_t i = 0; i < map_bytes / 4; i++) ((uint32_t *)maps[map])[i] = next_random(&seed);
  }
}

static CALLED uint32_t read_some(uint32_t mask, uint32_t seed) {
  uint32_t sum = 0;
  for (int i = 0; i < READS; i++) {
    uint32_t random = next_random(&seed);
    const uint32_t *words = (uint32_t *)maps[random >> 26];
    sum += words[random & mask];
  }
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  for (; rounds > 0; rounds--, look_again()) sum = read_some(map_bytes / 4 - 1, 12345);
  return sum;
}
