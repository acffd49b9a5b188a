/* C11 atomics in a page that processes share: counts, a lock-free stack, a spin lock. */
/* processes: worker 1, worker 2 */
#include "meet.h"

#define COUNT 2000
#define NODES 64

struct shared {
  _Atomic unsigned count;
  _Atomic unsigned long long wide;
  _Atomic unsigned char narrow;
  atomic_flag lock;
  volatile int locked;
  /* Index of the node on top in the low half, a count against ABA in the high. */
  _Atomic unsigned long long top;
  unsigned next[NODES + 1];
  _Atomic int held[NODES + 1];
};

static void push(struct shared *shared, unsigned node) {
  unsigned long long top = atomic_load(&shared->top);
  do shared->next[node] = (unsigned)top;
  while (!atomic_compare_exchange_weak(&shared->top, &top, ((top >> 32) + 1) << 32 | node));
}

static unsigned pop(struct shared *shared) {
  unsigned long long top = atomic_load(&shared->top);
  while ((unsigned)top != 0) {
    unsigned long long next = ((top >> 32) + 1) << 32 | shared->next[(unsigned)top];
    if (atomic_compare_exchange_weak(&shared->top, &top, next)) return (unsigned)top;
  }
  return 0;
}

/* Takes nodes off the stack and puts them back: nobody ever has one that another has. */
static void use_stack(struct shared *shared, int worker) {
  unsigned twice = 0;
  for (unsigned node = (unsigned)worker; node <= NODES; node += 2) push(shared, node);
  for (int i = 0; i < COUNT; i++) {
    unsigned node = pop(shared);
    if (node == 0) continue;
    twice += (unsigned)(atomic_fetch_add(&shared->held[node], 1) != 0);
    atomic_fetch_sub(&shared->held[node], 1);
    push(shared, node);
  }
  SHOW(twice);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  int fd = open("shared", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, (off_t)page());
  struct shared *shared = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int worker = atoi(argv[2]);
  arrive(0);
  await_all(0, 2);
  for (int i = 0; i < COUNT; i++) {
    atomic_fetch_add(&shared->count, 3);
    atomic_fetch_add(&shared->wide, 0x100000001ull);
    atomic_fetch_add(&shared->narrow, 1);
    while (atomic_flag_test_and_set(&shared->lock));
    shared->locked = shared->locked + 1;
    atomic_flag_clear(&shared->lock);
  }
  use_stack(shared, worker);
  arrive(1);
  await_all(1, 2);
  SHOW(shared->count);
  SHOW(shared->wide);
  SHOW(shared->narrow);
  SHOW(shared->locked);
  unsigned left = 0;
  if (worker == 1) {
    while (pop(shared) != 0) left++;
    SHOW(left);
  }
  return 0;
}
