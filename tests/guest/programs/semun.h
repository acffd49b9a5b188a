/* union semun, which POSIX leaves to the program. */
#ifndef SEMUN_H
#define SEMUN_H

#include "see.h"

#include <sys/sem.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
};

static inline int set_value(int id, int num, int value) {
  union semun argument = {.val = value};
  return semctl(id, num, SETVAL, argument);
}

static inline int op(int id, int num, int by, int flags) {
  struct sembuf one = {(unsigned short)num, (short)by, (short)flags};
  return semop(id, &one, 1);
}

#endif
