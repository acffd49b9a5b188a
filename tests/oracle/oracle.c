/*
 * Runs steps (tests/support/steps.ts) on the system's own mmap and files: reads one a line, prints the outcome of each.
 *
 *     oracle <directory>      files a, b, ... are made there
 *
 * Each process of the script is a child, forked before anything is mapped, or by the step `fork`; the parent hands it its lines
 * by a pipe and waits for each outcome, so that one thing happens at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ARENA_PAGES = 24, SLOTS = 4, PROCESSES = 3, BYTES_MAX = 1 << 18 };
#define ARENA ((char *)0x300000000000)

static int slots[SLOTS] = {-1, -1, -1, -1};
static const char *dir;
static unsigned char bytes[BYTES_MAX];
static sigjmp_buf fault;
static volatile sig_atomic_t fault_signal;
static char *volatile fault_address;

static const char *name_of(int number) {
  static const struct { int number; const char *name; } names[] = {
    {EACCES, "EACCES"}, {EAGAIN, "EAGAIN"}, {EBADF, "EBADF"}, {EBUSY, "EBUSY"}, {EDEADLK, "EDEADLK"},
    {EEXIST, "EEXIST"}, {EFAULT, "EFAULT"}, {EFBIG, "EFBIG"}, {EINVAL, "EINVAL"}, {EISDIR, "EISDIR"},
    {ENODEV, "ENODEV"}, {ENOENT, "ENOENT"}, {ENOMEM, "ENOMEM"}, {ENOTSUP, "ENOTSUP"},
    {EOVERFLOW, "EOVERFLOW"}, {EPERM, "EPERM"}, {ENXIO, "ENXIO"}, {ESPIPE, "ESPIPE"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].number == number) return names[i].name;
  return strerror(number);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  fault_signal = number;
  fault_address = info->si_addr;
  siglongjmp(fault, 1);
}

static void say(long result) {
  if (result < 0) printf("%s\n", name_of(errno));
  else printf("ok\n");
}

static void say_count(long result) {
  if (result < 0) printf("%s\n", name_of(errno));
  else printf("ok %ld\n", result);
}

static void say_bytes(long count) {
  if (count < 0) {
    printf("%s\n", name_of(errno));
    return;
  }
  if (count == 0) printf("none");
  for (long at = 0; at < count;) {
    long end = at + 1;
    while (end < count && bytes[end] == bytes[at]) end++;
    printf("%s%ldx%d", at ? " " : "", end - at, bytes[at]);
    at = end;
  }
  printf("\n");
}

/* What was placed outside the arena is unmapped again. */
static void say_place(char *at, long length) {
  if (at == MAP_FAILED) printf("%s\n", name_of(errno));
  else if (at >= ARENA && at < ARENA + ARENA_PAGES * PAGE) printf("ok %ld\n", (long)(at - ARENA));
  else {
    munmap(at, length);
    printf("away\n");
  }
}

static void touch(long address, long length, int value) {
  volatile unsigned char *at = (unsigned char *)ARENA + address;
  if (sigsetjmp(fault, 1) != 0) {
    const char *name = fault_signal == SIGBUS ? "SIGBUS" : "SIGSEGV";
    printf("%s@%ld\n", name, (long)(fault_address - ARENA));
    return;
  }
  for (long i = 0; i < length; i++) {
    if (value < 0) bytes[i] = at[i];
    else at[i] = (unsigned char)value;
  }
  if (value < 0) say_bytes(length);
  else say(0);
}

static char *path_of(long file) {
  static char paths[2][4096];
  static int turn;
  turn = !turn;
  snprintf(paths[turn], sizeof paths[turn], "%s/%c", dir, (char)('a' + file));
  return paths[turn];
}

static void open_file(long slot, long file, long flags) {
  static const int access_modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR};
  int how = access_modes[flags & 3];
  if (flags & 4) how |= O_CREAT;
  if (flags & 8) how |= O_EXCL;
  if (flags & 16) how |= O_TRUNC;
  if (flags & 32) how |= O_APPEND;
  if (slots[slot] >= 0) close(slots[slot]);
  slots[slot] = open(path_of(file), how, 0644);
  say(slots[slot]);
}

static void close_file(long slot) {
  int result = close(slots[slot]);
  slots[slot] = -1;
  say(result);
}

