/* System V shared memory, message queues and semaphores: POSIX.1-2017, Linux shmop(2), msgop(2), semop(2). */
#include "answer.h"

#include <stdarg.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>

#define AT(type, field, offset) \
  _Static_assert(offsetof(struct type, field) == ISOPAGE_##offset, #type "." #field)
AT(ipc_perm, __ipc_perm_key, IPC_PERM_KEY);
AT(ipc_perm, uid, IPC_PERM_UID);
AT(ipc_perm, cgid, IPC_PERM_CGID);
AT(ipc_perm, mode, IPC_PERM_MODE);
AT(ipc_perm, __ipc_perm_seq, IPC_PERM_SEQ);
AT(shmid_ds, shm_segsz, SHMID_DS_SEGSZ);
AT(shmid_ds, shm_nattch, SHMID_DS_NATTCH);
AT(shmid_ds, shm_cpid, SHMID_DS_CPID);
AT(shmid_ds, shm_lpid, SHMID_DS_LPID);
AT(shmid_ds, shm_atime, SHMID_DS_ATIME);
AT(shmid_ds, shm_dtime, SHMID_DS_DTIME);
AT(shmid_ds, shm_ctime, SHMID_DS_CTIME);
_Static_assert(sizeof(struct shmid_ds) == ISOPAGE_SHMID_DS_BYTES, "shmid_ds");
_Static_assert(sizeof(struct shminfo) == ISOPAGE_SHMINFO_BYTES, "shminfo");
_Static_assert(sizeof(struct shm_info) == ISOPAGE_SHM_INFO_BYTES, "shm_info");
AT(msqid_ds, msg_stime, MSQID_DS_STIME);
AT(msqid_ds, msg_ctime, MSQID_DS_CTIME);
AT(msqid_ds, msg_qnum, MSQID_DS_QNUM);
AT(msqid_ds, msg_qbytes, MSQID_DS_QBYTES);
AT(msqid_ds, msg_lspid, MSQID_DS_LSPID);
AT(msqid_ds, msg_lrpid, MSQID_DS_LRPID);
_Static_assert(sizeof(struct msqid_ds) == ISOPAGE_MSQID_DS_BYTES, "msqid_ds");
_Static_assert(sizeof(struct msginfo) == ISOPAGE_MSGINFO_BYTES, "msginfo");
AT(semid_ds, sem_nsems, SEMID_DS_NSEMS);
AT(semid_ds, sem_otime, SEMID_DS_OTIME);
AT(semid_ds, sem_ctime, SEMID_DS_CTIME);
_Static_assert(sizeof(struct semid_ds) == ISOPAGE_SEMID_DS_BYTES, "semid_ds");
_Static_assert(sizeof(struct seminfo) == ISOPAGE_SEMINFO_BYTES, "seminfo");
AT(sembuf, sem_op, SEMBUF_OP);
AT(sembuf, sem_flg, SEMBUF_FLG);
_Static_assert(sizeof(struct sembuf) == ISOPAGE_SEMBUF_BYTES, "sembuf");

/* As the kernel makes one: eight bits of the number, eight of the device, sixteen of the inode. */
key_t ftok(const char *path, int project) {
  struct stat found;
  if (stat(path, &found) != 0) return -1;
  unsigned device = (unsigned)found.st_dev & 0xff;
  return (key_t)((unsigned)found.st_ino & 0xffff | device << 16 | (unsigned)project << 24);
}

int shmget(key_t key, size_t size, int flags) {
  return answer(__isopage_shmget(key, size, flags));
}

void *shmat(int id, const void *addr, int flags) {
  return (void *)answer(__isopage_shmat(id, addr, flags));
}

int shmdt(const void *addr) {
  return answer(__isopage_shmdt(addr));
}

int shmctl(int id, int command, struct shmid_ds *buf) {
  return answer(__isopage_shmctl(id, command, buf));
}

int msgget(key_t key, int flags) {
  return answer(__isopage_msgget(key, flags));
}

int msgsnd(int id, const void *message, size_t size, int flags) {
  return answer(__isopage_msgsnd(id, message, size, flags));
}

ssize_t msgrcv(int id, void *message, size_t size, long type, int flags) {
  return answer(__isopage_msgrcv(id, message, size, type, flags));
}

int msgctl(int id, int command, struct msqid_ds *buf) {
  return answer(__isopage_msgctl(id, command, buf));
}

int semget(key_t key, int count, int flags) {
  return answer(__isopage_semget(key, count, flags));
}

int semop(int id, struct sembuf *operations, size_t count) {
  return answer(__isopage_semtimedop(id, operations, count, NULL));
}

int semtimedop(
  int id, struct sembuf *operations, size_t count, const struct timespec *timeout) {
  return answer(__isopage_semtimedop(id, operations, count, timeout));
}

#undef semctl
/* The macro of sys/sem.h makes a number of whatever the last argument was. */
int semctl(int id, int num, int command, ...) {
  va_list list;
  va_start(list, command);
  unsigned bits = va_arg(list, unsigned);
  va_end(list);
  return answer(__isopage_semctl(id, num, command, (void *)bits));
}
