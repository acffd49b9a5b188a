/* A hash table with open addressing: insertions, hits, misses, deletions by moving back, and growth. */
#include "work.h"

#include <stdlib.h>

enum { KEYS = 20000 };

struct entry {
  uint32_t key; /* 0: free */
  uint32_t value;
};

struct table {
  struct entry *entries;
  uint32_t mask;
  uint32_t used;
};

static uint32_t slot_of(const struct table *table, uint32_t key) {
  return (key * 2654435769u >> 7) & table->mask;
}

static CALLED struct entry *find(const struct table *table, uint32_t key) {
  uint32_t at = slot_of(table, key);
  while (table->entries[at].key != 0 && table->entries[at].key != key) at = (at + 1) & table->mask;
  return &table->entries[at];
}

static CALLED void grow(struct table *table) {
  struct table larger = {calloc((table->mask + 1) * 2, sizeof(struct entry)), table->mask * 2 + 1, table->used};
  for (uint32_t i = 0; i <= table->mask; i++) {
    if (table->entries[i].key != 0) *find(&larger, table->entries[i].key) = table->entries[i];
  }
  free(table->entries);
  *table = larger;
}

static CALLED void put(struct table *table, uint32_t key, uint32_t value) {
  struct entry *entry = find(table, key);
  if (entry->key == 0) {
    table->used++;
    entry->key = key;
  }
  entry->value = value;
  if (table->used * 4 > table->mask * 3) grow(table);
}

static CALLED void take(struct table *table, uint32_t key) {
  struct entry *entries = table->entries;
  uint32_t mask = table->mask, hole = (uint32_t)(find(table, key) - entries);
  if (entries[hole].key == 0) return;
  table->used--;
  for (uint32_t at = (hole + 1) & mask; entries[at].key != 0; at = (at + 1) & mask) {
    uint32_t home = slot_of(table, entries[at].key);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    entries[hole] = entries[at];
    hole = at;
  }
  entries[hole] = (struct entry){0, 0};
}

static CALLED uint32_t round_of(void) {
  struct table table = {calloc(16, sizeof(struct entry)), 15, 0};
  uint32_t sum = 2166136261u, seed = 7;
  for (uint32_t i = 0; i < KEYS; i++) put(&table, next_random(&seed) | 1, i);
  for (int pass = 0; pass < 3; pass++) {
    seed = 7;
    for (uint32_t i = 0; i < KEYS; i++) sum += find(&table, (next_random(&seed) | 1) + (i & 1) * 2)->value;
    sum = mix(sum, table.used);
  }
  seed = 7;
  for (uint32_t i = 0; i < KEYS; i++) {
    uint32_t key = next_random(&seed) | 1;
    if (i % 3 != 0) take(&table, key);
  }
  sum = mix(sum, table.used);
  for (uint32_t i = 0; i <= table.mask; i++) sum = mix(sum, table.entries[i].value);
  free(table.entries);
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
