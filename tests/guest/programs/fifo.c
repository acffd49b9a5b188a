/* FIFOs: a pipe with a name. */
#include "see.h"

int main(void) {
  char bytes[8] = {0};
  struct stat found;
  umask(022);
  SEE(mkfifo("f", 0666));
  SEE(mkfifo("f", 0666));
  SEE(stat("f", &found));
  SHOW(S_ISFIFO(found.st_mode));
  SHOW(found.st_mode & 0777);
  WORKS(open("f", O_WRONLY | O_NONBLOCK));
  int in = (int)WORKS(open("f", O_RDONLY | O_NONBLOCK));
  int out = (int)WORKS(open("f", O_WRONLY | O_NONBLOCK));
  SEE(read(in, bytes, 1));
  SEE(write(out, "abc", 3));
  SEE(read(in, bytes, 8));
  TEXT(bytes);
  close(out);
  SEE(read(in, bytes, 1));
  SEE(unlink("f"));
  return 0;
}
