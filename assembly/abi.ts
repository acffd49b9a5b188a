/**
 * Every number that the kernel, the TypeScript host and C guests share.
 *
 * A flat list of constants: asc, tsc and vitest import this file as it is, and the C header is printed from it. No enum, no
 * namespace, no expression that needs another file. Errno and O_* are wasi-libc's; PROT_*, MAP_*, MS_* equal Linux's too.
 */

/** Raised with every change that an older host could not live with. */
export const ABI_VERSION: u32 = 1

// ---- errno (wasi-libc) -------------------------------------------------------------------------------------------
export const E2BIG: i32 = 1
export const EACCES: i32 = 2
export const EAGAIN: i32 = 6
export const EBADF: i32 = 8
export const EBUSY: i32 = 10
export const ECANCELED: i32 = 11
export const EDEADLK: i32 = 16
export const EDQUOT: i32 = 19
export const EEXIST: i32 = 20
export const EFAULT: i32 = 21
export const EFBIG: i32 = 22
export const EIDRM: i32 = 24
export const EILSEQ: i32 = 25
export const EINTR: i32 = 27
export const EINVAL: i32 = 28
export const EIO: i32 = 29
export const EISDIR: i32 = 31
export const ELOOP: i32 = 32
export const EMFILE: i32 = 33
export const EMLINK: i32 = 34
export const EMSGSIZE: i32 = 35
export const ENAMETOOLONG: i32 = 37
export const ENFILE: i32 = 41
export const ENODEV: i32 = 43
export const ENOENT: i32 = 44
export const ENOLCK: i32 = 46
export const ENOMEM: i32 = 48
export const ENOMSG: i32 = 49
export const ENOSPC: i32 = 51
export const ENOSYS: i32 = 52
export const ENOTDIR: i32 = 54
export const ENOTEMPTY: i32 = 55
export const ENOTRECOVERABLE: i32 = 56
export const ENOTSUP: i32 = 58
export const EOPNOTSUPP: i32 = 58
export const ENOTTY: i32 = 59
export const ENXIO: i32 = 60
export const EOVERFLOW: i32 = 61
export const EOWNERDEAD: i32 = 62
export const EPERM: i32 = 63
export const EPIPE: i32 = 64
export const ERANGE: i32 = 68
export const EROFS: i32 = 69
export const ESPIPE: i32 = 70
export const ESRCH: i32 = 71
export const ESTALE: i32 = 72
export const ETIMEDOUT: i32 = 73
export const ETXTBSY: i32 = 74
export const EXDEV: i32 = 75
export const ENOTCAPABLE: i32 = 76

/** Outcomes that are no errno: a fault that a guest takes as a signal, and a wait that this thread may not do. */
export const SIGSEGV: i32 = 1011
export const SIGBUS: i32 = 1007
/** A guest's process was ended from outside. */
export const SIGKILL: i32 = 1009
export const EWOULDBLOCK_PARK: i32 = 1100
/** The largest magnitude of a negative result; window addresses read as i32 stay below it. */
export const ERROR_MAX: i32 = 4095

