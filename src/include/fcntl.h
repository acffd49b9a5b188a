/* fcntl.h over wasi-libc's: what it gates or says is 0. */
#ifndef ISOPAGE_FCNTL_H
#define ISOPAGE_FCNTL_H

#include_next <fcntl.h>

#include <isopage/abi.h>

#undef O_CLOEXEC
#define O_CLOEXEC ISOPAGE_O_CLOEXEC
#undef AT_EACCESS
#define AT_EACCESS ISOPAGE_AT_EACCESS
#ifdef _GNU_SOURCE
#define O_PATH ISOPAGE_O_PATH
#endif

#define F_DUPFD ISOPAGE_F_DUPFD
#define F_DUPFD_CLOEXEC ISOPAGE_F_DUPFD_CLOEXEC
#define F_GETLK ISOPAGE_F_GETLK
#define F_SETLK ISOPAGE_F_SETLK
#define F_SETLKW ISOPAGE_F_SETLKW
#define F_RDLCK ISOPAGE_F_RDLCK
#define F_WRLCK ISOPAGE_F_WRLCK
#define F_UNLCK ISOPAGE_F_UNLCK

#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif

#ifndef S_ISUID
#define S_ISUID ISOPAGE_S_ISUID
#define S_ISGID ISOPAGE_S_ISGID
#define S_ISVTX ISOPAGE_S_ISVTX
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
#define F_ULOCK 0
#define F_LOCK 1
#define F_TLOCK 2
#define F_TEST 3
int lockf(int, int, off_t);
#endif

#ifdef _GNU_SOURCE
#define FALLOC_FL_KEEP_SIZE ISOPAGE_FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_PUNCH_HOLE ISOPAGE_FALLOC_FL_PUNCH_HOLE
int fallocate(int, int, off_t, off_t);
#define fallocate64 fallocate
#endif

#ifdef __cplusplus
}
#endif

#endif
