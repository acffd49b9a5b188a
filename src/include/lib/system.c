/* sysconf, clocks of the process, names of the host, memory by pages. */
#include "answer.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

enum { TICKS_PER_SECOND = 100 };

/* POSIX.1-2017 sysconf: -1 without errno means no limit. */
long sysconf(int name) {
  switch (name) {
    case _SC_PAGESIZE: return getpagesize();
    case _SC_CLK_TCK: return TICKS_PER_SECOND;
    case _SC_OPEN_MAX: return getdtablesize();
    case _SC_NGROUPS_MAX: return ISOPAGE_GROUPS_MAX;
    case _SC_ARG_MAX: return ARG_MAX;
    case _SC_LINE_MAX: return LINE_MAX;
    case _SC_HOST_NAME_MAX: return HOST_NAME_MAX;
    case _SC_LOGIN_NAME_MAX: return LOGIN_NAME_MAX;
    case _SC_SYMLOOP_MAX: return ISOPAGE_SYMLOOP_MAX;
    case _SC_IOV_MAX: return IOV_MAX;
    case _SC_SEM_VALUE_MAX: return ISOPAGE_SEM_VALUE_MAX;
    case _SC_MQ_PRIO_MAX: return ISOPAGE_MQ_PRIO_MAX;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN: return 1;
    case _SC_MAPPED_FILES:
    case _SC_MEMLOCK:
    case _SC_MEMLOCK_RANGE:
    case _SC_MEMORY_PROTECTION:
    case _SC_MESSAGE_PASSING:
    case _SC_SEMAPHORES:
    case _SC_SHARED_MEMORY_OBJECTS:
    case _SC_SYNCHRONIZED_IO:
    case _SC_FSYNC:
    case _SC_MONOTONIC_CLOCK:
    case _SC_BARRIERS:
    case _SC_READER_WRITER_LOCKS:
    case _SC_THREAD_PROCESS_SHARED:
    case _SC_TIMEOUTS:
    case _SC_ADVISORY_INFO:
    case _SC_VERSION: return 200809;
    case _SC_CHILD_MAX:
    case _SC_STREAM_MAX:
    case _SC_SEM_NSEMS_MAX:
    case _SC_MQ_OPEN_MAX:
    case _SC_THREADS:
    case _SC_JOB_CONTROL:
    case _SC_REALTIME_SIGNALS:
    case _SC_TIMERS:
    case _SC_ASYNCHRONOUS_IO:
    case _SC_PRIORITY_SCHEDULING:
    case _SC_PHYS_PAGES:
    case _SC_AVPHYS_PAGES: return -1;
    default: return answer(-EINVAL);
  }
}

/* Nanoseconds that the process has run; where the host has no clock for that, since it began to ask. */
static long long cpu_time(void) {
  static __wasi_timestamp_t first;
  __wasi_timestamp_t now;
  if (__wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 1000, &now) == 0) return (long long)now;
  if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1000, &now) != 0) return 0;
  if (first == 0) first = now;
  return (long long)(now - first);
}

clock_t clock(void) {
  return (clock_t)(cpu_time() / (1000000000 / CLOCKS_PER_SEC));
}

clock_t times(struct tms *to) {
  const long tick = 1000000000 / TICKS_PER_SECOND;
  *to = (struct tms){.tms_utime = (clock_t)(cpu_time() / tick)};
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (clock_t)(now.tv_sec * TICKS_PER_SECOND + now.tv_nsec / tick);
}

int getrusage(int who, struct rusage *to) {
  if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN) return answer(-EINVAL);
  *to = (struct rusage){0};
  if (who == RUSAGE_CHILDREN) return 0;
  long long now = cpu_time();
  to->ru_utime = (struct timeval){now / 1000000000, (suseconds_t)(now % 1000000000 / 1000)};
  return 0;
}

int gethostname(char *name, size_t size) {
  static const char own[] = "isopage";
  if (size < sizeof own) return answer(-ENAMETOOLONG);
  memcpy(name, own, sizeof own);
  return 0;
}

void *memalign(size_t alignment, size_t bytes) {
  void *at;
  int error = posix_memalign(&at, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes);
  return error == 0 ? at : (errno = error, NULL);
}

void *valloc(size_t bytes) {
  return memalign((size_t)getpagesize(), bytes);
}
