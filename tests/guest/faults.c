/* Faults in a function of its own, or in the library's where it is given an address. command.test.ts knows the lines. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static int poke(int *at) {
  for (int i = 0; i < 9; i++)
    at[i] = i;
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1)
    return (int)strlen((char *)strtoul(argv[1], 0, 0));
  return poke((int *)0x90000000);
}
