/* mmap: past RLIMIT_AS it is ENOMEM. */
#include "see.h"

#include <sys/resource.h>

int main(void) {
  struct rlimit limit = {256 << 20, RLIM_INFINITY};
  SEE(setrlimit(RLIMIT_AS, &limit));
  void *much = mmap(NULL, 512 << 20, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SHOW(much == MAP_FAILED && errno == ENOMEM);
  WORKS((intptr_t)mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  SEE(getrlimit(RLIMIT_AS, &limit));
  SHOW(limit.rlim_cur >> 20);
  SEE(getrlimit(999, &limit));
  return 0;
}
