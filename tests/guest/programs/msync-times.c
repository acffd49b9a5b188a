/* msync: the times of a file have moved once a store to a shared writable mapping is synced. */
#include "see.h"

int main(void) {
  size_t size = page();
  struct stat found;
  struct timespec times[2] = {{1000, 0}, {1000, 0}};
  int fd = make_file("a", size);
  volatile char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SEE(futimens(fd, times));
  SEE(msync((void *)map, size, MS_SYNC));
  fstat(fd, &found);
  SHOW(found.st_mtim.tv_sec);
  map[0] = 'x';
  SEE(msync((void *)map, size, MS_SYNC));
  fstat(fd, &found);
  SHOW(found.st_mtim.tv_sec > 1000);
  return 0;
}
