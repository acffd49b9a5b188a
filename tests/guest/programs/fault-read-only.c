/* A store to a read-only mapping is SIGSEGV. */
#include "see.h"

int main(void) {
  int fd = make_file("a", page());
  char *map = mmap(NULL, page(), PROT_READ, MAP_SHARED, fd, 0);
  SHOW(map[3]);
  fflush(stdout);
  *(volatile char *)map = 'x';
  printf("still here\n");
  return 0;
}
