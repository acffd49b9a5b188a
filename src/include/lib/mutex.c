/*
 * Mutexes. Those in mapped pages are the kernel's (assembly/mutex.ts draws their words): what one compare-and-swap can do is done here, the rest
 * by calls. Those in private memory have one thread, so a wait for one ends by time or never.
 */
#include "answer.h"

#include <pthread.h>
#include <time.h>

_Static_assert(sizeof(pthread_mutex_t) >= ISOPAGE_MUTEX_BYTES, "pthread_mutex_t");
_Static_assert(PTHREAD_MUTEX_NORMAL == ISOPAGE_MUTEX_NORMAL, "normal");
_Static_assert(PTHREAD_MUTEX_RECURSIVE == ISOPAGE_MUTEX_RECURSIVE, "recursive");
_Static_assert(PTHREAD_MUTEX_ERRORCHECK == ISOPAGE_MUTEX_ERRORCHECK, "errorcheck");

#define WORD(mutex) (&(mutex)->__u.__vi[ISOPAGE_MUTEX_WORD / 4])
#define KIND(mutex) ((unsigned)(mutex)->__u.__vi[ISOPAGE_MUTEX_KIND / 4])
#define COUNT(mutex) ((mutex)->__u.__vi[ISOPAGE_MUTEX_COUNT / 4])
#define SET_KIND(mutex, kind) ((mutex)->__u.__vi[ISOPAGE_MUTEX_KIND / 4] = (int)(kind))

static int owner_word;

static int me(const pthread_mutex_t *mutex) {
  if (!in_window(mutex)) return 1;
  if (owner_word == 0) owner_word = __isopage_sync_owner();
  return owner_word;
}

/* Bits of wasi-libc's attribute word: type 0..1, robust 2, protocol 3, process-shared 31. */
static unsigned kind_of(const pthread_mutexattr_t *attributes) {
  unsigned bits = attributes == NULL ? 0 : attributes->__attr;
  return (bits & 3) | (bits & 4 ? ISOPAGE_MUTEX_ROBUST : 0);
}

static int is_plain(unsigned kind) {
  return kind <= ISOPAGE_MUTEX_ERRORCHECK;
}

static int swap(pthread_mutex_t *mutex, int from, int to) {
  return __atomic_compare_exchange_n(
    WORD(mutex), &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  unsigned kind = kind_of(attributes);
  if (in_window(mutex)) return number(__isopage_mutex_init(mutex, kind));
  *WORD(mutex) = 0;
  SET_KIND(mutex, kind);
  COUNT(mutex) = 0;
  return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) {
  if (in_window(mutex)) return number(__isopage_mutex_destroy(mutex));
  if (*WORD(mutex) != 0) return EBUSY;
  SET_KIND(mutex, ISOPAGE_SYNC_DESTROYED);
  return 0;
}

/* A mutex of private memory that this thread, the only one, has: => 0 when it may have it again. */
static int again(pthread_mutex_t *mutex) {
  switch (KIND(mutex) & 3) {
    case ISOPAGE_MUTEX_RECURSIVE:
      if ((unsigned)COUNT(mutex) == ISOPAGE_MUTEX_COUNT_MAX) return EAGAIN;
      COUNT(mutex)++;
      return 0;
    case ISOPAGE_MUTEX_ERRORCHECK:
      return EDEADLK;
    default:
      return EBUSY;
  }
}

static int lock_until(pthread_mutex_t *mutex, const struct timespec *deadline, int monotonic) {
  if (is_plain(KIND(mutex)) && swap(mutex, 0, me(mutex))) return 0;
  unsigned clock = monotonic ? ISOPAGE_CLOCK_MONOTONIC : ISOPAGE_CLOCK_REALTIME;
  if (in_window(mutex)) return number(__isopage_mutex_lock(mutex, deadline, clock));
  if (KIND(mutex) == ISOPAGE_SYNC_DESTROYED) return EINVAL;
  if (swap(mutex, 0, me(mutex))) return 0;
  int result = again(mutex);
  return result == EBUSY ? __isopage_sleep_until(deadline, monotonic) : result;
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
  return lock_until(mutex, NULL, 0);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
  return lock_until(mutex, deadline, 0);
}

int pthread_mutex_clocklock(
  pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline) {
  return lock_until(mutex, deadline, clock == CLOCK_MONOTONIC);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex) {
  if (is_plain(KIND(mutex)) && swap(mutex, 0, me(mutex))) return 0;
  if (in_window(mutex)) return number(__isopage_mutex_trylock(mutex));
  if (KIND(mutex) == ISOPAGE_SYNC_DESTROYED) return EINVAL;
  if (swap(mutex, 0, me(mutex))) return 0;
  int result = again(mutex);
  return result == EDEADLK ? EBUSY : result;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  unsigned kind = KIND(mutex);
  int once = kind != ISOPAGE_MUTEX_RECURSIVE || COUNT(mutex) == 0;
  if (is_plain(kind) && once && swap(mutex, me(mutex), 0)) return 0;
  if (in_window(mutex)) return number(__isopage_mutex_unlock(mutex));
  if (kind == ISOPAGE_SYNC_DESTROYED) return EINVAL;
  if (*WORD(mutex) == 0) return EPERM;
  if ((kind & 3) == ISOPAGE_MUTEX_RECURSIVE && COUNT(mutex) > 0) COUNT(mutex)--;
  else *WORD(mutex) = 0;
  return 0;
}

/* The owner of one in private memory died with the memory: there is nothing to make consistent. */
int pthread_mutex_consistent(pthread_mutex_t *mutex) {
  return in_window(mutex) ? number(__isopage_mutex_consistent(mutex)) : EINVAL;
}
