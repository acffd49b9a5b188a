/* mremap: what it refuses. */
#include "see.h"

#define MOVE(...) see_works("mremap " #__VA_ARGS__, (errno = 0, (intptr_t)mremap(__VA_ARGS__)))

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 16 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map + 8 * size, size);
  MOVE(map + 1, size, 2 * size, MREMAP_MAYMOVE);
  MOVE(map, size, 0, MREMAP_MAYMOVE);
  MOVE(map, size, size, 64);
  MOVE(map, size, 2 * size, MREMAP_FIXED, map);
  MOVE(map, 2 * size, 2 * size, MREMAP_MAYMOVE | MREMAP_FIXED, map + size);
  MOVE(map, size, 2 * size, 0);
  MOVE(map + 7 * size, 4 * size, 6 * size, MREMAP_MAYMOVE);
  MOVE(map + 8 * size, size, 2 * size, MREMAP_MAYMOVE);
  MOVE(map, 0, size, MREMAP_MAYMOVE);
  SHOW(mremap(map, 4 * size, 2 * size, 0) == map);
  SHOW(mremap(map, 2 * size, 4 * size, 0) == map);
  SHOW(mremap(map, size, size, 0) == map);
  return 0;
}
