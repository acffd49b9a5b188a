/* One file, changed and read at random by calls and through mappings, is what a copy in memory says: fsx [seed [operations]]. */
/*
 * After the file system exerciser of A. Tevanian (1991), whose rule this follows and none of whose code: each operation is done to the file and to a plain
 * array, and whatever is read is compared. The random numbers are its own, so that a seed is one file everywhere.
 */
#include "see.h"

#include <inttypes.h>

#define FILE_MAX (256 * 1024)

enum kind { READ, WRITE, MAP_READ, MAP_WRITE, VIEW_READ, VIEW_WRITE, CUT, GROW, SYNC, REOPEN, PUNCH, KINDS };

static const char *const names[KINDS] = {
  "read", "write", "mapread", "mapwrite", "viewread", "viewwrite", "cut", "grow", "msync", "reopen", "punch",
};
/* How often each is done, of 100. */
static const int shares[KINDS] = {18, 18, 8, 8, 16, 16, 4, 4, 3, 2, 3};

static unsigned char good[FILE_MAX], bytes[FILE_MAX];
static size_t size;
static int fd = -1;
/* A mapping that stays while the file is cut and grows below it. */
static unsigned char *view;
static uint64_t state;
static long operation, done[KINDS];
static enum kind kind;

static uint32_t roll(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static void fail(const char *what, size_t at) {
  printf("operation %ld (%s): %s at %zu of %zu: %s\n", operation, names[kind], what, at, size, name_of(errno));
  exit(1);
}

static void need(int holds, const char *what, size_t at) {
  if (!holds) fail(what, at);
}

static void compare(const unsigned char *found, size_t from, size_t length) {
  if (memcmp(found, good + from, length) == 0) return;
  size_t at = 0;
  while (found[at] == good[from + at]) at++;
  printf("found %d, not %d; ", found[at], good[from + at]);
  fail("differs", from + at);
}

/* A part of a file of `limit` bytes, mostly small. */
static size_t part(size_t limit, size_t *length) {
  uint32_t most = roll(4) == 0 ? 16384 : roll(2) ? 4096 : 200;
  size_t from = roll((uint32_t)limit);
  *length = 1 + roll(most);
  if (*length > limit - from) *length = limit - from;
  return from;
}

static void fresh_bytes(unsigned char *to, size_t length) {
  uint32_t value = roll(0x7fffffff);
  for (size_t i = 0; i < length; i++) {
    value += 0x9e37;
    to[i] = (unsigned char)(value ^ value >> 11);
  }
}

static void grow_to(size_t end) {
  if (end > size) size = end;
}

static void resize(size_t to) {
  need(ftruncate(fd, (off_t)to) == 0, "ftruncate", to);
  if (to < size) memset(good + to, 0, size - to);
  size = to;
}

/* A store past the end is SIGBUS: the file grows first, as who writes through mappings has it. */
static void room_for(size_t end) {
  if (end > size) resize(end);
}

static void do_read(size_t from, size_t length) {
  if (roll(2)) need(pread(fd, bytes, length, (off_t)from) == (ssize_t)length, "pread", from);
  else {
    need(lseek(fd, (off_t)from, SEEK_SET) == (off_t)from, "lseek", from);
    need(read(fd, bytes, length) == (ssize_t)length, "read", from);
  }
  compare(bytes, from, length);
}

static void do_write(size_t from, size_t length) {
  fresh_bytes(good + from, length);
  if (roll(2)) need(pwrite(fd, good + from, length, (off_t)from) == (ssize_t)length, "pwrite", from);
  else {
    need(lseek(fd, (off_t)from, SEEK_SET) == (off_t)from, "lseek", from);
    need(write(fd, good + from, length) == (ssize_t)length, "write", from);
  }
  grow_to(from + length);
}

/* A mapping for this operation alone, of the pages around the part. => the part's first byte. */
static unsigned char *map_part(size_t from, size_t length, int prot, unsigned char **map, size_t *mapped) {
  size_t skip = from % page();
  *mapped = skip + length;
  *map = mmap(NULL, *mapped, prot, MAP_SHARED, fd, (off_t)(from - skip));
  need(*map != MAP_FAILED, "mmap", from);
  return *map + skip;
}

static void do_map_read(size_t from, size_t length) {
  unsigned char *map;
  size_t mapped;
  compare(map_part(from, length, PROT_READ, &map, &mapped), from, length);
  /* Behind the end of the file its last page is zero. */
  if (from + length == size) {
    for (unsigned char *at = map + mapped; (uintptr_t)at % page() != 0; at++) need(*at == 0, "a byte past the end", from + length);
  }
  need(munmap(map, mapped) == 0, "munmap", from);
}

static void do_map_write(size_t from, size_t length) {
  unsigned char *map;
  size_t mapped;
  room_for(from + length);
  fresh_bytes(good + from, length);
  memcpy(map_part(from, length, PROT_READ | PROT_WRITE, &map, &mapped), good + from, length);
  if (roll(64) == 0) need(msync(map, mapped, MS_SYNC) == 0, "msync", from);
  need(munmap(map, mapped) == 0, "munmap", from);
}

static void do_view_write(size_t from, size_t length) {
  room_for(from + length);
  fresh_bytes(good + from, length);
  if (length > 64) memcpy(view + from, good + from, length);
  else for (size_t i = from; i < from + length; i++) view[i] = good[i];
}

static void do_view_read(size_t from, size_t length) {
  if (length > 64) compare(view + from, from, length);
  else for (size_t i = from; i < from + length; i++) need(view[i] == good[i], "a byte of the view", i);
}

static void do_punch(size_t from, size_t length) {
  memset(good + from, 0, length);
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)length) == 0) return;
  need(errno == EOPNOTSUPP || errno == ENOSYS, "fallocate", from); /* not every file system can */
  need(pwrite(fd, good + from, length, (off_t)from) == (ssize_t)length, "pwrite", from);
}

