/* msync: its flags, and a hole is ENOMEM once the rest was done. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = make_file("a", 4 * size);
  char *map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SEE(msync(map, 4 * size, MS_SYNC));
  SEE(msync(map, 4 * size, MS_ASYNC));
  SEE(msync(map, 4 * size, 0));
  SEE(msync(map, 4 * size, MS_ASYNC | MS_SYNC));
  SEE(msync(map, 4 * size, MS_SYNC | MS_INVALIDATE));
  SEE(msync(map, 4 * size, 64));
  SEE(msync(map + 1, size, MS_SYNC));
  SEE(msync(map, 0, MS_SYNC));
  SEE(msync(map, 1, MS_SYNC));
  SEE(munmap(map + size, size));
  memset(map + 2 * size, 'x', size);
  SEE(msync(map, 4 * size, MS_SYNC));
  char byte;
  SEE(pread(fd, &byte, 1, (off_t)(2 * size)));
  SHOW(byte);
  void *own = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SEE(msync(own, size, MS_SYNC));
  SEE(mlock(map, size));
  SEE(msync(map, size, MS_SYNC | MS_INVALIDATE));
  return 0;
}
