/* abort ends a process by SIGABRT, an assertion too; what was not flushed is lost. */
#include "see.h"

#include <assert.h>

int main(int argc, char **argv) {
  (void)argv;
  printf("before\n");
  fflush(stdout);
  assert(argc == 77);
  return 0;
}
