/* mmap: MAP_FIXED replaces, MAP_FIXED_NOREPLACE refuses, hints are honoured where it is free. */
#include "see.h"

int main(void) {
  size_t size = page();
  char *base = mmap(NULL, 8 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(base, 'b', 8 * size);
  int fd = make_file("a", size);
  char *inside = mmap(base + 2 * size, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
  SHOW(inside == base + 2 * size);
  SHOW(base[2 * size - 1] == 'b' && base[2 * size] == '0' && base[3 * size] == 'b');
  void *no = mmap(base + 4 * size, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                  -1, 0);
  SHOW(no == MAP_FAILED && errno == EEXIST);
  SEE(munmap(base + 4 * size, size));
  char *back = mmap(base + 4 * size, size, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  SHOW(back == base + 4 * size && *back == 0);
  SEE(munmap(base + 5 * size, size));
  char *hinted = mmap(base + 5 * size, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(hinted == base + 5 * size);
  char *busy = mmap(base, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(busy != base && busy != MAP_FAILED);
  SEE((intptr_t)mmap(base + 1, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  SHOW(base[0] == 'b');
  return 0;
}
