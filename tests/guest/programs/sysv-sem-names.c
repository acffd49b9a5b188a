/* semctl is a function, not only a call: what has its name, and its address. */
#include "semun.h"

struct operations {
  int (*semget)(key_t, int, int);
  int (*semctl)(int, int, int, ...);
};

int main(void) {
  struct operations ops = {semget, semctl};
  unsigned short values[2] = {3, 4};
  int id = ops.semget(IPC_PRIVATE, 2, 0600);
  union semun argument = {.array = values};
  SEE(ops.semctl(id, 0, SETALL, argument));
  SEE(ops.semctl(id, 1, GETVAL));
  SEE((ops.semctl)(id, 0, GETVAL));
  SEE(ops.semctl(id, 0, SETVAL, 7));
  SEE(semctl(id, 0, GETVAL));
  SEE(ops.semctl(id, 0, IPC_RMID));
  return 0;
}
