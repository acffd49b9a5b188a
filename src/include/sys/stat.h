/* sys/stat.h over wasi-libc's: permission bits are the kernel's, and umask, chmod, mkfifo work. */
#ifndef ISOPAGE_SYS_STAT_H
#define ISOPAGE_SYS_STAT_H

#include_next <sys/stat.h>

#include <isopage/abi.h>

#undef UTIME_NOW
#define UTIME_NOW ISOPAGE_UTIME_NOW
#undef UTIME_OMIT
#define UTIME_OMIT ISOPAGE_UTIME_OMIT

#ifndef S_ISUID
#define S_ISUID ISOPAGE_S_ISUID
#define S_ISGID ISOPAGE_S_ISGID
#define S_ISVTX ISOPAGE_S_ISVTX
#endif

#ifdef __cplusplus
extern "C" {
#endif

mode_t umask(mode_t);
int mkfifo(const char *, mode_t);
int mkfifoat(int, const char *, mode_t);

#ifdef __cplusplus
}
#endif

#endif
