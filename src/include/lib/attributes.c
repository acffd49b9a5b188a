/*
 * Attributes of threads, mutexes, conditions, barriers and rwlocks. All getters of wasi-libc stand in one object with one idea of the bits, so all of
 * them are here, with the setters that match. Nothing but the kind of a mutex and the clock of a condition has an effect.
 */
#include "answer.h"

#include <pthread.h>
#include <time.h>

/* Of threads: pthread_attr_t as musl lays it out, stack size, guard size and address, then detached. */
#define STACK_SIZE(attr) ((attr)->__u.__s[0])
#define GUARD_SIZE(attr) ((attr)->__u.__s[1])
#define STACK_END(attr) ((attr)->__u.__s[2])
#define DETACHED(attr) ((attr)->__u.__i[3])
#define PRIORITY(attr) ((attr)->__u.__i[6])
#define DEFAULT_STACK 131072u

int pthread_attr_init(pthread_attr_t *attributes) {
  *attributes = (pthread_attr_t){0};
  STACK_SIZE(attributes) = DEFAULT_STACK;
  GUARD_SIZE(attributes) = 0;
  return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attributes, int *state) {
  *state = DETACHED(attributes);
  return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state) {
  if ((unsigned)state > 1) return EINVAL;
  DETACHED(attributes) = state;
  return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *attributes, size_t *size) {
  *size = GUARD_SIZE(attributes);
  return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size) {
  GUARD_SIZE(attributes) = size;
  return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attributes, size_t *size) {
  *size = STACK_SIZE(attributes);
  return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
  if (size < 2048) return EINVAL;
  STACK_END(attributes) = 0;
  STACK_SIZE(attributes) = size;
  return 0;
}

int pthread_attr_getstack(const pthread_attr_t *attributes, void **start, size_t *size) {
  if (STACK_END(attributes) == 0) return EINVAL;
  *size = STACK_SIZE(attributes);
  *start = (void *)(STACK_END(attributes) - STACK_SIZE(attributes));
  return 0;
}

int pthread_attr_setstack(pthread_attr_t *attributes, void *start, size_t size) {
  if (size < 2048) return EINVAL;
  STACK_END(attributes) = (size_t)start + size;
  STACK_SIZE(attributes) = size;
  return 0;
}

int pthread_attr_getschedparam(const pthread_attr_t *attributes, struct sched_param *found) {
  found->sched_priority = PRIORITY(attributes);
  return 0;
}

int pthread_attr_setschedparam(pthread_attr_t *attributes, const struct sched_param *wanted) {
  PRIORITY(attributes) = wanted->sched_priority;
  return 0;
}

/* Of mutexes: the type in bits 0 and 1, robust in 2, the protocol in 3, shared in 31. */
int pthread_mutexattr_init(pthread_mutexattr_t *attributes) {
  attributes->__attr = 0;
  return 0;
}

/* There is no priority to inherit. */
int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attributes, int protocol) {
  if (protocol == PTHREAD_PRIO_NONE) return 0;
  (void)attributes;
  return protocol == PTHREAD_PRIO_INHERIT || protocol == PTHREAD_PRIO_PROTECT ? ENOTSUP : EINVAL;
}

int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *attributes, int *protocol) {
  (void)attributes;
  *protocol = PTHREAD_PRIO_NONE;
  return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type) {
  if ((unsigned)type > ISOPAGE_MUTEX_ERRORCHECK) return EINVAL;
  attributes->__attr = (attributes->__attr & ~3u) | (unsigned)type;
  return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attributes, int *type) {
  *type = (int)(attributes->__attr & 3);
  return 0;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust) {
  if ((unsigned)robust > 1) return EINVAL;
  attributes->__attr = (attributes->__attr & ~4u) | (unsigned)robust * 4;
  return 0;
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attributes, int *robust) {
  *robust = attributes->__attr >> 2 & 1;
  return 0;
}

/* Whether other processes may use a mutex follows from the page that it lies in. */
int pthread_mutexattr_setpshared(pthread_mutexattr_t *attributes, int shared) {
  if ((unsigned)shared > 1) return EINVAL;
  attributes->__attr = (attributes->__attr & 0x7fffffff) | (unsigned)shared << 31;
  return 0;
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attributes, int *shared) {
  *shared = (int)(attributes->__attr >> 31);
  return 0;
}

/* Of conditions: the clock in bit 0, shared in bit 31. */
int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return EINVAL;
  attributes->__attr = (attributes->__attr & 0x80000000) | (clock == CLOCK_MONOTONIC);
  return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *attributes, clockid_t *clock) {
  *clock = attributes->__attr & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  return 0;
}

int pthread_condattr_init(pthread_condattr_t *attributes) {
  attributes->__attr = 0;
  return 0;
}

int pthread_condattr_setpshared(pthread_condattr_t *attributes, int shared) {
  if ((unsigned)shared > 1) return EINVAL;
  attributes->__attr = (attributes->__attr & 1) | (unsigned)shared << 31;
  return 0;
}

int pthread_condattr_getpshared(const pthread_condattr_t *attributes, int *shared) {
  *shared = (int)(attributes->__attr >> 31);
  return 0;
}

/* Of rwlocks and barriers: shared or not. */
int pthread_rwlockattr_init(pthread_rwlockattr_t *attributes) {
  attributes->__attr[0] = 0;
  attributes->__attr[1] = 0;
  return 0;
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attributes, int shared) {
  if ((unsigned)shared > 1) return EINVAL;
  attributes->__attr[0] = (unsigned)shared;
  return 0;
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *attributes, int *shared) {
  *shared = (int)attributes->__attr[0];
  return 0;
}

int pthread_barrierattr_init(pthread_barrierattr_t *attributes) {
  attributes->__attr = 0;
  return 0;
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *attributes, int shared) {
  if ((unsigned)shared > 1) return EINVAL;
  attributes->__attr = (unsigned)shared;
  return 0;
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *attributes, int *shared) {
  *shared = (int)attributes->__attr;
  return 0;
}
