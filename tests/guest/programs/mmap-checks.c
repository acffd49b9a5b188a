/* mmap: the order of its checks. */
#include "see.h"

#define MAP(...) see_works("mmap " #__VA_ARGS__, (errno = 0, (intptr_t)mmap(NULL, __VA_ARGS__)))

int main(void) {
  size_t size = page();
  int fd = make_file("a", 3 * size);
  MAP(0, PROT_READ, MAP_SHARED, fd, 0);
  MAP(size, PROT_READ, MAP_SHARED, fd, 1);
  MAP(size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 1);
  MAP(size, PROT_READ, MAP_SHARED, 999, 1);
  MAP(size, PROT_READ, MAP_SHARED, 999, 0);
  MAP(0, PROT_READ, MAP_SHARED, 999, 0);
  MAP(size, PROT_READ, 0, fd, 0);
  MAP(size, PROT_READ, MAP_ANONYMOUS, -1, 0);
  MAP(SIZE_MAX, PROT_READ, MAP_SHARED, fd, 0);
  MAP(size, PROT_READ, MAP_SHARED, fd, (off_t)(INT64_MAX - (INT64_MAX % size)));
  MAP(1, PROT_READ, MAP_SHARED, fd, 0);
  MAP(size, PROT_READ, MAP_SHARED | MAP_PRIVATE, fd, 0);
  MAP(size, PROT_READ, MAP_SHARED | MAP_PRIVATE | 0x200000, fd, 0);
  MAP(size, PROT_READ, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MAP(size, PROT_READ, MAP_SHARED | MAP_NORESERVE | MAP_POPULATE, fd, 0);
  MAP(size, PROT_READ | 0x40000000, MAP_PRIVATE, fd, 0);
  return 0;
}
