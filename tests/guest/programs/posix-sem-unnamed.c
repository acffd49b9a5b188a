/* sem_init in a shared mapping and in the program's own memory. */
#include "see.h"

#include <limits.h>
#include <semaphore.h>

static sem_t own;

static void use(sem_t *sem) {
  int value = -1;
  SEE(sem_init(sem, 1, 2));
  SEE(sem_wait(sem));
  SEE(sem_trywait(sem));
  SEE(sem_trywait(sem));
  SEE(sem_getvalue(sem, &value));
  SHOW(value);
  SEE(sem_post(sem));
  SEE(sem_getvalue(sem, &value));
  SHOW(value);
  SEE(sem_wait(sem));
  struct timespec deadline = after(CLOCK_REALTIME, 20);
  SEE(sem_timedwait(sem, &deadline));
  SEE(sem_timedwait(sem, &deadline));
  deadline.tv_nsec = 1000000000;
  SEE(sem_timedwait(sem, &deadline));
  SEE(sem_post(sem));
  deadline = after(CLOCK_REALTIME, 20);
  SEE(sem_timedwait(sem, &deadline));
  SEE(sem_destroy(sem));
  SEE(sem_init(sem, 0, (unsigned)SEM_VALUE_MAX + 1u));
  SEE(sem_init(sem, 0, SEM_VALUE_MAX));
  SEE(sem_post(sem));
  SEE(sem_destroy(sem));
}

int main(void) {
  use(mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  use(&own);
  return 0;
}
