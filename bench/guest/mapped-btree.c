/* A B-tree of pages of 4 KiB in a mapping, by page numbers: searches, and walks along its leaves. */
#include "maps.h"

enum { PAGE = 4096, FANOUT = 500, LOOKUPS = 4000, SCAN = 40 };

struct page {
  uint32_t count, next, level;
  uint32_t keys[FANOUT];
  uint32_t links[FANOUT]; /* pages below, or values of a leaf */
};

_Static_assert(sizeof(struct page) <= PAGE, "a page");

static uint32_t root, keys_held;

static struct page *page_at(uint32_t number) {
  return (struct page *)(maps[0] + number * PAGE);
}

/** Leaves three quarters full, one after another, then each level above. Key i is 7 * i. */
void prepare(void) {
  uint32_t per_page = FANOUT * 3 / 4, leaves = map_bytes / PAGE * 9 / 10, made = leaves, first = 0;
  for (uint32_t leaf = 0; leaf < leaves; leaf++) {
    struct page *page = page_at(leaf);
    *page = (struct page){.count = per_page, .next = leaf + 1 < leaves ? leaf + 1 : leaf};
    for (uint32_t i = 0; i < per_page; i++) {
      page->keys[i] = (leaf * per_page + i) * 7;
      page->links[i] = page->keys[i] * 2654435761u;
    }
  }
  keys_held = leaves * per_page;
  for (uint32_t below = leaves, level = 1; below > 1; level++) {
    uint32_t pages = (below + per_page - 1) / per_page;
    for (uint32_t i = 0; i < pages; i++) {
      struct page *page = page_at(made + i);
      uint32_t count = below - i * per_page < per_page ? below - i * per_page : per_page;
      *page = (struct page){.count = count, .level = level};
      for (uint32_t j = 0; j < count; j++) {
        page->links[j] = first + i * per_page + j;
        page->keys[j] = page_at(page->links[j])->keys[0];
      }
    }
    first = made;
    made += pages;
    below = pages;
  }
  root = first;
}

/** => index of the last key that is at most `key`. */
static CALLED uint32_t search(const struct page *page, uint32_t key) {
  uint32_t low = 0, high = page->count;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    if (page->keys[middle] <= key) low = middle; else high = middle;
  }
  return low;
}

static CALLED uint32_t lookup(uint32_t key) {
  const struct page *page = page_at(root);
  while (page->level > 0) page = page_at(page->links[search(page, key)]);
  uint32_t at = search(page, key);
  return page->keys[at] == key ? page->links[at] : 1;
}

static CALLED uint32_t scan(uint32_t key) {
  const struct page *page = page_at(root);
  while (page->level > 0) page = page_at(page->links[search(page, key)]);
  uint32_t sum = 0;
  for (uint32_t at = search(page, key), i = 0; i < SCAN; i++) {
    sum += page->links[at];
    if (++at == page->count) page = page_at(page->next), at = 0;
  }
  return sum;
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = 0, seed = 77;
  for (int i = 0; i < LOOKUPS; i++) {
    uint32_t random = next_random(&seed);
    sum += lookup(random % keys_held * 7 + (random >> 30 == 0));
    if (i % 8 == 0) sum += scan(random % keys_held * 7);
  }
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  for (; rounds > 0; rounds--, look_again()) sum = round_of();
  return sum;
}
