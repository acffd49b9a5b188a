/**
 * The words of error messages: what an errno means, and which rule of a call was broken, by argument.
 * Source: POSIX.1-2017 and Linux man pages, as far as the call is the kernel's to judge.
 */

const TEXTS: Readonly<Record<string, string>> = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EAGAIN: 'resource temporarily unavailable',
  EBADF: 'bad file descriptor',
  EBUSY: 'resource busy',
  ECANCELED: 'operation canceled',
  EDEADLK: 'resource deadlock avoided',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file already exists',
  EFAULT: 'bad address',
  EFBIG: 'file too large',
  EIDRM: 'identifier removed',
  EILSEQ: 'not valid UTF-8',
  EINTR: 'interrupted call',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links, or one where none may be',
  EMFILE: 'too many open files',
  EMLINK: 'too many links',
  ENAMETOOLONG: 'name too long',
  ENFILE: 'too many open files in the kernel',
  ENODEV: 'the file cannot be mapped',
  ENOENT: 'no such file or directory',
  ENOLCK: 'no locks available',
  ENOMEM: 'not enough memory',
  ENOSPC: 'no space left',
  ENOSYS: 'function not implemented',
  ENOTCAPABLE: 'outside the mount',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTRECOVERABLE: 'state not recoverable',
  ENOTSUP: 'operation not supported',
  ENXIO: 'no such device or address',
  EOVERFLOW: 'value too large',
  EOWNERDEAD: 'the previous owner died',
  EPERM: 'operation not permitted',
  ERANGE: 'result too large',
  EROFS: 'read-only file system',
  ESPIPE: 'invalid seek',
  ESRCH: 'no such process',
  ETIMEDOUT: 'timed out',
  EXDEV: 'cross-device link',
  SIGBUS: 'bus error',
  SIGSEGV: 'segmentation fault',
}

const UNALIGNED = 'address must be a multiple of the page size'
const HOLE = 'every page of the range must be mapped'
const BAD_FD = 'fd must be open'
const TOUCH: Readonly<Record<string, string>> = {
  SIGSEGV: 'the address must be mapped, with a prot that allows the access',
  SIGBUS: 'the page lies past the end of the file, or no frame was left for it',
}

const SEMOP: Readonly<Record<string, string>> = {
  EINVAL: 'operations must not be empty, and id that of a set',
  E2BIG: 'operations must be at most SEMOPM',
  EFBIG: 'num must be less than the number of semaphores in the set',
  EACCES: 'op 0 needs the right to read the set, others that to alter it',
  ERANGE: 'no semaphore may become more than 32767, and no sum for SEM.UNDO go beyond it',
}

