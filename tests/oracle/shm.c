/*
 * System V shared memory on the system's own kernel, in an IPC namespace of its own: a step a line from stdin, and for each what it said and the whole shmid_ds of every
 * segment made so far.
 *
 *   get P V KEY SIZE FLAGS       V: variable for the id
 *   at P V ADDRESS FLAGS         addresses are offsets in an arena that is empty at first; -1: NULL
 *   dt P ADDRESS
 *   ctl P V COMMAND UID GID MODE
 *   slot P V COMMAND             SHM_STAT, SHM_STAT_ANY of the slot of V
 *   unmap P ADDRESS LENGTH       map P ADDRESS LENGTH (private, fixed)        protect P ADDRESS LENGTH PROT
 *   remap P ADDRESS LENGTH NEWLENGTH NEWADDRESS
 *   store P ADDRESS VALUE        load P ADDRESS
 *   limit P BYTES                RLIMIT_MEMLOCK
 *   fork P CHILD                 exit P
 *   info P                       id V (as it is)        tick (the next second begins)
 *
 * Processes 0 to 3 are there from the beginning: root, users 1001 and 1002 of group 2001, user 1003 of group 2003. Times are the number of ticks before them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 8, VARIABLES = 8, SEGMENTS = 4096, TICKS = 64, SLOT_MASK = 32767 };
#define ARENA ((char *)0x300000000000)
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static int to[PROCESSES][2], from[PROCESSES][2];
static pid_t pids[PROCESSES];
static int variables[VARIABLES];
static int segments[SEGMENTS], segment_count;
static time_t ticks[TICKS];
static int tick_count = 1;
static sigjmp_buf fault;
static volatile sig_atomic_t fault_signal;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void on_fault(int number) {
  fault_signal = number;
  siglongjmp(fault, 1);
}

static const char *name_of(int number) {
  static const struct { int number; const char *name; } names[] = {
    {EACCES, "EACCES"}, {EEXIST, "EEXIST"}, {EFAULT, "EFAULT"}, {EIDRM, "EIDRM"}, {EINVAL, "EINVAL"},
    {ENOENT, "ENOENT"}, {ENOMEM, "ENOMEM"}, {ENOSPC, "ENOSPC"}, {EPERM, "EPERM"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].number == number) return names[i].name;
  return strerror(number);
}

static char *place(long offset) { return offset == -1 ? NULL : ARENA + offset; }

static const char *say(long result) { return result < 0 ? name_of(errno) : "ok"; }

static void attach(FILE *out, int id, long offset, int flags) {
  char *at = shmat(id, place(offset), flags);
  if (at == (char *)-1) fprintf(out, "%s\n", name_of(errno));
  else if (offset == -1) fprintf(out, "ok\n");
  else fprintf(out, "ok %ld\n", (long)(at - ARENA));
}

static void touch(FILE *out, volatile char *at, int store, char value) {
  if (sigsetjmp(fault, 1)) {
    fprintf(out, "%s\n", fault_signal == SIGSEGV ? "SIGSEGV" : "SIGBUS");
    return;
  }
  if (store) *at = value;
  else value = *at;
  if (store) fprintf(out, "ok\n");
  else fprintf(out, "ok %d\n", value);
}

static void control(FILE *out, int id, int command, long uid, long gid, long mode) {
  struct shmid_ds ds;
  memset(&ds, 0, sizeof ds);
  ds.shm_perm.uid = (uid_t)uid;
  ds.shm_perm.gid = (gid_t)gid;
  ds.shm_perm.mode = (unsigned short)mode;
  fprintf(out, "%s\n", say(shmctl(id, command, &ds)));
}

static void inform(FILE *out) {
  struct shm_info info;
  if (shmctl(0, SHM_INFO, (struct shmid_ds *)&info) < 0) fprintf(out, "%s\n", name_of(errno));
  else fprintf(out, "ok %d %lu %lu %lu\n", info.used_ids, info.shm_tot, info.shm_rss, info.shm_swp);
}

static void serve(int self);

/* A step of one process; the arguments a to e are those behind the process. */
static void step(FILE *out, const char *name, long a, long b, long c, long d, long e) {
  if (!strcmp(name, "get")) {
    long id = shmget((key_t)b, (size_t)c, (int)d);
    if (id < 0) fprintf(out, "%s\n", name_of(errno));
    else fprintf(out, "%ld\n", id);
  } else if (!strcmp(name, "at")) attach(out, (int)a, b, (int)c);
  else if (!strcmp(name, "dt")) fprintf(out, "%s\n", say(shmdt(place(a))));
  else if (!strcmp(name, "ctl")) control(out, (int)a, (int)b, c, d, e);
  else if (!strcmp(name, "slot")) control(out, (int)a & SLOT_MASK, (int)b, 0, 0, 0);
  else if (!strcmp(name, "unmap")) fprintf(out, "%s\n", say(munmap(place(a), (size_t)b)));
  else if (!strcmp(name, "protect")) fprintf(out, "%s\n", say(mprotect(place(a), (size_t)b, (int)c)));
  else if (!strcmp(name, "map")) {
    void *at = mmap(place(a), (size_t)b, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    fprintf(out, "%s\n", at == MAP_FAILED ? name_of(errno) : "ok");
  } else if (!strcmp(name, "remap")) {
    void *at = mremap(place(a), (size_t)b, (size_t)c, MREMAP_MAYMOVE | MREMAP_FIXED, place(d));
    fprintf(out, "%s\n", at == MAP_FAILED ? name_of(errno) : "ok");
  } else if (!strcmp(name, "store")) touch(out, place(a), 1, (char)b);
  else if (!strcmp(name, "load")) touch(out, place(a), 0, 0);
  else if (!strcmp(name, "info")) inform(out);
  else if (!strcmp(name, "limit")) {
    struct rlimit limit = {(rlim_t)a, (rlim_t)a};
    fprintf(out, "%s\n", say(setrlimit(RLIMIT_MEMLOCK, &limit)));
  } else if (!strcmp(name, "fork")) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
      fclose(out);
      serve((int)a);
    }
    fprintf(out, "%d\n", child);
  } else if (!strcmp(name, "exit")) {
    fprintf(out, "ok\n");
    fflush(out);
    _exit(0);
  } else fprintf(out, "no step %s\n", name);
}

