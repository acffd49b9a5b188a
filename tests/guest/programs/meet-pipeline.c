/* A pipeline of processes: bytes in order through pipes that are smaller than they are, and the end of file at the end. */
/* pipeline: makes 40000, doubles, sums */
#include "meet.h"

static void makes(unsigned count) {
  for (unsigned i = 0; i < count; i++) printf("%u\n", i);
}

static void doubles(void) {
  char line[32];
  while (fgets(line, sizeof line, stdin) != NULL) printf("%d\n", 2 * atoi(line));
}

static void sums(void) {
  unsigned bytes = 0, lines = 0;
  unsigned long long sum = 0;
  char block[777];
  long value = 0;
  for (ssize_t got; (got = read(0, block, sizeof block)) > 0; bytes += (unsigned)got) {
    for (ssize_t i = 0; i < got; i++) {
      if (block[i] != '\n') value = 10 * value + block[i] - '0';
      else {
        sum += (unsigned long long)value;
        value = 0;
        lines++;
      }
    }
  }
  SHOW(bytes);
  SHOW(lines);
  SHOW(sum);
  SEE(read(0, block, 1));
}

int main(int argc, char **argv) {
  if (argc > 2) makes((unsigned)atoi(argv[2]));
  else if (is(argv, "doubles")) doubles();
  else sums();
  return 0;
}
