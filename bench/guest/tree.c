/* A treap of nodes from malloc: insertions, searches, a walk in order, and deletions. */
#include "work.h"

#include <stdlib.h>

enum { KEYS = 6000 };

struct node {
  uint32_t key, priority, count;
  struct node *left, *right;
};

static CALLED struct node *turn_right(struct node *top) {
  struct node *left = top->left;
  top->left = left->right;
  left->right = top;
  return left;
}

static CALLED struct node *turn_left(struct node *top) {
  struct node *right = top->right;
  top->right = right->left;
  right->left = top;
  return right;
}

static CALLED struct node *insert(struct node *at, uint32_t key, uint32_t priority) {
  if (!at) {
    struct node *made = malloc(sizeof *made);
    *made = (struct node){key, priority, 1, NULL, NULL};
    return made;
  }
  if (key == at->key) at->count++;
  else if (key < at->key) {
    at->left = insert(at->left, key, priority);
    if (at->left->priority > at->priority) return turn_right(at);
  } else {
    at->right = insert(at->right, key, priority);
    if (at->right->priority > at->priority) return turn_left(at);
  }
  return at;
}

static CALLED const struct node *find(const struct node *at, uint32_t key) {
  while (at && at->key != key) at = key < at->key ? at->left : at->right;
  return at;
}

static CALLED struct node *delete(struct node *at, uint32_t key) {
  if (!at) return NULL;
  if (key < at->key) at->left = delete(at->left, key);
  else if (key > at->key) at->right = delete(at->right, key);
  else if (!at->left || !at->right) {
    struct node *child = at->left ? at->left : at->right;
    free(at);
    return child;
  } else if (at->left->priority > at->right->priority) {
    at = turn_right(at);
    at->right = delete(at->right, key);
  } else {
    at = turn_left(at);
    at->left = delete(at->left, key);
  }
  return at;
}

static CALLED uint32_t walk(const struct node *at, uint32_t sum) {
  if (!at) return sum;
  return walk(at->right, mix(walk(at->left, sum), at->key + at->count));
}

static CALLED uint32_t round_of(void) {
  struct node *root = NULL;
  uint32_t sum = 2166136261u, seed = 11, random = 17;
  for (int i = 0; i < KEYS; i++) root = insert(root, next_random(&seed) >> 12, next_random(&random));
  for (uint32_t i = 0; i < KEYS * 4; i++) {
    const struct node *found = find(root, next_random(&seed) >> 12);
    if (found) sum = mix(sum, found->count);
  }
  sum = walk(root, sum);
  seed = 11;
  for (int i = 0; i < KEYS; i++) root = delete(root, next_random(&seed) >> 12);
  return root ? 0 : sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
