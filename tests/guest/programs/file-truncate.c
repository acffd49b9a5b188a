/* Files: ftruncate, truncate and fallocate: holes read 0, and what is cut off is gone. */
#include "see.h"

int main(void) {
  char bytes[16] = {0};
  struct stat found;
  int fd = make_file("a", 10);
  SEE(ftruncate(fd, 4));
  SEE(pread(fd, bytes, 16, 0));
  SEE(ftruncate(fd, 100000));
  SEE(pread(fd, bytes, 8, 2));
  SHOW(bytes[0] == '2' && bytes[2] == 0 && bytes[7] == 0);
  SEE(truncate("a", 20));
  SEE(fstat(fd, &found));
  SHOW(found.st_size);
  SEE(ftruncate(fd, -1));
  SEE(truncate("none", 1));
  int less = open("a", O_RDONLY);
  SEE(ftruncate(less, 1));
  SEE(posix_fallocate(fd, 0, 5000));
  SEE(lseek(fd, 0, SEEK_END));
  SEE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 9000));
  SEE(lseek(fd, 0, SEEK_END));
  SEE(pwrite(fd, "here", 4, 4096));
  SEE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 2));
  SEE(pread(fd, bytes, 4, 4096));
  SHOW(bytes[0] == 0 && bytes[2] == 'r');
  SEE(fallocate(fd, 0, 0, 0));
  SEE(fallocate(less, 0, 0, 1));
  return 0;
}
