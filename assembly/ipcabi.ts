/**
 * Numbers of interprocess communication that the kernel, the host and C programs share; abi.ts holds the others, and the same rules apply:
 * a flat list, stated once. Values are those of Linux on 32 bits, where wasi-libc has none.
 */

// ---- System V (sys/ipc.h, sys/shm.h, sys/msg.h, sys/sem.h) ---------------------------------------------------------------
export const IPC_PRIVATE: i32 = 0
export const IPC_CREAT: u32 = 0x200
export const IPC_EXCL: u32 = 0x400
export const IPC_NOWAIT: u32 = 0x800
export const IPC_RMID: u32 = 0
export const IPC_SET: u32 = 1
export const IPC_STAT: u32 = 2
export const IPC_INFO: u32 = 3
export const SHM_RDONLY: u32 = 0x1000
export const SHM_RND: u32 = 0x2000
export const SHM_REMAP: u32 = 0x4000
export const SHM_EXEC: u32 = 0x8000
/** Of shmget: as MAP_NORESERVE. The same number as SHM_RDONLY, which is shmat's. */
export const SHM_NORESERVE: u32 = 0x1000
/** Of shmget: pages of another size, which there are none of. */
export const SHM_HUGETLB: u32 = 0x800
export const SHM_LOCK: u32 = 11
export const SHM_UNLOCK: u32 = 12
export const SHM_STAT: u32 = 13
export const SHM_INFO: u32 = 14
export const SHM_STAT_ANY: u32 = 15
/** Bits of shm_perm.mode: removed, and destroyed by the last detach; locked. */
export const SHM_DEST: u32 = 0x200
export const SHM_LOCKED: u32 = 0x400
export const MSG_NOERROR: u32 = 0x1000
export const MSG_EXCEPT: u32 = 0x2000
export const MSG_COPY: u32 = 0x4000
export const MSG_STAT: u32 = 11
export const MSG_INFO: u32 = 12
export const MSG_STAT_ANY: u32 = 13
export const SEM_GETPID: u32 = 11
export const SEM_GETVAL: u32 = 12
export const SEM_GETALL: u32 = 13
export const SEM_GETNCNT: u32 = 14
export const SEM_GETZCNT: u32 = 15
export const SEM_SETVAL: u32 = 16
export const SEM_SETALL: u32 = 17
export const SEM_STAT: u32 = 18
export const SEM_INFO: u32 = 19
export const SEM_STAT_ANY: u32 = 20
export const SEM_UNDO: u32 = 0x1000

// ---- kinds and limits -------------------------------------------------------------------------------------------------
/** Which table of System V objects. */
export const IPC_SHM: u32 = 0
export const IPC_MSG: u32 = 1
export const IPC_SEM: u32 = 2
export const IPC_KINDS: u32 = 3
/** An id is `sequence * IPCMNI + slot`. */
export const IPCMNI: u32 = 32768
/** Which limit (ipc_limit). Boot sets them, before anything is made. */
export const LIMIT_SHMMNI: u32 = 0
export const LIMIT_MSGMNI: u32 = 1
export const LIMIT_SEMMNI: u32 = 2
export const LIMIT_SHMMAX: u32 = 3
export const LIMIT_SHMALL: u32 = 4
export const LIMIT_MSGMAX: u32 = 5
export const LIMIT_MSGMNB: u32 = 6
export const LIMIT_SEMMSL: u32 = 7
export const LIMIT_SEMMNS: u32 = 8
export const LIMIT_SEMOPM: u32 = 9
export const LIMIT_MQ_QUEUES: u32 = 10
export const LIMIT_MQ_MSG: u32 = 11
export const LIMIT_MQ_MSGSIZE: u32 = 12
export const LIMITS: u32 = 13
/** Their values where boot says nothing: 32-bit Linux. SHMMAX in bytes, SHMALL in pages. */
export const SHMMNI: u32 = 4096
export const MSGMNI: u32 = 32000
export const SEMMNI: u32 = 32000
export const SHMMIN: u32 = 1
export const SHMMAX: u32 = 0xfeffffff
export const SHMALL: u32 = 0xfeffffff
export const MSGMAX: u32 = 8192
export const MSGMNB: u32 = 16384
export const SEMMSL: u32 = 32000
export const SEMMNS: u32 = 1024000000
export const SEMOPM: u32 = 500
export const SEMVMX: u32 = 32767
/** The largest adjustment of SEM_UNDO, and what Linux says is the size of one. */
export const SEMAEM: u32 = 32767
export const SEMUSZ: u32 = 20
/** POSIX message queues: priorities are below it; a new queue's attributes where mq_open gives none; the most messages that root may ask for. */
export const MQ_PRIO_MAX: u32 = 32768
export const MQ_MAXMSG_DEFAULT: u32 = 10
export const MQ_MSGSIZE_DEFAULT: u32 = 8192
export const MQ_MAXMSG_MAX: u32 = 65536
/** What a message of any kind can be at most, whatever the limits say: it passes through a thread's buffer. */
export const MESSAGE_BYTES_MAX: u32 = 65536

