/* NULL, and the last address of all, where a structure or bytes are wanted: EFAULT, and nothing is changed. */
#include "message.h"
#include "semun.h"

#include <sys/shm.h>

static void of_messages(void *none, void *last) {
  int id = msgget(IPC_PRIVATE, 0600);
  struct msqid_ds now;
  SEE(msgsnd(id, none, 5, 0));
  SEE(put(id, 1, "hello", 0));
  SEE(msgrcv(id, last, 10, 0, 0));
  SEE(msgctl(id, IPC_STAT, none));
  SEE(msgctl(id, IPC_SET, none));
  SEE(msgctl(id, IPC_SET, last));
  SEE(msgctl(id, IPC_STAT, &now));
  SHOW(now.msg_perm.mode & 0777);
  SHOW(now.msg_qbytes > 0);
  msgctl(id, IPC_RMID, NULL);
}

static void of_semaphores(void *none, void *last) {
  int id = semget(IPC_PRIVATE, 2, 0600);
  union semun buf = {.buf = none}, end = {.buf = last};
  SEE(semop(id, none, 1));
  SEE(semop(id, none, 2));
  SEE(semctl(id, 0, IPC_STAT, buf));
  SEE(semctl(id, 0, IPC_SET, buf));
  SEE(semctl(id, 0, IPC_SET, end));
  SEE(semctl(id, 0, GETALL, buf));
  SEE(semctl(id, 0, SETALL, buf));
  semctl(id, 0, IPC_RMID);
}

static void of_memory(void *none, void *last) {
  int id = shmget(IPC_PRIVATE, 100, 0600);
  SEE(shmctl(id, IPC_STAT, none));
  SEE(shmctl(id, IPC_SET, none));
  SEE(shmctl(id, IPC_SET, last));
  shmctl(id, IPC_RMID, NULL);
}

static void of_files(void *none, void *last) {
  int fd = make_file("f", 10);
  SEE(pipe(none));
  SEE(fcntl(fd, F_SETLK, none));
  SEE(fcntl(fd, F_GETLK, last));
  SEE(truncate(none, 5));
  SEE(chdir(none));
}

int main(void) {
  void *volatile none = NULL, *volatile last = (void *)-1;
  of_messages(none, last);
  of_semaphores(none, last);
  of_memory(none, last);
  of_files(none, last);
  return 0;
}
