/* semaphore.h over wasi-libc's: a sem_t is four words, as the kernel's (POSIX_SEM_*). */
#ifndef ISOPAGE_SEMAPHORE_H
#define ISOPAGE_SEMAPHORE_H

#include_next <semaphore.h>

#include <limits.h>

#endif
