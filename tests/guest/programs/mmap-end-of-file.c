/* mmap: past the end of a file bytes of its last page read 0, stores there reach no file, and a mapping changes no size. */
#include "see.h"

int main(void) {
  size_t size = page();
  struct stat found;
  char bytes[8] = {0};
  int fd = make_file("a", size + 100);
  char *map = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(map[size + 99] == (char)('0' + (size + 99) % 10));
  SHOW(map[size + 100] == 0 && map[2 * size - 1] == 0);
  memcpy(map + size + 98, "wxyz", 4);
  SHOW(map[size + 101] == 'z');
  SEE(msync(map, 2 * size, MS_SYNC));
  SEE(fstat(fd, &found));
  SHOW(found.st_size == (off_t)(size + 100));
  SEE(pread(fd, bytes, 8, (off_t)size + 98));
  TEXT(bytes);
  SEE(ftruncate(fd, (off_t)(2 * size)));
  SEE(pread(fd, bytes, 8, (off_t)size + 98));
  SHOW(bytes[1] == 'x' && bytes[2] == 0 && bytes[3] == 0);
  SHOW(map[size + 100] == 0 && map[size + 101] == 0);
  return 0;
}
