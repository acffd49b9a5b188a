/* A cycle of pointers through all lines of a mapping, in random order: each read needs the one before. */
#include "maps.h"

enum { LINE = 64, STEPS = 20000 };

struct line {
  struct line *next;
  uint32_t value;
};

static struct line *line_at(uint32_t index) {
  return (struct line *)(maps[0] + index * LINE);
}

/** Sattolo's shuffle: one cycle through all. */
void prepare(void) {
  uint32_t count = map_bytes / LINE, seed = 1;
  uint32_t *order = malloc(count * sizeof *order);
  for (uint32_t i = 0; i < count; i++) order[i] = i;
  for (uint32_t i = count - 1; i > 0; i--) {
    uint32_t j = next_random(&seed) % i, swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  for (uint32_t i = 0; i < count; i++) {
    line_at(order[i])->next = line_at(order[(i + 1) % count]);
    line_at(order[i])->value = i;
  }
  free(order);
}

static CALLED const struct line *chase(const struct line *at) {
  for (int i = 0; i < STEPS; i++) at = at->next;
  return at;
}

/** Rounds go on where the one before ended, so that enough of them come by every line. */
uint32_t work(uint32_t rounds) {
  const struct line *at = line_at(0);
  while (rounds-- > 0) at = chase(at);
  return at->value;
}
