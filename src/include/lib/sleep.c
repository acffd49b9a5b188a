/* Waiting for what nobody in the process can do: a lock in private memory has one thread. */
#include "answer.h"

#include <time.h>

int __isopage_sleep_until(const struct timespec *deadline, int monotonic) {
  if (deadline == NULL) {
    for (;;) __isopage_pause();
  }
  if (deadline->tv_nsec < 0 || deadline->tv_nsec >= 1000000000) return EINVAL;
  clockid_t clock = monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  struct timespec now;
  for (;;) {
    clock_gettime(clock, &now);
    struct timespec left = {
      deadline->tv_sec - now.tv_sec,
      deadline->tv_nsec - now.tv_nsec,
    };
    if (left.tv_nsec < 0) {
      left.tv_nsec += 1000000000;
      left.tv_sec--;
    }
    if (left.tv_sec < 0 || (left.tv_sec == 0 && left.tv_nsec == 0)) return ETIMEDOUT;
    nanosleep(&left, NULL);
  }
}