/** What the arguments of a call must be, by the errno that says they are not. */
const RULES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  mmap: {
    EINVAL:
      'offset must be a multiple of the page size, length more than 0, flags must have MAP.SHARED or ' +
      'MAP.PRIVATE, and addr with MAP.FIXED must be a multiple of the page size',
    EBADF: 'fd must be open, and not with O.PATH, unless flags has MAP.ANONYMOUS',
    EACCES: 'fd must be open for reading, and for writing when a MAP.SHARED mapping has PROT.WRITE',
    ENOMEM:
      'length must fit the window, the memory limit, RLIMIT.AS and the number of mappings, and a fixed ' +
      'addr must lie in the window',
    EEXIST: 'addr with MAP.FIXED_NOREPLACE must be free',
    EOVERFLOW: 'offset + length must be at most 2^53-1',
    EOPNOTSUPP: 'MAP.SHARED_VALIDATE allows known flags only',
    EAGAIN: 'a locked mapping must fit RLIMIT.MEMLOCK',
    EPERM: 'MAP.LOCKED needs an RLIMIT.MEMLOCK that is not 0',
  },
  munmap: { EINVAL: `${UNALIGNED} in the window, length more than 0` },
  mprotect: {
    EINVAL: `${UNALIGNED}, prot made of PROT.*`,
    EACCES: 'PROT.WRITE on a shared mapping needs an fd that was open for writing',
    ENOMEM: HOLE,
  },
  mremap: {
    EINVAL:
      `${UNALIGNED}, the new length more than 0, flags made of MREMAP.*, MREMAP.FIXED only with ` +
      'MREMAP.MAYMOVE, and the new range apart from the old one',
    EFAULT: 'the old range must lie in one mapping',
    EAGAIN: 'a locked mapping must fit RLIMIT.MEMLOCK',
    ENOMEM: 'the mapping cannot grow in place (MREMAP.MAYMOVE lets it move), or memory is out',
  },
  msync: {
    EINVAL: `${UNALIGNED}, flags one of MS.SYNC and MS.ASYNC, with or without MS.INVALIDATE`,
    ENOMEM: HOLE,
    EBUSY: 'MS.INVALIDATE takes no locked pages and none under `bytes`',
  },
  madvise: { EINVAL: `${UNALIGNED}, advice one of MADV.* that the mapping allows`, ENOMEM: HOLE },
  mincore: { EINVAL: UNALIGNED, ENOMEM: HOLE },
  mlock: { ENOMEM: `${HOLE}, and RLIMIT.MEMLOCK must allow it` },
  munlock: { ENOMEM: HOLE },
  mlockall: { EINVAL: 'flags must have MCL.CURRENT or MCL.FUTURE' },
  bytes: {
    EACCES: 'the mapping must have PROT.READ and PROT.WRITE',
    ENOMEM:
      'no contiguous frames for the whole length: `segments()` gives the pieces, `read` and `write` ' +
      'always work',
    ...TOUCH,
  },
  vmRead: TOUCH,
  vmWrite: TOUCH,
  futexWait: {
    EAGAIN: 'the word has not the expected value',
    EINVAL: 'address must be a multiple of 4',
  },
  open: {
    EINVAL: 'flags must be made of O.*, with one access mode that O.TRUNC can use',
    EISDIR: 'a directory opens with O.RDONLY only',
  },
  read: { EBADF: `${BAD_FD} for reading` },
  pread: { EBADF: `${BAD_FD} for reading` },
  write: { EBADF: `${BAD_FD} for writing` },
  pwrite: { EBADF: `${BAD_FD} for writing` },
  lseek: { EINVAL: 'whence must be one of SEEK.*, and the new offset not negative' },
  ftruncate: { EINVAL: 'fd must be a file open for writing', EBADF: BAD_FD },
  flock: { EINVAL: 'operation must be one of LOCK.SH, LOCK.EX, LOCK.UN, with or without LOCK.NB' },
  semget: {
    EINVAL: 'count must be 1 to SEMMSL, and at most what the set of that key has',
    ENOENT: 'key must be that of a set, unless flags has IPC.CREAT',
    EEXIST: 'key must be that of no set when flags has IPC.CREAT | IPC.EXCL',
    ENOSPC: 'the limits SEMMNI on sets and SEMMNS on semaphores are reached',
  },
  semop: SEMOP,
  semtimedop: SEMOP,
  semctl: {
    EINVAL:
      'id and num must be of a semaphore, command one of IPC.* and SEM.*, SEM.SETALL has a value for each',
    EPERM: 'only its creator, its owner and root change or remove a set',
    ERANGE: 'values must be 0 to 32767',
  },
  setrlimit: { EINVAL: 'resource must be one of RLIMIT.*, the limit at least 0 or Infinity' },
}

/** What an errno means, in a few words. */
export function textOf(code: string): string {
  return TEXTS[code] ?? 'failed'
}

/** The rule that `syscall` refuses with `code`; undefined when the errno says it all. */
export function ruleOf(syscall: string, code: string): string | undefined {
  return RULES[syscall]?.[code] ?? (code === 'EBADF' ? BAD_FD : undefined)
}
