/* limits.h over the compiler's and wasi-libc's. PAGESIZE is no constant here: sysconf(_SC_PAGESIZE) tells the kernel's. */
#include_next <limits.h>

#undef PAGESIZE
#undef PAGE_SIZE

#ifndef ISOPAGE_LIMITS_H
#define ISOPAGE_LIMITS_H

#include <isopage/abi.h>

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif
#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX ISOPAGE_SEM_VALUE_MAX
#endif
#ifndef SEM_NSEMS_MAX
#define SEM_NSEMS_MAX 256
#endif
#ifndef MQ_PRIO_MAX
#define MQ_PRIO_MAX ISOPAGE_MQ_PRIO_MAX
#endif
#ifndef LOGIN_NAME_MAX
#define LOGIN_NAME_MAX 256
#endif
#ifndef LINE_MAX
#define LINE_MAX 4096
#endif

#endif
