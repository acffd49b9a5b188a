/* Files: what stat, lstat and fstat tell of types, permissions, links and sizes. */
#include "see.h"

static void tell(const char *path) {
  struct stat found;
  if (lstat(path, &found) != 0) {
    printf("%s: %s\n", path, name_of(errno));
    return;
  }
  const char *type = S_ISDIR(found.st_mode)   ? "directory"
                     : S_ISLNK(found.st_mode) ? "link"
                     : S_ISREG(found.st_mode) ? "file"
                                              : "other";
  printf("%s: %s %o links %d", path, type, found.st_mode & 07777, (int)found.st_nlink);
  if (!S_ISDIR(found.st_mode)) printf(" size %d", (int)found.st_size);
  printf("\n");
}

int main(void) {
  umask(022);
  int fd = make_file("a", 1234);
  tell("a");
  SEE(chmod("a", 04751));
  tell("a");
  SEE(fchmod(fd, 0600));
  tell("a");
  SEE(link("a", "b"));
  tell("b");
  SEE(symlink("a", "l"));
  SEE(mkdir("d", 0755));
  SEE(mkdir("d/e", 0700));
  tell("d");
  tell("d/e");
  tell("none");
  tell("a/x");
  struct stat one, two;
  SEE(fstat(fd, &one));
  SEE(stat("l", &two));
  SHOW(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
  SHOW(one.st_blksize > 0);
  SEE(fstat(999, &one));
  SEE(chmod("none", 0644));
  SEE(access("a", R_OK | W_OK));
  SEE(access("none", F_OK));
  return 0;
}
