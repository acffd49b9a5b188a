/* stdio.h over wasi-libc's: temporary files; popen() is declared and does not link. */
#ifndef ISOPAGE_STDIO_H
#define ISOPAGE_STDIO_H

#define tmpfile __isopage_hidden_tmpfile
#define tmpnam __isopage_hidden_tmpnam
#include_next <stdio.h>
#undef tmpfile
#undef tmpnam

#define P_tmpdir "/tmp"
#ifndef L_tmpnam
#define L_tmpnam 20
#define TMP_MAX 10000
#endif

#ifdef __cplusplus
extern "C" {
#endif

FILE *tmpfile(void);
char *tmpnam(char *);
char *tempnam(const char *, const char *);
FILE *popen(const char *, const char *);
int pclose(FILE *);
void flockfile(FILE *);
int ftrylockfile(FILE *);
void funlockfile(FILE *);

#ifdef __cplusplus
}
#endif

#endif
