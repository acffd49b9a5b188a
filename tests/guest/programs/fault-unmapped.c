/* A load from where a mapping was is SIGSEGV. */
#include "see.h"

int main(void) {
  volatile char *map =
    mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  map[0] = map[page()] = 1;
  SEE(munmap((void *)map, page()));
  SHOW(map[page()]);
  fflush(stdout);
  char byte = map[0];
  printf("still here %d\n", byte);
  return 0;
}
