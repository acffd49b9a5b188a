/* semctl: the whole of semid_ds, IPC_SET, and permissions: a wait for zero needs to read, all others to alter. needs root */
#include "semun.h"

int main(void) {
  struct semid_ds found;
  union semun argument = {.buf = &found};
  time_t now = time(NULL);
  int id = semget(IPC_PRIVATE, 4, 0604);
  SEE(semctl(id, 0, IPC_STAT, argument));
  SHOW(found.sem_nsems);
  SHOW(found.sem_otime == 0 && found.sem_ctime >= now);
  SHOW(found.sem_perm.mode);
  SEE(op(id, 0, 1, 0));
  SEE(semctl(id, 0, IPC_STAT, &found));
  SHOW(found.sem_otime >= now);
  found.sem_perm.mode = 0604;
  found.sem_perm.gid = 77;
  SEE(semctl(id, 0, IPC_SET, argument));
  SEE(semctl(id, 0, IPC_STAT, argument));
  SHOW(found.sem_perm.gid);
  SEE(setegid(65534));
  SEE(seteuid(65534));
  SEE(semctl(id, 0, GETVAL));
  SEE(op(id, 1, 0, IPC_NOWAIT));
  SEE(op(id, 1, 1, IPC_NOWAIT));
  SEE(set_value(id, 0, 1));
  SEE(semctl(id, 0, IPC_RMID));
  SEE(seteuid(0));
  SEE(semctl(id, 0, IPC_RMID));
  return 0;
}
