/**
 * The imports that C programs have beyond WASI preview 1, stated once: module `isopage`, one function a call. From this table come the C
 * declarations (src/include/isopage/imports.h, printed by scripts/headers.js) and the types that the host's answers are checked against.
 *
 * Convention: each function takes WebAssembly numbers and gives an i32. -1 .. -4095 is -errno (wasi-libc's numbers, abi.ts), anything else the
 * result, so that an address past 2 GiB is none. A call that waits with a time gets the address of a `struct timespec`, 0 for no limit.
 * A bad address is -EFAULT, never a trap. Addresses below 2 GiB are private memory, those above are the window.
 */

/** What an argument is; all are i32 but `offset`. */
export type ParamKind =
  /** Signed. */
  | 'int'
  /** Bits or an unsigned number: arrives negative in JavaScript when past 2 GiB. */
  | 'uint'
  /** Bytes or members; unsigned. */
  | 'size'
  | 'fd'
  /** An address in the guest's space; unsigned. */
  | 'address'
  /** Address of bytes that end with 0; at most PATH_MAX of them, else ENAMETOOLONG. */
  | 'string'
  /** off_t: i64, a bigint. */
  | 'offset'

/** What a result is, once it is no error. */
export type ResultKind = 'zero' | 'int' | 'size' | 'fd' | 'address' | 'id'

/** Parameters in C's order. What lies at an address is said beside the import. */
export interface ImportDef {
  readonly params: Readonly<Record<string, ParamKind>>
  readonly result: ResultKind
}

const memory = {
  getpagesize: { params: {}, result: 'size' },
  /** Flags and checks are the kernel's. */
  mmap: {
    params: {
      addr: 'address',
      length: 'size',
      prot: 'uint',
      flags: 'uint',
      fd: 'fd',
      offset: 'offset',
    },
    result: 'address',
  },
  munmap: { params: { addr: 'address', length: 'size' }, result: 'zero' },
  mprotect: { params: { addr: 'address', length: 'size', prot: 'uint' }, result: 'zero' },
  msync: { params: { addr: 'address', length: 'size', flags: 'uint' }, result: 'zero' },
  mremap: {
    params: {
      old_addr: 'address',
      old_length: 'size',
      new_length: 'size',
      flags: 'uint',
      new_addr: 'address',
    },
    result: 'address',
  },
  madvise: { params: { addr: 'address', length: 'size', advice: 'uint' }, result: 'zero' },
  posix_madvise: { params: { addr: 'address', length: 'size', advice: 'uint' }, result: 'zero' },
  /** A byte a page to `vec`. */
  mincore: { params: { addr: 'address', length: 'size', vec: 'address' }, result: 'zero' },
  mlock: { params: { addr: 'address', length: 'size' }, result: 'zero' },
  munlock: { params: { addr: 'address', length: 'size' }, result: 'zero' },
  mlockall: { params: { flags: 'uint' }, result: 'zero' },
  munlockall: { params: {}, result: 'zero' },
  shm_open: { params: { name: 'string', flags: 'uint', mode: 'uint' }, result: 'fd' },
  shm_unlink: { params: { name: 'string' }, result: 'zero' },
} as const

/** Structures are as ipcabi.ts lays them out: the kernel's bytes are the program's. */
const sysv = {
  shmget: { params: { key: 'int', size: 'size', flags: 'uint' }, result: 'id' },
  shmat: { params: { id: 'int', addr: 'address', flags: 'uint' }, result: 'address' },
  shmdt: { params: { addr: 'address' }, result: 'zero' },
  /** `buf`: shmid_ds, shminfo or shm_info, by command. Of IPC_SET only perm.uid, .gid and .mode are read. */
  shmctl: { params: { id: 'int', command: 'int', buf: 'address' }, result: 'id' },
  msgget: { params: { key: 'int', flags: 'uint' }, result: 'id' },
  /** `message`: a 32-bit type, then `size` bytes. */
  msgsnd: {
    params: { id: 'int', message: 'address', size: 'size', flags: 'uint' },
    result: 'zero',
  },
  msgrcv: {
    params: { id: 'int', message: 'address', size: 'size', type: 'int', flags: 'uint' },
    result: 'size',
  },
  /** `buf`: msqid_ds or msginfo. */
  msgctl: { params: { id: 'int', command: 'int', buf: 'address' }, result: 'id' },
  semget: { params: { key: 'int', count: 'int', flags: 'uint' }, result: 'id' },
  /** `operations`: `count` times struct sembuf (SEMBUF_*). `timeout`: relative, 0 for none; semop has none. */
  semtimedop: {
    params: { id: 'int', operations: 'address', count: 'size', timeout: 'address' },
    result: 'zero',
  },
  /** `argument`: the value, or the address of what the command reads or writes: semid_ds, seminfo, or an array of u16. */
  semctl: {
    params: { id: 'int', num: 'int', command: 'int', argument: 'address' },
    result: 'int',
  },
} as const

