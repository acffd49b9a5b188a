/* mremap: contents move with their pages, the file's too; old size 0 makes a second mapping of shared pages. */
#include "see.h"

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 5 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 'm', 4 * size);
  mmap(map + 4 * size, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  char *moved = mremap(map, 4 * size, 100 * size, MREMAP_MAYMOVE);
  SHOW(moved != MAP_FAILED && moved[4 * size - 1] == 'm' && moved[4 * size] == 0);
  moved[99 * size] = 'e';
  unsigned char vec;
  SEE(mincore(map, size, &vec));
  int fd = make_file("a", 4 * size);
  char *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  file[0] = 'F';
  char *wider = mremap(file, size, 4 * size, MREMAP_MAYMOVE);
  SHOW(wider[0] == 'F' && wider[3 * size] == (char)('0' + 3 * size % 10));
  char *again = mremap(wider, 0, 2 * size, MREMAP_MAYMOVE);
  SHOW(again != MAP_FAILED && again != wider);
  again[1] = 'G';
  SHOW(wider[1] == 'G');
  char *to = mmap(NULL, 4 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(mremap(wider, 2 * size, 2 * size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
  SHOW(to[0] == 'F' && wider[2 * size] == (char)('0' + 2 * size % 10));
  return 0;
}
