/* Calls on descriptors that WASI lacks or has less of: POSIX.1-2017 fcntl, dup, pipe; Linux flock(2), fallocate(2). */
#include "answer.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

_Static_assert(offsetof(struct flock, l_start) == ISOPAGE_GUEST_FLOCK_START, "l_start");
_Static_assert(offsetof(struct flock, l_len) == ISOPAGE_GUEST_FLOCK_LENGTH, "l_len");
_Static_assert(offsetof(struct flock, l_pid) == ISOPAGE_GUEST_FLOCK_PID, "l_pid");
_Static_assert(sizeof(struct flock) == ISOPAGE_GUEST_FLOCK_BYTES, "flock");
_Static_assert(F_GETFL == ISOPAGE_F_GETFL && F_SETFL == ISOPAGE_F_SETFL, "F_GETFL");
_Static_assert(F_GETFD == ISOPAGE_F_GETFD && F_SETFD == ISOPAGE_F_SETFD, "F_GETFD");
_Static_assert(LOCK_EX == ISOPAGE_LOCK_EX && LOCK_NB == ISOPAGE_LOCK_NB, "LOCK_EX");

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  void *argument = va_arg(list, void *);
  va_end(list);
  return answer(__isopage_fcntl(fd, command, argument));
}

int dup(int fd) {
  return answer(__isopage_dup(fd));
}

int dup3(int fd, int to, int flags) {
  if (fd == to) return answer(-EINVAL);
  return answer(__isopage_dup3(fd, to, flags));
}

int dup2(int fd, int to) {
  if (fd == to) return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
  return answer(__isopage_dup3(fd, to, 0));
}

int pipe2(int fds[2], int flags) {
  return answer(__isopage_pipe(fds, flags));
}

int pipe(int fds[2]) {
  return pipe2(fds, 0);
}

int flock(int fd, int operation) {
  return answer(__isopage_flock(fd, operation));
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  return answer(__isopage_fallocate(fd, mode, offset, length));
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  return number(__isopage_fallocate(fd, 0, offset, length));
}

/* POSIX.1-2017 lockf: in terms of fcntl's locks. */
int lockf(int fd, int operation, off_t length) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = length};
  switch (operation) {
    case F_TEST:
      if (fcntl(fd, F_GETLK, &lock) < 0) return -1;
      return lock.l_type == F_UNLCK || lock.l_pid == getpid() ? 0 : answer(-EACCES);
    case F_ULOCK:
      lock.l_type = F_UNLCK;
      return fcntl(fd, F_SETLK, &lock);
    case F_TLOCK:
      return fcntl(fd, F_SETLK, &lock);
    case F_LOCK:
      return fcntl(fd, F_SETLKW, &lock);
    default:
      return answer(-EINVAL);
  }
}

void sync(void) {
  __isopage_sync();
}
