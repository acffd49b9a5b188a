/* Semaphores by name: two processes take turns by them, and a name that is gone is gone while they are used. */
/* processes: first, second */
#include "meet.h"

#include <semaphore.h>

#define ROUNDS 200

static sem_t *open_one(const char *suffix, int flags) {
  sem_t *sem = sem_open(common_name(suffix), flags, 0600, 0);
  printf("%s: %s\n", suffix, sem == SEM_FAILED ? name_of(errno) : "works");
  return sem;
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  int first = is(argv, "first");
  if (!first) await(1);
  sem_t *ping = open_one("ping", first ? O_CREAT | O_EXCL : 0);
  sem_t *pong = open_one("pong", first ? O_CREAT | O_EXCL : 0);
  if (first) reach(1);
  else reach(2);
  await(2);
  if (first) {
    SEE(sem_unlink(common_name("ping")));
    SEE(sem_unlink(common_name("pong")));
  }
  int turns = 0;
  for (int i = 0; i < ROUNDS; i++) {
    if (first) sem_post(ping);
    turns += sem_wait(first ? pong : ping) == 0;
    if (!first) sem_post(pong);
  }
  SHOW(turns);
  int value = -1;
  SEE(sem_getvalue(ping, &value));
  SHOW(value);
  open_one("ping", 0);
  SEE(sem_close(ping));
  SEE(sem_close(pong));
  return 0;
}
