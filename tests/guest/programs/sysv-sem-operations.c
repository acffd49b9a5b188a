/* semop: an array of operations is all or nothing, in order; what would wait, and what is refused. */
#include "semun.h"

static void tell(int id) {
  printf("%d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
}

int main(void) {
  int id = semget(IPC_PRIVATE, 2, 0600);
  SEE(op(id, 0, 3, 0));
  struct sembuf both[2] = {{0, -2, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
  SEE(semop(id, both, 2));
  tell(id);
  SEE(op(id, 1, 1, 0));
  SEE(semop(id, both, 2));
  tell(id);
  struct sembuf twice[3] = {{0, -1, IPC_NOWAIT}, {0, 0, IPC_NOWAIT}, {0, 5, 0}};
  SEE(semop(id, twice, 3));
  tell(id);
  SEE(semop(id, twice, 3));
  SEE(op(id, 0, -6, IPC_NOWAIT));
  SEE(op(id, 0, 0, IPC_NOWAIT));
  SEE(op(id, 1, 0, IPC_NOWAIT));
  SEE(op(id, 2, 1, 0));
  SEE(op(id, 0, 32767, 0));
  SEE(semop(id, both, 0));
  SEE(semop(id, both, 501));
  SEE(semop(-1, both, 1));
  tell(id);
  SEE(op(id, 0, -1, SEM_UNDO));
  tell(id);
  SEE(set_value(id, 0, 9));
  tell(id);
  SEE(semctl(id, 0, IPC_RMID));
  SEE(op(id, 0, 1, 0));
  return 0;
}
