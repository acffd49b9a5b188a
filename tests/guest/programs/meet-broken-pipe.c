/* Who writes into a pipe that nobody reads any more is ended by SIGPIPE. */
/* pipeline: writes, reads */
#include "meet.h"

int main(int argc, char **argv) {
  char block[1024] = {0};
  (void)argc;
  if (is(argv, "writes")) {
    for (;;) write(1, block, sizeof block);
  }
  SEE(read(0, block, 10));
  return 0;
}