static void serve(int self) {
  FILE *in = fdopen(dup(to[self][0]), "r"), *out = fdopen(dup(from[self][1]), "w");
  char line[256], name[16];
  setvbuf(in, NULL, _IONBF, 0);
  while (fgets(line, sizeof line, in)) {
    long n[6] = {0};
    sscanf(line, "%15s %ld %ld %ld %ld %ld %ld", name, n, n + 1, n + 2, n + 3, n + 4, n + 5);
    step(out, name, n[1], n[2], n[3], n[4], n[5]);
    fflush(out);
  }
  _exit(0);
}

static void become(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) || setgid(gid) || setuid(uid)) die("setuid");
}

static void start(int i) {
  pids[i] = fork();
  if (pids[i] < 0) die("fork");
  if (pids[i]) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (i > 0) become(1000 + i, i == 3 ? 2003 : 2001);
  serve(i);
}

/* What process i answers. */
static char *ask(int i, const char *line) {
  static char answer[256];
  ssize_t bytes = 0;
  if (write(to[i][1], line, strlen(line)) < 0) die("write");
  do {
    ssize_t got = read(from[i][0], answer + bytes, sizeof answer - 1 - bytes);
    if (got <= 0) die("read");
    bytes += got;
  } while (answer[bytes - 1] != '\n');
  answer[bytes - 1] = 0;
  return answer;
}

