/* mlock: past RLIMIT_MEMLOCK it is ENOMEM, with a limit of 0 EPERM, for who is not root. needs root */
#include "see.h"

#include <sys/resource.h>

static char own[1 << 20];

int main(void) {
  size_t size = page();
  struct rlimit limit = {4 * size, 8 * size};
  SEE(setrlimit(RLIMIT_MEMLOCK, &limit));
  SEE(setuid(65534));
  SEE(getrlimit(RLIMIT_MEMLOCK, &limit));
  SHOW(limit.rlim_cur / size);
  char *map = mmap(NULL, 8 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SEE(mlock(own, sizeof own));
  SEE(mlock(map, 4 * size));
  SEE(mlock(map + 4 * size, size));
  SEE(munlock(map, size));
  SEE(mlock(map + 4 * size, size));
  SEE(munlock(map, 8 * size));
  limit.rlim_cur = limit.rlim_max = 0;
  SEE(setrlimit(RLIMIT_MEMLOCK, &limit));
  SEE(mlock(map, size));
  SEE(mlock(own, 10));
  SEE(munlock(own, 10));
  return 0;
}