static void dup_file(long slot, long to) {
  int copy = dup(slots[slot]);
  if (copy < 0) {
    say(copy);
    return;
  }
  if (slots[to] >= 0) close(slots[to]);
  slots[to] = copy;
  say(0);
}

static void size_of(long slot) {
  struct stat st;
  if (fstat(slots[slot], &st) < 0) say(-1);
  else printf("ok %lld %lu\n", (long long)st.st_size, (unsigned long)st.st_nlink);
}

static void lock_range(long slot, int command, long kind, long start, long length) {
  static const short kinds[] = {F_RDLCK, F_WRLCK, F_UNLCK};
  struct flock lock = {.l_type = kinds[kind], .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(slots[slot], command, &lock);
  if (result < 0 || command == F_SETLK) say(result);
  else printf("ok %s\n", lock.l_type == F_UNLCK ? "free" : "held");
}

static void *at(long address) {
  return address == -PAGE ? NULL : ARENA + address;
}

static int fd_of(long slot) {
  return slots[slot];
}

static int is(const char *line, const char *name) {
  return strcmp(line, name) == 0;
}

static void run_memory(const char *name, long *n) {
  unsigned char core[ARENA_PAGES * 2];
  if (is(name, "mmap")) {
    int fd = n[3] & MAP_ANONYMOUS ? -1 : fd_of(n[4]);
    say_place(mmap(at(n[0]), n[1], (int)n[2], (int)n[3], fd, n[5]), n[1]);
  } else if (is(name, "munmap")) say(munmap(at(n[0]), n[1]));
  else if (is(name, "mprotect")) say(mprotect(at(n[0]), n[1], (int)n[2]));
  else if (is(name, "mremap")) say_place(mremap(at(n[0]), n[1], n[2], (int)n[3], at(n[4])), n[2]);
  else if (is(name, "msync")) say(msync(at(n[0]), n[1], (int)n[2]));
  else if (is(name, "madvise")) say(madvise(at(n[0]), n[1], (int)n[2]));
  else if (is(name, "mincore")) say(mincore(at(n[0]), n[1], core));
  else if (is(name, "mlock")) say(mlock(at(n[0]), n[1]));
  else if (is(name, "munlock")) say(munlock(at(n[0]), n[1]));
  else if (is(name, "mlockall")) say(mlockall((int)n[0]));
  else if (is(name, "munlockall")) say(munlockall());
  else if (is(name, "load")) touch(n[0], n[1], -1);
  else if (is(name, "store")) touch(n[0], n[1], (int)n[2]);
  else printf("no step %s\n", name);
}

static void run_file(const char *name, long *n) {
  if (is(name, "open")) open_file(n[0], n[1], n[2]);
  else if (is(name, "close")) close_file(n[0]);
  else if (is(name, "dup")) dup_file(n[0], n[1]);
  else if (is(name, "read")) say_bytes(read(fd_of(n[0]), bytes, n[1]));
  else if (is(name, "pread")) say_bytes(pread(fd_of(n[0]), bytes, n[1], n[2]));
  else if (is(name, "write")) {
    memset(bytes, (int)n[2], n[1]);
    say_count(write(fd_of(n[0]), bytes, n[1]));
  } else if (is(name, "pwrite")) {
    memset(bytes, (int)n[2], n[1]);
    say_count(pwrite(fd_of(n[0]), bytes, n[1], n[3]));
  } else if (is(name, "lseek")) say_count(lseek(fd_of(n[0]), n[1], (int)n[2]));
  else if (is(name, "ftruncate")) say(ftruncate(fd_of(n[0]), n[1]));
  else if (is(name, "fallocate")) say(fallocate(fd_of(n[0]), (int)n[1], n[2], n[3]));
  else if (is(name, "fsync")) say(fsync(fd_of(n[0])));
  else if (is(name, "size")) size_of(n[0]);
  else if (is(name, "unlink")) say(unlink(path_of(n[0])));
  else if (is(name, "rename")) say(rename(path_of(n[0]), path_of(n[1])));
  else if (is(name, "link")) say(link(path_of(n[0]), path_of(n[1])));
  else if (is(name, "flock")) say(flock(fd_of(n[0]), (int)n[1]));
  else if (is(name, "setlk")) lock_range(n[0], F_SETLK, n[1], n[2], n[3]);
  else if (is(name, "getlk")) lock_range(n[0], F_GETLK, n[1], n[2], n[3]);
  else run_memory(name, n);
}

/* The pipes of process `place` of the `turn`th fork: names in the directory, which both ends open. */
static char *pipe_name(char *to, const char *kind, long place, long turn) {
  sprintf(to, "%s/.%s-%ld-%ld", dir, kind, place, turn);
  return to;
}

static FILE *use_pipes(long place, long turn) {
  char path[4200];
  FILE *in = fopen(pipe_name(path, "in", place, turn), "re");
  int out = open(pipe_name(path, "out", place, turn), O_WRONLY);
  if (in == NULL || out < 0) _exit(3);
  dup2(out, 1);
  close(out);
  printf("%d\n", (int)getpid());
  fflush(stdout);
  return in;
}

/*
 * A child in the place of a process that has exited. It is forked by a child that exits at once, so that the program's first process,
 * which is to wait for it, becomes its parent. => in the child the lines of its own, else NULL.
 */
static FILE *fork_to(long place, long turn) {
  pid_t middle = fork();
  if (middle == 0) {
    pid_t real = fork();
    if (real != 0) _exit(real < 0);
    return use_pipes(place, turn);
  }
  int status;
  waitpid(middle, &status, 0);
  say(status == 0 ? 0 : -1);
  return NULL;
}

static void child(FILE *in) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  char line[256];
  while (fgets(line, sizeof line, in)) {
    char name[32];
    long process, n[6] = {0};
    sscanf(line, "%31s %ld %ld %ld %ld %ld %ld %ld", name, &process, n, n + 1, n + 2, n + 3, n + 4, n + 5);
    if (is(name, "fork")) {
      FILE *lines = fork_to(n[0], n[1]);
      if (lines != NULL) in = lines;
    } else run_file(name, n);
    fflush(stdout);
  }
}

