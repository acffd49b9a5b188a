/* Read-write locks: readers together, a writer alone, and timed forms. */
#include "see.h"

#include <pthread.h>

static pthread_rwlock_t own;

static void use(pthread_rwlock_t *lock) {
  GIVES(pthread_rwlock_init(lock, NULL));
  GIVES(pthread_rwlock_rdlock(lock));
  GIVES(pthread_rwlock_tryrdlock(lock));
  GIVES(pthread_rwlock_trywrlock(lock));
  struct timespec deadline = after(CLOCK_REALTIME, 20);
  GIVES(pthread_rwlock_timedwrlock(lock, &deadline));
  struct timespec none = {deadline.tv_sec, 1000000000};
  GIVES(pthread_rwlock_timedwrlock(lock, &none));
  GIVES(pthread_rwlock_unlock(lock));
  GIVES(pthread_rwlock_trywrlock(lock));
  GIVES(pthread_rwlock_unlock(lock));
  GIVES(pthread_rwlock_wrlock(lock));
  GIVES(pthread_rwlock_tryrdlock(lock));
  GIVES(pthread_rwlock_trywrlock(lock));
  none.tv_nsec = -1;
  GIVES(pthread_rwlock_timedrdlock(lock, &none));
  GIVES(pthread_rwlock_unlock(lock));
  GIVES(pthread_rwlock_timedrdlock(lock, &deadline));
  GIVES(pthread_rwlock_unlock(lock));
  GIVES(pthread_rwlock_destroy(lock));
}

int main(void) {
  use(mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  use(&own);
  return 0;
}
