/* A page that a truncate took away is SIGBUS, a private copy of it too. */
#include "see.h"

int main(void) {
  int fd = make_file("a", 2 * page());
  volatile char *map = mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  map[page()] = 'c';
  SHOW(map[page()]);
  SEE(ftruncate(fd, 100));
  SHOW(map[0]);
  fflush(stdout);
  map[page()] = 'd';
  printf("still here\n");
  return 0;
}