// ---- structures in a thread's buffer: byte offsets -------------------------------------------------------------------------
/** ipc_perm, which each *id_ds begins with; KEY is signed. ID is no field of C's. */
export const IPC_PERM_KEY: u32 = 0
export const IPC_PERM_UID: u32 = 4
export const IPC_PERM_GID: u32 = 8
export const IPC_PERM_CUID: u32 = 12
export const IPC_PERM_CGID: u32 = 16
export const IPC_PERM_MODE: u32 = 20
export const IPC_PERM_SEQ: u32 = 24
export const IPC_PERM_ID: u32 = 28
export const IPC_PERM_BYTES: u32 = 32
/** shmid_ds. The times are i64, seconds since 1970; 0 for never. */
export const SHMID_DS_SEGSZ: u32 = 32
export const SHMID_DS_NATTCH: u32 = 36
export const SHMID_DS_CPID: u32 = 40
export const SHMID_DS_LPID: u32 = 44
export const SHMID_DS_ATIME: u32 = 48
export const SHMID_DS_DTIME: u32 = 56
export const SHMID_DS_CTIME: u32 = 64
export const SHMID_DS_BYTES: u32 = 72
/** shminfo (IPC_INFO). */
export const SHMINFO_SHMMAX: u32 = 0
export const SHMINFO_SHMMIN: u32 = 4
export const SHMINFO_SHMMNI: u32 = 8
export const SHMINFO_SHMSEG: u32 = 12
export const SHMINFO_SHMALL: u32 = 16
export const SHMINFO_BYTES: u32 = 20
/** shm_info (SHM_INFO); TOT, RSS and SWP in pages. */
export const SHM_INFO_USED_IDS: u32 = 0
export const SHM_INFO_TOT: u32 = 4
export const SHM_INFO_RSS: u32 = 8
export const SHM_INFO_SWP: u32 = 12
export const SHM_INFO_SWAP_ATTEMPTS: u32 = 16
export const SHM_INFO_SWAP_SUCCESSES: u32 = 20
export const SHM_INFO_BYTES: u32 = 24
/** struct msqid_ds. Times are i64, seconds since 1970. */
export const MSQID_DS_STIME: u32 = 32
export const MSQID_DS_RTIME: u32 = 40
export const MSQID_DS_CTIME: u32 = 48
export const MSQID_DS_CBYTES: u32 = 56
export const MSQID_DS_QNUM: u32 = 60
export const MSQID_DS_QBYTES: u32 = 64
export const MSQID_DS_LSPID: u32 = 68
export const MSQID_DS_LRPID: u32 = 72
export const MSQID_DS_BYTES: u32 = 80
/** struct msginfo. */
export const MSGINFO_MSGPOOL: u32 = 0
export const MSGINFO_MSGMAP: u32 = 4
export const MSGINFO_MSGMAX: u32 = 8
export const MSGINFO_MSGMNB: u32 = 12
export const MSGINFO_MSGMNI: u32 = 16
export const MSGINFO_MSGSSZ: u32 = 20
export const MSGINFO_MSGTQL: u32 = 24
export const MSGINFO_MSGSEG: u32 = 28
export const MSGINFO_BYTES: u32 = 32

