/* semtimedop: EAGAIN when its time is over, EINVAL for a time that is none. */
#include "semun.h"

int main(void) {
  int id = semget(IPC_PRIVATE, 1, 0600);
  struct sembuf down = {0, -1, 0};
  struct timespec wait = {0, 20000000}, before, later;
  clock_gettime(CLOCK_MONOTONIC, &before);
  SEE(semtimedop(id, &down, 1, &wait));
  clock_gettime(CLOCK_MONOTONIC, &later);
  double waited = (double)(later.tv_sec - before.tv_sec) * 1000 +
                  (double)(later.tv_nsec - before.tv_nsec) / 1000000;
  SHOW(waited >= 19);
  wait.tv_nsec = 1000000000;
  SEE(semtimedop(id, &down, 1, &wait));
  wait = (struct timespec){-1, 0};
  SEE(semtimedop(id, &down, 1, &wait));
  SEE(set_value(id, 0, 1));
  wait = (struct timespec){0, 0};
  SEE(semtimedop(id, &down, 1, &wait));
  SEE(semtimedop(id, &down, 1, &wait));
  SEE(semctl(id, 0, IPC_RMID));
  return 0;
}
