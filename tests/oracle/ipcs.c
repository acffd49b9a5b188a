/*
 * Makes System V objects in an IPC namespace of its own, prints them as JSON on one line, and then runs each argument as a command of the
 * shell in that namespace, its output after a line `== command`. Needs root. The steps are those of ipcs.test.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};

static long must(long result, const char *what) {
  if (result != -1) return result;
  perror(what);
  exit(1);
}

#define MUST(call) must((long)(call), #call)

/* Those of 32 bits, as Isopage has them. */
static void lowerLimits(void) {
  const char *names[] = {"/proc/sys/kernel/shmmax", "/proc/sys/kernel/shmall"};
  for (int i = 0; i < 2; i++) {
    FILE *file = fopen(names[i], "w");
    if (file == NULL || fprintf(file, "%u\n", 0xfeffffffu) < 0 || fclose(file) != 0) {
      perror(names[i]);
      exit(1);
    }
  }
}

static void makeSegments(void) {
  int first = MUST(shmget(0x1234, 3 * 4096 + 100, IPC_CREAT | 0640));
  char *at = (char *)MUST(shmat(first, NULL, 0));
  MUST(shmat(first, NULL, SHM_RDONLY));
  memset(at, 1, 2 * 4096);
  int second = MUST(shmget(IPC_PRIVATE, 1024 * 1024, 0600));
  MUST(shmat(second, NULL, 0));
  MUST(shmctl(second, SHM_LOCK, NULL));
  MUST(shmctl(second, IPC_RMID, NULL));
  int third = MUST(shmget(0xbeef, 1, IPC_CREAT | 0600));
  char *there = (char *)MUST(shmat(third, NULL, 0));
  MUST(shmdt(there));
  struct shmid_ds status;
  MUST(shmctl(third, IPC_STAT, &status));
  status.shm_perm.uid = 1000;
  status.shm_perm.gid = 12345;
  status.shm_perm.mode = 0606;
  MUST(shmctl(third, IPC_SET, &status));
}

static void makeQueues(void) {
  struct {
    long type;
    char text[30];
  } message = {.type = 1, .text = "message"};
  int first = MUST(msgget(0x77, IPC_CREAT | 0666));
  for (int bytes = 10; bytes <= 30; bytes += 10) MUST(msgsnd(first, &message, bytes, 0));
  MUST(msgrcv(first, &message, 30, 0, 0));
  int second = MUST(msgget(IPC_PRIVATE, 0600));
  struct msqid_ds status;
  MUST(msgctl(second, IPC_STAT, &status));
  status.msg_qbytes = 1000;
  MUST(msgctl(second, IPC_SET, &status));
}

/* A child that sleeps in the operation until the end. */
static pid_t sleepOn(int id, struct sembuf operation) {
  pid_t child = MUST(fork());
  if (child != 0) return child;
  semop(id, &operation, 1);
  _exit(0);
}

static pid_t children[2];

static void makeSets(void) {
  int first = MUST(semget((key_t)0xfffffffe, 3, IPC_CREAT | 0644));
  union semun value = {.val = 5};
  MUST(semctl(first, 1, SETVAL, value));
  struct sembuf operations[2] = {{.sem_num = 0, .sem_op = 2}, {.sem_num = 1, .sem_op = -1}};
  MUST(semop(first, operations, 2));
  MUST(semget(IPC_PRIVATE, 1, 0));
  children[0] = sleepOn(first, (struct sembuf){.sem_num = 2, .sem_op = -1});
  children[1] = sleepOn(first, (struct sembuf){.sem_num = 1, .sem_op = 0});
  while (MUST(semctl(first, 2, GETNCNT)) == 0 || MUST(semctl(first, 1, GETZCNT)) == 0) usleep(1000);
}

static void printPerm(const struct ipc_perm *perm, int key) {
  printf("\"perm\":{\"key\":%d,\"uid\":%u,\"gid\":%u,\"cuid\":%u,\"cgid\":%u,\"mode\":%u,\"seq\":%u}",
         key, perm->uid, perm->gid, perm->cuid, perm->cgid, perm->mode, perm->__seq);
}