/** Semaphores lie in the window; those of private memory are the program's alone, and its library's work. */
const semaphores = {
  sem_init: { params: { sem: 'address', shared: 'int', value: 'uint' }, result: 'zero' },
  sem_destroy: { params: { sem: 'address' }, result: 'zero' },
  /** => its address; the same one for each open of a name in a process. */
  sem_open: {
    params: { name: 'string', flags: 'uint', mode: 'uint', value: 'uint' },
    result: 'address',
  },
  sem_close: { params: { sem: 'address' }, result: 'zero' },
  sem_unlink: { params: { name: 'string' }, result: 'zero' },
  /** `deadline`: of CLOCK_REALTIME, 0 for none; looked at only when it has to wait. */
  sem_wait: { params: { sem: 'address', deadline: 'address' }, result: 'zero' },
  sem_trywait: { params: { sem: 'address' }, result: 'zero' },
  sem_post: { params: { sem: 'address' }, result: 'zero' },
  /** After a unit was added to VALUE by the program itself and WAITERS was not 0: gives units to those who wait. */
  sem_settle: { params: { sem: 'address' }, result: 'zero' },
  sem_getvalue: { params: { sem: 'address' }, result: 'int' },
} as const

const queues = {
  /** `attr`: struct mq_attr (MQ_ATTR_*), 0 for none; MAXMSG and MSGSIZE are read. */
  mq_open: {
    params: { name: 'string', flags: 'uint', mode: 'uint', attr: 'address' },
    result: 'fd',
  },
  mq_close: { params: { mqd: 'fd' }, result: 'zero' },
  mq_unlink: { params: { name: 'string' }, result: 'zero' },
  mq_send: {
    params: { mqd: 'fd', data: 'address', size: 'size', priority: 'uint', deadline: 'address' },
    result: 'zero',
  },
  /** `priority`: address of a u32 that gets it, 0 for none. */
  mq_receive: {
    params: { mqd: 'fd', data: 'address', size: 'size', priority: 'address', deadline: 'address' },
    result: 'size',
  },
  mq_getattr: { params: { mqd: 'fd', attr: 'address' }, result: 'zero' },
  /** `old`: 0 for none. Of `attr` only the flags are read. */
  mq_setattr: { params: { mqd: 'fd', attr: 'address', old: 'address' }, result: 'zero' },
  /** `notify`: -1 takes the registration back; SIGEV_SIGNAL (0) with `signal`, SIGEV_NONE (1). */
  mq_notify: { params: { mqd: 'fd', notify: 'int', signal: 'int' }, result: 'zero' },
} as const

/**
 * Locks in mapped pages (ipcabi.ts draws their words), for an address in the window only. What is free and plain is taken by the program's own
 * atomic operations; these are for the rest. `deadline`: a timespec of `clock`, 0 for none.
 */
const sync = {
  /** The word of this thread in a mutex: 1 .. SYNC_OWNER - 1. */
  sync_owner: { params: {}, result: 'int' },
  mutex_init: { params: { mutex: 'address', kind: 'uint' }, result: 'zero' },
  mutex_destroy: { params: { mutex: 'address' }, result: 'zero' },
  mutex_lock: { params: { mutex: 'address', deadline: 'address', clock: 'uint' }, result: 'zero' },
  mutex_trylock: { params: { mutex: 'address' }, result: 'zero' },
  mutex_unlock: { params: { mutex: 'address' }, result: 'zero' },
  mutex_consistent: { params: { mutex: 'address' }, result: 'zero' },
  cond_init: { params: { cond: 'address', clock: 'uint' }, result: 'zero' },
  cond_destroy: { params: { cond: 'address' }, result: 'zero' },
  /** `deadline`: of the clock `clock`; all ones: the condition's own. */
  cond_wait: {
    params: { cond: 'address', mutex: 'address', deadline: 'address', clock: 'uint' },
    result: 'zero',
  },
  /** Wakes up to `count`: 1, or -1 for all. */
  cond_wake: { params: { cond: 'address', count: 'uint' }, result: 'zero' },
  barrier_init: { params: { barrier: 'address', count: 'uint' }, result: 'zero' },
  barrier_destroy: { params: { barrier: 'address' }, result: 'zero' },
  /** => 1 for one of those who met, 0 for the others. */
  barrier_wait: { params: { barrier: 'address' }, result: 'int' },
  rwlock_init: { params: { rwlock: 'address' }, result: 'zero' },
  rwlock_destroy: { params: { rwlock: 'address' }, result: 'zero' },
  rwlock_lock: {
    params: { rwlock: 'address', write: 'int', deadline: 'address', clock: 'uint' },
    result: 'zero',
  },
  rwlock_trylock: { params: { rwlock: 'address', write: 'int' }, result: 'zero' },
  rwlock_unlock: { params: { rwlock: 'address' }, result: 'zero' },
} as const

