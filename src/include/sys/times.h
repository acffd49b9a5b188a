/* sys/times.h over wasi-libc's, which gates it. */
#ifndef ISOPAGE_SYS_TIMES_H
#define ISOPAGE_SYS_TIMES_H

#ifndef _WASI_EMULATED_PROCESS_CLOCKS
#define _WASI_EMULATED_PROCESS_CLOCKS
#endif
#include_next <sys/times.h>

#endif
