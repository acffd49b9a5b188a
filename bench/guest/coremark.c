/* A work in the manner of CoreMark: a linked list searched, reversed and sorted, small integer matrices, a state machine over text, all by CRC. */
#include "work.h"

#include <stddef.h>

enum { NODES = 256, SIDE = 24, TEXT = 2048, STATES = 7 };

struct node {
  struct node *next;
  int16_t key;
  int16_t index;
};

static struct node nodes[NODES];
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static char text[TEXT + 1];

static CALLED uint16_t crc(uint32_t word, uint16_t sum) {
  for (int bit = 0; bit < 16; bit++) {
    uint32_t carry = (word ^ sum) & 1;
    word >>= 1;
    sum >>= 1;
    if (carry) sum ^= 0xa001;
  }
  return sum;
}

static struct node *build(uint32_t seed) {
  for (int i = 0; i < NODES; i++) {
    nodes[i].key = (int16_t)next_random(&seed);
    nodes[i].index = (int16_t)i;
    nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
  }
  return nodes;
}

static CALLED struct node *find(struct node *at, int16_t key) {
  while (at && at->key != key) at = at->next;
  return at;
}

static CALLED struct node *reverse(struct node *at) {
  struct node *done = NULL;
  while (at) {
    struct node *next = at->next;
    at->next = done;
    done = at;
    at = next;
  }
  return done;
}

static int by_key(const struct node *a, const struct node *b) { return a->key - b->key; }
static int by_index(const struct node *a, const struct node *b) { return a->index - b->index; }

/** Merge sort from the bottom up. */
static CALLED struct node *sort(struct node *list, int (*compare)(const struct node *, const struct node *)) {
  for (int width = 1;; width *= 2) {
    struct node *p = list, *head = NULL, **tail = &head;
    int merges = 0;
    while (p) {
      struct node *q = p;
      int p_left = 0, q_left = width;
      merges++;
      while (p_left < width && q) p_left++, q = q->next;
      while (p_left > 0 || (q_left > 0 && q)) {
        int take_p = p_left > 0 && (q_left == 0 || !q || compare(p, q) <= 0);
        struct node **from = take_p ? &p : &q;
        *tail = *from;
        tail = &(*from)->next;
        *from = *tail;
        if (take_p) p_left--; else q_left--;
      }
      p = q;
    }
    *tail = NULL;
    list = head;
    if (merges <= 1) return list;
  }
}

static uint16_t lists(uint16_t sum, uint32_t seed) {
  struct node *list = build(seed);
  for (int i = 0; i < NODES; i += 8) {
    struct node *found = find(list, nodes[NODES - 1 - i].key);
    sum = crc(found ? (uint16_t)found->index : 1, sum);
    list = reverse(list);
  }
  list = sort(list, by_key);
  for (struct node *at = list; at; at = at->next) sum = crc((uint16_t)at->key, sum);
  list = sort(list, by_index);
  return crc((uint16_t)list->key, sum);
}

static CALLED void multiply(void) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      int32_t total = 0;
      for (int k = 0; k < SIDE; k++) total += (int32_t)left[i][k] * right[k][j];
      product[i][j] = total;
    }
  }
}

static CALLED void multiply_bits(void) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      int32_t total = 0;
      for (int k = 0; k < SIDE; k++) {
        int32_t x = (int32_t)left[i][k] * right[k][j];
        total += ((x >> 2) & 15) * ((x >> 5) & 127);
      }
      product[i][j] += total;
    }
  }
}

static uint16_t matrices(uint16_t sum, uint32_t seed) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      left[i][j] = (int16_t)(next_random(&seed) & 1023);
      right[i][j] = (int16_t)(next_random(&seed) & 1023);
    }
  }
  multiply();
  multiply_bits();
  for (int i = 0; i < SIDE; i++) sum = crc((uint32_t)product[i][SIDE - 1 - i], sum);
  return sum;
}

enum state { START, INVALID, SIGN, INTEGER, FRACTION, EXPONENT, SCIENTIFIC };

static CALLED enum state scan(const char **at, uint32_t *counts) {
  enum state state = START;
  const char *p = *at;
  for (; *p && *p != ','; p++) {
    int digit = *p >= '0' && *p <= '9';
    switch (state) {
      case START: state = digit ? INTEGER : *p == '+' || *p == '-' ? SIGN : *p == '.' ? FRACTION : INVALID; break;
      case SIGN: state = digit ? INTEGER : *p == '.' ? FRACTION : INVALID; break;
      case INTEGER: if (*p == '.') state = FRACTION; else if (!digit) state = INVALID; break;
      case FRACTION: if (*p == 'e') state = EXPONENT; else if (!digit) state = INVALID; break;
      case EXPONENT: state = digit || *p == '-' || *p == '+' ? SCIENTIFIC : INVALID; break;
      case SCIENTIFIC: if (!digit) state = INVALID; break;
      case INVALID: break;
    }
    counts[state]++;
  }
  *at = *p ? p + 1 : p;
  return state;
}

static uint16_t machine(uint16_t sum, uint32_t seed) {
  static const char *const pieces[] = {"5012,", "-874,", "35.54400,", ".1234500,", "5.500e+3,", "-.123e-2,", "T0.3e-1F,", "1T3.4e4z,"};
  uint32_t counts[STATES] = {0}, ends[STATES] = {0};
  size_t length = 0;
  for (;;) {
    const char *piece = pieces[next_random(&seed) & 7];
    size_t bytes = 0;
    while (piece[bytes]) bytes++;
    if (length + bytes > TEXT) break;
    for (size_t i = 0; i < bytes; i++) text[length++] = piece[i];
  }
  text[length] = 0;
  for (const char *at = text; *at;) ends[scan(&at, counts)]++;
  for (int i = 0; i < STATES; i++) sum = crc(counts[i], crc(ends[i], sum));
  return sum;
}

static CALLED uint32_t round_of(void) {
  uint16_t sum = 0;
  for (uint32_t seed = 1; seed <= 8; seed++) {
    sum = lists(sum, seed * 7919);
    sum = matrices(sum, seed * 104729);
    sum = machine(sum, seed * 1299709);
  }
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
