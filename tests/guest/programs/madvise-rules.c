/* madvise: what it takes and refuses; DONTNEED is destructive, posix_madvise is not. */
#include "see.h"

int main(void) {
  size_t size = page();
  int fd = make_file("a", 4 * size);
  char *own = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char *all = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *bare = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SEE(madvise(all, 4 * size, MADV_WILLNEED));
  SEE(madvise(all, 4 * size, MADV_SEQUENTIAL));
  SEE(madvise(all, 4 * size, MADV_RANDOM));
  SEE(madvise(all, 4 * size, MADV_NORMAL));
  SEE(madvise(all, size, 7777));
  SEE(madvise(all + 1, size, MADV_NORMAL));
  SEE(madvise(all, 0, MADV_NORMAL));
  own[0] = all[size] = bare[0] = 'x';
  GIVES(posix_madvise(own, 4 * size, POSIX_MADV_DONTNEED));
  SHOW(own[0] == 'x');
  GIVES(posix_madvise(own, 4 * size, 7777));
  SEE(madvise(own, 4 * size, MADV_DONTNEED));
  SHOW(own[0] == '0');
  SEE(madvise(all, 4 * size, MADV_DONTNEED));
  SHOW(all[size] == 'x');
  SEE(madvise(bare, 4 * size, MADV_DONTNEED));
  SHOW(bare[0]);
  SEE(madvise(all, size, MADV_FREE));
  SEE(madvise(bare, size, MADV_FREE));
  SEE(munmap(bare + size, size));
  bare[3 * size] = 'y';
  SEE(madvise(bare, 4 * size, MADV_DONTNEED));
  SHOW(bare[3 * size]);
  SEE(mlock(bare, size));
  SEE(madvise(bare, size, MADV_DONTNEED));
  return 0;
}
