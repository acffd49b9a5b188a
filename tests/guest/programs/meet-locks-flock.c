/* flock of one process against another: shared and exclusive, waiting, and the end of who holds it. */
/* processes: waits, holds */
#include "meet.h"

#include <sys/file.h>

static void waits(int fd) {
  await(1);
  SEE(flock(fd, LOCK_SH | LOCK_NB));
  SEE(flock(fd, LOCK_EX | LOCK_NB));
  reach(2);
  SEE(flock(fd, LOCK_EX)); /* until it has none */
  reach(4);
  await(5);
  SEE(flock(fd, LOCK_UN));
  reach(6);
  await(7);
  SEE(flock(fd, LOCK_SH | LOCK_NB));
  reach(8);
  SEE(flock(fd, LOCK_SH)); /* until it has ended */
}

static void holds(int fd) {
  SEE(flock(fd, LOCK_SH));
  reach(1);
  await(2);
  usleep(20000);
  SEE(flock(fd, LOCK_UN));
  await(4);
  SEE(flock(fd, LOCK_SH | LOCK_NB));
  reach(5);
  await(6);
  SEE(flock(fd, LOCK_EX));
  int same = dup(fd);
  close(fd); /* the lock is of the open file, which the other descriptor has */
  SHOW(same != fd);
  reach(7);
  await(8);
  usleep(20000);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  int fd = open("f", O_RDWR | O_CREAT, 0600);
  if (is(argv, "waits")) waits(fd);
  else holds(fd);
  return 0;
}
