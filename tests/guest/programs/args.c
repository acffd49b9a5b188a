/* Arguments come as they were given, and the status is main's. arguments: one "two words" "" */
#include "see.h"

int main(int argc, char **argv) {
  SHOW(argc);
  for (int i = 1; i < argc; i++) printf("[%s]\n", argv[i]);
  return 7;
}
