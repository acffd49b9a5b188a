/* syslog: there is no daemon; LOG_PERROR prints to standard error. POSIX.1-2017 syslog, openlog, setlogmask. */
#include "answer.h"

#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static const char *tag = "";
static int options;
static int mask = 0xff;

void openlog(const char *name, int given, int facility) {
  (void)facility;
  tag = name == NULL ? "" : name;
  options = given;
}

void closelog(void) {
}

int setlogmask(int wanted) {
  int before = mask;
  if (wanted != 0) mask = wanted;
  return before;
}

void vsyslog(int priority, const char *format, va_list list) {
  if (!(mask & LOG_MASK(LOG_PRI(priority))) || !(options & LOG_PERROR)) return;
  int error = errno;
  if (*tag) fprintf(stderr, "%s", tag);
  if (options & LOG_PID) fprintf(stderr, "[%d]", getpid());
  if (*tag || options & LOG_PID) fprintf(stderr, ": ");
  errno = error; /* for %m */
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
}

void syslog(int priority, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsyslog(priority, format, list);
  va_end(list);
}
