/* C's streams over the same files: fopen and its modes, fseek, ungetc, tmpfile, mkstemp, remove. */
#include "see.h"

int main(void) {
  char line[64];
  umask(022);
  FILE *out = fopen("a.txt", "w");
  fprintf(out, "one %d\ntwo %s\n%.3f\n", 1, "words", 3.25);
  SEE(fclose(out));
  struct stat found;
  SEE(stat("a.txt", &found));
  SHOW(found.st_mode & 0777);
  SHOW(found.st_size);
  FILE *in = fopen("a.txt", "r+");
  while (fgets(line, sizeof line, in) != NULL) printf("> %s", line);
  SEE(fseek(in, 4, SEEK_SET));
  SEE(fputc('9', in));
  SEE(fflush(in));
  rewind(in);
  SEE(fscanf(in, "%*s %63s", line));
  TEXT(line);
  SEE(ftell(in));
  fclose(in);
  SHOW(fopen("none", "r") == NULL && errno == ENOENT);
  SHOW(fopen("a.txt", "wx") == NULL && errno == EEXIST);
  out = fopen("a.txt", "a");
  fputs("end\n", out);
  fclose(out);
  SEE(stat("a.txt", &found));
  SHOW(found.st_size);
  char made[] = "fileXXXXXX";
  WORKS(mkstemp(made));
  SEE(stat(made, &found));
  SHOW(found.st_mode & 0777);
  char bad[] = "fileXXX";
  SEE(mkstemp(bad));
  char folder[] = "folderXXXXXX";
  SHOW(mkdtemp(folder) != NULL);
  SEE(remove(folder));
  SEE(remove(made));
  SEE(remove("none"));
  return 0;
}
