/* munmap: holes and parts are fine, what is unaligned or empty is not. */
#include "see.h"

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 8 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 'x', 8 * size);
  SEE(munmap(map + 1, size));
  SEE(munmap(map, 0));
  SEE(munmap(map + 2 * size, 2 * size));
  SHOW(map[2 * size - 1] == 'x' && map[4 * size] == 'x');
  SEE(munmap(map + 2 * size, 2 * size));
  SEE(munmap(map + size, 5 * size));
  SHOW(map[0] == 'x' && map[6 * size] == 'x');
  SEE(munmap(map + 6 * size, size + 1));
  SEE(munmap(map, size));
  unsigned char vec;
  SEE(mincore(map + 7 * size, size, &vec));
  return 0;
}