// ---- open(2), access modes, lseek, fcntl, flock ----------------------------------------------------------------------
export const O_RDONLY: u32 = 0x04000000
export const O_WRONLY: u32 = 0x10000000
export const O_RDWR: u32 = 0x14000000
export const O_ACCMODE: u32 = 0x14000000
export const O_APPEND: u32 = 0x1
export const O_DSYNC: u32 = 0x2
export const O_NONBLOCK: u32 = 0x4
export const O_RSYNC: u32 = 0x8
export const O_SYNC: u32 = 0x10
export const O_CREAT: u32 = 0x1000
export const O_DIRECTORY: u32 = 0x2000
export const O_EXCL: u32 = 0x4000
export const O_TRUNC: u32 = 0x8000
export const O_NOFOLLOW: u32 = 0x01000000
/** wasi-libc says 0; the overlay headers say this. */
export const O_CLOEXEC: u32 = 0x00080000
/** wasi-libc has none; Linux's meaning. */
export const O_PATH: u32 = 0x00200000
export const SEEK_SET: u32 = 0
export const SEEK_CUR: u32 = 1
export const SEEK_END: u32 = 2
export const SEEK_DATA: u32 = 3
export const SEEK_HOLE: u32 = 4
export const F_DUPFD: u32 = 0
export const F_GETFD: u32 = 1
export const F_SETFD: u32 = 2
export const F_GETFL: u32 = 3
export const F_SETFL: u32 = 4
export const F_GETLK: u32 = 12
export const F_SETLK: u32 = 13
export const F_SETLKW: u32 = 14
export const F_DUPFD_CLOEXEC: u32 = 1030
export const FD_CLOEXEC: u32 = 1
export const F_RDLCK: u32 = 0
export const F_WRLCK: u32 = 1
export const F_UNLCK: u32 = 2
export const LOCK_SH: u32 = 1
export const LOCK_EX: u32 = 2
export const LOCK_NB: u32 = 4
export const LOCK_UN: u32 = 8
/** wasi-libc's: "from the working directory" in the place of a directory's descriptor. */
export const AT_FDCWD: i32 = -2
export const AT_SYMLINK_NOFOLLOW: u32 = 1
export const AT_SYMLINK_FOLLOW: u32 = 2
/** wasi-libc says 0, which no flag can be; the overlay headers say this. */
export const AT_EACCESS: u32 = 0x200
export const R_OK: u32 = 4
export const W_OK: u32 = 2
export const X_OK: u32 = 1
export const S_ISUID: u32 = 0x800
export const S_ISGID: u32 = 0x400
export const S_ISVTX: u32 = 0x200
export const S_IFMT: u32 = 0xf000
export const S_IFDIR: u32 = 0x4000
export const S_IFREG: u32 = 0x8000
export const S_IFLNK: u32 = 0xa000
export const S_IFIFO: u32 = 0x1000
export const FALLOC_FL_KEEP_SIZE: u32 = 1
export const FALLOC_FL_PUNCH_HOLE: u32 = 2
/** Which times to set, and to what: WASI's fstflags. Neither bit of a time: it stays. */
export const FST_ATIM: u32 = 1
export const FST_ATIM_NOW: u32 = 2
export const FST_MTIM: u32 = 4
export const FST_MTIM_NOW: u32 = 8
export const UTIME_NOW: i32 = 0x3fffffff
export const UTIME_OMIT: i32 = 0x3ffffffe

// ---- poll(2) (wasi-libc) -----------------------------------------------------------------------------------------------
export const POLLIN: u32 = 0x1
export const POLLOUT: u32 = 0x2
export const POLLERR: u32 = 0x1000
export const POLLHUP: u32 = 0x2000
export const POLLNVAL: u32 = 0x4000
/** Byte offsets of a pollfd: the descriptor, and two halves of 16 bits. */
export const POLLFD_FD: u32 = 0
export const POLLFD_EVENTS: u32 = 4
export const POLLFD_REVENTS: u32 = 6
export const POLLFD_BYTES: u32 = 8

// ---- mmap(2) and its family -----------------------------------------------------------------------------------------
export const PROT_NONE: u32 = 0
export const PROT_READ: u32 = 1
export const PROT_WRITE: u32 = 2
export const PROT_EXEC: u32 = 4
export const MAP_SHARED: u32 = 0x1
export const MAP_PRIVATE: u32 = 0x2
export const MAP_SHARED_VALIDATE: u32 = 0x3
export const MAP_TYPE: u32 = 0xf
export const MAP_FIXED: u32 = 0x10
export const MAP_ANONYMOUS: u32 = 0x20
export const MAP_LOCKED: u32 = 0x2000
export const MAP_NORESERVE: u32 = 0x4000
export const MAP_POPULATE: u32 = 0x8000
export const MAP_FIXED_NOREPLACE: u32 = 0x100000
/** Accepted and without effect here, as on Linux: GROWSDOWN, DENYWRITE, EXECUTABLE, NONBLOCK, STACK, HUGETLB. */
export const MAP_INERT: u32 = 0x71900
export const MREMAP_MAYMOVE: u32 = 1
export const MREMAP_FIXED: u32 = 2
export const MREMAP_DONTUNMAP: u32 = 4
export const MS_ASYNC: u32 = 1
export const MS_INVALIDATE: u32 = 2
export const MS_SYNC: u32 = 4
export const MADV_NORMAL: u32 = 0
export const MADV_RANDOM: u32 = 1
export const MADV_SEQUENTIAL: u32 = 2
export const MADV_WILLNEED: u32 = 3
export const MADV_DONTNEED: u32 = 4
export const MADV_FREE: u32 = 8
export const MADV_REMOVE: u32 = 9
export const POSIX_MADV_NORMAL: u32 = 0
export const POSIX_MADV_RANDOM: u32 = 1
export const POSIX_MADV_SEQUENTIAL: u32 = 2
export const POSIX_MADV_WILLNEED: u32 = 3
export const POSIX_MADV_DONTNEED: u32 = 4
export const MCL_CURRENT: u32 = 1
export const MCL_FUTURE: u32 = 2
export const MCL_ONFAULT: u32 = 4
export const RLIMIT_AS: u32 = 9
export const RLIMIT_MEMLOCK: u32 = 8
export const RLIMIT_NOFILE: u32 = 7
export const RLIM_INFINITY: u32 = 0xffffffff