static void open_file(int flags) {
  fd = open("fsx", O_RDWR | flags, 0600);
  need(fd >= 0, "open", 0);
  view = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  need(view != MAP_FAILED, "mmap", 0);
}

static void close_file(void) {
  if (roll(2)) need(munmap(view, FILE_MAX) == 0, "munmap", 0), need(close(fd) == 0, "close", 0);
  else need(close(fd) == 0, "close", 0), need(munmap(view, FILE_MAX) == 0, "munmap", 0);
}

static void do_sync(void) {
  size_t pages = size / page(), from = pages == 0 ? 0 : roll((uint32_t)pages) * page();
  need(msync(view + from, size - from, roll(16) == 0 ? MS_SYNC : MS_ASYNC) == 0, "msync", from);
}

static enum kind pick(void) {
  int at = (int)roll(100), which = 0;
  while (at >= shares[which]) at -= shares[which++];
  return (enum kind)which;
}

static void step(void) {
  size_t length, from;
  int changes;
  kind = pick();
  changes = kind == WRITE || kind == MAP_WRITE || kind == VIEW_WRITE;
  /* What reads needs something to be read. */
  if (size == 0 && !changes && kind != GROW && kind != REOPEN) kind = WRITE;
  from = part(changes || kind == WRITE ? FILE_MAX : size == 0 ? 1 : size, &length);
  done[kind]++;
  switch (kind) {
    case READ: do_read(from, length); break;
    case WRITE: do_write(from, length); break;
    case MAP_READ: do_map_read(from, length); break;
    case MAP_WRITE: do_map_write(from, length); break;
    case VIEW_READ: do_view_read(from, length); break;
    case VIEW_WRITE: do_view_write(from, length); break;
    case CUT: resize(roll((uint32_t)size + 1)); break;
    case GROW: resize(size + roll((uint32_t)(FILE_MAX - size) + 1)); break;
    case SYNC: do_sync(); break;
    case REOPEN: close_file(), open_file(0); break;
    case PUNCH: do_punch(from, length); break;
    default: break;
  }
}

/* The whole file, by read and by the view, and a number that says what is in it. */
static void check_all(void) {
  struct stat found;
  uint64_t hash = 0xcbf29ce484222325ull;
  need(fstat(fd, &found) == 0, "fstat", 0);
  need(found.st_size == (off_t)size, "st_size", (size_t)found.st_size);
  if (size != 0) do_read(0, size), compare(view, 0, size);
  for (size_t i = 0; i < size; i++) hash = (hash ^ good[i]) * 0x100000001b3ull;
  printf("%zu bytes, %016" PRIx64 "\n", size, hash);
}

int main(int argc, char **argv) {
  uint32_t seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
  long count = argc > 2 ? atol(argv[2]) : 1000;
  state = (seed + 1) * 0x9e3779b97f4a7c15ull;
  open_file(O_CREAT | O_TRUNC);
  for (operation = 1; operation <= count; operation++) step();
  check_all();
  for (int i = 0; i < KINDS; i++) printf("%s %ld\n", names[i], done[i]);
  close_file();
  return 0;
}
