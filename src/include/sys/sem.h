/* sys/sem.h: POSIX.1-2017 and semctl(2) of Linux; layouts are the kernel's (SEMID_DS_*, SEMINFO_*, SEMBUF_*). */
#ifndef ISOPAGE_SYS_SEM_H
#define ISOPAGE_SYS_SEM_H

#define __NEED_struct_timespec
#include <sys/ipc.h>

#define SEM_UNDO ISOPAGE_SEM_UNDO
#define GETPID ISOPAGE_SEM_GETPID
#define GETVAL ISOPAGE_SEM_GETVAL
#define GETALL ISOPAGE_SEM_GETALL
#define GETNCNT ISOPAGE_SEM_GETNCNT
#define GETZCNT ISOPAGE_SEM_GETZCNT
#define SETVAL ISOPAGE_SEM_SETVAL
#define SETALL ISOPAGE_SEM_SETALL
#define SEM_STAT ISOPAGE_SEM_STAT
#define SEM_INFO ISOPAGE_SEM_INFO
#define SEM_STAT_ANY ISOPAGE_SEM_STAT_ANY
#define _SEM_SEMUN_UNDEFINED 1

struct semid_ds {
  struct ipc_perm sem_perm;
  unsigned short sem_nsems;
  char __sem_padding[6];
  time_t sem_otime;
  time_t sem_ctime;
};

struct seminfo {
  int semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

struct sembuf {
  unsigned short sem_num;
  short sem_op;
  short sem_flg;
};

#ifdef __cplusplus
extern "C" {
#endif

int semctl(int, int, int, ...);
int semget(key_t, int, int);
int semop(int, struct sembuf *, size_t);
struct timespec;
int semtimedop(int, struct sembuf *, size_t, const struct timespec *);

#ifdef __cplusplus
}
#endif

/*
 * The last argument is a union semun, or, in many programs, one of its members. WebAssembly's C ABI passes a union by reference and a member by
 * value, and a function cannot tell which it got; here its first four bytes are taken, whatever it is.
 */
#ifdef __cplusplus
#define __ISOPAGE_AUTO auto
#else
#define __ISOPAGE_AUTO __auto_type
#endif
#define __isopage_semctl3(id, num, command) id, num, command, 0
#define __isopage_semctl4(id, num, command, argument) \
  id, num, command, __extension__({ \
    __ISOPAGE_AUTO __semun = (argument); \
    unsigned __bits = 0; \
    __builtin_memcpy(&__bits, (void *)&__semun, sizeof __semun < 4 ? sizeof __semun : 4); \
    __bits; \
  })
#define __isopage_semctl_pick(a, b, c, d, name, ...) name
#define semctl(...) \
  semctl(__isopage_semctl_pick(__VA_ARGS__, __isopage_semctl4, __isopage_semctl3, 0, 0)(__VA_ARGS__))

#endif
