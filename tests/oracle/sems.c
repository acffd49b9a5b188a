/*
 * Runs steps (processes.h) on the system's own semaphores, System V and POSIX. Needs root, for IPC and mount namespaces of its own and for processes of other users.
 *
 * Sets are named by slot. POSIX semaphores: 0 to 2 are unnamed, in a page of all processes; 3 to 5 what sem_open of this process gave.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sem.h>

#define GET "semget"
#define SLEEPS {SYS_semop, SYS_semtimedop, SYS_futex}
#include "processes.h"

/* The most that one set may have. */
enum { SEMS = 4, SET_MAX = 32000 };

union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };

static time_t times[SLOTS][2];
static sem_t *unnamed;
static sem_t *named[SLOTS];

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
  static unsigned short values[SET_MAX];
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
    memset(values, 0, sizeof values);
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

static void say_all(void) {
  say_sets();
  say_unnamed();
}

static int make(const char *call, const char *name, const long *numbers, int count) {
  return systemV(call, numbers, count) || posix(call, name, numbers);
}

int main(void) {
  int apart = unshare(CLONE_NEWIPC | CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("none", "/dev/shm", "tmpfs", 0, "mode=1777") == 0;
  if (!apart) {
    printf("none: %s\n", strerrorname_np(errno));
    return 0;
  }
  unnamed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(unnamed != MAP_FAILED, "mmap");
  for (int i = 0; i < SLOTS; i++) must(sem_init(unnamed + i, 1, 0) == 0, "sem_init");
  run_script();
  return 0;
}