// ---- synchronisation in mapped pages (pthread.h); mutex.ts, condition.ts, barrier.ts, rwlock.ts draw them ----------------
/** Byte offsets of 32-bit words at a multiple of 4, and the bytes of each; all zero is a normal mutex, a condition of the real-time clock, a free rwlock. */
export const MUTEX_WORD: u32 = 0
export const MUTEX_KIND: u32 = 4
export const MUTEX_COUNT: u32 = 8
export const MUTEX_BYTES: u32 = 12
export const COND_WAITERS: u32 = 0
export const COND_KIND: u32 = 4
export const COND_BYTES: u32 = 8
export const BARRIER_COUNT: u32 = 0
export const BARRIER_BYTES: u32 = 4
export const RWLOCK_STATE: u32 = 0
export const RWLOCK_WRITER: u32 = 4
export const RWLOCK_KIND: u32 = 8
export const RWLOCK_BYTES: u32 = 12
/** Kind of a mutex: a type, with or without robust. */
export const MUTEX_NORMAL: u32 = 0
export const MUTEX_RECURSIVE: u32 = 1
export const MUTEX_ERRORCHECK: u32 = 2
export const MUTEX_ROBUST: u32 = 4
/** Kind of what was destroyed. */
export const SYNC_DESTROYED: u32 = 0xffffffff
/** A mutex word is its owner, 0 for free, with these bits. */
export const SYNC_OWNER: u32 = 0x3fffffff
/** Somebody sleeps, or did: the kernel unlocks. */
export const SYNC_WAITERS: u32 = 0x80000000
/** Robust: the last owner died, and nobody has called it consistent. */
export const SYNC_OWNER_DIED: u32 = 0x40000000
/** Owner of a robust mutex that was unlocked without being made consistent. */
export const SYNC_UNRECOVERABLE: u32 = 0x3fffffff
/** An rwlock's state is its readers, or this; with SYNC_WAITERS only the kernel changes it. */
export const RWLOCK_WRITE_LOCKED: u32 = 0x3fffffff
export const RWLOCK_READERS_MAX: u32 = 0x3ffffffe
/** mutex_lock: return when woken, with MUTEX_WOKEN, and not locked; this caller was, and answers for the other sleepers. */
export const MUTEX_ONCE: u32 = 1
export const MUTEX_WAS_WOKEN: u32 = 2
export const MUTEX_WOKEN: i32 = 1
/** Recursive locks of one owner beyond the first. */
export const MUTEX_COUNT_MAX: u32 = 0xfffffffe
/** Robust mutexes that one thread holds at a time: Linux's ROBUST_LIST_LIMIT. */
export const ROBUST_MAX: u32 = 2048
/** clockid_t: kind of a condition, and the clock of a deadline. */
export const CLOCK_REALTIME: u32 = 0
export const CLOCK_MONOTONIC: u32 = 1
/** semid_ds. The times are i64, seconds since 1970; 0 for never. */
export const SEMID_DS_NSEMS: u32 = 32
export const SEMID_DS_OTIME: u32 = 40
export const SEMID_DS_CTIME: u32 = 48
export const SEMID_DS_BYTES: u32 = 56
/** seminfo (IPC_INFO, SEM_INFO): with SEM_INFO, SEMUSZ is how many sets there are and SEMAEM how many semaphores. */
export const SEMINFO_SEMMAP: u32 = 0
export const SEMINFO_SEMMNI: u32 = 4
export const SEMINFO_SEMMNS: u32 = 8
export const SEMINFO_SEMMNU: u32 = 12
export const SEMINFO_SEMMSL: u32 = 16
export const SEMINFO_SEMOPM: u32 = 20
export const SEMINFO_SEMUME: u32 = 24
export const SEMINFO_SEMUSZ: u32 = 28
export const SEMINFO_SEMVMX: u32 = 32
export const SEMINFO_SEMAEM: u32 = 36
export const SEMINFO_BYTES: u32 = 40
/** One operation of semop: C's struct sembuf. Several stand one behind the other at BUFFER_DATA. */
export const SEMBUF_NUM: u32 = 0
export const SEMBUF_OP: u32 = 2
export const SEMBUF_FLG: u32 = 4
export const SEMBUF_BYTES: u32 = 6
/** struct mq_attr; flags are 0 or O_NONBLOCK. */
export const MQ_ATTR_FLAGS: u32 = 0
export const MQ_ATTR_MAXMSG: u32 = 4
export const MQ_ATTR_MSGSIZE: u32 = 8
export const MQ_ATTR_CURMSGS: u32 = 12
export const MQ_ATTR_BYTES: u32 = 16
/** What a thread learns of a registration that ended: what it called it, and whether a message came (1) or it was taken back (0). */
export const NOTICE_COOKIE: u32 = 0
export const NOTICE_FIRED: u32 = 4

// ---- POSIX semaphores (semaphore.h) -----------------------------------------------------------------------------------------
/**
 * A sem_t: four words at a multiple of 4, as large as wasi-libc's. VALUE may be changed outside of the kernel, by atomic operations only;
 * WAITERS, KIND and the last word are the kernel's.
 *
 *   sem_wait   VALUE v > 0: compare-and-swap to v - 1, done; else (or when it is 0) call the kernel's sem_wait, which takes it or sleeps
 *   sem_post   VALUE at SEM_VALUE_MAX: EOVERFLOW. Compare-and-swap v to v + 1, then load WAITERS; when it is not 0, call the kernel's sem_settle
 *
 * The kernel sets WAITERS before its last look at VALUE, so either that look finds what was posted, or who posts finds WAITERS set: no wake-up
 * is lost. The kernel's own sem_post gives its unit to who waited longest without VALUE ever showing it.
 */
export const POSIX_SEM_VALUE: u32 = 0
export const POSIX_SEM_WAITERS: u32 = 4
export const POSIX_SEM_KIND: u32 = 8
export const POSIX_SEM_BYTES: u32 = 16
/** KIND of a semaphore; anything else is none. */
export const POSIX_SEM_UNNAMED: u32 = 0x6d657375
export const POSIX_SEM_NAMED: u32 = 0x6d65736e
export const SEM_VALUE_MAX: u32 = 0x7fffffff
