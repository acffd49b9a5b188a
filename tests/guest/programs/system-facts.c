/* sysconf, getpagesize, ids, limits of the system that a program may ask for. */
#include "see.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>

int main(void) {
  SHOW(sysconf(_SC_PAGESIZE) == getpagesize());
  SHOW(getpagesize() == 4096);
  SHOW(sysconf(_SC_CLK_TCK));
  SHOW(sysconf(_SC_OPEN_MAX) > 20);
  SHOW(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
  SEE(sysconf(-5));
  SHOW(_POSIX_MAPPED_FILES > 0 && _POSIX_MEMORY_PROTECTION > 0 && _POSIX_MEMLOCK_RANGE > 0);
  SHOW(_POSIX_SHARED_MEMORY_OBJECTS > 0 && _POSIX_MESSAGE_PASSING > 0 && _POSIX_SEMAPHORES > 0);
  SHOW(_POSIX_THREAD_PROCESS_SHARED > 0 && _POSIX_BARRIERS > 0 && _POSIX_TIMEOUTS > 0);
  SHOW(PIPE_BUF);
  SHOW(NAME_MAX);
  SHOW(getpid() > 0 && getpid() == getpid());
  SHOW(getppid() >= 0);
  SHOW(getuid() == geteuid() && getgid() == getegid());
  struct rusage used;
  struct tms spent;
  SEE(getrusage(RUSAGE_SELF, &used));
  SEE(getrusage(77, &used));
  SHOW(times(&spent) != (clock_t)-1);
  SHOW(clock() != (clock_t)-1);
  SEE(wait(NULL));
  SEE(waitpid(-1, NULL, WNOHANG));
  SEE(kill(getpid(), 0));
  SEE(kill(getpid(), 1000));
  SEE(kill(2000000, 0));
  char *aligned = valloc(100);
  SHOW((uintptr_t)aligned % page());
  SHOW((intptr_t)sbrk(0) != -1);
  return 0;
}
