/*
 * Functions that wasi-libc defines as a stub that fails at run time. A program that calls one does not link, as one that calls fork does not: each
 * leans on a symbol that nobody defines and that says its name.
 */
#include <pthread.h>

#define ABSENT(name, declared) \
  int isopage_has_no_##name(void); \
  declared { \
    return isopage_has_no_##name(); \
  }

ABSENT(pthread_create, int pthread_create(
  pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument))
ABSENT(pthread_join, int pthread_join(pthread_t thread, void **result))
ABSENT(pthread_detach, int pthread_detach(pthread_t thread))
ABSENT(pthread_cancel, int pthread_cancel(pthread_t thread))