static void await_end(pid_t pid) {
  struct pollfd end = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
  if (end.fd >= 0) {
    poll(&end, 1, -1);
    close(end.fd);
  }
}

static int known(int id) {
  for (int i = 0; i < segment_count; i++)
    if (segments[i] == id) return i;
  segments[segment_count] = id;
  return segment_count++;
}

static void print_process(pid_t pid) {
  if (pid == 0) printf(" -");
  else for (int i = 0; i < PROCESSES; i++) if (pids[i] == pid) printf(" p%d", i);
}

static void print_time(time_t at) {
  int before = 0;
  while (before < tick_count && ticks[before] <= at) before++;
  if (at == 0) printf(" -");
  else printf(" %d", before);
}

static void print_segment(int i) {
  struct shmid_ds ds;
  if (shmctl(segments[i], IPC_STAT, &ds) < 0) return;
  printf("; #%d key %d uid %u gid %u cuid %u cgid %u mode %o segsz %lu nattch %lu", i, ds.shm_perm.__key, ds.shm_perm.uid, ds.shm_perm.gid,
    ds.shm_perm.cuid, ds.shm_perm.cgid, ds.shm_perm.mode, (unsigned long)ds.shm_segsz, (unsigned long)ds.shm_nattch);
  printf(" cpid");
  print_process(ds.shm_cpid);
  printf(" lpid");
  print_process(ds.shm_lpid);
  printf(" atime");
  print_time(ds.shm_atime);
  printf(" dtime");
  print_time(ds.shm_dtime);
  printf(" ctime");
  print_time(ds.shm_ctime);
}

static void tick(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  ticks[tick_count++] = now.tv_sec + 1;
  struct timespec until = {now.tv_sec + 1, 30000000};
  clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
  /* The system stamps by its last tick, which comes late where a processor is taken away. */
  do clock_gettime(CLOCK_REALTIME_COARSE, &now);
  while (now.tv_sec < until.tv_sec);
}

/* Hands a step to its process, with the id in the place of the variable. */
static void hand_over(const char *name, long n[6]) {
  int p = (int)n[0], uses = !strcmp(name, "at") || !strcmp(name, "ctl") || !strcmp(name, "slot");
  char line[256];
  snprintf(line, sizeof line, "%s %d %ld %ld %ld %ld %ld\n", name, p, uses ? variables[n[1]] : n[1], n[2], n[3], n[4], n[5]);
  char *said = ask(p, line);
  if (!strcmp(name, "get") && said[0] >= '0' && said[0] <= '9') {
    variables[n[1]] = atoi(said);
    printf("ok #%d", known(variables[n[1]]));
  } else if (!strcmp(name, "fork")) {
    pids[n[1]] = atoi(said);
    printf("ok");
  } else printf("%s", said);
  if (!strcmp(name, "exit")) await_end(pids[p]);
}

int main(void) {
  char line[256], name[16];
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  if (unshare(CLONE_NEWIPC)) die("unshare");
  for (int i = 0; i < PROCESSES; i++) if (pipe(to[i]) || pipe(from[i])) die("pipe");
  for (int i = 0; i < VARIABLES; i++) variables[i] = -1;
  ticks[0] = 1;
  for (int i = 0; i < 4; i++) start(i);
  while (fgets(line, sizeof line, stdin)) {
    long n[6] = {0};
    sscanf(line, "%15s %ld %ld %ld %ld %ld %ld", name, n, n + 1, n + 2, n + 3, n + 4, n + 5);
    if (!strcmp(name, "tick")) {
      tick();
      printf("ok");
    } else if (!strcmp(name, "id")) printf("ok %d", variables[n[0]]);
    else hand_over(name, n);
    for (int i = 0; i < segment_count; i++) print_segment(i);
    printf("\n");
  }
  for (int i = 0; i < PROCESSES; i++) if (pids[i]) kill(pids[i], SIGKILL);
  return 0;
}
