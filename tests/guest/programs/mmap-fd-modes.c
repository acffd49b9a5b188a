/* mmap: what a descriptor's mode allows, and things that cannot be mapped. */
#include "see.h"

#define MAP(prot, flags, fd) \
  see_works("mmap " #prot " " #flags " " #fd, \
            (errno = 0, (intptr_t)mmap(NULL, page(), prot, flags, fd, 0)))

int main(void) {
  close(make_file("a", page()));
  int reads = open("a", O_RDONLY);
  int writes = open("a", O_WRONLY);
  MAP(PROT_READ, MAP_SHARED, reads);
  MAP(PROT_READ | PROT_WRITE, MAP_SHARED, reads);
  MAP(PROT_READ | PROT_WRITE, MAP_PRIVATE, reads);
  MAP(PROT_NONE, MAP_SHARED, reads);
  MAP(PROT_NONE, MAP_PRIVATE, writes);
  MAP(PROT_WRITE, MAP_SHARED, writes);
  int folder = open(".", O_RDONLY | O_DIRECTORY);
  MAP(PROT_READ, MAP_SHARED, folder);
  int ends[2];
  SEE(pipe(ends));
  MAP(PROT_READ, MAP_SHARED, ends[0]);
  MAP(PROT_READ, MAP_SHARED, ends[1]);
  int path = open("a", O_PATH);
  MAP(PROT_READ, MAP_SHARED, path);
  return 0;
}
