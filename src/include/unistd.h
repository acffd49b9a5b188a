/*
 * unistd.h over wasi-libc's. Declared and not defined, so that a program that calls them does not link: fork, exec, alarm, and sessions. Their
 * declarations let a program compile that has them in a branch it never takes.
 */
#ifndef ISOPAGE_UNISTD_H
#define ISOPAGE_UNISTD_H

#ifndef _WASI_EMULATED_GETPID
#define _WASI_EMULATED_GETPID
#endif
#define __NEED_uid_t
#define __NEED_gid_t
#define __NEED_pid_t
#define __NEED_off_t
#define __NEED_size_t
#define __NEED_ssize_t
#include <features.h>

#include <bits/alltypes.h>
#include_next <unistd.h>

#include <isopage/abi.h>

/* Options of POSIX.1-2008 that there are; sysconf says the same. */
#undef _POSIX_ADVISORY_INFO
#define _POSIX_ADVISORY_INFO 200809L
#undef _POSIX_BARRIERS
#define _POSIX_BARRIERS 200809L
#undef _POSIX_FSYNC
#define _POSIX_FSYNC 200809L
#undef _POSIX_MAPPED_FILES
#define _POSIX_MAPPED_FILES 200809L
#undef _POSIX_MEMLOCK
#define _POSIX_MEMLOCK 200809L
#undef _POSIX_MEMLOCK_RANGE
#define _POSIX_MEMLOCK_RANGE 200809L
#undef _POSIX_MEMORY_PROTECTION
#define _POSIX_MEMORY_PROTECTION 200809L
#undef _POSIX_MESSAGE_PASSING
#define _POSIX_MESSAGE_PASSING 200809L
#undef _POSIX_MONOTONIC_CLOCK
#define _POSIX_MONOTONIC_CLOCK 200809L
#undef _POSIX_READER_WRITER_LOCKS
#define _POSIX_READER_WRITER_LOCKS 200809L
#undef _POSIX_SEMAPHORES
#define _POSIX_SEMAPHORES 200809L
#undef _POSIX_SHARED_MEMORY_OBJECTS
#define _POSIX_SHARED_MEMORY_OBJECTS 200809L
#undef _POSIX_SYNCHRONIZED_IO
#define _POSIX_SYNCHRONIZED_IO 200809L
#undef _POSIX_THREAD_PROCESS_SHARED
#define _POSIX_THREAD_PROCESS_SHARED 200809L
#undef _POSIX_TIMEOUTS
#define _POSIX_TIMEOUTS 200809L

#ifdef _GNU_SOURCE
#define SEEK_DATA ISOPAGE_SEEK_DATA
#define SEEK_HOLE ISOPAGE_SEEK_HOLE
#endif

#ifdef __cplusplus
extern "C" {
#endif

int pipe(int[2]);
int dup(int);
int dup2(int, int);

int chown(const char *, uid_t, gid_t);
int fchown(int, uid_t, gid_t);
int lchown(const char *, uid_t, gid_t);
int fchownat(int, const char *, uid_t, gid_t, int);
int fchdir(int);

pid_t getppid(void);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int getgroups(int, gid_t[]);
int setuid(uid_t);
int seteuid(uid_t);
int setgid(gid_t);
int setegid(gid_t);
int pause(void);

#if defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
#define F_ULOCK 0
#define F_LOCK 1
#define F_TLOCK 2
#define F_TEST 3
int lockf(int, int, off_t);
void sync(void);
#endif

#if defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
int brk(void *);
int getdtablesize(void);
int setgroups(size_t, const gid_t *);
int gethostname(char *, size_t);
#endif

#ifdef _GNU_SOURCE
int dup3(int, int, int);
int pipe2(int[2], int);
pid_t gettid(void);
int eaccess(const char *, int);
int euidaccess(const char *, int);
#ifndef TEMP_FAILURE_RETRY
#define TEMP_FAILURE_RETRY(call) \
  (__extension__({ \
    long __retried; \
    do __retried = (long)(call); \
    while (__retried == -1 && errno == EINTR); \
    __retried; \
  }))
#endif
#endif

/* Not defined: see above. */
pid_t fork(void);
pid_t vfork(void);
int execve(const char *, char *const[], char *const[]);
int execv(const char *, char *const[]);
int execle(const char *, const char *, ...);
int execl(const char *, const char *, ...);
int execvp(const char *, char *const[]);
int execlp(const char *, const char *, ...);
int execvpe(const char *, char *const[], char *const[]);
int fexecve(int, char *const[], char *const[]);
unsigned alarm(unsigned);
unsigned ualarm(unsigned, unsigned);
int daemon(int, int);
int nice(int);
pid_t getpgrp(void);
pid_t getpgid(pid_t);
int setpgid(pid_t, pid_t);
pid_t setpgrp(void);
pid_t setsid(void);
pid_t getsid(pid_t);
pid_t tcgetpgrp(int);
int tcsetpgrp(int, pid_t);
char *ttyname(int);
int ttyname_r(int, char *, size_t);
int setreuid(uid_t, uid_t);
int setregid(gid_t, gid_t);
int setresuid(uid_t, uid_t, uid_t);
int setresgid(gid_t, gid_t, gid_t);
int chroot(const char *);
long syscall(long, ...);

#ifdef __cplusplus
}
#endif

#endif
