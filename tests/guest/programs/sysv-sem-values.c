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
  char *map = mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map + page(), page());
  argument.array = (unsigned short *)(map + page()) - 1;
  int larger = (int)WORKS(semget(IPC_PRIVATE, 100, 0600));
  for (int i = 0; i < 1000 && larger % 32768 != id % 32768; i++) {
    semctl(larger, 0, IPC_RMID);
    larger = semget(IPC_PRIVATE, 100, 0600);
  }
  SEE(semctl(id, 0, SETALL, argument));
  SEE(semctl(larger, 0, SETALL, argument));
  SEE(semctl(larger, 0, IPC_RMID));
  WORKS(semget(IPC_PRIVATE, 0, 0600));
  WORKS(semget(IPC_PRIVATE, 32001, 0600));
  return 0;
}