const processes = {
  getpid: { params: {}, result: 'int' },
  getppid: { params: {}, result: 'int' },
  /** Signals end a process or do nothing, as their default actions say; 0 asks whether it may be sent one. Its own death does not return. */
  kill: { params: { pid: 'int', signal: 'int' }, result: 'zero' },
  /** Sleeps until something ends the process. */
  pause: { params: {}, result: 'zero' },
  /** `limit`: two u64, soft and hard; RLIM_INFINITY is all ones. */
  getrlimit: { params: { resource: 'int', limit: 'address' }, result: 'zero' },
  setrlimit: { params: { resource: 'int', limit: 'address' }, result: 'zero' },
} as const

const ids = {
  getuid: { params: {}, result: 'int' },
  geteuid: { params: {}, result: 'int' },
  getgid: { params: {}, result: 'int' },
  getegid: { params: {}, result: 'int' },
  setuid: { params: { uid: 'uint' }, result: 'zero' },
  seteuid: { params: { uid: 'uint' }, result: 'zero' },
  setgid: { params: { gid: 'uint' }, result: 'zero' },
  setegid: { params: { gid: 'uint' }, result: 'zero' },
  /** `count` 0: how many there are. */
  getgroups: { params: { count: 'int', list: 'address' }, result: 'int' },
  setgroups: { params: { count: 'size', list: 'address' }, result: 'zero' },
  umask: { params: { mask: 'uint' }, result: 'int' },
} as const

/** Paths are the process's own, absolute or from its working directory; `dirfd` as in openat(2), AT_FDCWD too. */
const files = {
  /** `flags`: wasi-libc's and abi.ts's O_*; `mode` less the umask when it makes the file. */
  openat: { params: { dirfd: 'fd', path: 'string', flags: 'uint', mode: 'uint' }, result: 'fd' },
  dup: { params: { fd: 'fd' }, result: 'fd' },
  /** `flags` O_CLOEXEC or 0. => `to`; dup2 asks F_GETFD when both are one, dup3 says EINVAL: the library's work. */
  dup3: { params: { fd: 'fd', to: 'fd', flags: 'uint' }, result: 'fd' },
  /** `argument`: a number, or the address of a struct flock (GUEST_FLOCK_*) for F_GETLK, F_SETLK, F_SETLKW. */
  fcntl: { params: { fd: 'fd', command: 'int', argument: 'address' }, result: 'int' },
  flock: { params: { fd: 'fd', operation: 'int' }, result: 'zero' },
  fallocate: {
    params: { fd: 'fd', mode: 'int', offset: 'offset', length: 'offset' },
    result: 'zero',
  },
  truncate: { params: { path: 'string', length: 'offset' }, result: 'zero' },
  /** Two descriptors to `fds`: to read from, to write to. `flags`: O_CLOEXEC, O_NONBLOCK. */
  pipe: { params: { fds: 'address', flags: 'uint' }, result: 'zero' },
  mkfifoat: { params: { dirfd: 'fd', path: 'string', mode: 'uint' }, result: 'zero' },
  /** `buf`: STAT_BYTES bytes, laid out as abi.ts says (STAT_*). */
  fstat: { params: { fd: 'fd', buf: 'address' }, result: 'zero' },
  /** `flags`: AT_SYMLINK_NOFOLLOW. */
  fstatat: {
    params: { dirfd: 'fd', path: 'string', buf: 'address', flags: 'uint' },
    result: 'zero',
  },
  /** `buf`: GUEST_STATVFS_*. */
  fstatvfs: { params: { fd: 'fd', buf: 'address' }, result: 'zero' },
  statvfs: { params: { path: 'string', buf: 'address' }, result: 'zero' },
  /** `flags`: AT_EACCESS. */
  faccessat: {
    params: { dirfd: 'fd', path: 'string', mode: 'uint', flags: 'uint' },
    result: 'zero',
  },
  fchmod: { params: { fd: 'fd', mode: 'uint' }, result: 'zero' },
  fchmodat: { params: { dirfd: 'fd', path: 'string', mode: 'uint' }, result: 'zero' },
  /** An id of -1 stays as it is. */
  fchown: { params: { fd: 'fd', uid: 'uint', gid: 'uint' }, result: 'zero' },
  /** `flags`: AT_SYMLINK_NOFOLLOW. */
  fchownat: {
    params: { dirfd: 'fd', path: 'string', uid: 'uint', gid: 'uint', flags: 'uint' },
    result: 'zero',
  },
  /** `times`: two timespecs, nanoseconds may be UTIME_NOW or UTIME_OMIT; 0: now. */
  futimens: { params: { fd: 'fd', times: 'address' }, result: 'zero' },
  utimensat: {
    params: { dirfd: 'fd', path: 'string', times: 'address', flags: 'uint' },
    result: 'zero',
  },
  mkdirat: { params: { dirfd: 'fd', path: 'string', mode: 'uint' }, result: 'zero' },
  /** `flags`: GUEST_AT_REMOVEDIR. */
  unlinkat: { params: { dirfd: 'fd', path: 'string', flags: 'uint' }, result: 'zero' },
  renameat: {
    params: { from_dirfd: 'fd', from: 'string', to_dirfd: 'fd', to: 'string' },
    result: 'zero',
  },
  /** `flags`: AT_SYMLINK_FOLLOW. */
  linkat: {
    params: {
      from_dirfd: 'fd',
      from: 'string',
      to_dirfd: 'fd',
      to: 'string',
      flags: 'uint',
    },
    result: 'zero',
  },
  symlinkat: { params: { target: 'string', dirfd: 'fd', path: 'string' }, result: 'zero' },
  /** => bytes written, no 0 among them. */
  readlinkat: {
    params: { dirfd: 'fd', path: 'string', buf: 'address', size: 'size' },
    result: 'size',
  },
  chdir: { params: { path: 'string' }, result: 'zero' },
  fchdir: { params: { fd: 'fd' }, result: 'zero' },
  /** With its 0. => bytes written; ERANGE when `size` is too small. */
  getcwd: { params: { buf: 'address', size: 'size' }, result: 'size' },
  sync: { params: {}, result: 'zero' },
} as const

