/* Passes over a mapping, word by word, as loops: the compiler is kept from making calls of memset and memcpy of them. And those calls. */
#include "maps.h"

#include <string.h>

#ifdef __clang__
#define AS_WRITTEN __attribute__((noinline, no_builtin("memset", "memcpy", "memmove")))
#else
#define AS_WRITTEN __attribute__((noinline, optimize("no-tree-loop-distribute-patterns")))
#endif

static uint32_t *own;

void prepare(void) {
  uint32_t seed = 1;
  own = malloc(map_bytes);
  for (uint32_t i = 0; i < map_bytes / 4; i++) ((uint32_t *)maps[0])[i] = own[i] = next_random(&seed);
}

static CALLED uint32_t sum_of(const uint32_t *from, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += from[i];
  return sum;
}

static AS_WRITTEN void fill(uint32_t *to, uint32_t count, uint32_t value) {
  for (uint32_t i = 0; i < count; i++) to[i] = value;
}

static AS_WRITTEN void copy(uint32_t *restrict to, const uint32_t *restrict from, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) to[i] = from[i];
}

/** => two words of it: what was stored is there. */
static uint32_t seen(void) {
  const uint32_t *words = (uint32_t *)maps[0];
  return mix(mix(1, words[0]), words[map_bytes / 4 - 1]);
}

EXPORT(sum) uint32_t sum(uint32_t rounds);
uint32_t sum(uint32_t rounds) {
  uint32_t total = 0;
  for (; rounds > 0; rounds--, look_again()) total = sum_of((uint32_t *)maps[0], map_bytes / 4);
  return total;
}

EXPORT(fill) uint32_t fill_rounds(uint32_t rounds);
uint32_t fill_rounds(uint32_t rounds) {
  for (; rounds > 0; rounds--, look_again()) fill((uint32_t *)maps[0], map_bytes / 4, 0x01010101);
  return seen();
}

EXPORT(copy) uint32_t copy_rounds(uint32_t rounds);
uint32_t copy_rounds(uint32_t rounds) {
  for (; rounds > 0; rounds--, look_again()) copy((uint32_t *)maps[0], own, map_bytes / 4);
  return seen();
}

EXPORT(memset) uint32_t memset_rounds(uint32_t rounds);
uint32_t memset_rounds(uint32_t rounds) {
  for (; rounds > 0; rounds--, look_again()) memset(maps[0], 1, map_bytes);
  return seen();
}

EXPORT(memcpy) uint32_t memcpy_rounds(uint32_t rounds);
uint32_t memcpy_rounds(uint32_t rounds) {
  for (; rounds > 0; rounds--, look_again()) memcpy(maps[0], own, map_bytes);
  return seen();
}