static void printSegments(void) {
  struct shm_info info;
  int last = MUST(shmctl(0, SHM_INFO, (struct shmid_ds *)&info));
  const char *comma = "";
  printf("\"shmPages\":{\"total\":%lu,\"resident\":%lu},\"shm\":[", info.shm_tot, info.shm_rss);
  for (int slot = 0; slot <= last; slot++) {
    struct shmid_ds status;
    int id = shmctl(slot, SHM_STAT, &status);
    if (id < 0) continue;
    printf("%s{\"id\":%d,", comma, id);
    printPerm(&status.shm_perm, status.shm_perm.__key);
    printf(",\"segsz\":%zu,\"atime\":%ld,\"dtime\":%ld,\"ctime\":%ld,\"cpid\":%d,\"lpid\":%d,\"nattch\":%lu}",
           status.shm_segsz, status.shm_atime, status.shm_dtime, status.shm_ctime, status.shm_cpid,
           status.shm_lpid, status.shm_nattch);
    comma = ",";
  }
  printf("],");
}

static void printQueues(void) {
  struct msginfo info;
  int last = MUST(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
  const char *comma = "";
  printf("\"msg\":[");
  for (int slot = 0; slot <= last; slot++) {
    struct msqid_ds status;
    int id = msgctl(slot, MSG_STAT, &status);
    if (id < 0) continue;
    printf("%s{\"id\":%d,", comma, id);
    printPerm(&status.msg_perm, status.msg_perm.__key);
    printf(",\"stime\":%ld,\"rtime\":%ld,\"ctime\":%ld,\"cbytes\":%lu,\"qnum\":%lu,\"qbytes\":%lu,\"lspid\":%d,\"lrpid\":%d}",
           status.msg_stime, status.msg_rtime, status.msg_ctime, status.__msg_cbytes, status.msg_qnum,
           status.msg_qbytes, status.msg_lspid, status.msg_lrpid);
    comma = ",";
  }
  printf("],");
}

static void printSemaphores(int id, unsigned long count) {
  for (unsigned long i = 0; i < count; i++)
    printf("%s{\"val\":%d,\"pid\":%d,\"ncnt\":%d,\"zcnt\":%d}", i == 0 ? "" : ",", semctl(id, i, GETVAL),
           semctl(id, i, GETPID), semctl(id, i, GETNCNT), semctl(id, i, GETZCNT));
}

static void printSets(void) {
  struct seminfo info;
  union semun argument = {.info = &info};
  int last = MUST(semctl(0, 0, SEM_INFO, argument));
  const char *comma = "";
  printf("\"sem\":[");
  for (int slot = 0; slot <= last; slot++) {
    struct semid_ds status;
    argument.buf = &status;
    int id = semctl(slot, 0, SEM_STAT, argument);
    if (id < 0) continue;
    printf("%s{\"id\":%d,", comma, id);
    printPerm(&status.sem_perm, status.sem_perm.__key);
    printf(",\"otime\":%ld,\"ctime\":%ld,\"nsems\":%lu,\"sems\":[", status.sem_otime, status.sem_ctime,
           status.sem_nsems);
    printSemaphores(id, status.sem_nsems);
    printf("]}");
    comma = ",";
  }
  printf("]");
}

int main(int count, char **commands) {
  MUST(unshare(CLONE_NEWIPC));
  setvbuf(stdout, NULL, _IOFBF, 65536);
  lowerLimits();
  makeSets(); /* first: its children must not inherit attached segments */
  makeSegments();
  makeQueues();
  printf("{\"pids\":[%d,%d,%d],", getpid(), children[0], children[1]);
  printSegments();
  printQueues();
  printSets();
  printf("}\n");
  for (int i = 1; i < count; i++) {
    printf("== %s\n", commands[i]);
    fflush(stdout);
    MUST(system(commands[i]));
  }
  fflush(stdout);
  for (int i = 0; i < 2; i++) {
    kill(children[i], 9);
    waitpid(children[i], NULL, 0);
  }
  return 0;
}
