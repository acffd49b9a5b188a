/* Files: who is neither root nor owner gets what the mode of others says. needs root */
#include "see.h"

int main(void) {
  umask(0);
  close(make_file("secret", 4));
  close(make_file("open", 4));
  chmod("secret", 0600);
  chmod("open", 0644);
  mkdir("closed", 0700);
  mkdir("shared", 0777);
  mkdir("sticky", 01777);
  close(make_file("sticky/theirs", 1));
  chmod(".", 0755);
  SEE(setgid(65534));
  SEE(setuid(65534));
  SHOW(getuid() == 65534 && geteuid() == 65534 && getgid() == 65534);
  WORKS(open("secret", O_RDONLY));
  WORKS(open("open", O_RDONLY));
  WORKS(open("open", O_RDWR));
  WORKS(open("closed/x", O_RDONLY));
  WORKS(open("new", O_CREAT | O_RDWR, 0644));
  WORKS(open("shared/new", O_CREAT | O_RDWR, 0644));
  SEE(access("secret", R_OK));
  SEE(access("open", W_OK));
  SEE(chmod("open", 0777));
  SEE(chown("shared/new", 0, 0));
  SEE(unlink("open"));
  SEE(unlink("sticky/theirs"));
  SEE(unlink("shared/new"));
  SEE(setuid(0));
  return 0;
}
