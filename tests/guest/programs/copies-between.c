/* memcpy and memmove of all lengths between the heap and a mapping, and inside one, at every alignment of a few. */
#include "see.h"

static unsigned hash_of(const unsigned char *bytes, size_t length) {
  unsigned hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

int main(void) {
  size_t size = page();
  unsigned char *map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  unsigned char *heap = malloc(4 * size);
  unsigned char *check = malloc(4 * size);
  unsigned seed = 1, wrong = 0;
  for (size_t i = 0; i < 4 * size; i++) heap[i] = check[i] = (unsigned char)(i * 31 >> 3);
  memcpy(map, heap, 4 * size);
  SHOW(hash_of(map, 4 * size) == hash_of(heap, 4 * size));
  for (int i = 0; i < 500; i++) {
    seed = seed * 1103515245u + 12345u;
    size_t length = seed >> 16 & 0xfff;
    seed = seed * 1103515245u + 12345u;
    size_t from = (seed >> 12) % (4 * size - length);
    seed = seed * 1103515245u + 12345u;
    size_t to = (seed >> 12) % (4 * size - length);
    switch (i % 4) {
      case 0: memmove(map + to, map + from, length); break;
      case 1: memcpy(map + to, heap + from, length); break;
      case 2: memcpy(heap + to, map + from, length); break;
      default: memset(map + to, i, length);
    }
    if (i % 4 == 0) memmove(check + to, check + from, length);
    if (i % 4 == 0) wrong += memcmp(map + to, check + to, 0) != 0;
  }
  printf("%08x %08x\n", hash_of(map, 4 * size), hash_of(heap, 4 * size));
  SHOW(wrong);
  return 0;
}
