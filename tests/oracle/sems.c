/*
 * Runs steps on the system's own semaphores, System V and POSIX: reads one a line, prints the outcome of each, and behind ` | ` what the sets
 * and the unnamed semaphores say of themselves afterwards. Needs root, for IPC and mount namespaces of its own and for processes of other users.
 *
 *     <process> <call> <number or name>...     process: 0 root, 1 and 2 of one group, 3 of none of theirs
 *     <process>& <call> ...                    begins a call that may sleep: `asleep`, or its outcome if it did not
 *     <process>=                               the outcome of the call that was begun, which has ended or is about to
 *     <process>?                               the same, `asleep` if it sleeps on
 *     <process> end                            the process exits, asleep or not, and another takes its place
 *     0 wait                                   a second passes, so that times move
 *
 * Sets are named by slot. POSIX semaphores: 0 to 2 are unnamed, in a page of all processes; 3 to 5 what sem_open of this process gave.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 4, SLOTS = 3, SEMS = 4, NUMBERS = 16, LINE_MAX_BYTES = 512, NAP_MS = 40 };

static const struct { uid_t uid; gid_t gid; } users[PROCESSES] = {{0, 0}, {1001, 2001}, {1002, 2001}, {1003, 2003}};

struct child {
  pid_t pid;
  FILE *to;
  int from;
  int is_asleep;
};

union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };

static struct child children[PROCESSES];
static int ids[SLOTS] = {999999, 999999, 999999};
static time_t times[SLOTS][2];
static sem_t *unnamed;
static sem_t *named[SLOTS];

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static void answer(long result, const char *format, long a) {
  if (result < 0) printf("%s", strerrorname_np(errno));
  else printf(format, a);
  printf("\n");
  fflush(stdout);
}

static void operate(int id, const long *n, int count) {
  struct sembuf ops[NUMBERS];
  struct timespec limit = {n[1] / 1000, n[1] % 1000 * 1000000};
  int many = (count - 2) / 3;
  for (int i = 0; i < many; i++) ops[i] = (struct sembuf){(unsigned short)n[2 + 3 * i], (short)n[3 + 3 * i], (short)n[4 + 3 * i]};
  answer(n[1] < 0 ? semop(id, ops, (size_t)many) : semtimedop(id, ops, (size_t)many, &limit), "ok", 0);
}

static void info(int command) {
  struct seminfo i;
  int last = semctl(0, 0, command, (union semun){.info = &i});
  if (last < 0) return answer(-1, "", 0);
  printf("ok %d: %d %d %d %d %d %d %d %d %d %d\n", last, i.semmap, i.semmni, i.semmns, i.semmnu, i.semmsl, i.semopm, i.semume, i.semusz,
         i.semvmx, i.semaem);
  fflush(stdout);
}

static void set(int id, const long *n) {
  struct semid_ds ds = {.sem_perm = {.uid = (uid_t)n[1], .gid = (gid_t)n[2], .mode = (unsigned short)n[3]}};
  answer(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), "ok", 0);
}

static int systemV(const char *call, const long *n, int count) {
  static const struct { const char *name; int command; } reads[] = {
    {"getval", GETVAL}, {"getpid", GETPID}, {"getncnt", GETNCNT}, {"getzcnt", GETZCNT}, {"rmid", IPC_RMID}};
  struct semid_ds ds;
  unsigned short values[NUMBERS];
  int id = n[0] < 0 || n[0] >= SLOTS ? (int)n[0] : ids[n[0]];
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    if (strcmp(call, reads[i].name)) continue;
    answer(semctl(id, (int)n[1], reads[i].command), "ok", 0);
    return 1;
  }
  if (!strcmp(call, "semget")) {
    id = semget((key_t)n[1], (int)n[2], (int)n[3]);
    answer(id, "ok %ld", id);
  } else if (!strcmp(call, "semop")) operate(id, n, count);
  else if (!strcmp(call, "setval")) answer(semctl(id, (int)n[1], SETVAL, (union semun){.val = (int)n[2]}), "ok", 0);
  else if (!strcmp(call, "setall")) {
    for (int i = 0; i < NUMBERS - 1; i++) values[i] = (unsigned short)n[i + 1];
    answer(semctl(id, 0, SETALL, (union semun){.array = values}), "ok", 0);
  } else if (!strcmp(call, "getall")) answer(semctl(id, 0, GETALL, (union semun){.array = values}), "ok", 0);
  else if (!strcmp(call, "set")) set(id, n);
  else if (!strcmp(call, "stat")) answer(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), "ok", 0);
  else if (!strcmp(call, "stat_slot") || !strcmp(call, "stat_any")) {
    int found = semctl(id & 0x7fff, 0, call[5] == 's' ? SEM_STAT : SEM_STAT_ANY, (union semun){.buf = &ds});
    answer(found, "ok %ld", found);
  } else if (!strcmp(call, "info")) info(n[0] ? SEM_INFO : IPC_INFO);
  else return 0;
  return 1;
}

static void open_named(const char *name, const long *n) {
  int flags = (n[1] & 1 ? O_CREAT : 0) | (n[1] & 2 ? O_EXCL : 0);
  sem_t *sem = sem_open(name, flags, (mode_t)n[2], (unsigned)n[3]);
  if (sem != SEM_FAILED) named[n[0] - SLOTS] = sem;
  answer(sem == SEM_FAILED ? -1 : 0, "ok", 0);
}

static int posix(const char *call, const char *name, const long *n) {
  static const struct timespec past = {1, 0}, before = {-1, 0};
  sem_t *sem = n[0] < SLOTS ? unnamed + n[0] : named[n[0] - SLOTS];
  int value;
  if (!strcmp(call, "sem_open")) open_named(name, n);
  else if (!strcmp(call, "sem_unlink")) answer(sem_unlink(name), "ok", 0);
  else if (!strcmp(call, "sem_init")) answer(sem_init(sem, 1, (unsigned)n[1]), "ok", 0);
  else if (sem == NULL) printf("none\n"), fflush(stdout);
  else if (!strcmp(call, "sem_wait")) answer(sem_wait(sem), "ok", 0);
  else if (!strcmp(call, "sem_trywait")) answer(sem_trywait(sem), "ok", 0);
  else if (!strcmp(call, "sem_timedwait")) answer(sem_timedwait(sem, n[1] ? &past : &before), "ok", 0);
  else if (!strcmp(call, "sem_post")) answer(sem_post(sem), "ok", 0);
  else if (!strcmp(call, "sem_getvalue")) {
    int said = sem_getvalue(sem, &value);
    answer(said, "ok %ld", value);
  }
  else if (!strcmp(call, "sem_close")) {
    named[n[0] - SLOTS] = NULL;
    answer(sem_close(sem), "ok", 0);
  } else return 0;
  return 1;
}

static void run(char *line) {
  long numbers[NUMBERS] = {0};
  const char *name = "";
  int count = 0;
  const char *call = strtok(line, " \n");
  for (char *word = strtok(NULL, " \n"); word && count < NUMBERS; word = strtok(NULL, " \n")) {
    if (word[0] == ':') name = word + 1;
    else numbers[count++] = strtol(word, NULL, 0);
  }
  if (!systemV(call, numbers, count) && !posix(call, name, numbers)) {
    fprintf(stderr, "no call named %s\n", call);
    exit(1);
  }
}

/* A process of the script: each line is a call, after the ids of the slots. */
static void serve(int from, int to, int which) {
  char line[LINE_MAX_BYTES];
  FILE *lines = fdopen(from, "r");
  must(dup2(to, 1) == 1, "dup2");
  umask(0);
  must(setgroups(0, NULL) == 0 && setgid(users[which].gid) == 0 && setuid(users[which].uid) == 0, "setuid");
  while (fgets(line, sizeof line, lines)) {
    int used = 0;
    must(sscanf(line, "%d %d %d %n", &ids[0], &ids[1], &ids[2], &used) == 3, "ids");
    run(line + used);
  }
  exit(0);
}

