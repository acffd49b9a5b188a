/* mmap: stores to a private mapping reach nobody; before its copy a page shows later writes to the file, after it no more. */
#include "see.h"

int main(void) {
  size_t size = page();
  char byte;
  int fd = make_file("a", 3 * size);
  char *own = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char *all = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  own[0] = 'P';
  SHOW(all[0] == '0');
  SEE(pread(fd, &byte, 1, 0));
  SHOW(byte == '0');
  all[1] = 'S';
  SHOW(own[1] == '1');
  SHOW(own[size + 5] == all[size + 5]);
  all[size + 5] = 'L';
  SHOW(own[size + 5] == 'L');
  SEE(pwrite(fd, "W", 1, (off_t)(2 * size)));
  SHOW(own[2 * size] == 'W');
  own[2 * size + 1] = 'Q';
  SEE(pwrite(fd, "V", 1, (off_t)(2 * size)));
  SHOW(own[2 * size] == 'W' && own[2 * size + 1] == 'Q');
  SEE(msync(own, 3 * size, MS_SYNC));
  SHOW(all[0] == '0');
  return 0;
}
