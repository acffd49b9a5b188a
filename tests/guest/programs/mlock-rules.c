/* mlock, mlockall: rounding, holes, and locks that do not nest. */
#include "see.h"

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char vec[4];
  SEE(mlock(map + 10, size));
  SEE(mincore(map, 2 * size, vec));
  SHOW((vec[0] & 1) && (vec[1] & 1));
  SEE(mlock(map, 2 * size));
  SEE(munlock(map, 2 * size));
  SEE(munlock(map, 2 * size));
  SEE(munmap(map + 2 * size, size));
  SEE(mlock(map, 4 * size));
  SEE(munlock(map, 4 * size));
  SEE(mlockall(0));
  SEE(mlockall(1 << 20));
  SEE(mlockall(MCL_FUTURE));
  SEE(munlockall());
  return 0;
}
