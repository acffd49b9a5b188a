/* A store across a border into a page that may not be stored to changes neither page, and is SIGSEGV. */
#include "see.h"

int main(void) {
  int fd = make_file("a", 2 * page());
  char *map = mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SEE(mprotect(map + page(), page(), PROT_READ));
  SHOW(*(volatile uint32_t *)(map + page() - 2) != 0);
  fflush(stdout);
  *(volatile uint32_t *)(map + page() - 2) = 0x2a2a2a2a;
  printf("still here\n");
  return 0;
}
