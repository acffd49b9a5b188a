/*
 * Locks in a shared page, a step a line from stdin, and what pthread says to each: "0", or the errno's name.
 *
 *   minit I KIND   KIND: type (0 normal, 1 recursive, 2 errorcheck) + 4 for robust
 *   mlock I, mtrylock I, mtimedlock I (deadline long past), munlock I, mconsistent I, mdestroy I
 *   odie I         another process tries the lock, and is killed with what it has
 *   otry I         another process tries the lock, unlocks it where it has it, and ends
 *   ounlock I      another process unlocks
 *   cinit I CLOCK, csignal I, cbroadcast I, ctimedwait I M (deadline long past), cdestroy I
 *   binit I COUNT, bwait I, bdestroy I
 *   rinit I, rrdlock I, rwrlock I, rtryrdlock I, rtrywrlock I, rtimedrdlock I, rtimedwrlock I, runlock I, rdestroy I
 *   ortryrd I, ortrywr I   as otry, for reading and for writing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT 8

struct page {
  pthread_mutex_t mutex[COUNT];
  pthread_cond_t cond[COUNT];
  pthread_barrier_t barrier[COUNT];
  pthread_rwlock_t rwlock[COUNT];
  int result;
};

static struct page *page;
static const struct timespec past = {1, 0};

static const char *name(int result) {
  if (result == 0) return "0";
  if (result == PTHREAD_BARRIER_SERIAL_THREAD) return "serial";
  const char *found = strerrorname_np(result);
  return found ? found : "unknown";
}

static int mutex_init(int i, int kind) {
  pthread_mutexattr_t attributes;
  static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_settype(&attributes, types[kind & 3]);
  if (kind & 4) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  return pthread_mutex_init(&page->mutex[i], &attributes);
}

static int cond_init(int i, int clock) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setclock(&attributes, clock ? CLOCK_MONOTONIC : CLOCK_REALTIME);
  return pthread_cond_init(&page->cond[i], &attributes);
}

static int barrier_init(int i, int count) {
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  return pthread_barrier_init(&page->barrier[i], &attributes, count);
}

static int rwlock_init(int i) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  return pthread_rwlock_init(&page->rwlock[i], &attributes);
}

/* What another process does. */
static void other(const char *step, int i) {
  int *result = &page->result;
  if (!strcmp(step, "odie")) {
    *result = pthread_mutex_trylock(&page->mutex[i]);
    kill(getpid(), SIGKILL);
  }
  if (!strcmp(step, "otry")) {
    *result = pthread_mutex_trylock(&page->mutex[i]);
    if (*result == 0) pthread_mutex_unlock(&page->mutex[i]);
    if (*result == EOWNERDEAD) {
      pthread_mutex_consistent(&page->mutex[i]);
      pthread_mutex_unlock(&page->mutex[i]);
    }
  }
  if (!strcmp(step, "ounlock")) *result = pthread_mutex_unlock(&page->mutex[i]);
  if (!strcmp(step, "ortryrd") || !strcmp(step, "ortrywr")) {
    *result = step[5] == 'r' ? pthread_rwlock_tryrdlock(&page->rwlock[i]) : pthread_rwlock_trywrlock(&page->rwlock[i]);
    if (*result == 0) pthread_rwlock_unlock(&page->rwlock[i]);
  }
}

static int elsewhere(const char *step, int i) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    other(step, i);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  return page->result;
}

static int run(const char *step, int i, int n) {
  if (step[0] == 'o') return elsewhere(step, i);
  if (!strcmp(step, "minit")) return mutex_init(i, n);
  if (!strcmp(step, "mlock")) return pthread_mutex_lock(&page->mutex[i]);
  if (!strcmp(step, "mtrylock")) return pthread_mutex_trylock(&page->mutex[i]);
  if (!strcmp(step, "mtimedlock")) return pthread_mutex_timedlock(&page->mutex[i], &past);
  if (!strcmp(step, "munlock")) return pthread_mutex_unlock(&page->mutex[i]);
  if (!strcmp(step, "mconsistent")) return pthread_mutex_consistent(&page->mutex[i]);
  if (!strcmp(step, "mdestroy")) return pthread_mutex_destroy(&page->mutex[i]);
  if (!strcmp(step, "cinit")) return cond_init(i, n);
  if (!strcmp(step, "csignal")) return pthread_cond_signal(&page->cond[i]);
  if (!strcmp(step, "cbroadcast")) return pthread_cond_broadcast(&page->cond[i]);
  if (!strcmp(step, "ctimedwait")) return pthread_cond_timedwait(&page->cond[i], &page->mutex[n], &past);
  if (!strcmp(step, "cdestroy")) return pthread_cond_destroy(&page->cond[i]);
  if (!strcmp(step, "binit")) return barrier_init(i, n);
  if (!strcmp(step, "bwait")) return pthread_barrier_wait(&page->barrier[i]);
  if (!strcmp(step, "bdestroy")) return pthread_barrier_destroy(&page->barrier[i]);
  if (!strcmp(step, "rinit")) return rwlock_init(i);
  if (!strcmp(step, "rrdlock")) return pthread_rwlock_rdlock(&page->rwlock[i]);
  if (!strcmp(step, "rwrlock")) return pthread_rwlock_wrlock(&page->rwlock[i]);
  if (!strcmp(step, "rtryrdlock")) return pthread_rwlock_tryrdlock(&page->rwlock[i]);
  if (!strcmp(step, "rtrywrlock")) return pthread_rwlock_trywrlock(&page->rwlock[i]);
  if (!strcmp(step, "rtimedrdlock")) return pthread_rwlock_timedrdlock(&page->rwlock[i], &past);
  if (!strcmp(step, "rtimedwrlock")) return pthread_rwlock_timedwrlock(&page->rwlock[i], &past);
  if (!strcmp(step, "runlock")) return pthread_rwlock_unlock(&page->rwlock[i]);
  if (!strcmp(step, "rdestroy")) return pthread_rwlock_destroy(&page->rwlock[i]);
  abort();
}

int main(void) {
  char line[128], step[32];
  page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) abort();
  alarm(60);
  while (fgets(line, sizeof line, stdin)) {
    int i = 0, n = 0;
    if (sscanf(line, "%31s %d %d", step, &i, &n) < 1 || i < 0 || i >= COUNT) abort();
    printf("%s\n", name(run(step, i, n)));
  }
  return 0;
}
