/* mmap: an offset shows that part of the file, and parts overlap. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = make_file("a", 5 * size);
  char *third = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)(2 * size));
  char *from = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)size);
  SHOW(third[0] == (char)('0' + 2 * size % 10));
  SHOW(memcmp(third, from + size, size) == 0);
  from[size + 3] = '#';
  SHOW(third[3] == '#');
  return 0;
}
