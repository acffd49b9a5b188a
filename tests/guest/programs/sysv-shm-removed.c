/* IPC_RMID of an attached segment: it is marked, its key is free at once, and the last detach destroys it. */
#include "see.h"

#include <sys/shm.h>

int main(void) {
  struct shmid_ds found;
  close(make_file("keyed", 1));
  key_t key = ftok("keyed", 'r');
  int id = shmget(key, 100, IPC_CREAT | 0640);
  char *at = shmat(id, NULL, 0);
  strcpy(at, "before");
  SEE(shmctl(id, IPC_RMID, NULL));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_perm.mode & SHM_DEST);
  SHOW(found.shm_perm.mode & 0777);
  SHOW(found.shm_perm.__key);
  WORKS(shmget(key, 100, 0600));
  int other = (int)WORKS(shmget(key, 100, IPC_CREAT | 0600));
  SHOW(other != id);
  char *again = shmat(id, NULL, 0);
  TEXT(again);
  SEE(shmdt(at));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_nattch);
  SEE(shmdt(again));
  SEE(shmctl(id, IPC_STAT, &found));
  SEE(shmctl(other, IPC_RMID, NULL));
  return 0;
}
