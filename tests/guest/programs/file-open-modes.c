/* Files: the mode of a new one less the umask, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW, and what open refuses. */
#include "see.h"

static int mode_of(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 ? (int)(found.st_mode & 07777) : -1;
}

int main(void) {
  umask(022);
  WORKS(open("a", O_CREAT | O_RDWR, 0666));
  SEE(mode_of("a"));
  SEE(umask(077));
  WORKS(open("b", O_CREAT | O_RDWR, 0754));
  SEE(mode_of("b"));
  SEE(mkdir("d", 0777));
  SEE(mode_of("d"));
  WORKS(open("a", O_CREAT | O_EXCL | O_RDWR, 0666));
  WORKS(open("none", O_RDONLY));
  WORKS(open("none/x", O_CREAT | O_RDWR, 0666));
  WORKS(open("a/x", O_RDONLY));
  WORKS(open("d", O_RDWR));
  WORKS(open("a", O_RDONLY | O_DIRECTORY));
  WORKS(open("", O_RDONLY));
  SEE(symlink("a", "l"));
  WORKS(open("l", O_RDONLY | O_NOFOLLOW));
  SEE(symlink("loop", "loop"));
  WORKS(open("loop", O_RDONLY));
  int fd = make_file("t", 5);
  WORKS(open("t", O_WRONLY | O_TRUNC));
  SEE(lseek(fd, 0, SEEK_END));
  WORKS(open("a", 0));
  WORKS(open("e", O_CREAT, 0600));
  WORKS(open("e", O_CREAT | O_EXCL, 0600));
  WORKS(shm_open("/isopage-no-access", O_CREAT, 0600));
  SEE(shm_unlink("/isopage-no-access"));
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  WORKS(open(name, O_CREAT | O_RDWR, 0666));
  name[255] = 0;
  WORKS(open(name, O_CREAT | O_RDWR, 0666));
  return 0;
}
