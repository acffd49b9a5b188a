/* sys/shm.h: POSIX.1-2017 and shmctl(2) of Linux; layouts are the kernel's (SHMID_DS_*, SHMINFO_*, SHM_INFO_*). */
#ifndef ISOPAGE_SYS_SHM_H
#define ISOPAGE_SYS_SHM_H

#include <sys/ipc.h>
#include <unistd.h>

#define SHM_RDONLY ISOPAGE_SHM_RDONLY
#define SHM_RND ISOPAGE_SHM_RND
#define SHM_REMAP ISOPAGE_SHM_REMAP
#define SHM_EXEC ISOPAGE_SHM_EXEC
#define SHM_NORESERVE ISOPAGE_SHM_NORESERVE
#define SHM_HUGETLB ISOPAGE_SHM_HUGETLB
#define SHM_LOCK ISOPAGE_SHM_LOCK
#define SHM_UNLOCK ISOPAGE_SHM_UNLOCK
#define SHM_STAT ISOPAGE_SHM_STAT
#define SHM_INFO ISOPAGE_SHM_INFO
#define SHM_STAT_ANY ISOPAGE_SHM_STAT_ANY
#define SHM_DEST ISOPAGE_SHM_DEST
#define SHM_LOCKED ISOPAGE_SHM_LOCKED
#define SHM_R 0400
#define SHM_W 0200
#define SHMLBA ((unsigned long)getpagesize())

typedef unsigned long shmatt_t;

struct shmid_ds {
  struct ipc_perm shm_perm;
  size_t shm_segsz;
  shmatt_t shm_nattch;
  pid_t shm_cpid;
  pid_t shm_lpid;
  time_t shm_atime;
  time_t shm_dtime;
  time_t shm_ctime;
};

struct shminfo {
  unsigned long shmmax, shmmin, shmmni, shmseg, shmall;
};

struct shm_info {
  int used_ids;
  unsigned long shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

#ifdef __cplusplus
extern "C" {
#endif

void *shmat(int, const void *, int);
int shmctl(int, int, struct shmid_ds *);
int shmdt(const void *);
int shmget(key_t, size_t, int);

#ifdef __cplusplus
}
#endif

#endif
