/* Read-write locks (assembly/rwlock.ts) and barriers (assembly/barrier.ts). In private memory, with one thread, a wait ends by time or never. */
#include "answer.h"

#include <pthread.h>
#include <time.h>

_Static_assert(sizeof(pthread_rwlock_t) >= ISOPAGE_RWLOCK_BYTES, "pthread_rwlock_t");
_Static_assert(sizeof(pthread_barrier_t) >= ISOPAGE_BARRIER_BYTES, "pthread_barrier_t");

#define STATE(rwlock) (&(rwlock)->__u.__vi[ISOPAGE_RWLOCK_STATE / 4])
#define KIND(rwlock) ((rwlock)->__u.__vi[ISOPAGE_RWLOCK_KIND / 4])
#define COUNT(barrier) ((barrier)->__u.__vi[ISOPAGE_BARRIER_COUNT / 4])
#define WRITTEN ((int)ISOPAGE_RWLOCK_WRITE_LOCKED)

int pthread_rwlock_init(pthread_rwlock_t *rwlock, const pthread_rwlockattr_t *attributes) {
  (void)attributes;
  if (in_window(rwlock)) return number(__isopage_rwlock_init(rwlock));
  *STATE(rwlock) = 0;
  KIND(rwlock) = 0;
  return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *rwlock) {
  if (in_window(rwlock)) return number(__isopage_rwlock_destroy(rwlock));
  return *STATE(rwlock) != 0 ? EBUSY : 0;
}

/* One step of a reader, +1 or -1, where no writer is and nobody waits. => it was made. */
static int step(pthread_rwlock_t *rwlock, int by) {
  if (KIND(rwlock) != 0) return 0;
  int state = __atomic_load_n(STATE(rwlock), __ATOMIC_SEQ_CST);
  for (;;) {
    int to = state + by;
    if (state < 0 || state == WRITTEN || to < 0 || to == WRITTEN) return 0;
    if (__atomic_compare_exchange_n(
          STATE(rwlock), &state, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return 1;
  }
}

/* A time that is none is told before a deadlock, as the kernel does. */
static int is_time(const struct timespec *at) {
  return at == NULL || (at->tv_nsec >= 0 && at->tv_nsec < 1000000000);
}

static int lock_until(
  pthread_rwlock_t *rwlock, int write, const struct timespec *deadline, int monotonic) {
  if (!write && step(rwlock, 1)) return 0;
  unsigned clock = monotonic ? ISOPAGE_CLOCK_MONOTONIC : ISOPAGE_CLOCK_REALTIME;
  if (in_window(rwlock)) return number(__isopage_rwlock_lock(rwlock, write, deadline, clock));
  if (*STATE(rwlock) == WRITTEN) return is_time(deadline) ? EDEADLK : EINVAL;
  if (*STATE(rwlock) != 0) return __isopage_sleep_until(deadline, monotonic);
  *STATE(rwlock) = WRITTEN;
  return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *rwlock) {
  return lock_until(rwlock, 0, NULL, 0);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *rwlock, const struct timespec *deadline) {
  return lock_until(rwlock, 0, deadline, 0);
}

int pthread_rwlock_clockrdlock(
  pthread_rwlock_t *rwlock, clockid_t clock, const struct timespec *deadline) {
  return lock_until(rwlock, 0, deadline, clock == CLOCK_MONOTONIC);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *rwlock) {
  return lock_until(rwlock, 1, NULL, 0);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *rwlock, const struct timespec *deadline) {
  return lock_until(rwlock, 1, deadline, 0);
}

int pthread_rwlock_clockwrlock(
  pthread_rwlock_t *rwlock, clockid_t clock, const struct timespec *deadline) {
  return lock_until(rwlock, 1, deadline, clock == CLOCK_MONOTONIC);
}

static int try_lock(pthread_rwlock_t *rwlock, int write) {
  if (!write && step(rwlock, 1)) return 0;
  if (in_window(rwlock)) return number(__isopage_rwlock_trylock(rwlock, write));
  if (*STATE(rwlock) != 0) return EBUSY;
  *STATE(rwlock) = WRITTEN;
  return 0;
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *rwlock) {
  return try_lock(rwlock, 0);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *rwlock) {
  return try_lock(rwlock, 1);
}

int pthread_rwlock_unlock(pthread_rwlock_t *rwlock) {
  if (step(rwlock, -1)) return 0;
  if (in_window(rwlock)) return number(__isopage_rwlock_unlock(rwlock));
  if (*STATE(rwlock) != WRITTEN) return EPERM;
  *STATE(rwlock) = 0;
  return 0;
}

int pthread_barrier_init(
  pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes, unsigned count) {
  (void)attributes;
  if (in_window(barrier)) return number(__isopage_barrier_init(barrier, count));
  if (count == 0 || count > 0x7fffffff) return EINVAL;
  COUNT(barrier) = (int)count;
  return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier) {
  if (in_window(barrier)) return number(__isopage_barrier_destroy(barrier));
  COUNT(barrier) = 0;
  return 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier) {
  if (in_window(barrier)) {
    int result = __isopage_barrier_wait(barrier);
    return result == 1 ? PTHREAD_BARRIER_SERIAL_THREAD : number(result);
  }
  if (COUNT(barrier) == 0) return EINVAL;
  if (COUNT(barrier) == 1) return PTHREAD_BARRIER_SERIAL_THREAD;
  return __isopage_sleep_until(NULL, 0);
}
