/* mincore: what it refuses, and that touched pages are in memory. */
#include "see.h"

int main(void) {
  size_t size = page();
  unsigned char vec[4] = {0};
  char *map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  map[0] = map[2 * size] = 1;
  SEE(mincore(map, 4 * size, vec));
  SHOW((vec[0] & 1) && !(vec[1] & 1) && (vec[2] & 1) && !(vec[3] & 1));
  SEE(mincore(map + 1, size, vec));
  SEE(mincore(map, 0, vec));
  SEE(munmap(map + size, size));
  SEE(mincore(map, 4 * size, vec));
  SEE(mincore(map, size, (unsigned char *)(map + size)));
  return 0;
}
