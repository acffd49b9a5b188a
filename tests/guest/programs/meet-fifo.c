/* A FIFO between processes: open waits for the other end, bytes go through, the end of the writer is the end of file. */
/* processes: reads, writes */
#include "meet.h"

static void reads(void) {
  char bytes[300];
  long sum = 0;
  int in = (int)WORKS(open("fifo", O_RDONLY)); /* waits for who writes */
  long got;
  while ((got = read(in, bytes, sizeof bytes)) > 0) {
    for (long i = 0; i < got; i++) sum += (unsigned char)bytes[i];
  }
  SHOW(got);
  SHOW(sum);
}

static void writes(void) {
  static unsigned char bytes[200000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 7);
  usleep(20000);
  int out = (int)WORKS(open("fifo", O_WRONLY));
  SEE(write(out, bytes, sizeof bytes)); /* more than fits: waits for who reads */
}

int main(int argc, char **argv) {
  (void)argc;
  mkfifo("fifo", 0600);
  if (is(argv, "reads")) reads();
  else writes();
  return 0;
}
