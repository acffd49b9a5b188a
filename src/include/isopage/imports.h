/* Printed by scripts/headers.js from src/guest/imports-def.ts: each gives -errno or its result. */
#ifndef ISOPAGE_IMPORTS_H
#define ISOPAGE_IMPORTS_H

#define ISOPAGE_IMPORT(name) \
  __attribute__((__import_module__("isopage"), __import_name__(#name)))

#ifdef __cplusplus
extern "C" {
#endif

/* memory */
int __isopage_getpagesize(void) ISOPAGE_IMPORT(getpagesize);
int __isopage_mmap(const volatile void *addr, __SIZE_TYPE__ length, unsigned prot, unsigned flags, int fd, long long offset) ISOPAGE_IMPORT(mmap);
int __isopage_munmap(const volatile void *addr, __SIZE_TYPE__ length) ISOPAGE_IMPORT(munmap);
int __isopage_mprotect(const volatile void *addr, __SIZE_TYPE__ length, unsigned prot) ISOPAGE_IMPORT(mprotect);
int __isopage_msync(const volatile void *addr, __SIZE_TYPE__ length, unsigned flags) ISOPAGE_IMPORT(msync);
int __isopage_mremap(const volatile void *old_addr, __SIZE_TYPE__ old_length, __SIZE_TYPE__ new_length, unsigned flags, const volatile void *new_addr) ISOPAGE_IMPORT(mremap);
int __isopage_madvise(const volatile void *addr, __SIZE_TYPE__ length, unsigned advice) ISOPAGE_IMPORT(madvise);
int __isopage_posix_madvise(const volatile void *addr, __SIZE_TYPE__ length, unsigned advice) ISOPAGE_IMPORT(posix_madvise);
int __isopage_mincore(const volatile void *addr, __SIZE_TYPE__ length, const volatile void *vec) ISOPAGE_IMPORT(mincore);
int __isopage_mlock(const volatile void *addr, __SIZE_TYPE__ length) ISOPAGE_IMPORT(mlock);
int __isopage_munlock(const volatile void *addr, __SIZE_TYPE__ length) ISOPAGE_IMPORT(munlock);
int __isopage_mlockall(unsigned flags) ISOPAGE_IMPORT(mlockall);
int __isopage_munlockall(void) ISOPAGE_IMPORT(munlockall);
int __isopage_shm_open(const char *name, unsigned flags, unsigned mode) ISOPAGE_IMPORT(shm_open);
int __isopage_shm_unlink(const char *name) ISOPAGE_IMPORT(shm_unlink);

/* System V */
int __isopage_shmget(int key, __SIZE_TYPE__ size, unsigned flags) ISOPAGE_IMPORT(shmget);
int __isopage_shmat(int id, const volatile void *addr, unsigned flags) ISOPAGE_IMPORT(shmat);
int __isopage_shmdt(const volatile void *addr) ISOPAGE_IMPORT(shmdt);
int __isopage_shmctl(int id, int command, const volatile void *buf) ISOPAGE_IMPORT(shmctl);
int __isopage_msgget(int key, unsigned flags) ISOPAGE_IMPORT(msgget);
int __isopage_msgsnd(int id, const volatile void *message, __SIZE_TYPE__ size, unsigned flags) ISOPAGE_IMPORT(msgsnd);
int __isopage_msgrcv(int id, const volatile void *message, __SIZE_TYPE__ size, int type, unsigned flags) ISOPAGE_IMPORT(msgrcv);
int __isopage_msgctl(int id, int command, const volatile void *buf) ISOPAGE_IMPORT(msgctl);
int __isopage_semget(int key, int count, unsigned flags) ISOPAGE_IMPORT(semget);
int __isopage_semtimedop(int id, const volatile void *operations, __SIZE_TYPE__ count, const volatile void *timeout) ISOPAGE_IMPORT(semtimedop);
int __isopage_semctl(int id, int num, int command, const volatile void *argument) ISOPAGE_IMPORT(semctl);

/* POSIX semaphores */
int __isopage_sem_init(const volatile void *sem, int shared, unsigned value) ISOPAGE_IMPORT(sem_init);
int __isopage_sem_destroy(const volatile void *sem) ISOPAGE_IMPORT(sem_destroy);
int __isopage_sem_open(const char *name, unsigned flags, unsigned mode, unsigned value) ISOPAGE_IMPORT(sem_open);
int __isopage_sem_close(const volatile void *sem) ISOPAGE_IMPORT(sem_close);
int __isopage_sem_unlink(const char *name) ISOPAGE_IMPORT(sem_unlink);
int __isopage_sem_wait(const volatile void *sem, const volatile void *deadline) ISOPAGE_IMPORT(sem_wait);
int __isopage_sem_trywait(const volatile void *sem) ISOPAGE_IMPORT(sem_trywait);
int __isopage_sem_post(const volatile void *sem) ISOPAGE_IMPORT(sem_post);
int __isopage_sem_settle(const volatile void *sem) ISOPAGE_IMPORT(sem_settle);
int __isopage_sem_getvalue(const volatile void *sem) ISOPAGE_IMPORT(sem_getvalue);

/* POSIX message queues */
int __isopage_mq_open(const char *name, unsigned flags, unsigned mode, const volatile void *attr) ISOPAGE_IMPORT(mq_open);
int __isopage_mq_close(int mqd) ISOPAGE_IMPORT(mq_close);
int __isopage_mq_unlink(const char *name) ISOPAGE_IMPORT(mq_unlink);
int __isopage_mq_send(int mqd, const volatile void *data, __SIZE_TYPE__ size, unsigned priority, const volatile void *deadline) ISOPAGE_IMPORT(mq_send);
int __isopage_mq_receive(int mqd, const volatile void *data, __SIZE_TYPE__ size, const volatile void *priority, const volatile void *deadline) ISOPAGE_IMPORT(mq_receive);
int __isopage_mq_getattr(int mqd, const volatile void *attr) ISOPAGE_IMPORT(mq_getattr);
int __isopage_mq_setattr(int mqd, const volatile void *attr, const volatile void *old) ISOPAGE_IMPORT(mq_setattr);
int __isopage_mq_notify(int mqd, int notify, int signal) ISOPAGE_IMPORT(mq_notify);

/* locks in mapped pages */
int __isopage_sync_owner(void) ISOPAGE_IMPORT(sync_owner);
int __isopage_mutex_init(const volatile void *mutex, unsigned kind) ISOPAGE_IMPORT(mutex_init);
int __isopage_mutex_destroy(const volatile void *mutex) ISOPAGE_IMPORT(mutex_destroy);
int __isopage_mutex_lock(const volatile void *mutex, const volatile void *deadline, unsigned clock) ISOPAGE_IMPORT(mutex_lock);
int __isopage_mutex_trylock(const volatile void *mutex) ISOPAGE_IMPORT(mutex_trylock);
int __isopage_mutex_unlock(const volatile void *mutex) ISOPAGE_IMPORT(mutex_unlock);
int __isopage_mutex_consistent(const volatile void *mutex) ISOPAGE_IMPORT(mutex_consistent);
int __isopage_cond_init(const volatile void *cond, unsigned clock) ISOPAGE_IMPORT(cond_init);
int __isopage_cond_destroy(const volatile void *cond) ISOPAGE_IMPORT(cond_destroy);
int __isopage_cond_wait(const volatile void *cond, const volatile void *mutex, const volatile void *deadline, unsigned clock) ISOPAGE_IMPORT(cond_wait);
int __isopage_cond_wake(const volatile void *cond, unsigned count) ISOPAGE_IMPORT(cond_wake);
int __isopage_barrier_init(const volatile void *barrier, unsigned count) ISOPAGE_IMPORT(barrier_init);
int __isopage_barrier_destroy(const volatile void *barrier) ISOPAGE_IMPORT(barrier_destroy);
int __isopage_barrier_wait(const volatile void *barrier) ISOPAGE_IMPORT(barrier_wait);
int __isopage_rwlock_init(const volatile void *rwlock) ISOPAGE_IMPORT(rwlock_init);
int __isopage_rwlock_destroy(const volatile void *rwlock) ISOPAGE_IMPORT(rwlock_destroy);
int __isopage_rwlock_lock(const volatile void *rwlock, int write, const volatile void *deadline, unsigned clock) ISOPAGE_IMPORT(rwlock_lock);
int __isopage_rwlock_trylock(const volatile void *rwlock, int write) ISOPAGE_IMPORT(rwlock_trylock);
int __isopage_rwlock_unlock(const volatile void *rwlock) ISOPAGE_IMPORT(rwlock_unlock);

/* processes */
int __isopage_getpid(void) ISOPAGE_IMPORT(getpid);
int __isopage_getppid(void) ISOPAGE_IMPORT(getppid);
int __isopage_kill(int pid, int signal) ISOPAGE_IMPORT(kill);
int __isopage_pause(void) ISOPAGE_IMPORT(pause);
int __isopage_getrlimit(int resource, const volatile void *limit) ISOPAGE_IMPORT(getrlimit);
int __isopage_setrlimit(int resource, const volatile void *limit) ISOPAGE_IMPORT(setrlimit);

/* ids */
int __isopage_getuid(void) ISOPAGE_IMPORT(getuid);
int __isopage_geteuid(void) ISOPAGE_IMPORT(geteuid);
int __isopage_getgid(void) ISOPAGE_IMPORT(getgid);
int __isopage_getegid(void) ISOPAGE_IMPORT(getegid);
int __isopage_setuid(unsigned uid) ISOPAGE_IMPORT(setuid);
int __isopage_seteuid(unsigned uid) ISOPAGE_IMPORT(seteuid);
int __isopage_setgid(unsigned gid) ISOPAGE_IMPORT(setgid);
int __isopage_setegid(unsigned gid) ISOPAGE_IMPORT(setegid);
int __isopage_getgroups(int count, const volatile void *list) ISOPAGE_IMPORT(getgroups);
int __isopage_setgroups(__SIZE_TYPE__ count, const volatile void *list) ISOPAGE_IMPORT(setgroups);
int __isopage_umask(unsigned mask) ISOPAGE_IMPORT(umask);

/* files */
int __isopage_openat(int dirfd, const char *path, unsigned flags, unsigned mode) ISOPAGE_IMPORT(openat);
int __isopage_dup(int fd) ISOPAGE_IMPORT(dup);
int __isopage_dup3(int fd, int to, unsigned flags) ISOPAGE_IMPORT(dup3);
int __isopage_fcntl(int fd, int command, const volatile void *argument) ISOPAGE_IMPORT(fcntl);
int __isopage_flock(int fd, int operation) ISOPAGE_IMPORT(flock);
int __isopage_fallocate(int fd, int mode, long long offset, long long length) ISOPAGE_IMPORT(fallocate);
int __isopage_truncate(const char *path, long long length) ISOPAGE_IMPORT(truncate);
int __isopage_pipe(const volatile void *fds, unsigned flags) ISOPAGE_IMPORT(pipe);
int __isopage_mkfifoat(int dirfd, const char *path, unsigned mode) ISOPAGE_IMPORT(mkfifoat);
int __isopage_fstat(int fd, const volatile void *buf) ISOPAGE_IMPORT(fstat);
int __isopage_fstatat(int dirfd, const char *path, const volatile void *buf, unsigned flags) ISOPAGE_IMPORT(fstatat);
int __isopage_fstatvfs(int fd, const volatile void *buf) ISOPAGE_IMPORT(fstatvfs);
int __isopage_statvfs(const char *path, const volatile void *buf) ISOPAGE_IMPORT(statvfs);
int __isopage_faccessat(int dirfd, const char *path, unsigned mode, unsigned flags) ISOPAGE_IMPORT(faccessat);
int __isopage_fchmod(int fd, unsigned mode) ISOPAGE_IMPORT(fchmod);
int __isopage_fchmodat(int dirfd, const char *path, unsigned mode) ISOPAGE_IMPORT(fchmodat);
int __isopage_fchown(int fd, unsigned uid, unsigned gid) ISOPAGE_IMPORT(fchown);
int __isopage_fchownat(int dirfd, const char *path, unsigned uid, unsigned gid, unsigned flags) ISOPAGE_IMPORT(fchownat);
int __isopage_futimens(int fd, const volatile void *times) ISOPAGE_IMPORT(futimens);
int __isopage_utimensat(int dirfd, const char *path, const volatile void *times, unsigned flags) ISOPAGE_IMPORT(utimensat);
int __isopage_mkdirat(int dirfd, const char *path, unsigned mode) ISOPAGE_IMPORT(mkdirat);
int __isopage_unlinkat(int dirfd, const char *path, unsigned flags) ISOPAGE_IMPORT(unlinkat);
int __isopage_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to) ISOPAGE_IMPORT(renameat);
int __isopage_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags) ISOPAGE_IMPORT(linkat);
int __isopage_symlinkat(const char *target, int dirfd, const char *path) ISOPAGE_IMPORT(symlinkat);
int __isopage_readlinkat(int dirfd, const char *path, const volatile void *buf, __SIZE_TYPE__ size) ISOPAGE_IMPORT(readlinkat);
int __isopage_chdir(const char *path) ISOPAGE_IMPORT(chdir);
int __isopage_fchdir(int fd) ISOPAGE_IMPORT(fchdir);
int __isopage_getcwd(const volatile void *buf, __SIZE_TYPE__ size) ISOPAGE_IMPORT(getcwd);
int __isopage_sync(void) ISOPAGE_IMPORT(sync);

#ifdef __cplusplus
}
#endif

#endif
