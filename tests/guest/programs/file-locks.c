/* Locks of files: what one process sees of its own fcntl locks, and flock of two descriptions. */
#include "see.h"

#include <sys/file.h>

static struct flock of(short type, off_t start, off_t length) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

int main(void) {
  int fd = make_file("a", 100);
  int other = open("a", O_RDWR);
  int less = open("a", O_RDONLY);
  struct flock lock = of(F_WRLCK, 0, 10);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_WRLCK, 5, 10);
  SEE(fcntl(other, F_GETLK, &lock));
  SHOW(lock.l_type == F_UNLCK);
  SEE(fcntl(other, F_SETLKW, &lock));
  lock = of(F_WRLCK, 0, 1);
  SEE(fcntl(less, F_SETLK, &lock));
  lock = of(F_RDLCK, 0, 1);
  SEE(fcntl(less, F_SETLK, &lock));
  lock = of(77, 0, 1);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_RDLCK, -5, 1);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_RDLCK, 0, 1);
  SEE(fcntl(999, F_SETLK, &lock));
  SEE(lockf(fd, F_TLOCK, 10));
  SEE(lockf(fd, F_TEST, 10));
  SEE(flock(fd, LOCK_EX));
  SEE(flock(other, LOCK_SH | LOCK_NB));
  SEE(flock(fd, LOCK_SH));
  SEE(flock(other, LOCK_SH | LOCK_NB));
  SEE(flock(other, LOCK_EX | LOCK_NB));
  SEE(flock(dup(fd), LOCK_UN));
  SEE(flock(other, LOCK_EX | LOCK_NB));
  SEE(flock(fd, 16));
  return 0;
}
