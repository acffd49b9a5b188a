/* A hash join: a table in private memory is hashed once, the rows of a mapped one are looked up in it and added up by group. */
#include "maps.h"

#include <string.h>

enum { OWN_ROWS = 10000, SLOTS = 16384, GROUPS = 64 };

struct row {
  uint32_t key, group, amount, other;
};

static struct row own[OWN_ROWS];
static uint32_t slots[SLOTS]; /* row and 1; 0: none */
static uint32_t totals[GROUPS];

static uint32_t slot_of(uint32_t key) {
  return key * 2654435769u >> 18;
}

void prepare(void) {
  uint32_t seed = 1;
  struct row *rows = (struct row *)maps[0];
  for (uint32_t i = 0; i < OWN_ROWS; i++) own[i] = (struct row){next_random(&seed) % 30000, i % GROUPS, i, 0};
  for (uint32_t i = 0; i < map_bytes / sizeof *rows; i++) {
    rows[i] = (struct row){next_random(&seed) % 30000, i, next_random(&seed) & 1023, 0};
  }
}

static CALLED void build(void) {
  memset(slots, 0, sizeof slots);
  for (uint32_t i = 0; i < OWN_ROWS; i++) {
    uint32_t at = slot_of(own[i].key);
    while (slots[at] != 0) at = (at + 1) % SLOTS;
    slots[at] = i + 1;
  }
}

static CALLED uint32_t probe(const struct row *rows, uint32_t count) {
  uint32_t joined = 0;
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t at = slot_of(rows[i].key); slots[at] != 0; at = (at + 1) % SLOTS) {
      const struct row *found = &own[slots[at] - 1];
      if (found->key != rows[i].key) continue;
      totals[found->group] += rows[i].amount;
      joined++;
    }
  }
  return joined;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) {
    memset(totals, 0, sizeof totals);
    build();
    sum = probe((struct row *)maps[0], map_bytes / sizeof(struct row));
    for (int i = 0; i < GROUPS; i++) sum = mix(sum, totals[i]);
  }
  return sum;
}
