/* shmget: keys, flags, sizes and the order of its checks. */
#include "see.h"

#include <sys/shm.h>

int main(void) {
  close(make_file("keyed", 1));
  key_t key = ftok("keyed", 'k');
  SHOW(key != -1);
  SHOW(key == ftok("keyed", 'k') && key != ftok("keyed", 'l'));
  SEE(ftok("none", 'k'));
  WORKS(shmget(key, 100, 0600));
  int id = (int)WORKS(shmget(key, 100, IPC_CREAT | 0600));
  SHOW(shmget(key, 100, 0600) == id);
  SHOW(shmget(key, 0, 0600) == id);
  WORKS(shmget(key, 100, IPC_CREAT | IPC_EXCL | 0600));
  WORKS(shmget(key, 101, 0600));
  WORKS(shmget(key, 101, IPC_CREAT | IPC_EXCL | 0600));
  WORKS(shmget(key, 50, IPC_EXCL | 0600));
  WORKS(shmget(IPC_PRIVATE, 0, 0600));
  int own = (int)WORKS(shmget(IPC_PRIVATE, 4096, 0600));
  SHOW(own != id);
  SEE(shmctl(own, IPC_RMID, NULL));
  SEE(shmctl(own, IPC_RMID, NULL));
  WORKS((intptr_t)shmat(own, NULL, 0));
  SEE(shmctl(id, 12345, NULL));
  SEE(shmctl(id, IPC_RMID, NULL));
  WORKS(shmget(key, 100, 0600));
  return 0;
}
