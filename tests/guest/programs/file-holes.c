/* Files: SEEK_DATA and SEEK_HOLE. */
#include "see.h"

int main(void) {
  int fd = open("a", O_RDWR | O_CREAT, 0644);
  SEE(ftruncate(fd, 1 << 20));
  SEE(pwrite(fd, "data", 4, 256 << 10));
  SEE(lseek(fd, 0, SEEK_DATA));
  SEE(lseek(fd, 0, SEEK_HOLE));
  SHOW(lseek(fd, 256 << 10, SEEK_HOLE) > 256 << 10);
  SEE(lseek(fd, 512 << 10, SEEK_DATA));
  SEE(lseek(fd, 1 << 20, SEEK_HOLE));
  return 0;
}
