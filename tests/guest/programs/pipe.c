/* Pipes: bytes in order, end of file when no writer is left, EAGAIN where it may not wait. */
#include "see.h"

#include <poll.h>
#include <sys/ioctl.h>

int main(void) {
  char bytes[16] = {0};
  int ends[2];
  SEE(pipe(ends));
  int waiting = -1;
  SEE(ioctl(ends[0], FIONREAD, &waiting));
  SHOW(waiting);
  SEE(write(ends[1], "hello", 5));
  SEE(ioctl(ends[0], FIONREAD, &waiting));
  SHOW(waiting);
  SEE(read(ends[0], bytes, 3));
  SEE(read(ends[0], bytes, 16));
  TEXT(bytes);
  SEE(write(ends[0], "x", 1));
  SEE(read(ends[1], bytes, 1));
  SEE(lseek(ends[0], 0, SEEK_CUR));
  SEE(fcntl(ends[0], F_SETFL, O_NONBLOCK));
  SEE(read(ends[0], bytes, 1));
  struct pollfd polled = {.fd = ends[0], .events = POLLIN};
  SEE(poll(&polled, 1, 0));
  SEE(write(ends[1], "y", 1));
  SEE(poll(&polled, 1, 1000));
  SHOW(polled.revents == POLLIN);
  SEE(read(ends[0], bytes, 16));
  SEE(close(ends[1]));
  SEE(read(ends[0], bytes, 1));
  struct stat found;
  SEE(fstat(ends[0], &found));
  SHOW(S_ISFIFO(found.st_mode));
  SEE((intptr_t)mmap(NULL, page(), PROT_READ, MAP_SHARED, ends[0], 0));
  SEE(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  SEE(fcntl(ends[0], F_GETFD));
  long filled = 0;
  char block[4096] = {0};
  while (write(ends[1], block, sizeof block) == sizeof block) filled += (long)sizeof block;
  TEXT(name_of(errno));
  SHOW(filled);
  return 0;
}
