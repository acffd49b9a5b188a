/*
 * pthread.h over wasi-libc's. Mutexes, conditions, barriers and rwlocks work, process-shared ones in mapped pages too, laid out as the kernel's
 * (MUTEX_*, COND_*, BARRIER_*, RWLOCK_*). pthread_create and what needs it are declared and do not link.
 */
#ifndef ISOPAGE_PTHREAD_H
#define ISOPAGE_PTHREAD_H

#include_next <pthread.h>

#define PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP {{{0, PTHREAD_MUTEX_RECURSIVE}}}
#define PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP {{{0, PTHREAD_MUTEX_ERRORCHECK}}}

#ifdef __cplusplus
extern "C" {
#endif

_Noreturn void pthread_exit(void *);
int pthread_cancel(pthread_t);
int pthread_getschedparam(pthread_t, int *__restrict, struct sched_param *__restrict);
int pthread_setschedparam(pthread_t, int, const struct sched_param *);
int pthread_attr_getschedparam(const pthread_attr_t *__restrict, struct sched_param *__restrict);
int pthread_attr_setschedparam(
  pthread_attr_t *__restrict, const struct sched_param *__restrict);

#ifdef _GNU_SOURCE
int pthread_mutex_clocklock(pthread_mutex_t *, clockid_t, const struct timespec *);
int pthread_cond_clockwait(
  pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
int pthread_rwlock_clockrdlock(pthread_rwlock_t *, clockid_t, const struct timespec *);
int pthread_rwlock_clockwrlock(pthread_rwlock_t *, clockid_t, const struct timespec *);
#endif

#ifdef __cplusplus
}
#endif

#endif
