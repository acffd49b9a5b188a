/* Conditions: those in mapped pages are the kernel's (assembly/condition.ts). In private memory nobody can signal one, so a wait ends by time. */
#include "answer.h"

#include <pthread.h>
#include <time.h>

_Static_assert(sizeof(pthread_cond_t) >= ISOPAGE_COND_BYTES, "pthread_cond_t");

#define OWN_CLOCK 0xffffffffu
#define WAITERS(cond) (&(cond)->__u.__vi[ISOPAGE_COND_WAITERS / 4])
#define KIND(cond) ((cond)->__u.__vi[ISOPAGE_COND_KIND / 4])

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes) {
  unsigned clock = attributes == NULL ? 0 : attributes->__attr & 1;
  if (in_window(cond)) return number(__isopage_cond_init(cond, clock));
  KIND(cond) = (int)clock;
  *WAITERS(cond) = 0;
  return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond) {
  return in_window(cond) ? number(__isopage_cond_destroy(cond)) : 0;
}

static int wait_until(
  pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline, unsigned clock) {
  if (in_window(cond) && in_window(mutex)) {
    return number(__isopage_cond_wait(cond, mutex, deadline, clock));
  }
  if (in_window(cond)) return EINVAL;
  int unlocked = pthread_mutex_unlock(mutex);
  if (unlocked != 0) return unlocked;
  int own = clock == OWN_CLOCK;
  int ended = __isopage_sleep_until(deadline, own ? KIND(cond) : (int)clock);
  int locked = pthread_mutex_lock(mutex);
  return locked != 0 ? locked : ended;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
  return wait_until(cond, mutex, NULL, OWN_CLOCK);
}

int pthread_cond_timedwait(
  pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline) {
  return wait_until(cond, mutex, deadline, OWN_CLOCK);
}

int pthread_cond_clockwait(
  pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
  const struct timespec *deadline) {
  return wait_until(cond, mutex, deadline, clock == CLOCK_MONOTONIC);
}

static int wake(pthread_cond_t *cond, unsigned count) {
  if (!in_window(cond)) return 0;
  int waiters = __atomic_load_n(WAITERS(cond), __ATOMIC_SEQ_CST);
  if (waiters == 0 && (unsigned)KIND(cond) <= 1) return 0;
  return number(__isopage_cond_wake(cond, count));
}

int pthread_cond_signal(pthread_cond_t *cond) {
  return wake(cond, 1);
}

int pthread_cond_broadcast(pthread_cond_t *cond) {
  return wake(cond, 0xffffffffu);
}
