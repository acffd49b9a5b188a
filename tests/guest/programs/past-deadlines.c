/* Deadlines before 1970 are past ones of locks and semaphores, and none at all of message queues. */
#include "see.h"

#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>

struct all {
  sem_t sem;
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  pthread_rwlock_t rwlock;
};

static struct all own;

static void use(struct all *all, const struct timespec *deadline) {
  pthread_mutexattr_t shared;
  pthread_condattr_t attributes;
  pthread_rwlockattr_t many;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_condattr_init(&attributes);
  pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_rwlockattr_init(&many);
  pthread_rwlockattr_setpshared(&many, PTHREAD_PROCESS_SHARED);
  SEE(sem_init(&all->sem, 1, 0));
  SEE(sem_timedwait(&all->sem, deadline));
  SEE(sem_post(&all->sem));
  SEE(sem_timedwait(&all->sem, deadline));
  GIVES(pthread_mutex_init(&all->mutex, &shared));
  GIVES(pthread_mutex_timedlock(&all->mutex, deadline));
  GIVES(pthread_mutex_timedlock(&all->mutex, deadline));
  GIVES(pthread_cond_init(&all->condition, &attributes));
  GIVES(pthread_cond_timedwait(&all->condition, &all->mutex, deadline));
  GIVES(pthread_mutex_unlock(&all->mutex));
  GIVES(pthread_rwlock_init(&all->rwlock, &many));
  GIVES(pthread_rwlock_timedrdlock(&all->rwlock, deadline));
  GIVES(pthread_rwlock_timedwrlock(&all->rwlock, deadline));
  GIVES(pthread_rwlock_unlock(&all->rwlock));
}

int main(void) {
  struct all *all = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct timespec before = {-1, 0}, late = {-5, 999999999};
  use(all, &before);
  use(&own, &before);
  use(all, &late);
  const char *name = own_name("past");
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
  mq_unlink(name);
  char byte[8192];
  SEE(mq_timedreceive(queue, byte, sizeof byte, NULL, &before));
  SEE(mq_timedsend(queue, "x", 1, 0, &before));
  return 0;
}
