/* What the files of this library share: from a result of the kernel to C's, and which memory an address is in. */
#ifndef ISOPAGE_LIB_ANSWER_H
#define ISOPAGE_LIB_ANSWER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <isopage/abi.h>
#include <isopage/imports.h>
#include <stddef.h>

/* => `result`, or -1 with errno. Addresses of the window are negative too, but below -ISOPAGE_ERROR_MAX. */
static inline int answer(int result) {
  if ((unsigned)result < -(unsigned)ISOPAGE_ERROR_MAX) return result;
  errno = -result;
  return -1;
}

/* => flags of an open. None of an access mode is O_RDONLY, which elsewhere is 0 and therefore often left out. */
static inline int with_access(int flags) {
  return flags & (ISOPAGE_O_ACCMODE | ISOPAGE_O_PATH) ? flags : flags | ISOPAGE_O_RDONLY;
}

/* pthread functions give the number itself, and leave errno. */
static inline int number(int result) {
  return (unsigned)result < -(unsigned)ISOPAGE_ERROR_MAX ? 0 : -result;
}

/* => the address is in the window; what lies below is this process's alone, and it has one thread. */
static inline int in_window(const volatile void *address) {
  return (int)(size_t)address < 0;
}

struct timespec;
/* Sleeps in a call that nobody can end but time: => ETIMEDOUT, EINVAL for a bad time; without a deadline it does not return. */
int __isopage_sleep_until(const struct timespec *deadline, int monotonic);

#endif
