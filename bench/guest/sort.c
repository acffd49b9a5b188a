/* Sorting: quicksort of numbers, heapsort of the same, and the C library's qsort of records by a function. */
#include "work.h"

#include <stdlib.h>

enum { NUMBERS = 20000, RECORDS = 4000, SMALL = 12 };

struct record {
  uint32_t key;
  char name[12];
};

static uint32_t numbers[NUMBERS], others[NUMBERS];
static struct record records[RECORDS];

static CALLED void insert_sort(uint32_t *first, uint32_t *last) {
  for (uint32_t *at = first + 1; at <= last; at++) {
    uint32_t value = *at, *to = at;
    for (; to > first && to[-1] > value; to--) *to = to[-1];
    *to = value;
  }
}

static CALLED void quick_sort(uint32_t *first, uint32_t *last) {
  while (last - first > SMALL) {
    uint32_t pivot = first[(last - first) / 2], *i = first, *j = last;
    while (i <= j) {
      while (*i < pivot) i++;
      while (*j > pivot) j--;
      if (i > j) break;
      uint32_t swapped = *i;
      *i++ = *j;
      *j-- = swapped;
    }
    quick_sort(first, j);
    first = i;
  }
  insert_sort(first, last);
}

static CALLED void sift(uint32_t *heap, uint32_t at, uint32_t count) {
  uint32_t value = heap[at];
  for (uint32_t child; (child = at * 2 + 1) < count; at = child) {
    if (child + 1 < count && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= value) break;
    heap[at] = heap[child];
  }
  heap[at] = value;
}

static CALLED void heap_sort(uint32_t *heap, uint32_t count) {
  for (uint32_t at = count / 2; at-- > 0;) sift(heap, at, count);
  for (uint32_t last = count - 1; last > 0; last--) {
    uint32_t top = heap[0];
    heap[0] = heap[last];
    heap[last] = top;
    sift(heap, 0, last);
  }
}

static int by_name(const void *left, const void *right) {
  const struct record *a = left, *b = right;
  for (int i = 0; i < 12; i++) {
    if (a->name[i] != b->name[i]) return a->name[i] - b->name[i];
  }
  return a->key < b->key ? -1 : a->key > b->key;
}

static void fill(void) {
  uint32_t seed = 3;
  for (int i = 0; i < NUMBERS; i++) others[i] = numbers[i] = next_random(&seed);
  for (int i = 0; i < RECORDS; i++) {
    records[i].key = next_random(&seed);
    for (int j = 0; j < 12; j++) records[i].name[j] = (char)('a' + (next_random(&seed) >> 8) % (j < 3 ? 2 : 26));
  }
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = 2166136261u;
  fill();
  quick_sort(numbers, numbers + NUMBERS - 1);
  heap_sort(others, NUMBERS);
  qsort(records, RECORDS, sizeof records[0], by_name);
  for (int i = 0; i < NUMBERS; i++) {
    if (numbers[i] != others[i]) return 0;
  }
  for (int i = 0; i < RECORDS; i++) sum = mix(sum, records[i].key ^ numbers[i]);
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
