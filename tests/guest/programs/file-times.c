/* Files: utimensat and futimens set the times of a file, or leave one. */
#include "see.h"

static void tell(void) {
  struct stat found;
  stat("a", &found);
  printf("atime %d.%09ld mtime %d.%09ld\n", (int)found.st_atim.tv_sec, found.st_atim.tv_nsec,
         (int)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
}

int main(void) {
  int fd = make_file("a", 1);
  struct timespec times[2] = {{1000, 0}, {2000, 500000000}};
  SEE(utimensat(AT_FDCWD, "a", times, 0));
  tell();
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = 3000;
  SEE(futimens(fd, times));
  tell();
  times[1].tv_nsec = UTIME_NOW;
  SEE(futimens(fd, times));
  struct stat found;
  fstat(fd, &found);
  SHOW(found.st_mtim.tv_sec > 1000000 && found.st_atim.tv_sec == 1000);
  times[1].tv_nsec = 1000000000;
  SEE(futimens(fd, times));
  SEE(utimensat(AT_FDCWD, "none", NULL, 0));
  return 0;
}
