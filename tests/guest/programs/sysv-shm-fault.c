/* A store through an SHM_RDONLY attach is SIGSEGV. */
#include "see.h"

#include <sys/shm.h>

int main(void) {
  int id = shmget(IPC_PRIVATE, 100, 0600);
  char *at = shmat(id, NULL, SHM_RDONLY);
  SEE(shmctl(id, IPC_RMID, NULL));
  SHOW(at[99]);
  fflush(stdout);
  *(volatile char *)at = 'x';
  printf("still here\n");
  return 0;
}
