/* A load from a PROT_NONE mapping is SIGSEGV. */
#include "see.h"

int main(void) {
  volatile char *map = mmap(NULL, page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("mapped\n");
  fflush(stdout);
  char byte = *map;
  printf("still here %d\n", byte);
  return 0;
}
