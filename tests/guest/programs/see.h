/*
 * What the programs print: what a call gave, with errno by name, as numbers differ between systems. No program prints an address, an id, a
 * descriptor or a time.
 */
#ifndef SEE_H
#define SEE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline const char *name_of(int error) {
  static char other[32];
  switch (error) {
#define CASE(name) \
  case name: \
    return #name
    case 0: return "0";
    CASE(E2BIG); CASE(EACCES); CASE(EAGAIN); CASE(EBADF); CASE(EBUSY); CASE(EDEADLK);
    CASE(EEXIST); CASE(EFAULT); CASE(EFBIG); CASE(EIDRM); CASE(EINTR); CASE(EINVAL); CASE(EIO);
    CASE(EISDIR); CASE(ELOOP); CASE(EMFILE); CASE(EMLINK); CASE(EMSGSIZE); CASE(ENAMETOOLONG);
    CASE(ENODEV); CASE(ENOENT); CASE(ENOMEM); CASE(ENOMSG); CASE(ENOSPC); CASE(ENOSYS);
    CASE(ENOTDIR); CASE(ENOTEMPTY); CASE(ENOTSUP); CASE(ENOTTY); CASE(ENXIO); CASE(EOVERFLOW);
    CASE(EOWNERDEAD); CASE(EPERM); CASE(EPIPE); CASE(ERANGE); CASE(EROFS); CASE(ESPIPE);
    CASE(ESRCH); CASE(ETIMEDOUT); CASE(EXDEV); CASE(ECHILD); CASE(ENOTRECOVERABLE);
    CASE(EDQUOT); CASE(EDOM); CASE(EILSEQ); CASE(ENFILE); CASE(ETXTBSY);
#undef CASE
    default:
      snprintf(other, sizeof other, "errno %d", error);
      return other;
  }
}

/* The value of a call, or errno. */
#define SEE(call) see_value(#call, (errno = 0, (long long)(call)))
/* Of one that gives what no two systems share: whether it worked. */
#define WORKS(call) see_works(#call, (errno = 0, (long long)(intptr_t)(call)))
/* Of one that gives the error itself. */
#define GIVES(call) see_number(#call, (call))
/* A number that is no call's. */
#define SHOW(value) printf("%s: %lld\n", #value, (long long)(value))
#define TEXT(value) printf("%s: %s\n", #value, (value))

static inline long long see_value(const char *text, long long value) {
  if (value == -1) printf("%s = -1 %s\n", text, name_of(errno));
  else printf("%s = %lld\n", text, value);
  fflush(stdout);
  return value;
}

/* => what the call gave. */
static inline long long see_works(const char *text, long long value) {
  printf("%s: %s\n", text, value == -1 ? name_of(errno) : "works");
  fflush(stdout);
  return value;
}

static inline int see_number(const char *text, int error) {
  printf("%s: %s\n", text, name_of(error));
  fflush(stdout);
  return error;
}

static inline size_t page(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* A file of `length` bytes, each the last digit of its number. => open for both. */
static inline int make_file(const char *path, size_t length) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  char *bytes = malloc(length + 1);
  for (size_t i = 0; i < length; i++) bytes[i] = (char)('0' + i % 10);
  if (length != 0 && write(fd, bytes, length) != (ssize_t)length) perror("write");
  free(bytes);
  return fd;
}

/* A name that no other run uses, for objects that all processes share. */
static inline const char *own_name(const char *suffix) {
  static char names[4][64];
  static int next;
  char *name = names[next++ % 4];
  snprintf(name, sizeof names[0], "/see-%d-%s", (int)getpid(), suffix);
  return name;
}

/* `ms` from now. */
static inline struct timespec after(clockid_t clock, long ms) {
  struct timespec at;
  clock_gettime(clock, &at);
  at.tv_sec += ms / 1000;
  at.tv_nsec += ms % 1000 * 1000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_nsec -= 1000000000;
    at.tv_sec++;
  }
  return at;
}

#endif
