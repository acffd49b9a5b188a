/* semop between processes: a counter under a semaphore, and SEM_UNDO that gives back what one that is killed has taken. */
/* processes: counts first, counts, dies */
#include "semun.h"

#include "meet.h"

#define COUNT 500

static volatile int *counter;

/* The first of them makes the set: 0 is a lock, 1 counts who is still at work. */
static int open_set(int first) {
  int key = ftok(".", 'S');
  if (first) {
    int id = (int)WORKS(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
    SEE(set_value(id, 0, 1));
    SEE(set_value(id, 1, 2));
    reach(1);
    return id;
  }
  await(1);
  return (int)WORKS(semget(key, 0, 0));
}

static void counts(int first) {
  int id = open_set(first);
  for (int i = 0; i < COUNT; i++) {
    op(id, 0, -1, SEM_UNDO);
    *counter = *counter + 1;
    op(id, 0, 1, SEM_UNDO);
  }
  SEE(op(id, 1, -1, 0));
  /* Waits for zero: until the other has counted too. */
  SEE(op(id, 1, 0, 0));
  SHOW(*counter);
  arrive(2);
  if (!first) return;
  await(2);
  SEE(op(id, 0, -1, 0)); /* the third has it, until it is dead */
  SHOW(*counter);
  SHOW(semctl(id, 0, GETPID) == getpid());
  SHOW(semctl(id, 0, GETNCNT));
  SEE(semctl(id, 0, IPC_RMID));
}

static void dies(void) {
  int id = open_set(0);
  await_all(2, 2);
  SEE(op(id, 0, -1, SEM_UNDO));
  *counter = 7;
  reach(2);
  usleep(20000);
  kill(getpid(), SIGKILL);
}

int main(int argc, char **argv) {
  meet();
  counter = (volatile int *)&meeting->words[5];
  if (is(argv, "dies")) dies();
  else counts(argc > 2);
  return 0;
}
