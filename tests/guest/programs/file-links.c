/* Files: link, symlink, readlink, rename and unlink, and what they refuse. */
#include "see.h"

int main(void) {
  char to[64] = {0};
  int fd = make_file("a", 3);
  SEE(link("a", "b"));
  SEE(link("a", "b"));
  SEE(link("none", "c"));
  SEE(unlink("a"));
  SEE(pread(fd, to, 3, 0));
  SEE(symlink("some/where", "l"));
  SEE(readlink("l", to, sizeof to));
  TEXT(to);
  SEE(readlink("l", to, 4));
  SEE(readlink("b", to, sizeof to));
  SEE(symlink("x", "l"));
  SEE(mkdir("d", 0755));
  SEE(unlink("d") == -1);
  SEE(rename("b", "d/b"));
  SEE(access("b", F_OK));
  SEE(rename("d", "d/inside"));
  SEE(rename("none", "x"));
  close(make_file("f", 1));
  SEE(rename("f", "d"));
  SEE(rename("d", "f"));
  SEE(rename("d/b", "f"));
  struct stat found;
  SEE(stat("f", &found));
  SHOW(found.st_size);
  SEE(link("d", "e"));
  SEE(unlink("l"));
  SEE(rmdir("d"));
  SEE(unlink("d"));
  return 0;
}
