/* A bad address given to a call is EFAULT, or less than was asked for; never a signal. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = make_file("a", 2 * size);
  char *map = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *fixed = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map + size, size);
  SEE(pread(fd, map + size, 10, 0));
  SEE(pread(fd, fixed, 10, 0));
  SEE(pwrite(fd, map + size, 10, 0));
  SEE(pwrite(fd, fixed, 10, 0));
  SHOW(pread(fd, map + size - 10, 20, 0) <= 10);
  struct stat found;
  SEE(stat(map + size, &found));
  SEE(unlink(map + size + 5));
  return 0;
}