static void start(int which) {
  int lines[2], answers[2];
  must(pipe2(lines, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0, "pipe");
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    close(lines[1]);
    serve(lines[0], answers[1], which);
  }
  close(lines[0]);
  close(answers[1]);
  children[which] = (struct child){pid, fdopen(lines[1], "w"), answers[0], 0};
}

static void restart(int which) {
  kill(children[which].pid, SIGKILL);
  must(waitpid(children[which].pid, NULL, 0) == children[which].pid, "waitpid");
  fclose(children[which].to);
  close(children[which].from);
  start(which);
  printf("ok");
}

/* => an answer is there before `ms` are over. */
static int ready(int which, int ms) {
  struct pollfd fd = {children[which].from, POLLIN, 0};
  return poll(&fd, 1, ms) == 1;
}

/* => the process sleeps in a call on a semaphore: that call's number stands there only while it is blocked. */
static int sleeps(int which) {
  char path[64];
  long number = -1;
  snprintf(path, sizeof path, "/proc/%d/syscall", children[which].pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%ld", &number) != 1) number = -1;
  fclose(file);
  return number == SYS_semop || number == SYS_semtimedop || number == SYS_futex;
}

/* => it came to sleep, rather than to an answer. */
static int fell_asleep(int which) {
  while (!ready(which, 1))
    if (sleeps(which)) return 1;
  return 0;
}

static void take(int which, const char *call, long slot) {
  char text[LINE_MAX_BYTES];
  int length = 0;
  do must(read(children[which].from, text + length, 1) == 1, "answer");
  while (text[length++] != '\n');
  text[length - 1] = 0;
  int id;
  if (!strcmp(call, "semget") && sscanf(text, "ok %d", &id) == 1) ids[slot] = id;
  printf("%s", text);
  children[which].is_asleep = 0;
}

static int process_of(pid_t pid) {
  for (int i = 0; i < PROCESSES; i++)
    if (children[i].pid == pid) return i + 1;
  return pid == 0 ? 0 : -1;
}

/* A time: 0 never, = as before, + moved. */
static char moved(time_t *known, time_t now) {
  char said = now == 0 ? '0' : now == *known ? '=' : '+';
  *known = now;
  return said;
}

static void say_sets(void) {
  for (int slot = 0; slot < SLOTS; slot++) {
    struct semid_ds ds;
    if (semctl(ids[slot], 0, IPC_STAT, (union semun){.buf = &ds}) < 0) continue;
    char o = moved(&times[slot][0], ds.sem_otime), c = moved(&times[slot][1], ds.sem_ctime);
    printf(" | %d: key %x uid %d gid %d cuid %d cgid %d mode %o seq %d times %c%c nsems %lu", ids[slot], ds.sem_perm.__key, ds.sem_perm.uid,
           ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_perm.cgid, ds.sem_perm.mode, ds.sem_perm.__seq, o, c, ds.sem_nsems);
    for (int i = 0; i < (int)ds.sem_nsems && i < SEMS; i++)
      printf(" %d/%d/%d/%d", semctl(ids[slot], i, GETVAL), process_of(semctl(ids[slot], i, GETPID)), semctl(ids[slot], i, GETNCNT),
             semctl(ids[slot], i, GETZCNT));
  }
}

static void say_unnamed(void) {
  printf(" |");
  for (int i = 0; i < SLOTS; i++) {
    int value;
    sem_getvalue(unnamed + i, &value);
    printf(" %d", value);
  }
}

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void step(char *line) {
  int which = line[0] - '0';
  char mode = line[1], call[LINE_MAX_BYTES] = "";
  long slot = 0;
  must(which >= 0 && which < PROCESSES, "process");
  sscanf(line + 2, "%s %ld", call, &slot);
  if (!strcmp(call, "wait")) {
    pause_ms(1100);
    printf("ok");
  } else if (!strcmp(call, "end")) restart(which);
  else if (mode == '=' || mode == '?') {
    if (ready(which, mode == '=' ? 10000 : NAP_MS)) take(which, call, slot);
    else printf("asleep");
  } else {
    fprintf(children[which].to, "%d %d %d %s", ids[0], ids[1], ids[2], line + 2);
    fflush(children[which].to);
    children[which].is_asleep = mode == '&' && fell_asleep(which);
    if (children[which].is_asleep) printf("asleep");
    else take(which, call, slot);
  }
  for (int i = 0; i < PROCESSES; i++)
    if (children[i].is_asleep) pause_ms(NAP_MS); /* POSIX: who was woken takes its unit itself */
  say_sets();
  say_unnamed();
  printf("\n");
  fflush(stdout);
}

int main(void) {
  char line[LINE_MAX_BYTES];
  signal(SIGPIPE, SIG_IGN);
  int apart = unshare(CLONE_NEWIPC | CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("none", "/dev/shm", "tmpfs", 0, "mode=1777") == 0;
  if (!apart) {
    printf("none: %s\n", strerrorname_np(errno));
    return 0;
  }
  unnamed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(unnamed != MAP_FAILED, "mmap");
  for (int i = 0; i < SLOTS; i++) must(sem_init(unnamed + i, 1, 0) == 0, "sem_init");
  for (int i = 0; i < PROCESSES; i++) start(i);
  while (fgets(line, sizeof line, stdin)) step(line);
  for (int i = 0; i < PROCESSES; i++) kill(children[i].pid, SIGKILL);
  while (wait(NULL) > 0);
  return 0;
}
