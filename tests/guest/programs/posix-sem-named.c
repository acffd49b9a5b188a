/* sem_open: names, one address for a name, values, and what outlives sem_unlink. */
#include "see.h"

#include <limits.h>
#include <semaphore.h>

#define OPEN(...) printf("sem_open(%s): %s\n", #__VA_ARGS__, sem_open(__VA_ARGS__) == SEM_FAILED ? name_of(errno) : "works")

int main(void) {
  const char *name = own_name("sem");
  int value = -1;
  OPEN(name, 0);
  sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
  SHOW(sem != SEM_FAILED);
  OPEN(name, O_CREAT | O_EXCL, 0600, 1);
  SHOW(sem_open(name, O_CREAT, 0600, 9) == sem);
  SEE(sem_getvalue(sem, &value));
  SHOW(value);
  SEE(sem_wait(sem));
  SEE(sem_post(sem));
  SEE(sem_unlink(name));
  SEE(sem_unlink(name));
  OPEN(name, 0);
  SEE(sem_trywait(sem));
  SEE(sem_close(sem));
  SEE(sem_wait(sem));
  SEE(sem_close(sem));
  OPEN("/no/such", O_CREAT, 0600, 1);
  OPEN(name, O_CREAT, 0600, (unsigned)SEM_VALUE_MAX + 1u);
  return 0;
}
