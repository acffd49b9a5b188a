/*
 * What this machine's own kernel takes for the same work: the native side of the bench.
 *
 *   peer DIRECTORY FILE_BYTES      then a request a line on standard input, an answer a line on standard output
 *
 *   "map-unmap COUNT"       ns a round: mmap and munmap of 64 KiB, anonymous and private
 *   "map-touch COUNT"       ns a round: the same with one store a page
 *   "sync-one-dirty COUNT"  ns a round: one store into a shared mapping of FILE_BYTES, then msync(MS_SYNC) of all of it
 *   "msg-64 COUNT"          ns a round: msgsnd and msgrcv of 64 bytes
 *   "sem-uncontended COUNT" ns a round: semop of -1, semop of +1
 *   "shmat-shmdt COUNT"     ns a round: shmat and shmdt of a segment of 64 KiB
 *
 * What System V keeps is removed at the end of the request. The file is made in DIRECTORY at the first request that needs it, with all blocks written, and removed at the end.
 * An answer is a number, or "error: " and why.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

enum { MAP_BYTES = 65536, CHUNK = 1 << 20, MESSAGE_BYTES = 64 };

static size_t page_bytes, file_bytes;
static char path[4096];
static volatile char *file;

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}

static double fail(void) { return -1; }

static int map_once(int touch) {
  volatile char *at = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return -1;
  for (size_t i = 0; touch && i < MAP_BYTES; i += page_bytes) at[i] = 1;
  return munmap((void *)at, MAP_BYTES);
}

static double map_rounds(long count, int touch) {
  double start = now_ns();
  for (long i = 0; i < count; i++)
    if (map_once(touch) != 0) return fail();
  return (now_ns() - start) / count;
}

static double map_unmap(long count) { return map_rounds(count, 0); }
static double map_touch(long count) { return map_rounds(count, 1); }

static int fill_file(int fd) {
  static char chunk[CHUNK];
  memset(chunk, 7, sizeof chunk);
  for (size_t done = 0; done < file_bytes; done += sizeof chunk)
    if (write(fd, chunk, sizeof chunk) != (ssize_t)sizeof chunk) return -1;
  return fsync(fd);
}

/* The mapping of the file, all of it resident; NULL on failure. */
static volatile char *map_file(void) {
  if (file) return file;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || fill_file(fd) != 0) return NULL;
  volatile char *at = mmap(NULL, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at == MAP_FAILED) return NULL;
  for (size_t i = 0; i < file_bytes; i += page_bytes) (void)at[i];
  return file = at;
}

/* Stores move by an odd number of pages, so that no page comes twice in a row and all come. */
static double sync_one_dirty(long count) {
  static size_t page = 0;
  if (!map_file()) return fail();
  double start = now_ns();
  for (long i = 0; i < count; i++) {
    page = (page + 4097) % (file_bytes / page_bytes);
    file[page * page_bytes] += 1;
    if (msync((void *)file, file_bytes, MS_SYNC) != 0) return fail();
  }
  return (now_ns() - start) / count;
}

static double message_rounds(int queue, long count) {
  struct {
    long type;
    char data[MESSAGE_BYTES];
  } message = {.type = 1};
  double start = now_ns();
  for (long i = 0; i < count; i++) {
    if (msgsnd(queue, &message, MESSAGE_BYTES, 0) != 0) return fail();
    if (msgrcv(queue, &message, MESSAGE_BYTES, 0, 0) != MESSAGE_BYTES) return fail();
  }
  return (now_ns() - start) / count;
}

static double msg_64(long count) {
  int queue = msgget(IPC_PRIVATE, 0600);
  if (queue < 0) return fail();
  double ns = message_rounds(queue, count);
  msgctl(queue, IPC_RMID, NULL);
  return ns;
}

static double semaphore_rounds(int set, long count) {
  struct sembuf up = {.sem_op = 1}, down = {.sem_op = -1};
  if (semop(set, &up, 1) != 0) return fail();
  double start = now_ns();
  for (long i = 0; i < count; i++)
    if (semop(set, &down, 1) != 0 || semop(set, &up, 1) != 0) return fail();
  return (now_ns() - start) / count;
}

static double sem_uncontended(long count) {
  int set = semget(IPC_PRIVATE, 1, 0600);
  if (set < 0) return fail();
  double ns = semaphore_rounds(set, count);
  semctl(set, 0, IPC_RMID);
  return ns;
}

static double attach_rounds(int segment, long count) {
  double start = now_ns();
  for (long i = 0; i < count; i++) {
    void *at = shmat(segment, NULL, 0);
    if (at == (void *)-1 || shmdt(at) != 0) return fail();
  }
  return (now_ns() - start) / count;
}

static double shmat_shmdt(long count) {
  int segment = shmget(IPC_PRIVATE, MAP_BYTES, 0600);
  if (segment < 0) return fail();
  double ns = attach_rounds(segment, count);
  shmctl(segment, IPC_RMID, NULL);
  return ns;
}

static const struct {
  const char *name;
  double (*run)(long count);
} rows[] = {
    {"map-unmap", map_unmap},
    {"map-touch", map_touch},
    {"sync-one-dirty", sync_one_dirty},
    {"msg-64", msg_64},
    {"sem-uncontended", sem_uncontended},
    {"shmat-shmdt", shmat_shmdt},
};

static void answer(const char *name, long count) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strcmp(rows[i].name, name) != 0) continue;
    double ns = rows[i].run(count);
    if (ns < 0) printf("error: %s: %s\n", name, strerror(errno));
    else printf("%.1f\n", ns);
    return;
  }
  printf("error: no row %s\n", name);
}

int main(int argc, char **argv) {
  char line[128], name[64];
  long count;
  if (argc != 3) return fprintf(stderr, "usage: peer DIRECTORY FILE_BYTES\n"), 2;
  page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  file_bytes = strtoull(argv[2], NULL, 10);
  snprintf(path, sizeof path, "%s/native.bin", argv[1]);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "%63s %ld", name, &count) != 2 || count < 1) puts("error: want NAME COUNT");
    else answer(name, count);
    fflush(stdout);
  }
  unlink(path);
  return 0;
}
