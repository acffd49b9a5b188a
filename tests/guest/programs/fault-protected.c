/* mprotect takes the right to store away: SIGSEGV. */
#include "see.h"

int main(void) {
  volatile char *map =
    mmap(NULL, 3 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 3; i++) map[(size_t)i * page()] = 'x';
  SEE(mprotect((void *)(map + page()), page(), PROT_READ));
  map[0] = map[2 * page()] = 'y';
  SHOW(map[page()]);
  fflush(stdout);
  map[2 * page() - 1] = 'z';
  printf("still here\n");
  return 0;
}
