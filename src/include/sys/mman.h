/* sys/mman.h over wasi-libc's, which declares all of it behind a gate; what it declares is real here. */
#ifndef ISOPAGE_SYS_MMAN_H
#define ISOPAGE_SYS_MMAN_H

#ifndef _WASI_EMULATED_MMAN
#define _WASI_EMULATED_MMAN
#endif
#include_next <sys/mman.h>

#endif
