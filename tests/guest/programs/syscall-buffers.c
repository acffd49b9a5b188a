/* Calls read from mapped memory and write to it: paths, names, results. */
#include "see.h"

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *path = map + size - 3;
  strcpy(path, "file-in-a-mapping");
  int fd = open(path, O_RDWR | O_CREAT, 0644);
  SHOW(fd >= 0);
  memset(map + 2 * size, 'w', 100);
  SEE(write(fd, map + 2 * size, 100));
  SEE(pread(fd, map + 3 * size - 50, 100, 0));
  SHOW(map[3 * size - 50] == 'w' && map[3 * size + 49] == 'w' && map[3 * size + 50] == 0);
  struct stat *found = (struct stat *)(map + 2 * size - 24);
  SEE(stat(path, found));
  SHOW(found->st_size);
  SEE(symlink(path, "l"));
  SEE(readlink("l", map + size - 4, 17));
  SHOW(getcwd(map, size) == map && map[0] == '/');
  SEE(pipe((int *)(map + size)));
  struct timespec *now = (struct timespec *)(map + size - 8);
  SEE(clock_gettime(CLOCK_REALTIME, now));
  SHOW(now->tv_sec > 1000000000);
  return 0;
}
