/* shmctl: the whole of shmid_ds, IPC_SET, locks, and what another user may not. needs root */
#include "see.h"

#include <sys/shm.h>

int main(void) {
  struct shmid_ds found;
  time_t now = time(NULL);
  int id = shmget(IPC_PRIVATE, 5000, 0640);
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_segsz);
  SHOW(found.shm_perm.mode);
  SHOW(found.shm_perm.uid == getuid() && found.shm_perm.cgid == getgid());
  SHOW(found.shm_cpid == getpid());
  SHOW(found.shm_lpid);
  SHOW(found.shm_atime == 0 && found.shm_dtime == 0 && found.shm_ctime >= now);
  void *at = shmat(id, NULL, 0);
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_lpid == getpid() && found.shm_atime >= now && found.shm_dtime == 0);
  shmdt(at);
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_dtime >= now);
  found.shm_perm.uid = 1000;
  found.shm_perm.gid = 2000;
  found.shm_perm.mode = 0604;
  SEE(shmctl(id, IPC_SET, &found));
  SEE(shmctl(id, SHM_LOCK, NULL));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW((found.shm_perm.mode & SHM_LOCKED) != 0 && (found.shm_perm.mode & 0777) == 0604);
  SHOW(found.shm_perm.uid == 1000 && found.shm_perm.gid == 2000 && found.shm_perm.cuid == 0);
  SEE(shmctl(id, SHM_UNLOCK, NULL));
  SEE(seteuid(65534));
  SEE(shmctl(id, IPC_STAT, &found));
  WORKS((intptr_t)shmat(id, NULL, SHM_RDONLY));
  WORKS((intptr_t)shmat(id, NULL, 0));
  SEE(shmctl(id, IPC_SET, &found));
  SEE(shmctl(id, IPC_RMID, NULL));
  SEE(seteuid(0));
  SEE(seteuid(1000));
  SEE(shmctl(id, IPC_RMID, NULL));
  return 0;
}
