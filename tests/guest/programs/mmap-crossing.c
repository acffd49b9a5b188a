/* Accesses that lie across the border of two pages: each width, in a mapping of pages that lie apart in their file. */
#include "see.h"

static unsigned char *map;

int main(void) {
  size_t size = page();
  int fd = make_file("a", 4 * size);
  map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  mmap(map + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)(3 * size));
  for (int back = 1; back < 8; back++) {
    unsigned char *at = map + size - back;
    uint64_t wide = 0x0123456789abcdefull + (unsigned)back;
    uint32_t word = 0xdeadbeef + (unsigned)back;
    uint16_t half = (uint16_t)(0xbeef + back);
    double number = 1.0 / back;
    uint64_t got;
    memcpy(at, &wide, 8);
    memcpy(&got, at, 8);
    SHOW(got == wide && at[back] == (unsigned char)(wide >> (8 * back)));
    if (back < 4) *(volatile uint32_t *)at = word;
    if (back < 4) SHOW(*(volatile uint32_t *)at == word);
    if (back < 2) *(volatile uint16_t *)at = half;
    if (back < 2) SHOW(*(volatile uint16_t *)at == half);
    *(volatile double *)at = number;
    SHOW(*(volatile double *)at == number);
  }
  unsigned char byte;
  pread(fd, &byte, 1, (off_t)(3 * size));
  SHOW(byte == map[size]);
  return 0;
}
