/*
 * POSIX semaphores. assembly/ipcabi.ts (POSIX_SEM_*) says what may be done to one without the kernel; that is done here. One in private memory
 * is this program's alone: it needs no kernel, and a wait for it can only end by time.
 */
#include "answer.h"

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <time.h>

_Static_assert(sizeof(sem_t) == ISOPAGE_POSIX_SEM_BYTES, "sem_t");

#define VALUE(sem) (&(sem)->__val[ISOPAGE_POSIX_SEM_VALUE / 4])
#define WAITERS(sem) (&(sem)->__val[ISOPAGE_POSIX_SEM_WAITERS / 4])
#define KIND(sem) ((sem)->__val[ISOPAGE_POSIX_SEM_KIND / 4])

static int is_semaphore(sem_t *sem) {
  unsigned kind = KIND(sem);
  return kind == ISOPAGE_POSIX_SEM_UNNAMED || kind == ISOPAGE_POSIX_SEM_NAMED;
}

/* => a unit was taken. */
static int take(sem_t *sem) {
  if (!is_semaphore(sem)) return 0;
  int value = __atomic_load_n(VALUE(sem), __ATOMIC_SEQ_CST);
  while (value > 0) {
    if (__atomic_compare_exchange_n(
          VALUE(sem), &value, value - 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return 1;
  }
  return 0;
}

int sem_init(sem_t *sem, int shared, unsigned value) {
  if (in_window(sem)) return answer(__isopage_sem_init(sem, shared, value));
  if (value > SEM_VALUE_MAX) return answer(-EINVAL);
  *VALUE(sem) = (int)value;
  *WAITERS(sem) = 0;
  KIND(sem) = ISOPAGE_POSIX_SEM_UNNAMED;
  return 0;
}

int sem_destroy(sem_t *sem) {
  if (in_window(sem)) return answer(__isopage_sem_destroy(sem));
  if (!is_semaphore(sem)) return answer(-EINVAL);
  KIND(sem) = 0;
  return 0;
}

sem_t *sem_open(const char *name, int flags, ...) {
  mode_t mode = 0;
  unsigned value = 0;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    value = va_arg(list, unsigned);
    va_end(list);
  }
  int result = answer(__isopage_sem_open(name, flags, mode, value));
  return result == -1 ? SEM_FAILED : (sem_t *)result;
}

int sem_close(sem_t *sem) {
  return answer(__isopage_sem_close(sem));
}

int sem_unlink(const char *name) {
  return answer(__isopage_sem_unlink(name));
}

int sem_timedwait(sem_t *sem, const struct timespec *deadline) {
  if (take(sem)) return 0;
  if (in_window(sem)) return answer(__isopage_sem_wait(sem, deadline));
  if (!is_semaphore(sem)) return answer(-EINVAL);
  return answer(-__isopage_sleep_until(deadline, 0));
}

int sem_wait(sem_t *sem) {
  return sem_timedwait(sem, NULL);
}

int sem_trywait(sem_t *sem) {
  if (take(sem)) return 0;
  if (in_window(sem)) return answer(__isopage_sem_trywait(sem));
  return answer(is_semaphore(sem) ? -EAGAIN : -EINVAL);
}

int sem_post(sem_t *sem) {
  if (!is_semaphore(sem)) {
    return in_window(sem) ? answer(__isopage_sem_post(sem)) : answer(-EINVAL);
  }
  int value = __atomic_load_n(VALUE(sem), __ATOMIC_SEQ_CST);
  do {
    if (value == SEM_VALUE_MAX) return answer(-EOVERFLOW);
  } while (!__atomic_compare_exchange_n(
    VALUE(sem), &value, value + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  if (__atomic_load_n(WAITERS(sem), __ATOMIC_SEQ_CST) == 0) return 0;
  return answer(__isopage_sem_settle(sem));
}

int sem_getvalue(sem_t *sem, int *value) {
  if (in_window(sem)) {
    int result = answer(__isopage_sem_getvalue(sem));
    if (result < 0) return -1;
    *value = result;
    return 0;
  }
  if (!is_semaphore(sem)) return answer(-EINVAL);
  *value = *VALUE(sem);
  return 0;
}
