/* setjmp and longjmp, through functions that hold mapped memory, and their signal forms. */
#include "see.h"

#include <setjmp.h>

static jmp_buf home;
static sigjmp_buf away;
static volatile int *counter;

static void leave(int depth) {
  (*counter)++;
  if (depth == 0) longjmp(home, 42);
  leave(depth - 1);
}

int main(void) {
  counter = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int came = setjmp(home);
  SHOW(came);
  if (came == 0) leave(10);
  SHOW(*counter);
  if (sigsetjmp(away, 1) == 0) siglongjmp(away, 0);
  printf("back\n");
  for (volatile int i = 0; i < 3; i++) {
    if (setjmp(home) == 0) leave(1);
  }
  SHOW(*counter);
  return 0;
}
