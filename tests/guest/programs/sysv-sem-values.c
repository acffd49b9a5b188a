/* semctl: values one by one and all at once, the pid of the last operation, and what it refuses. */
#include "semun.h"

int main(void) {
  unsigned short values[3] = {1, 2, 3};
  union semun argument = {.array = values};
  int id = (int)WORKS(semget(IPC_PRIVATE, 3, 0600));
  SEE(semctl(id, 1, GETVAL));
  SEE(semctl(id, 0, SETALL, argument));
  SEE(semctl(id, 2, GETVAL));
  SEE(semctl(id, 1, SETVAL, 7));
  memset(values, 0, sizeof values);
  SEE(semctl(id, 0, GETALL, argument));
  SHOW(values[0] * 100 + values[1] * 10 + values[2]);
  SEE(set_value(id, 0, 32767));
  SEE(set_value(id, 0, 32768));
  SEE(set_value(id, 0, -1));
  SEE(set_value(id, 3, 1));
  SEE(semctl(id, -1, GETVAL));
  SEE(semctl(id, 0, GETPID) == getpid());
  SEE(op(id, 1, 2, 0));
  SEE(semctl(id, 1, GETPID) == getpid());
  SEE(semctl(id, 1, GETNCNT));
  SEE(semctl(id, 1, GETZCNT));
  SEE(semctl(id, 0, 12345));
  SEE(semctl(id, 0, IPC_RMID));
  SEE(semctl(id, 0, GETVAL));
  WORKS(semget(IPC_PRIVATE, 0, 0600));
  WORKS(semget(IPC_PRIVATE, 32001, 0600));
  return 0;
}
