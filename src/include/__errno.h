/* wasi-libc without threads defines a plain errno; its header says thread-local, which is another address once a module has atomics. */
#ifndef __wasilibc___errno_h
#define __wasilibc___errno_h

#ifdef __cplusplus
extern "C" {
#endif

extern int errno;
#define errno errno

#ifdef __cplusplus
}
#endif

#endif
