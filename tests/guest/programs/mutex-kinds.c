/* Mutexes, in a shared mapping and in the program's own memory: normal, recursive, errorcheck, robust. */
#include "see.h"

#include <pthread.h>

static pthread_mutex_t own;
static pthread_mutex_t ready = PTHREAD_MUTEX_INITIALIZER;

static void use(pthread_mutex_t *mutex, int type, int robust) {
  pthread_mutexattr_t attributes;
  int got = -1;
  GIVES(pthread_mutexattr_init(&attributes));
  GIVES(pthread_mutexattr_settype(&attributes, type));
  GIVES(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_mutexattr_setrobust(&attributes, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED));
  GIVES(pthread_mutexattr_getpshared(&attributes, &got));
  SHOW(got == PTHREAD_PROCESS_SHARED);
  GIVES(pthread_mutex_init(mutex, &attributes));
  GIVES(pthread_mutex_lock(mutex));
  /* glibc answers EDEADLK, against POSIX, when it is robust and checks errors. */
  if (!robust || type != PTHREAD_MUTEX_ERRORCHECK) GIVES(pthread_mutex_trylock(mutex));
  if (type != PTHREAD_MUTEX_NORMAL) GIVES(pthread_mutex_lock(mutex));
  struct timespec deadline = after(CLOCK_REALTIME, 20);
  if (type == PTHREAD_MUTEX_NORMAL) GIVES(pthread_mutex_timedlock(mutex, &deadline));
  deadline.tv_nsec = 1000000000;
  if (type == PTHREAD_MUTEX_NORMAL) GIVES(pthread_mutex_timedlock(mutex, &deadline));
  if (type == PTHREAD_MUTEX_RECURSIVE) GIVES(pthread_mutex_unlock(mutex));
  if (type == PTHREAD_MUTEX_RECURSIVE) GIVES(pthread_mutex_unlock(mutex));
  GIVES(pthread_mutex_unlock(mutex));
  if (type != PTHREAD_MUTEX_NORMAL) GIVES(pthread_mutex_unlock(mutex));
  GIVES(pthread_mutex_trylock(mutex));
  GIVES(pthread_mutex_unlock(mutex));
  GIVES(pthread_mutex_consistent(mutex));
  GIVES(pthread_mutex_destroy(mutex));
}

int main(void) {
  pthread_mutex_t *mapped =
    mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int robust = 0; robust < 2; robust++) {
    use(mapped, PTHREAD_MUTEX_NORMAL, robust);
    use(mapped, PTHREAD_MUTEX_RECURSIVE, robust);
    use(mapped, PTHREAD_MUTEX_ERRORCHECK, robust);
  }
  use(&own, PTHREAD_MUTEX_NORMAL, 0);
  use(&own, PTHREAD_MUTEX_RECURSIVE, 0);
  use(&own, PTHREAD_MUTEX_ERRORCHECK, 0);
  GIVES(pthread_mutex_lock(&ready));
  GIVES(pthread_mutex_unlock(&ready));
  return 0;
}
