/* A signal whose default action ends a process ends it. */
#include "see.h"

int main(void) {
  printf("before\n");
  fflush(stdout);
  raise(SIGTERM);
  printf("still here\n");
  return 0;
}
