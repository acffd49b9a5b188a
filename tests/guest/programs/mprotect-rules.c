/* mprotect: what it refuses, and that the right to write was decided by mmap. */
#include "see.h"

int main(void) {
  size_t size = page();
  close(make_file("a", 4 * size));
  int fd = open("a", O_RDONLY);
  char *all = mmap(NULL, 4 * size, PROT_READ, MAP_SHARED, fd, 0);
  char *own = mmap(NULL, 4 * size, PROT_READ, MAP_PRIVATE, fd, 0);
  SEE(mprotect(all, size, PROT_READ | PROT_WRITE));
  SEE(mprotect(own, size, PROT_READ | PROT_WRITE));
  own[0] = 'x';
  SHOW(own[0] == 'x' && all[0] == '0');
  SEE(mprotect(own + 1, size, PROT_READ));
  SEE(mprotect(own, 0, PROT_READ));
  SEE(mprotect(own, size, 0x40000000));
  SEE(munmap(own + 2 * size, size));
  SEE(mprotect(own, 4 * size, PROT_READ | PROT_WRITE));
  own[size] = 'y';
  SHOW(own[size]);
  SEE(mprotect(own, size, PROT_NONE));
  SEE(mprotect(own, size, PROT_READ));
  SHOW(own[0] == 'x' && own[1] == '1');
  return 0;
}
