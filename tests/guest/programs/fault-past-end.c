/* A load from a page wholly past the end of the file is SIGBUS. */
#include "see.h"

int main(void) {
  int fd = make_file("a", 10);
  volatile char *map = mmap(NULL, 2 * page(), PROT_READ, MAP_SHARED, fd, 0);
  SHOW(map[9]);
  SHOW(map[page() - 1]);
  fflush(stdout);
  char byte = map[page()];
  printf("still here %d\n", byte);
  return 0;
}
