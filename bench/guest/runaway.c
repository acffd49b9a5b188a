/* A program that says that it runs, and never ends: it calls nothing, and hears of a signal only when it looks. */
#include <stdint.h>
#include <unistd.h>

int main(void) {
  uint32_t volatile turns = 0;
  write(1, "!", 1);
  for (;;) turns++;
}
