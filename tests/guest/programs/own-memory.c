/* Calls on the program's own memory, which no call mapped: it is there, and so are its pages. */
#include "see.h"

static char area[65536];

int main(void) {
  size_t size = page();
  char *whole = (char *)(((uintptr_t)area + size - 1) & ~(uintptr_t)(size - 1));
  char *heap = malloc(100);
  int stack[10] = {0};
  unsigned char vec[2] = {0};
  memset(whole, 1, 2 * size);
  SEE(mlock(heap, 100));
  SEE(munlock(heap, 100));
  SEE(mlock(stack, sizeof stack));
  SEE(munlock(stack, sizeof stack));
  SEE(mlock(whole + 5, size));
  SEE(munlock(whole + 5, size));
  SEE(msync(whole, size, MS_SYNC));
  SEE(msync(whole, 2 * size, MS_ASYNC));
  SEE(msync(whole + 1, size, MS_SYNC));
  SEE(msync(whole, size, MS_SYNC | MS_ASYNC));
  SEE(madvise(whole, size, MADV_NORMAL));
  SEE(madvise(whole, size, MADV_WILLNEED));
  SEE(madvise(whole + 1, size, MADV_WILLNEED));
  SEE(madvise(whole, size, 12345));
  GIVES(posix_madvise(whole, size, POSIX_MADV_SEQUENTIAL));
  GIVES(posix_madvise(whole, size, 12345));
  SEE(mincore(whole, 2 * size, vec));
  SHOW((vec[0] & 1) && (vec[1] & 1));
  SEE(mincore(whole + 1, size, vec));
  SEE(mprotect(whole, size, PROT_READ | PROT_WRITE));
  SEE(mprotect(whole + 1, size, PROT_READ | PROT_WRITE));
  whole[0] = 2;
  return 0;
}