// ---- the window of mapped addresses ---------------------------------------------------------------------------------
export const WINDOW_START: u32 = 0x81000000
/** First address past the window. */
export const WINDOW_END: u32 = 0xff000000

// ---- limits -----------------------------------------------------------------------------------------------------------
export const PAGE_SHIFT_MIN: u32 = 12
export const PAGE_SHIFT_MAX: u32 = 16
export const THREADS_MAX: u32 = 256
export const PROCESSES_MAX: u32 = 4096
export const FDS_MAX: u32 = 4096
export const OPEN_FILES_MAX: u32 = 65536
export const MAPPINGS_MAX: u32 = 131072
export const MOUNTS_MAX: u32 = 64
export const NAME_MAX: u32 = 255
export const PATH_MAX: u32 = 4096
export const SYMLOOP_MAX: u32 = 40
export const LINK_MAX: u32 = 65000
/** The largest file offset: what a JavaScript number and the API carry exactly. */
export const OFFSET_MAX: u64 = 0x1fffffffffffff
export const GROUPS_MAX: u32 = 32
/** Bytes that a pipe holds, and how many are written to one in one piece. */
export const PIPE_BYTES: u32 = 65536
export const PIPE_BUF: u32 = 4096
/** Byte-range locks on one file. */
export const RANGES_MAX: u32 = 2048
/** Mount inodes that nobody uses and that stay with their cached pages. */
export const IDLE_INODES_MAX: u32 = 1024
/** Those of them that keep a provider's descriptor, as they are not written yet: hosts may have 1,024 for all that they do. */
export const IDLE_OPEN_MAX: u32 = 256

// ---- structures that file calls leave in the thread's buffer ------------------------------------------------------------
/** Byte offsets of a stat, at BUFFER_RESULT. Times are f64 ms since 1970. */
export const STAT_DEV: u32 = 0
export const STAT_INO: u32 = 8
export const STAT_MODE: u32 = 16
export const STAT_NLINK: u32 = 20
export const STAT_UID: u32 = 24
export const STAT_GID: u32 = 28
export const STAT_SIZE: u32 = 32
export const STAT_ATIME: u32 = 40
export const STAT_MTIME: u32 = 48
export const STAT_CTIME: u32 = 56
export const STAT_BLOCKS: u32 = 64
export const STAT_BLKSIZE: u32 = 72
export const STAT_BYTES: u32 = 80
/** Flag of sysMount. */
export const MOUNT_READONLY: u32 = 1
/** st_dev of tmpfs; mount i is this + 1 + i. */
export const DEV_TMPFS: u32 = 1
/** Byte offsets of a directory entry, at BUFFER_DATA: WASI preview 1's dirent, packed, the name after it. NEXT is the cookie to go on with. */
export const DIRENT_NEXT: u32 = 0
export const DIRENT_INO: u32 = 8
export const DIRENT_NAME_BYTES: u32 = 16
export const DIRENT_TYPE: u32 = 20
export const DIRENT_BYTES: u32 = 24
export const DT_UNKNOWN: u32 = 0
export const DT_DIR: u32 = 3
export const DT_REG: u32 = 4
export const DT_LNK: u32 = 7
/** Byte offsets of the lock that F_GETLK found, at BUFFER_RESULT. Start and length are u64; length 0 is "to the end". */
export const FLOCK_TYPE: u32 = 0
export const FLOCK_PID: u32 = 4
export const FLOCK_START: u32 = 8
export const FLOCK_LENGTH: u32 = 16
export const FLOCK_BYTES: u32 = 24

