/* A file that one process maps, and another maps, writes, reads, grows and cuts: each sees at once what the other did. */
/* processes: maps, writes */
#include "meet.h"

static char *both;
static char *own;

static void maps(void) {
  size_t size = page();
  int fd = make_file("f", 3 * size);
  both = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  own = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  own[0] = '*';
  reach(1);
  await(2);
  printf("%.5s %.5s %.5s\n", both, both + size, both + 2 * size);
  printf("%.5s\n", own); /* its own copy of the first page */
  memcpy(both + 2 * size - 3, "stored", 6); /* across two pages */
  reach(3);
  await(4);
  printf("%.5s\n", both + 3 * size); /* past the end until it grew */
  SHOW(both[3 * size + 5]);
  reach(5);
  await(6);
  SHOW(both[10] == 0); /* cut at 10, and grown again */
  printf("%.10s\n", both);
  reach(7);
  await(8);
  both[size] = 1; /* there is no such page any more */
  printf("not reached\n");
}

static void writes(void) {
  size_t size = page();
  char bytes[8] = {0};
  await(1);
  int fd = open("f", O_RDWR);
  char *mapped = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SEE(pwrite(fd, "wrote", 5, 0));
  strcpy(mapped + size, "store");
  SEE(pwrite(fd, "third", 5, (off_t)(2 * size)));
  reach(2);
  await(3);
  SEE(pread(fd, bytes, 6, (off_t)(2 * size - 3)));
  TEXT(bytes);
  printf("%.6s\n", mapped + 2 * size - 3);
  SEE(pwrite(fd, "grown", 5, (off_t)(3 * size)));
  reach(4);
  await(5);
  SEE(ftruncate(fd, 10));
  SEE(ftruncate(fd, (off_t)size));
  reach(6);
  await(7);
  SHOW(mapped[9]);
  reach(8);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  if (is(argv, "maps")) maps();
  else writes();
  return 0;
}
