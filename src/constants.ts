/**
 * The constants of the calls, grouped as a caller writes them: `O.CREAT | O.RDWR`, `PROT.READ`.
 * Their numbers stand once, in assembly/abi.ts and ipcabi.ts: wasi-libc's, which for PROT, MAP and MS are Linux's too.
 */
import * as abi from '../assembly/abi.js'
import * as ipc from '../assembly/ipcabi.js'

type Abi = typeof abi
type Group<Prefix extends string> = {
  readonly [Name in keyof Abi as Name extends `${Prefix}${infer Rest}` ? Rest : never]: number
}

/** What abi.ts has for the kernel alone, or for what is a size and no flag. */
const INTERNAL = new Set(['MAP_TYPE', 'MAP_INERT', 'S_IFMT'])

function group<Prefix extends string>(prefix: Prefix): Group<Prefix> {
  const entries = Object.entries(abi)
    .filter(([name]) => name.startsWith(prefix) && !INTERNAL.has(name))
    .map(([name, number]) => [name.slice(prefix.length), number])
  return Object.freeze(Object.fromEntries(entries)) as Group<Prefix>
}

/** Flags of open(2). */
export const O = /* @__PURE__ */ group('O_')
/** Protections of mmap(2) and mprotect(2). */
export const PROT = /* @__PURE__ */ group('PROT_')
/** Flags of mmap(2). */
export const MAP = /* @__PURE__ */ group('MAP_')
/** Flags of msync(2). */
export const MS = /* @__PURE__ */ group('MS_')
/** Advice of madvise(2). */
export const MADV = /* @__PURE__ */ group('MADV_')
/** Advice of posix_madvise(3). */
export const POSIX_MADV = /* @__PURE__ */ group('POSIX_MADV_')
/** Flags of mlockall(2). */
export const MCL = /* @__PURE__ */ group('MCL_')
/** Flags of mremap(2). */
export const MREMAP = /* @__PURE__ */ group('MREMAP_')
/** Operations of flock(2). */
export const LOCK = /* @__PURE__ */ group('LOCK_')
/** Commands of fcntl(2), and the kinds of its locks (`F.RDLCK`). */
export const F = /* @__PURE__ */ group('F_')
/** Flags of a descriptor: `FD.CLOEXEC`. */
export const FD = /* @__PURE__ */ group('FD_')
/** Events of poll(2). */
export const POLL = /* @__PURE__ */ Object.freeze({
  IN: abi.POLLIN,
  OUT: abi.POLLOUT,
  ERR: abi.POLLERR,
  HUP: abi.POLLHUP,
  NVAL: abi.POLLNVAL,
})
/** Where lseek(2) counts from. */
export const SEEK = /* @__PURE__ */ group('SEEK_')
/** File types in `mode`: `(mode & S.IFMT) === S.IFDIR`. */
export const S = /* @__PURE__ */ Object.freeze({ ...group('S_'), IFMT: abi.S_IFMT })
/** Modes of fallocate(2). */
export const FALLOC_FL = /* @__PURE__ */ group('FALLOC_FL_')
/** Resources of getrlimit(2) and setrlimit(2). */
export const RLIMIT = /* @__PURE__ */ group('RLIMIT_')
/** State of a page in `pages()`: PRESENT, DIRTY, PRIVATE, ZERO (the shared page of zeros), VIEWED (under `bytes`), WRITABLE. */
export const PAGE = /* @__PURE__ */ group('STAT_PAGE_')
/** A command of msgctl(2) and its like, by what it gives. */
export type Command<Result extends string> = number & { readonly [given]: Result }
declare const given: unique symbol

/** Keys, flags and commands of System V: msgget(2), msgctl(2) and their like. */
export const IPC = /* @__PURE__ */ Object.freeze({
  PRIVATE: ipc.IPC_PRIVATE,
  CREAT: ipc.IPC_CREAT,
  EXCL: ipc.IPC_EXCL,
  NOWAIT: ipc.IPC_NOWAIT,
  RMID: ipc.IPC_RMID as Command<'removed'>,
  SET: ipc.IPC_SET as Command<'set'>,
  STAT: ipc.IPC_STAT as Command<'status'>,
  INFO: ipc.IPC_INFO as Command<'limits'>,
})
/** Flags of msgrcv(2), and commands of msgctl(2) besides those of IPC. */
export const MSG = /* @__PURE__ */ Object.freeze({
  NOERROR: ipc.MSG_NOERROR,
  EXCEPT: ipc.MSG_EXCEPT,
  COPY: ipc.MSG_COPY,
  STAT: ipc.MSG_STAT as Command<'slot'>,
  INFO: ipc.MSG_INFO as Command<'usage'>,
  STAT_ANY: ipc.MSG_STAT_ANY as Command<'slot'>,
})
/**
 * Flags of shmget(2) (NORESERVE) and shmat(2) (RDONLY, RND, REMAP, EXEC), commands of shmctl(2) besides those of IPC, and bits of a segment's mode (DEST: removed, its last detach
 * ends it; LOCKED).
 */
export const SHM = /* @__PURE__ */ Object.freeze({
  NORESERVE: ipc.SHM_NORESERVE,
  RDONLY: ipc.SHM_RDONLY,
  RND: ipc.SHM_RND,
  REMAP: ipc.SHM_REMAP,
  EXEC: ipc.SHM_EXEC,
  LOCK: ipc.SHM_LOCK as Command<'locked'>,
  UNLOCK: ipc.SHM_UNLOCK as Command<'locked'>,
  STAT: ipc.SHM_STAT as Command<'slot'>,
  INFO: ipc.SHM_INFO as Command<'usage'>,
  STAT_ANY: ipc.SHM_STAT_ANY as Command<'slot'>,
  DEST: ipc.SHM_DEST,
  LOCKED: ipc.SHM_LOCKED,
})
/** Flags of semop(2), and commands of semctl(2) besides those of IPC. */
export const SEM = /* @__PURE__ */ Object.freeze({
  UNDO: ipc.SEM_UNDO,
  GETPID: ipc.SEM_GETPID as Command<'value'>,
  GETVAL: ipc.SEM_GETVAL as Command<'value'>,
  GETALL: ipc.SEM_GETALL as Command<'values'>,
  GETNCNT: ipc.SEM_GETNCNT as Command<'value'>,
  GETZCNT: ipc.SEM_GETZCNT as Command<'value'>,
  SETVAL: ipc.SEM_SETVAL as Command<'set value'>,
  SETALL: ipc.SEM_SETALL as Command<'set values'>,
  STAT: ipc.SEM_STAT as Command<'slot'>,
  INFO: ipc.SEM_INFO as Command<'usage'>,
  STAT_ANY: ipc.SEM_STAT_ANY as Command<'slot'>,
})