/* What the first process has of each process of the script. */
static FILE *lines[PROCESSES], *answers[PROCESSES];
static pid_t pids[PROCESSES];

static void start(int place) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) exit(2);
  pids[place] = fork();
  if (pids[place] < 0) exit(2);
  if (pids[place] == 0) {
    dup2(from[1], 1);
    close(from[1]);
    close(to[1]);
    for (int i = 0; i < place; i++) fclose(lines[i]);
    child(fdopen(to[0], "r"));
    _exit(0);
  }
  close(to[0]);
  close(from[1]);
  lines[place] = fdopen(to[1], "w");
  answers[place] = fdopen(from[0], "r");
}

static void ask(int place, const char *line, char *answer, size_t bytes) {
  fputs(line, lines[place]);
  fflush(lines[place]);
  if (!fgets(answer, (int)bytes, answers[place])) exit(3);
}

static void end(int place) {
  fclose(lines[place]);
  waitpid(pids[place], NULL, 0);
  fclose(answers[place]);
}

/* `fork parent place`: the process in that place exits, a child of `parent` takes it. */
static void replace(int parent, int place, char *answer, size_t bytes) {
  static long turn;
  char line[256], in[4200], out[4200], pid[32];
  if (parent == place) {
    strcpy(answer, "EINVAL\n");
    return;
  }
  end(place);
  turn++;
  if (mkfifo(pipe_name(in, "in", place, turn), 0600) < 0) exit(2);
  if (mkfifo(pipe_name(out, "out", place, turn), 0600) < 0) exit(2);
  sprintf(line, "fork %d %d %ld\n", parent, place, turn);
  ask(parent, line, answer, bytes);
  lines[place] = fopen(in, "we");
  answers[place] = fopen(out, "re");
  if (!lines[place] || !answers[place] || !fgets(pid, sizeof pid, answers[place])) exit(3);
  pids[place] = atoi(pid);
  unlink(in);
  unlink(out);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  dir = argv[1];
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (int i = 0; i < PROCESSES; i++) start(i);
  static char line[256], answer[1 << 20];
  while (fgets(line, sizeof line, stdin)) {
    char name[32];
    int process, place = 0;
    if (sscanf(line, "%31s %d %d", name, &process, &place) < 2) return 2;
    if (process < 0 || process >= PROCESSES || (is(name, "fork") && place >= PROCESSES)) return 2;
    if (is(name, "fork")) replace(process, place, answer, sizeof answer);
    else ask(process, line, answer, sizeof answer);
    fputs(answer, stdout);
  }
  for (int i = 0; i < PROCESSES; i++) end(i);
  return 0;
}
