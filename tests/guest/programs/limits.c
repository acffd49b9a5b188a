/* setrlimit: soft and hard limits; a hard one is raised by root alone, a soft one no higher than it. needs root */
#include "see.h"

#include <sys/resource.h>

static void set(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit limit = {soft, hard};
  SEE(setrlimit(resource, &limit));
}

static void get(int resource) {
  struct rlimit limit;
  SEE(getrlimit(resource, &limit));
  SHOW(limit.rlim_cur);
  SHOW(limit.rlim_max);
}

static void use(int resource, rlim_t unit) {
  set(resource, 4 * unit, 8 * unit);
  get(resource);
  set(resource, 9 * unit, 8 * unit);
  get(resource);
  set(resource, 8 * unit, 8 * unit);
  get(resource);
}

static void use_less(int resource, rlim_t unit) {
  set(resource, 16 * unit, 16 * unit);
  set(resource, 4 * unit, 9 * unit);
  set(resource, 4 * unit, RLIM_INFINITY);
  set(resource, RLIM_INFINITY, RLIM_INFINITY);
  get(resource);
  set(resource, 4 * unit, 6 * unit);
  set(resource, 6 * unit, 6 * unit);
  set(resource, 4 * unit, 7 * unit);
  get(resource);
}

int main(void) {
  static const int others[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE};
  use(RLIMIT_MEMLOCK, 4096);
  use(RLIMIT_NOFILE, 4);
  use(RLIMIT_AS, 64 << 20);
  SEE(seteuid(65534));
  use_less(RLIMIT_MEMLOCK, 4096);
  use_less(RLIMIT_NOFILE, 4);
  use_less(RLIMIT_AS, 64 << 20);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct rlimit limit;
    SEE(getrlimit(others[i], &limit));
    SEE(setrlimit(others[i], &limit));
    set(others[i], 2, 1);
  }
  set(999, 1, 1);
  return 0;
}