/** The groups, in the order of the header. */
export const IMPORT_GROUPS = {
  memory,
  'System V': sysv,
  'POSIX semaphores': semaphores,
  'POSIX message queues': queues,
  'locks in mapped pages': sync,
  processes,
  ids,
  files,
} as const satisfies Readonly<Record<string, Readonly<Record<string, ImportDef>>>>

export const IMPORTS = {
  ...memory,
  ...sysv,
  ...semaphores,
  ...queues,
  ...sync,
  ...processes,
  ...ids,
  ...files,
} as const satisfies Readonly<Record<string, ImportDef>>

export type ImportName = keyof typeof IMPORTS

/** The module that programs import them from. */
export const IMPORT_MODULE = 'isopage'

// ---- layouts that no kernel call has: byte offsets; wasi-libc's structs, little endian -----------------------------------
export const GUEST_LAYOUTS = {
  /** struct timespec: i64 seconds, i32 nanoseconds. */
  GUEST_TIMESPEC_SEC: 0,
  GUEST_TIMESPEC_NSEC: 8,
  GUEST_TIMESPEC_BYTES: 16,
  /** struct flock: i16 type and whence, i64 start and length, i32 pid. */
  GUEST_FLOCK_TYPE: 0,
  GUEST_FLOCK_WHENCE: 2,
  GUEST_FLOCK_START: 8,
  GUEST_FLOCK_LENGTH: 16,
  GUEST_FLOCK_PID: 24,
  GUEST_FLOCK_BYTES: 32,
  /** struct rlimit: u64 each. */
  GUEST_RLIMIT_CUR: 0,
  GUEST_RLIMIT_MAX: 8,
  GUEST_RLIMIT_BYTES: 16,
  /** struct statvfs: u32 bsize, frsize; u64 blocks, bfree, bavail, files, ffree, favail, fsid; u32 flag, namemax. */
  GUEST_STATVFS_BSIZE: 0,
  GUEST_STATVFS_FRSIZE: 4,
  GUEST_STATVFS_BLOCKS: 8,
  GUEST_STATVFS_BFREE: 16,
  GUEST_STATVFS_BAVAIL: 24,
  GUEST_STATVFS_FILES: 32,
  GUEST_STATVFS_FFREE: 40,
  GUEST_STATVFS_FAVAIL: 48,
  GUEST_STATVFS_FSID: 56,
  GUEST_STATVFS_FLAG: 64,
  GUEST_STATVFS_NAMEMAX: 68,
  GUEST_STATVFS_BYTES: 72,
  /** Flag of unlinkat: a directory. wasi-libc's AT_REMOVEDIR. */
  GUEST_AT_REMOVEDIR: 4,
  /** What mq_notify is asked for. */
  GUEST_NOTIFY_REMOVE: -1,
  GUEST_NOTIFY_SIGNAL: 0,
  GUEST_NOTIFY_NONE: 1,
} as const

/** => which parameters of an import reach JavaScript signed and are not, in their order. */
export function unsignedParams(name: ImportName): boolean[] {
  const kinds: ParamKind[] = Object.values(IMPORTS[name].params)
  return kinds.map((kind) => kind !== 'int' && kind !== 'fd' && kind !== 'offset')
}
