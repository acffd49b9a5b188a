/* shmat and shmdt: two attaches are one memory, at chosen, given and rounded addresses. */
#include "see.h"

#include <sys/shm.h>

int main(void) {
  size_t size = page();
  int id = shmget(IPC_PRIVATE, 2 * size, 0600);
  struct shmid_ds found;
  char *one = shmat(id, NULL, 0);
  char *two = shmat(id, NULL, SHM_RDONLY);
  SHOW(one != two && one[0] == 0);
  strcpy(one + size - 2, "shared");
  TEXT(two + size - 2);
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_nattch);
  SHOW(found.shm_segsz == 2 * size);
  char *room = mmap(NULL, 8 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(room, 8 * size);
  SHOW(shmat(id, room, 0) == room);
  WORKS((intptr_t)shmat(id, room + 4 * size + 5, 0));
  SHOW(shmat(id, room + 4 * size + 5, SHM_RND) == room + 4 * size);
  WORKS((intptr_t)shmat(id, room, 0));
  WORKS((intptr_t)shmat(id, NULL, SHM_REMAP));
  SHOW(shmat(id, room, SHM_REMAP) == room);
  TEXT(room + 4 * size + size - 2);
  SEE(shmdt(room + 1));
  SEE(shmdt(room + size));
  SEE(shmdt(room));
  SEE(shmdt(room));
  SEE(munmap(one + size, size));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_nattch);
  SEE(munmap(one, size));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_nattch);
  SEE(mprotect(two, size, PROT_READ | PROT_WRITE));
  SEE(shmctl(id, IPC_RMID, NULL));
  TEXT(two + size - 2);
  return 0;
}
