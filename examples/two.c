#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

struct shared {
  _Atomic int turn;
  char words[2][64];
};

int main(int argc, char **argv) {
  int me = argc > 1 && strcmp(argv[1], "second") == 0;

  /* A segment that both find by its key. */
  int id = shmget(0x2222, sizeof(struct shared), IPC_CREAT | 0600);
  struct shared *shared = shmat(id, NULL, 0);

  /* A file that both map. */
  int fd = open("/notes", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  char *notes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  for (int round = 0; round < 3; round++) {
    while (shared->turn != 2 * round + me) usleep(1000);
    printf("%s reads \"%s\"\n", argv[1], shared->words[!me]);
    snprintf(shared->words[me], 64, "round %d, from process %d", round, getpid());
    sprintf(notes + strlen(notes), "%s %d; ", argv[1], round);
    shared->turn++;
  }
  while (shared->turn < 6) usleep(1000);
  printf("the file says: %s\n", notes);
  return 0;
}
