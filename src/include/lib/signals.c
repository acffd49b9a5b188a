/* Sets of signals, and signals that do what their default action says. POSIX.1-2017 sigaddset, kill, raise, abort. */
#include "answer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int bit_of(int signal, unsigned long long *bit) {
  if (signal < 1 || signal >= _NSIG) return answer(-EINVAL);
  *bit = 1ull << (signal - 1);
  return 0;
}

int sigemptyset(sigset_t *set) {
  set->__bits = 0;
  return 0;
}

int sigfillset(sigset_t *set) {
  set->__bits = ~0ull;
  return 0;
}

int sigaddset(sigset_t *set, int signal) {
  unsigned long long bit = 0;
  if (bit_of(signal, &bit) < 0) return -1;
  set->__bits |= bit;
  return 0;
}

int sigdelset(sigset_t *set, int signal) {
  unsigned long long bit = 0;
  if (bit_of(signal, &bit) < 0) return -1;
  set->__bits &= ~bit;
  return 0;
}

int sigismember(const sigset_t *set, int signal) {
  unsigned long long bit = 0;
  if (bit_of(signal, &bit) < 0) return -1;
  return (set->__bits & bit) != 0;
}

int kill(pid_t pid, int signal) {
  return answer(__isopage_kill(pid, signal));
}

int raise(int signal) {
  return kill(getpid(), signal);
}

_Noreturn void abort(void) {
  raise(SIGABRT);
  __builtin_trap();
}

int pause(void) {
  return answer(__isopage_pause());
}

void psignal(int signal, const char *text) {
  const char *said = text == NULL ? "" : text;
  fprintf(stderr, "%s%s%s\n", said, *said ? ": " : "", strsignal(signal));
}

/* A process that cannot fork has no children to wait for. */
pid_t waitpid(pid_t pid, int *status, int options) {
  (void)pid, (void)status;
  return answer(options & ~(WNOHANG | WUNTRACED | WCONTINUED) ? -EINVAL : -ECHILD);
}

pid_t wait(int *status) {
  return waitpid(-1, status, 0);
}

int waitid(idtype_t kind, id_t id, siginfo_t *found, int options) {
  (void)kind, (void)id, (void)found;
  return answer(options & (WEXITED | WSTOPPED | WCONTINUED) ? -ECHILD : -EINVAL);
}
