/*
 * POSIX shared memory, a step a line from stdin, and what Linux says to each. A step names its user: 0 root, 1 to 3 others, 1 and 2 of one group.
 *
 *   open W SLOT NAME FLAGS MODE      FLAGS: 1 read, 2 write, 4 O_CREAT, 8 O_EXCL, 16 O_TRUNC; modes and masks in decimal
 *   unlink W NAME, close W SLOT, umask W MASK
 *   stat W SLOT                      "ok size mode uid gid links cloexec"
 *   chmod W SLOT MODE, truncate W SLOT SIZE
 *   read W SLOT OFFSET               "ok byte" or "ok none"
 *   write W SLOT OFFSET BYTE
 *   map W MAP SLOT PROT              two pages, MAP_SHARED
 *   unmap W MAP, load W MAP OFFSET, store W MAP OFFSET BYTE
 *
 * Names are numbers, see name_of. Root runs it: it takes the ids of the step's user for the step.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, USERS = 4, SLOTS = 4, NAMES = 3 };

static const uid_t uids[USERS] = {0, 65534, 10, 11};
static const gid_t gids[USERS] = {0, 65534, 65534, 11};
static int slots[USERS][SLOTS];
static char *maps[USERS][SLOTS];
static mode_t masks[USERS];
static char prefix[32];
static sigjmp_buf fault;

static void on_fault(int number) {
  siglongjmp(fault, number);
}

/* 0 to 2: objects. The others are 0 in other words, or no names. */
static const char *name_of(long number) {
  static char name[300];
  static const char *odd[] = {"", "/", "//", "/.", "/.."};
  if (number < NAMES) sprintf(name, "/%s%c", prefix, (char)('a' + number));
  else if (number < 8) return odd[number - NAMES];
  else if (number == 8) sprintf(name, "%sa", prefix);
  else if (number == 9) sprintf(name, "//%sa", prefix);
  else if (number == 10) sprintf(name, "/%sa/b", prefix);
  else if (number == 11) sprintf(name, "/%sa/", prefix);
  else {
    int bytes = number == 12 ? 256 : 257; /* with its slash */
    sprintf(name, "/%s", prefix);
    memset(name + strlen(name), 'x', sizeof name - strlen(name));
    name[bytes] = 0;
  }
  return name;
}

static void say(long result) {
  if (result >= 0) printf("ok\n");
  else printf("%s\n", strerrorname_np(errno));
}

static void open_object(long who, long slot, long name, long flags, long mode) {
  static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR};
  int how = modes[flags & 3];
  if (flags & 4) how |= O_CREAT;
  if (flags & 8) how |= O_EXCL;
  if (flags & 16) how |= O_TRUNC;
  int fd = shm_open(name_of(name), how, (mode_t)mode);
  int failed = errno;
  if (fd >= 0) {
    if (slots[who][slot] >= 0) close(slots[who][slot]);
    slots[who][slot] = fd;
  }
  errno = failed;
  say(fd);
}

static void stat_object(int fd) {
  struct stat st;
  if (fstat(fd, &st) < 0) say(-1);
  else
    printf("ok %lld %o %u %u %u %d\n", (long long)st.st_size, st.st_mode & 07777, st.st_uid, st.st_gid,
           (unsigned)st.st_nlink, fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void read_byte(int fd, long offset) {
  unsigned char byte;
  long count = pread(fd, &byte, 1, offset);
  if (count < 0) say(-1);
  else if (count == 0) printf("ok none\n");
  else printf("ok %d\n", byte);
}

static void touch(volatile char *at, int value) {
  int number = sigsetjmp(fault, 1);
  if (number != 0) {
    printf("%s\n", number == SIGBUS ? "SIGBUS" : "SIGSEGV");
    return;
  }
  if (value < 0) printf("ok %d\n", (unsigned char)*at);
  else {
    *at = (char)value;
    printf("ok\n");
  }
}

static void map_object(long who, long map, int fd, int prot) {
  char *at = mmap(NULL, 2 * PAGE, prot, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    say(-1);
    return;
  }
  if (maps[who][map]) munmap(maps[who][map], 2 * PAGE);
  maps[who][map] = at;
  say(0);
}

static int is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static void step(const char *name, long w, long *n) {
  if (is(name, "open")) open_object(w, n[0], n[1], n[2], n[3]);
  else if (is(name, "unlink")) say(shm_unlink(name_of(n[0])));
  else if (is(name, "umask")) {
    masks[w] = (mode_t)n[0];
    say(0);
  } else if (is(name, "map")) map_object(w, n[0], slots[w][n[1]], (int)n[2]);
  else if (is(name, "unmap")) {
    if (maps[w][n[0]]) munmap(maps[w][n[0]], 2 * PAGE);
    maps[w][n[0]] = NULL;
    say(0);
  } else if (is(name, "load") || is(name, "store")) {
    if (maps[w][n[0]]) touch(maps[w][n[0]] + n[1], is(name, "load") ? -1 : (int)n[2]);
    else printf("none\n");
  } else {
    int fd = slots[w][n[0]];
    unsigned char byte = (unsigned char)n[2];
    if (is(name, "close")) {
      slots[w][n[0]] = -1;
      say(close(fd));
    } else if (is(name, "stat")) stat_object(fd);
    else if (is(name, "chmod")) say(fchmod(fd, (mode_t)n[1]));
    else if (is(name, "truncate")) say(ftruncate(fd, n[1]));
    else if (is(name, "read")) read_byte(fd, n[1]);
    else if (is(name, "write")) say(pwrite(fd, &byte, 1, n[1]));
    else printf("no step %s\n", name);
  }
}

static void become(long who) {
  if (seteuid(0) < 0 || setegid(gids[who]) < 0 || setgroups(0, NULL) < 0 || seteuid(uids[who]) < 0) exit(2);
  umask(masks[who]);
}

int main(void) {
  char line[256], name[32];
  signal(SIGBUS, on_fault);
  signal(SIGSEGV, on_fault);
  sprintf(prefix, "isopage-%d-", (int)getpid());
  for (int i = 0; i < USERS; i++) {
    masks[i] = 022;
    for (int j = 0; j < SLOTS; j++) slots[i][j] = -1;
  }
  while (fgets(line, sizeof line, stdin)) {
    long who = 0, n[4] = {0};
    if (sscanf(line, "%31s %ld %ld %ld %ld %ld", name, &who, n, n + 1, n + 2, n + 3) < 2) return 2;
    if (who < 0 || who >= USERS) return 2;
    become(who);
    step(name, who, n);
  }
  become(0);
  for (long i = 0; i < 13; i++) shm_unlink(name_of(i));
  return 0;
}
