/* A segment is found by its key; pointers in it are followed by whoever attaches it at the address that it tells. */
/* processes: makes, follows */
#include "meet.h"

#include <sys/shm.h>

struct node {
  struct node *next;
  int value;
};

struct head {
  struct head *self;
  struct node *first;
};

/* A list whose nodes lie all over the segment. */
static void make_list(struct head *head) {
  size_t room = (15 * page()) / sizeof(struct node);
  struct node *nodes = (struct node *)((char *)head + page());
  head->self = head;
  head->first = NULL;
  for (size_t i = 0; i < 100; i++) {
    struct node *node = &nodes[i * 7919 % room];
    node->value = (int)i;
    node->next = head->first;
    head->first = node;
  }
}

/* Adds `more` to each value. => what they were in all. */
static int walk(struct head *head, int more) {
  int sum = 0;
  for (struct node *node = head->first; node != NULL; node = node->next) {
    sum += node->value;
    node->value += more;
  }
  return sum;
}

static void makes(void) {
  struct shmid_ds found;
  int id = (int)WORKS(shmget(ftok(".", 'L'), 16 * page(), IPC_CREAT | IPC_EXCL | 0600));
  struct head *head = shmat(id, NULL, 0);
  make_list(head);
  atomic_store(&meeting->words[0], getpid());
  reach(1);
  await(2);
  SHOW(walk(head, 0));
  SEE(shmctl(id, IPC_STAT, &found));
  SHOW(found.shm_nattch);
  SHOW(found.shm_cpid == getpid());
  SHOW(found.shm_lpid == atomic_load(&meeting->words[1]));
  SEE(shmctl(id, IPC_RMID, NULL));
  SEE(shmdt(head));
  reach(3);
}

static void follows(void) {
  atomic_store(&meeting->words[1], getpid());
  await(1);
  int id = (int)WORKS(shmget(ftok(".", 'L'), 0, 0));
  SEE(shmget(ftok(".", 'L'), 17 * page(), 0));
  struct head *any = shmat(id, NULL, SHM_RDONLY), *told = any->self;
  SEE(shmdt(any));
  struct head *head = shmat(id, told, 0);
  SHOW(head == told);
  SHOW(walk(head, 1));
  reach(2);
  await(3);
  SEE(shmget(ftok(".", 'L'), 0, 0));
  SHOW(walk(head, 0));
  SEE(shmdt(head));
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  if (is(argv, "makes")) makes();
  else follows();
  return 0;
}
