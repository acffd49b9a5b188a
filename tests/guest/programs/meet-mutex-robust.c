/* A robust mutex in a shared page: who locks it next is told that its owner was killed, and mends it, or does not. */
/* processes: inherits, dies sleeping, dies by itself, dies running */
#include "meet.h"

#include <pthread.h>

struct shared {
  pthread_mutex_t mutex;
  volatile int value;
};

static struct shared *shared;

static void map_shared(void) {
  int fd = open("shared", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, (off_t)page());
  shared = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
}

static void make_mutex(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  GIVES(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  GIVES(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  GIVES(pthread_mutex_init(&shared->mutex, &attributes));
}

static void inherits(void) {
  make_mutex();
  reach(1);
  await(2);
  struct timespec deadline = after(CLOCK_REALTIME, 20);
  GIVES(pthread_mutex_trylock(&shared->mutex));
  GIVES(pthread_mutex_timedlock(&shared->mutex, &deadline));
  SEE(kill(atomic_load(&meeting->words[0]), SIGKILL));
  GIVES(pthread_mutex_lock(&shared->mutex));
  SHOW(shared->value);
  GIVES(pthread_mutex_consistent(&shared->mutex));
  GIVES(pthread_mutex_unlock(&shared->mutex));
  GIVES(pthread_mutex_lock(&shared->mutex));
  GIVES(pthread_mutex_unlock(&shared->mutex));
  reach(3);
  await(4);
  GIVES(pthread_mutex_lock(&shared->mutex)); /* sleeps until the owner dies */
  SHOW(shared->value);
  GIVES(pthread_mutex_consistent(&shared->mutex));
  GIVES(pthread_mutex_unlock(&shared->mutex));
  reach(5);
  await(6);
  SEE(kill(atomic_load(&meeting->words[0]), SIGKILL));
  GIVES(pthread_mutex_lock(&shared->mutex));
  SHOW(shared->value > 3);
  GIVES(pthread_mutex_unlock(&shared->mutex)); /* not made consistent: it is lost */
  GIVES(pthread_mutex_lock(&shared->mutex));
  GIVES(pthread_mutex_trylock(&shared->mutex));
  GIVES(pthread_mutex_destroy(&shared->mutex));
}

static void dies(const char *how, int step) {
  await(step);
  GIVES(pthread_mutex_lock(&shared->mutex));
  atomic_store(&meeting->words[0], getpid());
  shared->value = step;
  reach(step + 1);
  if (strcmp(how, "sleeping") == 0) pause();
  while (strcmp(how, "running") == 0) shared->value = 5;
  usleep(20000);
  kill(getpid(), SIGKILL);
}

int main(int argc, char **argv) {
  meet();
  map_shared();
  if (is(argv, "inherits")) inherits();
  else if (argc > 3) dies("by itself", 3);
  else dies(argv[2], strcmp(argv[2], "sleeping") == 0 ? 1 : 5);
  return 0;
}
