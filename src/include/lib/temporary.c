/* Temporary files: POSIX.1-2017 mkstemp, mkdtemp, tmpfile, tempnam. Names come from getentropy, and O_EXCL decides. */
#include "answer.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, MARKS = 6 };

static void fill(char *marks) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char random[MARKS];
  getentropy(random, sizeof random);
  for (int i = 0; i < MARKS; i++) marks[i] = letters[random[i] & 63];
}

/* => where the six X before `suffix` bytes begin, NULL with EINVAL. */
static char *marks_of(char *template, int suffix) {
  size_t length = strlen(template);
  if (suffix < 0 || length < MARKS + (size_t)suffix) return answer(-EINVAL), NULL;
  char *marks = template + length - (size_t)suffix - MARKS;
  return memcmp(marks, "XXXXXX", MARKS) == 0 ? marks : (answer(-EINVAL), NULL);
}

int mkostemps(char *template, int suffix, int flags) {
  char *marks = marks_of(template, suffix);
  if (marks == NULL) return -1;
  for (int i = 0; i < TRIES; i++) {
    fill(marks);
    int fd = open(template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  memcpy(marks, "XXXXXX", MARKS);
  return -1;
}

int mkostemp(char *template, int flags) {
  return mkostemps(template, 0, flags);
}

int mkstemps(char *template, int suffix) {
  return mkostemps(template, suffix, 0);
}

int mkstemp(char *template) {
  return mkostemps(template, 0, 0);
}

char *mkdtemp(char *template) {
  char *marks = marks_of(template, 0);
  if (marks == NULL) return NULL;
  for (int i = 0; i < TRIES; i++) {
    fill(marks);
    if (mkdir(template, 0700) == 0) return template;
    if (errno != EEXIST) return NULL;
  }
  return NULL;
}

/* => 0: `template` names no file now. */
static int unused(char *template, char *marks) {
  struct stat found;
  for (int i = 0; i < TRIES; i++) {
    fill(marks);
    if (lstat(template, &found) != 0) return errno == ENOENT ? 0 : -1;
  }
  return answer(-EEXIST);
}

char *mktemp(char *template) {
  char *marks = marks_of(template, 0);
  if (marks == NULL || unused(template, marks) != 0) *template = 0;
  return template;
}

char *tmpnam(char *name) {
  static char own[L_tmpnam];
  char *to = name == NULL ? own : name;
  snprintf(to, L_tmpnam, "/tmp/t_XXXXXX");
  return unused(to, to + 7) == 0 ? to : NULL;
}

static int is_folder(const char *path) {
  struct stat found;
  return path != NULL && stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

char *tempnam(const char *folder, const char *prefix) {
  const char *asked = getenv("TMPDIR");
  const char *in = is_folder(asked) ? asked : is_folder(folder) ? folder : P_tmpdir;
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/%.5sXXXXXX", in, prefix == NULL ? "" : prefix);
  if (length >= (int)sizeof path) return answer(-ENAMETOOLONG), NULL;
  return unused(path, path + length - MARKS) == 0 ? strdup(path) : NULL;
}

/* Nobody sees its name: where there is no /tmp the root does as well. */
FILE *tmpfile(void) {
  char template[] = "/tmp/t_XXXXXX";
  char in_root[] = "/t_XXXXXX";
  char *name = is_folder("/tmp") ? template : in_root;
  int fd = mkstemp(name);
  if (fd < 0) return NULL;
  unlink(name);
  FILE *opened = fdopen(fd, "w+");
  if (opened == NULL) close(fd);
  return opened;
}
