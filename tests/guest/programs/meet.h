/*
 * How the processes of one program wait for each other: a page of the file `meeting`, which each maps. They take turns by steps, so that each one says
 * the same in every run. Nobody waits longer than 20 s: status 99, or natively SIGALRM.
 */
#ifndef MEET_H
#define MEET_H

#include "see.h"

#include <stdatomic.h>

struct meeting {
  _Atomic int step;
  /* What one tells another: ids, pids, counts. */
  _Atomic int words[16];
};

static struct meeting *meeting;

/* The first that each process does. */
static inline void meet(void) {
#ifndef __wasi__
  alarm(20);
#endif
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was said before a fault was said */
  int fd = open("meeting", O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)page()) != 0) exit(98);
  meeting = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (meeting == MAP_FAILED) exit(97);
  close(fd);
}

static inline void rest(void) {
  static int rests;
  if (++rests > 20000) exit(99);
  usleep(1000);
}

static inline void reach(int step) {
  atomic_store(&meeting->step, step);
}

static inline void await(int step) {
  while (atomic_load(&meeting->step) < step) rest();
}

/* One of several has done its part. */
static inline void arrive(int word) {
  atomic_fetch_add(&meeting->words[word], 1);
}

static inline void await_all(int word, int count) {
  while (atomic_load(&meeting->words[word]) < count) rest();
}

/* A name that the processes of this run share, and no other run does. */
static inline const char *common_name(const char *suffix) {
  static char name[64];
  struct stat here;
  stat(".", &here);
  snprintf(name, sizeof name, "/see-%llu-%s", (unsigned long long)here.st_ino, suffix);
  return name;
}

/* => this process is started as `role`. */
static inline int is(char **argv, const char *role) {
  return strcmp(argv[1], role) == 0;
}

#endif