// ---- a thread's slot, as the host sees it ------------------------------------------------------------------------------
/** Where a thread is: the low bits of its state word; STOP is or-ed in by its killer; the sequence number is above. */
export const WHERE_FREE: u32 = 0
export const WHERE_OUT: u32 = 1
export const WHERE_IN: u32 = 2
export const WHERE_PARKED: u32 = 3
export const WHERE_STOPPED: u32 = 4
export const WHERE_DEAD: u32 = 5
/** It runs a guest's code, which loads and stores through its registers and its page table. */
export const WHERE_GUEST: u32 = 6
export const WHERE_MASK: u32 = 0x3f
export const STATE_STOP: u32 = 0x40
export const STATE_SEQ_SHIFT: u32 = 8
/** Byte offsets in a thread's slot. */
export const THREAD_STATE: u32 = 0
export const THREAD_DOORBELL: u32 = 4
export const THREAD_BUFFER: u32 = 8
/** Address of the guest's context that runs, 0 for none. */
export const THREAD_CONTEXT: u32 = 112
/** Bytes of a thread's buffer: paths, results, file data, and what the kernel copies pages to before it writes them. */
export const BUFFER_BYTES: u32 = 147456
export const BUFFER_PATH2: u32 = 4352
export const BUFFER_RESULT: u32 = 8704
export const BUFFER_DATA: u32 = 16384
export const BUFFER_DATA_BYTES: u32 = 65536
export const BUFFER_BOUNCE: u32 = 81920
export const BUFFER_BOUNCE_BYTES: u32 = 65536
/** thread flags given to thread_attach. */
export const THREAD_MAY_BLOCK: u32 = 1
export const THREAD_SERVES: u32 = 2

// ---- guests: what rewritten modules read and write in kernel memory ---------------------------------------------------
/** Address of the machine-wide word that guests poll with a plain load: not 0 when somebody waits for them (guest_poll). */
export const ATTENTION: u32 = 4096
/** Byte offsets in a context record. GENERATION changes only inside of kernel entries: when it is not what a module remembers, its registers are void. */
export const CONTEXT_GENERATION: u32 = 0
/** Address of the page directory, 0 for none: one word a table, each of one word a page, in pages of 1 << PAGE_SHIFT bytes. */
export const CONTEXT_DIRECTORY: u32 = 4
/** The extent that guest_fault found: first address, bytes (0: for this access only), kernel address minus address. */
export const CONTEXT_START: u32 = 8
export const CONTEXT_LENGTH: u32 = 12
export const CONTEXT_DELTA: u32 = 16
export const CONTEXT_PAGE_SHIFT: u32 = 20
export const CONTEXT_PID: u32 = 24
export const CONTEXT_SPACE: u32 = 28
/** 16 bytes that guest_load leaves and guest_store takes. */
export const CONTEXT_BOUNCE: u32 = 32
/** Exit status of its process once that was ended; 0 before. */
export const CONTEXT_STATUS: u32 = 64
export const CONTEXT_BYTES: u32 = 128
export const CONTEXTS_MAX: u32 = 1024
/** Pages of an extent around a page that was absent, at most; and on either side of one that the guest might have used. */
export const EXTENT_PAGES_FAULT: u32 = 256
export const EXTENT_PAGES_MAX: u32 = 4096
/** A page table's entry: the frame's address, and in the low bits what is allowed. 0: absent. */
export const PTE_READ: u32 = 1
export const PTE_WRITE: u32 = 2
/** A frame of the space's own; one of an object in a shared mapping. Either of them, stored to by its space, stays what it is. */
export const PTE_PRIVATE: u32 = 4
export const PTE_SHARED: u32 = 32
/** Bits of an entry that are no address. */
export const PTE_FLAGS: u32 = 0xfff
/** Operations of guest_rmw32 and guest_rmw64. */
export const RMW_ADD: u32 = 0
export const RMW_SUB: u32 = 1
export const RMW_AND: u32 = 2
export const RMW_OR: u32 = 3
export const RMW_XOR: u32 = 4
export const RMW_XCHG: u32 = 5
export const RMW_CMPXCHG: u32 = 6
/** Asks for the right to load only. */
export const RMW_LOAD: u32 = 7
/** Results of guest_wait, as memory.atomic.wait has them. */
export const GUEST_WOKEN: i32 = 0
export const GUEST_NOT_EQUAL: i32 = 1
export const GUEST_TIMED_OUT: i32 = 2

