/* shm_open: an object lives until it is unlinked and neither open nor mapped. */
#include "see.h"

int main(void) {
  const char *name = own_name("life");
  size_t size = page();
  int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
  SEE(ftruncate(fd, (off_t)(2 * size)));
  char *one = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(one[0] == 0 && one[2 * size - 1] == 0);
  strcpy(one, "kept");
  SEE(shm_unlink(name));
  int other = shm_open(name, O_RDWR | O_CREAT, 0600);
  SEE(lseek(other, 0, SEEK_END));
  char *two = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  SEE(close(fd));
  TEXT(two);
  one[0] = 'K';
  TEXT(two);
  SEE(write(other, "x", 1));
  SEE(shm_unlink(name));
  return 0;
}
