/* A condition, a barrier and a rwlock that processes share. */
/* processes: worker 0, worker 1, worker 2 */
#include "meet.h"

#include <pthread.h>

#define WORKERS 3
#define ROUNDS 60

struct shared {
  pthread_mutex_t mutex;
  pthread_cond_t turned;
  pthread_barrier_t barrier;
  pthread_rwlock_t rwlock;
  volatile int turn;
  volatile int pair[2];
  _Atomic int serials, torn;
};

static struct shared *map_shared(void) {
  int fd = open("shared", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, (off_t)page());
  void *at = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return at;
}

static void make(struct shared *shared) {
  pthread_mutexattr_t mutex;
  pthread_condattr_t cond;
  pthread_barrierattr_t barrier;
  pthread_rwlockattr_t rwlock;
  pthread_mutexattr_init(&mutex);
  pthread_condattr_init(&cond);
  pthread_barrierattr_init(&barrier);
  pthread_rwlockattr_init(&rwlock);
  GIVES(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_mutex_init(&shared->mutex, &mutex));
  GIVES(pthread_cond_init(&shared->turned, &cond));
  GIVES(pthread_barrier_init(&shared->barrier, &barrier, WORKERS));
  GIVES(pthread_rwlock_init(&shared->rwlock, &rwlock));
}

/* Each in its turn, by the condition. */
static void take_turns(struct shared *shared, int worker) {
  for (int round = 0; round < ROUNDS; round++) {
    pthread_mutex_lock(&shared->mutex);
    while (shared->turn % WORKERS != worker) pthread_cond_wait(&shared->turned, &shared->mutex);
    shared->turn++;
    pthread_cond_broadcast(&shared->turned);
    pthread_mutex_unlock(&shared->mutex);
  }
}

/* Nobody who reads sees half of a write. */
static void read_and_write(struct shared *shared, int worker) {
  for (int round = 0; round < ROUNDS; round++) {
    if (worker == 0) {
      pthread_rwlock_wrlock(&shared->rwlock);
      shared->pair[0]++;
      shared->pair[1]++;
    } else {
      pthread_rwlock_rdlock(&shared->rwlock);
      if (shared->pair[0] != shared->pair[1]) atomic_fetch_add(&shared->torn, 1);
    }
    pthread_rwlock_unlock(&shared->rwlock);
  }
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  struct shared *shared = map_shared();
  int worker = atoi(argv[2]);
  if (worker == 0) {
    make(shared);
    reach(1);
  }
  await(1);
  take_turns(shared, worker);
  for (int round = 0; round < ROUNDS; round++) {
    if (pthread_barrier_wait(&shared->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
      atomic_fetch_add(&shared->serials, 1);
  }
  read_and_write(shared, worker);
  pthread_barrier_wait(&shared->barrier);
  SHOW(shared->turn);
  SHOW(shared->serials);
  SHOW(shared->pair[0]);
  SHOW(shared->torn);
  return 0;
}