// ---- the ring: file calls that another thread serves; op numbers name WASI preview 1 functions ---------------------------------
export const WASI_PATH_OPEN: u32 = 1
export const WASI_FD_CLOSE: u32 = 2
export const WASI_FD_PREAD: u32 = 3
export const WASI_FD_PWRITE: u32 = 4
export const WASI_FD_FILESTAT_GET: u32 = 5
export const WASI_FD_FILESTAT_SET_SIZE: u32 = 6
export const WASI_FD_SYNC: u32 = 7
export const WASI_FD_DATASYNC: u32 = 8
export const WASI_FD_READDIR: u32 = 9
export const WASI_PATH_FILESTAT_GET: u32 = 10
export const WASI_PATH_FILESTAT_SET_TIMES: u32 = 11
export const WASI_PATH_CREATE_DIRECTORY: u32 = 12
export const WASI_PATH_REMOVE_DIRECTORY: u32 = 13
export const WASI_PATH_UNLINK_FILE: u32 = 14
export const WASI_PATH_RENAME: u32 = 15
export const WASI_PATH_LINK: u32 = 16
export const WASI_PATH_SYMLINK: u32 = 17
export const WASI_PATH_READLINK: u32 = 18
export const WASI_FD_FILESTAT_SET_TIMES: u32 = 19
/** Preopened directory of mount 0; mount i is this + i. */
export const WASI_PREOPEN: u32 = 3
export const RING_SLOTS: u32 = 64
export const RING_FREE: u32 = 0
export const RING_FILLED: u32 = 1
export const RING_TAKEN: u32 = 2
export const RING_DONE: u32 = 3
export const RING_CLAIMED: u32 = 4
/** Byte offsets in a ring slot. */
export const RING_STATE: u32 = 0
export const RING_OP: u32 = 4
export const RING_MOUNT: u32 = 8
export const RING_REQUESTER: u32 = 12
export const RING_RESULT: u32 = 16
export const RING_ARGS: u32 = 24
export const RING_BYTES: u32 = 128

// ---- numbers of a process (process_get, process_set) -----------------------------------------------------------------------
export const PROCESS_UID: u32 = 0
export const PROCESS_GID: u32 = 1
export const PROCESS_EUID: u32 = 2
export const PROCESS_EGID: u32 = 3
export const PROCESS_UMASK: u32 = 4
export const PROCESS_PARENT: u32 = 5
export const PROCESS_GROUPS: u32 = 6
export const PROCESS_THREADS: u32 = 7

// ---- snapshots (stat.ts) -------------------------------------------------------------------------------------------------
export const STAT_KERNEL_BYTES: u32 = 68
/** Byte offsets of a mapping's record (stat_maps). OFFSET and INO are f64; MOUNT is -1 for the kernel's own files and anonymous memory. */
export const STAT_MAP_START: u32 = 0
export const STAT_MAP_END: u32 = 4
export const STAT_MAP_PROT: u32 = 8
export const STAT_MAP_FLAGS: u32 = 12
export const STAT_MAP_OFFSET: u32 = 16
export const STAT_MAP_INO: u32 = 24
export const STAT_MAP_MAX_PROT: u32 = 32
export const STAT_MAP_MOUNT: u32 = 36
export const STAT_MAP_OBJECT_RESIDENT: u32 = 40
export const STAT_MAP_OBJECT_DIRTY: u32 = 44
/** Of an attach of a System V segment (the bit SEGMENT of FLAGS): its id, and the key that it was made with, signed. */
export const STAT_MAP_SHMID: u32 = 48
export const STAT_MAP_KEY: u32 = 52
export const STAT_MAP_BYTES: u32 = 56
/** Bits of FLAGS. */
export const STAT_MAP_SHARED: u32 = 1
export const STAT_MAP_LOCKED: u32 = 2
export const STAT_MAP_SEGMENT: u32 = 4
export const STAT_MAP_ANONYMOUS: u32 = 128
/** Byte offsets of a process's record (stat_processes). */
export const STAT_PROCESS_PID: u32 = 0
export const STAT_PROCESS_PARENT: u32 = 4
export const STAT_PROCESS_EUID: u32 = 8
export const STAT_PROCESS_EGID: u32 = 12
export const STAT_PROCESS_THREADS: u32 = 16
export const STAT_PROCESS_MAPPINGS: u32 = 20
export const STAT_PROCESS_PAGES: u32 = 24
export const STAT_PROCESS_BYTES: u32 = 28
/** Byte offsets of a POSIX object's record (stat_names); the name follows it. SIZE is f64. */
export const STAT_NAME_UID: u32 = 0
export const STAT_NAME_GID: u32 = 4
export const STAT_NAME_MODE: u32 = 8
export const STAT_NAME_LENGTH: u32 = 12
export const STAT_NAME_SIZE: u32 = 16
/** Messages of a queue, value of a semaphore; then a queue's attributes. */
export const STAT_NAME_COUNT: u32 = 24
export const STAT_NAME_MAXMSG: u32 = 28
export const STAT_NAME_MSGSIZE: u32 = 32
export const STAT_NAME_BYTES: u32 = 40
/** Which objects: shared memory, message queues, semaphores. */
export const STAT_NAMES_SHM: u32 = 0
export const STAT_NAMES_MQ: u32 = 1
export const STAT_NAMES_SEM: u32 = 2
/** Bits of a page (stat_pages). */
export const STAT_PAGE_PRESENT: u32 = 1
export const STAT_PAGE_DIRTY: u32 = 2
export const STAT_PAGE_PRIVATE: u32 = 4
export const STAT_PAGE_ZERO: u32 = 8
export const STAT_PAGE_VIEWED: u32 = 16
export const STAT_PAGE_WRITABLE: u32 = 32

