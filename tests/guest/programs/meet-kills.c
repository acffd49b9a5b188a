/* One process ends others: one that runs without a call, one that sleeps, one by a signal of 15. */
/* processes: kills, runs 0, sleeps 1, terminated 2 */
#include "meet.h"

#include <signal.h>

static void kills(void) {
  await_all(8, 3);
  usleep(10000);
  SEE(kill(atomic_load(&meeting->words[0]), 0));
  SEE(kill(atomic_load(&meeting->words[0]), 999));
  SEE(kill(atomic_load(&meeting->words[0]), SIGCHLD)); /* does nothing to who has no handler */
  SEE(kill(atomic_load(&meeting->words[0]), SIGKILL));
  SEE(kill(atomic_load(&meeting->words[1]), SIGUSR1));
  SEE(kill(atomic_load(&meeting->words[2]), SIGTERM));
}

int main(int argc, char **argv) {
  meet();
  if (argc < 3) {
    kills();
    return 0;
  }
  printf("before\n");
  fflush(stdout);
  atomic_store(&meeting->words[atoi(argv[2])], getpid());
  arrive(8);
  if (is(argv, "sleeps")) pause();
  for (volatile unsigned turns = 0; argc > 1; turns++);
  printf("not reached\n");
  return 0;
}
