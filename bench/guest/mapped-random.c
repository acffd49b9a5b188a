/* Reads of words at random places of one mapping. */
#include "maps.h"

enum { READS = 100000 };

void prepare(void) {
  uint32_t seed = 1, *words = (uint32_t *)maps[0];
  for (uint32_t i = 0; i < map_bytes / 4; i++) words[i] = next_random(&seed);
}

static CALLED uint32_t read_some(const uint32_t *words, uint32_t mask, uint32_t seed) {
  uint32_t sum = 0;
  for (int i = 0; i < READS; i++) sum += words[next_random(&seed) & mask];
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  for (; rounds > 0; rounds--, look_again()) sum = read_some((uint32_t *)maps[0], map_bytes / 4 - 1, 12345);
  return sum;
}