/** Byte offsets of a sleeping thread's record (stat_waits). ID is of the System V object that it sleeps on, or the address asked for. */
export const STAT_WAIT_THREAD: u32 = 0
export const STAT_WAIT_PID: u32 = 4
export const STAT_WAIT_ON: u32 = 8
export const STAT_WAIT_ID: u32 = 12
export const STAT_WAIT_BYTES: u32 = 16
/** Values of ON. */
export const WAIT_ON_OTHER: u32 = 0
export const WAIT_ON_SEGMENT: u32 = 1
export const WAIT_ON_QUEUE: u32 = 2
export const WAIT_ON_SEMAPHORES: u32 = 3
export const WAIT_ON_WORD: u32 = 4
export const WAIT_ON_PIPE: u32 = 5
export const WAIT_ON_POSIX_QUEUE: u32 = 6
export const WAIT_ON_POLL: u32 = 7

// ---- what `panic` can say; the host prints the name ---------------------------------------------------------------------
export const PANIC_LOCK_NOT_HELD: u32 = 1
export const PANIC_LOCK_HELD: u32 = 2
export const PANIC_JOURNAL_FULL: u32 = 3
export const PANIC_ALLOC_AFTER_FREE: u32 = 4
export const PANIC_FRAME_RANGE: u32 = 5
export const PANIC_FRAME_NOT_FREE: u32 = 6
export const PANIC_FRAME_FREE_TWICE: u32 = 7
export const PANIC_FRAME_IN_USE: u32 = 8
export const PANIC_BUDDY_COUNT: u32 = 9
export const PANIC_SLAB_NOT_SLAB: u32 = 10
export const PANIC_SLAB_SIZE: u32 = 11
export const PANIC_SLAB_COUNT: u32 = 12
export const PANIC_TREE_ORDER: u32 = 13
export const PANIC_TREE_AUGMENT: u32 = 14
export const PANIC_TREE_HEAP: u32 = 15
export const PANIC_RADIX_COUNT: u32 = 16
export const PANIC_RADIX_TAG: u32 = 17
export const PANIC_RADIX_SLOT: u32 = 18
export const PANIC_OBJECT_REFS: u32 = 19
export const PANIC_OBJECT_RESIDENT: u32 = 20
export const PANIC_SPACE_OVERLAP: u32 = 21
export const PANIC_SPACE_COUNT: u32 = 22
export const PANIC_PTE_WITHOUT_VMA: u32 = 23
export const PANIC_PTE_FRAME: u32 = 24
export const PANIC_PTE_RIGHTS: u32 = 25
export const PANIC_MAPPED_COUNT: u32 = 26
export const PANIC_COMMIT: u32 = 27
export const PANIC_DIRTY_COUNT: u32 = 28
export const PANIC_WAIT_QUEUE: u32 = 29
export const PANIC_THREAD_STATE: u32 = 30
export const PANIC_PROCESS: u32 = 31
export const PANIC_INODE: u32 = 32
export const PANIC_FILE: u32 = 33
export const PANIC_DIRECTORY: u32 = 34
export const PANIC_PINS: u32 = 35
export const PANIC_RING: u32 = 36
export const PANIC_FLOCK: u32 = 37
export const PANIC_LINK: u32 = 38
export const PANIC_IPC: u32 = 39
export const PANIC_SEMAPHORE: u32 = 40
export const PANIC_NAMED_SEMAPHORE: u32 = 41
export const PANIC_ROBUST: u32 = 44
export const PANIC_GUEST: u32 = 45
export const PANIC_PIPE: u32 = 46
