/* An object of shm_open with a ring in it: one process fills, one empties, semaphores in the object keep count. */
/* processes: fills, empties */
#include "meet.h"

#include <semaphore.h>

#define SLOTS 16
#define COUNT 3000

struct ring {
  sem_t room, filled;
  unsigned slots[SLOTS];
};

static struct ring *map_ring(int fd) {
  struct ring *ring = mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return ring;
}

static void fills(void) {
  int fd = (int)WORKS(shm_open(common_name("ring"), O_RDWR | O_CREAT | O_EXCL, 0600));
  SEE(ftruncate(fd, sizeof(struct ring)));
  struct ring *ring = map_ring(fd);
  SEE(sem_init(&ring->room, 1, SLOTS));
  SEE(sem_init(&ring->filled, 1, 0));
  reach(1);
  unsigned sum = 0;
  for (unsigned i = 0; i < COUNT; i++) {
    while (sem_wait(&ring->room) != 0);
    ring->slots[i % SLOTS] = i * i;
    sum += i * i;
    sem_post(&ring->filled);
  }
  SHOW(sum);
  await(2);
  SEE(shm_unlink(common_name("ring")));
  SEE(shm_unlink(common_name("ring")));
}

static void empties(void) {
  await(1);
  SEE(shm_open(common_name("ring"), O_RDWR | O_CREAT | O_EXCL, 0600));
  int fd = (int)WORKS(shm_open(common_name("ring"), O_RDWR, 0));
  struct stat found;
  SEE(fstat(fd, &found));
  SHOW(found.st_size == sizeof(struct ring));
  struct ring *ring = map_ring(fd);
  unsigned sum = 0;
  for (unsigned i = 0; i < COUNT; i++) {
    while (sem_wait(&ring->filled) != 0);
    sum += ring->slots[i % SLOTS];
    sem_post(&ring->room);
  }
  SHOW(sum);
  reach(2);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  if (is(argv, "fills")) fills();
  else empties();
  return 0;
}
