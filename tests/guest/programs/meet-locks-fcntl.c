/* fcntl locks of one process against another: who holds what, waiting, and what closing and dying let go. */
/* processes: asks, holds, dies */
#include "meet.h"

static struct flock of(int type, off_t start, off_t length) {
  return (struct flock){.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static void tell(int fd, int type, off_t start, off_t length, int word) {
  struct flock lock = of(type, start, length);
  SEE(fcntl(fd, F_GETLK, &lock));
  if (lock.l_type == F_UNLCK) {
    printf("nobody\n");
    return;
  }
  printf("%s %lld %lld", lock.l_type == F_RDLCK ? "read" : "write", (long long)lock.l_start, (long long)lock.l_len);
  printf(" %s\n", lock.l_pid == atomic_load(&meeting->words[word]) ? "its" : "whose");
}

static void asks(int fd) {
  await(1);
  tell(fd, F_RDLCK, 0, 100, 0);
  tell(fd, F_WRLCK, 40, 10, 0);
  tell(fd, F_RDLCK, 40, 10, 0);
  tell(fd, F_WRLCK, 70, 0, 0);
  struct flock lock = of(F_WRLCK, 5, 1);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_RDLCK, 45, 10);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_WRLCK, 5, 1);
  reach(2);
  SEE(fcntl(fd, F_SETLKW, &lock)); /* until it lets go of some of them */
  tell(fd, F_WRLCK, 0, 100, 0);
  reach(3);
  await(4);
  tell(fd, F_WRLCK, 0, 100, 0); /* it closed a descriptor of the file */
  reach(5);
  await(6);
  lock = of(F_WRLCK, 60, 1);
  SEE(fcntl(fd, F_SETLK, &lock));
  reach(7);
  SEE(fcntl(fd, F_SETLKW, &lock)); /* until the third is dead */
}

static void holds(int fd) {
  atomic_store(&meeting->words[0], getpid());
  struct flock lock = of(F_WRLCK, 0, 20);
  SEE(fcntl(fd, F_SETLK, &lock));
  lock = of(F_RDLCK, 30, 30);
  SEE(fcntl(fd, F_SETLK, &lock));
  reach(1);
  await(2);
  usleep(20000);
  lock = of(F_UNLCK, 4, 4);
  SEE(fcntl(fd, F_SETLK, &lock));
  await(3);
  close(open("f", O_RDONLY));
  reach(4);
}

static void dies(int fd) {
  await(5);
  struct flock lock = of(F_WRLCK, 60, 0);
  SEE(fcntl(fd, F_SETLK, &lock));
  reach(6);
  await(7);
  usleep(20000);
  kill(getpid(), SIGKILL);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  int fd = open("f", O_RDWR | O_CREAT, 0600);
  if (is(argv, "asks")) asks(fd);
  else if (is(argv, "holds")) holds(fd);
  else dies(fd);
  return 0;
}
