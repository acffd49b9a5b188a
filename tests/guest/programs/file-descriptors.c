/* Files: dup, dup2, F_DUPFD and FD_CLOEXEC; copies share offset and flags, not FD_CLOEXEC. */
#include "see.h"

int main(void) {
  char byte;
  int fd = make_file("a", 10);
  lseek(fd, 0, SEEK_SET);
  int copy = dup(fd);
  SHOW(copy > fd);
  SEE(read(copy, &byte, 1));
  SEE(lseek(fd, 0, SEEK_CUR));
  SEE(dup2(fd, 50));
  SEE(read(50, &byte, 1));
  SEE(lseek(fd, 0, SEEK_CUR));
  SEE(dup2(fd, fd) == fd);
  SEE(dup2(999, 51));
  SEE(dup2(fd, -1));
  SEE(dup3(fd, fd, 0));
  SEE(dup3(fd, 52, O_CLOEXEC));
  SEE(fcntl(52, F_GETFD));
  SEE(fcntl(50, F_GETFD));
  SEE(fcntl(50, F_SETFD, FD_CLOEXEC));
  SEE(fcntl(50, F_GETFD));
  SEE(fcntl(fd, F_DUPFD, 60));
  SEE(fcntl(fd, F_DUPFD_CLOEXEC, 60));
  SEE(fcntl(61, F_GETFD));
  SEE(fcntl(fd, F_SETFL, O_APPEND));
  SHOW((fcntl(copy, F_GETFL) & O_APPEND) != 0);
  SHOW((fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDWR);
  SEE(fcntl(999, F_GETFL));
  SEE(dup(999));
  SEE(close(fd));
  SEE(read(copy, &byte, 1));
  return 0;
}
