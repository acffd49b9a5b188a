/* mmap: a mapping far past the end of a file is of use once the file has grown. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = open("a", O_RDWR | O_CREAT, 0644);
  char *map = mmap(NULL, 64 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(map != MAP_FAILED);
  for (int i = 1; i <= 64; i *= 2) {
    SEE(ftruncate(fd, (off_t)(i * (off_t)size)));
    map[(size_t)i * size - 1] = (char)('a' + i % 26);
  }
  char byte = 0;
  SEE(pread(fd, &byte, 1, (off_t)(64 * size - 1)));
  SHOW(byte == 'a' + 64 % 26);
  SHOW(map[10 * size] == 0);
  SEE(ftruncate(fd, (off_t)size));
  SEE(ftruncate(fd, (off_t)(4 * size)));
  SHOW(map[size] == 0 && map[2 * size - 1] == 0 && map[size - 1] == 'b');
  return 0;
}
