/* setjmp.h over wasi-libc's. There are no signal masks to save, so the signal forms are the plain ones. */
#ifndef ISOPAGE_SETJMP_H
#define ISOPAGE_SETJMP_H

#include_next <setjmp.h>

#define sigsetjmp(buffer, mask) setjmp(buffer)
#define siglongjmp(buffer, value) longjmp(buffer, value)
#define _setjmp(buffer) setjmp(buffer)
#define _longjmp(buffer, value) longjmp(buffer, value)

#endif
