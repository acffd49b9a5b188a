/* mmap: the descriptor may be closed and the file unlinked; the pages stay. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = make_file("a", 2 * size);
  char *one = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *two = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SEE(close(fd));
  SEE(unlink("a"));
  SEE(access("a", F_OK));
  one[size] = 'x';
  SHOW(two[size] == 'x' && one[1] == '1');
  SEE(msync(one, 2 * size, MS_SYNC));
  SEE(munmap(one, 2 * size));
  SHOW(two[size] == 'x');
  return 0;
}
