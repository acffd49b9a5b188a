/* Prints the checksum of one round of a program of bench/guest/, natively. */
#include <stdint.h>
#include <stdio.h>

uint32_t work(uint32_t rounds);

int main(void) {
  printf("%u\n", (unsigned)work(1));
  return 0;
}
