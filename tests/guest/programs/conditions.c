/* Conditions and barriers of one: a timed wait ends by its clock and holds the mutex again; a barrier of one is met at once. */
#include "see.h"

#include <pthread.h>

struct all {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  pthread_barrier_t barrier;
};

static struct all own;

static void use(struct all *all) {
  pthread_condattr_t attributes;
  pthread_mutexattr_t checked;
  pthread_mutexattr_init(&checked);
  pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
  GIVES(pthread_mutex_init(&all->mutex, &checked));
  GIVES(pthread_condattr_init(&attributes));
  GIVES(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
  GIVES(pthread_cond_init(&all->condition, &attributes));
  GIVES(pthread_cond_signal(&all->condition));
  GIVES(pthread_mutex_lock(&all->mutex));
  struct timespec deadline = after(CLOCK_MONOTONIC, 20);
  GIVES(pthread_cond_timedwait(&all->condition, &all->mutex, &deadline));
  deadline.tv_nsec = 1000000000;
  GIVES(pthread_cond_timedwait(&all->condition, &all->mutex, &deadline));
  GIVES(pthread_mutex_lock(&all->mutex));
  GIVES(pthread_cond_broadcast(&all->condition));
  GIVES(pthread_mutex_unlock(&all->mutex));
  GIVES(pthread_cond_destroy(&all->condition));
  GIVES(pthread_barrier_init(&all->barrier, NULL, 0));
  GIVES(pthread_barrier_init(&all->barrier, NULL, 1));
  SHOW(pthread_barrier_wait(&all->barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
  SHOW(pthread_barrier_wait(&all->barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
  GIVES(pthread_barrier_destroy(&all->barrier));
}

int main(void) {
  use(mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  use(&own);
  return 0;
}
