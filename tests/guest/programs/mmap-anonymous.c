/* mmap: anonymous memory is zero-filled, however large, and a length is rounded up to pages. */
#include "see.h"

int main(void) {
  size_t size = page();
  size_t length = 4 << 20;
  unsigned char *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned long sum = 0;
  for (size_t i = 0; i < length; i++) sum += map[i];
  SHOW(sum);
  for (size_t i = 0; i < length; i += 511) map[i] = (unsigned char)i;
  for (size_t i = 0; i < length; i += 511) sum += map[i] == (unsigned char)i;
  SHOW(sum == (length + 510) / 511);
  SEE(munmap(map, length));
  char *odd = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, 999, 0);
  odd[2 * size - 1] = 'x';
  SHOW(odd[2 * size - 1]);
  SEE(munmap(odd, size + 1));
  return 0;
}
