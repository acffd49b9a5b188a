/* shm_open: names, modes and what it refuses. */
#include "see.h"

int main(void) {
  const char *name = own_name("shm");
  char longest[300];
  struct stat found;
  umask(022);
  WORKS(shm_open(name, O_RDWR, 0600));
  int fd = (int)WORKS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0666));
  SEE(fcntl(fd, F_GETFD));
  SEE(fstat(fd, &found));
  SHOW(found.st_mode & 0777);
  SHOW(found.st_size);
  WORKS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0666));
  SEE(ftruncate(fd, 100));
  int less = (int)WORKS(shm_open(name, O_RDONLY, 0));
  SEE(ftruncate(less, 10));
  WORKS((intptr_t)mmap(NULL, page(), PROT_READ, MAP_SHARED, less, 0));
  WORKS((intptr_t)mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, less, 0));
  WORKS(shm_open(name, O_RDWR | O_TRUNC, 0));
  SEE(lseek(fd, 0, SEEK_END));
  WORKS(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
  WORKS(shm_open("/", O_RDWR | O_CREAT, 0600));
  WORKS(shm_open("", O_RDWR | O_CREAT, 0600));
  memset(longest, 'n', sizeof longest);
  longest[0] = '/';
  longest[257] = 0;
  WORKS(shm_open(longest, O_RDWR | O_CREAT, 0600));
  longest[256] = 0;
  WORKS(shm_open(longest, O_RDWR | O_CREAT, 0600));
  SEE(shm_unlink(longest));
  SEE(shm_unlink(name));
  SEE(shm_unlink(name));
  return 0;
}
