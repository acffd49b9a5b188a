/* stdlib.h over wasi-libc's: temporary files; system() is declared and does not link. */
#ifndef ISOPAGE_STDLIB_H
#define ISOPAGE_STDLIB_H

#include_next <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

int mkstemp(char *);
int mkostemp(char *, int);
int mkstemps(char *, int);
int mkostemps(char *, int, int);
char *mkdtemp(char *);
char *mktemp(char *);
void *valloc(size_t);
void *memalign(size_t, size_t);
void *reallocarray(void *, size_t, size_t);
int system(const char *);

#ifdef __cplusplus
}
#endif

#endif
