/* Files: read, write, lseek, append, pread and pwrite on one description. */
#include "see.h"

int main(void) {
  char bytes[32] = {0};
  int fd = make_file("a", 10);
  SEE(lseek(fd, 0, SEEK_CUR));
  SEE(read(fd, bytes, 4));
  SEE(lseek(fd, 2, SEEK_SET));
  SEE(read(fd, bytes, 4));
  TEXT(bytes);
  SEE(pread(fd, bytes, 4, 8));
  SEE(pread(fd, bytes, 4, 10));
  SEE(pwrite(fd, "xy", 2, 12));
  SEE(lseek(fd, 0, SEEK_CUR));
  SEE(lseek(fd, 0, SEEK_END));
  SEE(pread(fd, bytes, sizeof bytes, 8));
  SHOW(bytes[2] == 0 && bytes[3] == 0 && bytes[4] == 'x');
  SEE(lseek(fd, -100, SEEK_CUR));
  SEE(lseek(fd, 0, 99));
  int more = open("a", O_WRONLY | O_APPEND);
  SEE(write(more, "end", 3));
  SEE(lseek(more, 0, SEEK_CUR));
  SEE(read(more, bytes, 1));
  int less = open("a", O_RDONLY);
  SEE(write(less, "no", 2));
  SEE(close(less));
  SEE(close(less));
  SEE(read(less, bytes, 1));
  return 0;
}
