/* Sets of signals, and signals that are ignored by default. */
#include "see.h"

int main(void) {
  sigset_t set;
  SEE(sigemptyset(&set));
  SEE(sigismember(&set, SIGUSR1));
  SEE(sigaddset(&set, SIGUSR1));
  SEE(sigaddset(&set, 64));
  SEE(sigaddset(&set, 0));
  SEE(sigaddset(&set, 65));
  SEE(sigismember(&set, SIGUSR1));
  SEE(sigismember(&set, 64));
  SEE(sigdelset(&set, SIGUSR1));
  SEE(sigismember(&set, SIGUSR1));
  SEE(sigfillset(&set));
  SEE(sigismember(&set, SIGTERM));
  SEE(raise(SIGCHLD));
  SEE(kill(getpid(), SIGURG));
  TEXT(strsignal(SIGSEGV));
  TEXT(strsignal(SIGTERM));
  return 0;
}
