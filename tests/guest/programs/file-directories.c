/* Files: mkdir, rmdir, readdir, chdir, fchdir, getcwd. */
#include "see.h"

#include <dirent.h>

static int by_name(const void *one, const void *two) {
  return strcmp(*(char *const *)one, *(char *const *)two);
}

static void list(const char *path) {
  char *names[32];
  int count = 0;
  DIR *from = opendir(path);
  if (from == NULL) {
    printf("%s: %s\n", path, name_of(errno));
    return;
  }
  for (struct dirent *entry; (entry = readdir(from)) != NULL;) names[count++] = strdup(entry->d_name);
  closedir(from);
  qsort(names, (size_t)count, sizeof *names, by_name);
  printf("%s:", path);
  for (int i = 0; i < count; i++) printf(" %s", names[i]);
  printf("\n");
}

int main(void) {
  char before[4096], after_it[4096];
  SEE(mkdir("d", 0755));
  SEE(mkdir("d", 0755));
  SEE(mkdir("x/y", 0755));
  close(make_file("d/one", 1));
  close(make_file("d/two", 1));
  SEE(mkdir("d/sub", 0755));
  list("d");
  list("none");
  list("d/one");
  SEE(rmdir("d"));
  SEE(rmdir("d/one"));
  SHOW(getcwd(before, sizeof before) != NULL);
  SEE(chdir("d/sub"));
  SHOW(getcwd(after_it, sizeof after_it) != NULL);
  TEXT(after_it + strlen(before));
  SHOW(getcwd(after_it, 2) == NULL && errno == ERANGE);
  list("..");
  SEE(chdir("../one"));
  SEE(chdir("none"));
  int fd = open("..", O_RDONLY | O_DIRECTORY);
  SEE(fchdir(fd));
  SEE(access("one", F_OK));
  SEE(unlink("one"));
  SEE(unlink("two"));
  SEE(rmdir("sub"));
  list(".");
  SEE(chdir(".."));
  SEE(rmdir("d"));
  return 0;
}
