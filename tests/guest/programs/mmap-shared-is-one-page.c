/* mmap: two shared mappings of a file page, read and write are one page. */
#include "see.h"

int main(void) {
  size_t size = page();
  char bytes[8] = {0};
  int fd = make_file("a", 2 * size);
  int other = open("a", O_RDWR);
  char *one = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *two = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, other, (off_t)size);
  memcpy(one + size, "first", 5);
  SHOW(memcmp(two, "first", 5) == 0);
  SEE(pread(other, bytes, 5, (off_t)size));
  TEXT(bytes);
  SEE(pwrite(fd, "SECOND", 6, (off_t)size + 1));
  SHOW(memcmp(one + size, "fSECOND", 7) == 0 && memcmp(two, one + size, size) == 0);
  two[size - 1] = '!';
  SHOW(one[2 * size - 1] == '!');
  SEE(write(fd, one, 0));
  SEE(pwrite(fd, one, 16, (off_t)size));
  SHOW(memcmp(two, one, 16) == 0);
  SEE(pread(fd, two, 16, 1));
  SHOW(memcmp(one + size, one + 1, 16) == 0);
  return 0;
}
