/* exit runs what atexit was given, last first, flushes, and gives the low eight bits. */
#include "see.h"

static void first(void) {
  printf("registered first\n");
}

static void second(void) {
  printf("registered second\n");
}

int main(void) {
  atexit(first);
  atexit(second);
  printf("not flushed yet\n");
  exit(256 + 9);
}
