/* Two processes, first and second: each stores one number, the one in a segment, the other in a file that both map. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int second = argc > 1 && strcmp(argv[1], "second") == 0;
  _Atomic int *segment = shmat(shmget(0x1111, 4096, IPC_CREAT | 0600), NULL, 0);
  int fd = open("/both", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  _Atomic int *file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (second) *file = 22;
  else *segment = 11;
  while (*segment == 0 || *file == 0) usleep(1000);
  printf("%s: segment %d, file %d\n", argv[1], *segment, *file);
  return 0;
}
