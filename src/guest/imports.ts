/**
 * The answers to the imports of module `isopage`: what C programs ask of the kernel beyond WASI. imports-def.ts states each one's parameters; here is what
 * it does. An errno goes back negative; a bad address is EFAULT.
 */
import * as abi from '../../assembly/abi.js'
import { kernelStats } from '../stats.js'
import type { Descriptors } from './descriptors.js'
import { GUEST_LAYOUTS as at, IMPORTS, type ImportName, unsignedParams } from './imports-def.js'
import { giveData, giveResult, notNull, putString, twoTimes } from './imports-io.js'
import { posixIpc, semaphores, sync, systemV } from './imports-ipc.js'
import { Errno } from './memory.js'
import { STREAMS_UID } from './streams.js'
import { type GuestThread, IGNORED, SIGNAL_MAX } from './thread.js'
import { offsetOf } from './wasi-fd.js'

/** RLIMIT_CPU, FSIZE, DATA, STACK, CORE: may be set, to no effect. */
const UNLIMITED: ReadonlySet<number> = new Set([0, 1, 2, 3, 4])
const STATUS_SIGNAL = 128
const READ_WRITE = abi.PROT_READ | abi.PROT_WRITE
const ALL_ONES = 0xffff_ffff_ffff_ffffn

/** => an offset for mmap. One that no number holds exactly is past the largest with any length, as is the one given for it: the kernel says so in its turn. */
function offsetFor(offset: bigint, pageSize: number): number {
  const last = 2 ** 53 - pageSize
  return Number(offset) < last ? Number(offset) : last + Number(offset & BigInt(pageSize - 1))
}

/** Advice that changes nothing where pages are always there. */
const IDLE_ADVICE: ReadonlySet<number> = new Set([
  abi.MADV_NORMAL,
  abi.MADV_RANDOM,
  abi.MADV_SEQUENTIAL,
  abi.MADV_WILLNEED,
])

function memoryCalls(thread: GuestThread) {
  const { instance, memory, pid } = thread
  /** What the kernel has to do with a range: none of the program's own memory, which is there, and for reading and writing. The kernel checks the rest of the call. */
  const kernels = (addr: number, length: number) => (memory.owns(addr, length) ? 0 : length)
  /** RLIMIT_MEMLOCK, of which the program's own memory takes nothing, bounds each lock of it. ENOMEM, EPERM, as the kernel has them. */
  function lockOwn(addr: number, length: number): number {
    const limit = thread.done(thread.calls.get_limit(pid, abi.RLIMIT_MEMLOCK))
    const isFree = limit >= abi.RLIM_INFINITY
    if (isFree || thread.done(thread.calls.process_get(pid, abi.PROCESS_EUID)) === 0) return 0
    if (limit === 0) throw new Errno(abi.EPERM)
    const { pageSize } = instance
    const pages = Math.ceil((addr + length) / pageSize) - Math.floor(addr / pageSize)
    if (pages * pageSize > limit) throw new Errno(abi.ENOMEM)
    return 0
  }
  return {
    getpagesize: () => instance.pageSize,
    mmap: (
      addr: number,
      length: number,
      prot: number,
      flags: number,
      fd: number,
      offset: bigint,
    ): number => {
      if (offset < 0n) throw new Errno(abi.EINVAL)
      const from = offsetFor(offset, instance.pageSize)
      return thread.address(thread.calls.mmap(pid, addr, length, prot, flags, fd, from))
    },
    munmap: (addr: number, length: number) => thread.done(thread.calls.munmap(pid, addr, length)),
    mprotect(addr: number, length: number, prot: number): number {
      const isBoth = (prot & READ_WRITE) === READ_WRITE
      const bytes = isBoth ? kernels(addr, length) : length
      return thread.done(thread.calls.mprotect(pid, addr, bytes, prot))
    },
    msync: (addr: number, length: number, flags: number) =>
      thread.done(thread.calls.msync(pid, addr, kernels(addr, length), flags)),
    mremap: (from: number, length: number, newLength: number, flags: number, to: number) =>
      thread.address(thread.calls.mremap(pid, from, length, newLength, flags, to)),
    madvise(addr: number, length: number, advice: number): number {
      const bytes = IDLE_ADVICE.has(advice) ? kernels(addr, length) : length
      return thread.done(thread.calls.madvise(pid, addr, bytes, advice))
    },
    /** The library gives the number back as the result, not in errno. */
    posix_madvise: (addr: number, length: number, advice: number) =>
      thread.done(thread.calls.posix_madvise(pid, addr, kernels(addr, length), advice)),
    mincore(addr: number, length: number, vec: number): number {
      if (memory.owns(addr, length)) {
        thread.done(thread.calls.mincore(pid, addr, 0))
        memory.write(vec, new Uint8Array(Math.ceil(length / instance.pageSize)).fill(1))
        return 0
      }
      const step = abi.BUFFER_DATA_BYTES * instance.pageSize
      for (let done = 0; done === 0 || done < length; done += step) {
        const part = Math.min(step, length - done)
        const pages = thread.done(thread.calls.mincore(pid, addr + done, part))
        giveData(thread, vec + done / instance.pageSize, pages)
      }
      return 0
    },
    mlock: (addr: number, length: number) =>
      memory.owns(addr, length)
        ? lockOwn(addr, length)
        : thread.done(thread.calls.mlock(pid, addr, length)),
    munlock: (addr: number, length: number) =>
      memory.owns(addr, length) ? 0 : thread.done(thread.calls.munlock(pid, addr, length)),
    mlockall: (flags: number) => thread.done(thread.calls.mlockall(pid, flags)),
    munlockall: () => thread.done(thread.calls.munlockall(pid)),
    shm_open: (name: number, flags: number, mode: number) =>
      thread.done(thread.calls.shm_open(pid, ...putString(thread, name), flags, mode)),
    shm_unlink: (name: number) =>
      thread.done(thread.calls.shm_unlink(pid, ...putString(thread, name))),
  }
}

function processCalls(thread: GuestThread) {
  const { memory, pid } = thread
  const fact = (what: number) => thread.done(thread.calls.process_get(pid, what))

  /** ESRCH, EPERM: POSIX kill's rule on who may send. */
  function mayKill(target: number): void {
    const theirs = thread.calls.process_get(target, abi.PROCESS_UID)
    if (theirs < 0 || theirs === STREAMS_UID) throw new Errno(abi.ESRCH)
    const euid = fact(abi.PROCESS_EUID)
    if (euid !== 0 && euid !== theirs && fact(abi.PROCESS_UID) !== theirs) {
      throw new Errno(abi.EPERM)
    }
  }

  function setIds(id: number, ...which: number[]): number {
    for (const what of which) thread.done(thread.calls.process_set(pid, what, id))
    return 0
  }

  return {
    getpid: () => pid,
    getppid: () => fact(abi.PROCESS_PARENT),
    kill(target: number, signal: number): number {
      if (signal < 0 || signal > SIGNAL_MAX) throw new Errno(abi.EINVAL)
      if (target <= 0 && target !== -pid && target !== 0) throw new Errno(abi.ESRCH)
      const whom = target <= 0 ? pid : target
      mayKill(whom)
      if (signal === 0 || IGNORED.has(signal)) return 0
      if (whom === pid) return thread.end({ signal })
      return thread.done(thread.calls.process_exit(whom, STATUS_SIGNAL + signal))
    },
    pause: () => thread.done(thread.calls.poll(pid, 0, -1, 0), 'pause'),
    getrlimit(resource: number, limit: number): number {
      const put = (to: number, value: number) =>
        memory.setU64(to, value >= abi.RLIM_INFINITY ? ALL_ONES : BigInt(value))
      const isFree = UNLIMITED.has(resource)
      const { get_limit, get_hard_limit } = thread.calls
      const soft = isFree ? abi.RLIM_INFINITY : thread.done(get_limit(pid, resource))
      const hard = isFree ? abi.RLIM_INFINITY : thread.done(get_hard_limit(pid, resource))
      put(notNull(limit) + at.GUEST_RLIMIT_CUR, soft)
      put(limit + at.GUEST_RLIMIT_MAX, hard)
      return 0
    },
    setrlimit(resource: number, limit: number): number {
      const soft = memory.u64(notNull(limit) + at.GUEST_RLIMIT_CUR)
      const hard = memory.u64(limit + at.GUEST_RLIMIT_MAX)
      if (soft > hard) throw new Errno(abi.EINVAL)
      if (UNLIMITED.has(resource)) return 0
      const { set_limits } = thread.calls
      return thread.done(set_limits(pid, resource, Number(soft), Number(hard)))
    },
    getuid: () => fact(abi.PROCESS_UID),
    geteuid: () => fact(abi.PROCESS_EUID),
    getgid: () => fact(abi.PROCESS_GID),
    getegid: () => fact(abi.PROCESS_EGID),
    setuid: (uid: number) => setIds(uid, abi.PROCESS_UID, abi.PROCESS_EUID),
    seteuid: (uid: number) => setIds(uid, abi.PROCESS_EUID),
    setgid: (gid: number) => setIds(gid, abi.PROCESS_GID, abi.PROCESS_EGID),
    setegid: (gid: number) => setIds(gid, abi.PROCESS_EGID),
    getgroups(count: number, list: number): number {
      const groups = thread.done(thread.calls.get_groups(pid))
      if (count === 0) return groups
      if (count < groups) throw new Errno(abi.EINVAL)
      giveResult(thread, list, 4 * groups)
      return groups
    },
    setgroups(count: number, list: number): number {
      if (count > abi.GROUPS_MAX) throw new Errno(abi.EINVAL)
      thread.instance.bytes.set(memory.read(list, 4 * count), thread.instance.dataAt)
      return thread.done(thread.calls.set_groups(pid, count))
    },
    umask: (mask: number) => thread.done(thread.calls.umask(pid, mask)),
  }
}

/** The kernel's own memory: what its files may take of it. */
function putStatvfs(thread: GuestThread, buf: number): number {
  const { instance, memory } = thread
  thread.done(thread.calls.stat_kernel())
  const { frames, framesFree } = kernelStats(instance)
  const out = new DataView(new ArrayBuffer(at.GUEST_STATVFS_BYTES))
  const long = (to: number, value: number) => out.setBigUint64(to, BigInt(value), true)
  out.setUint32(at.GUEST_STATVFS_BSIZE, instance.pageSize, true)
  out.setUint32(at.GUEST_STATVFS_FRSIZE, instance.pageSize, true)
  long(at.GUEST_STATVFS_BLOCKS, frames)
  long(at.GUEST_STATVFS_BFREE, framesFree)
  long(at.GUEST_STATVFS_BAVAIL, framesFree)
  out.setUint32(at.GUEST_STATVFS_NAMEMAX, abi.NAME_MAX, true)
  memory.write(buf, new Uint8Array(out.buffer))
  return 0
}

function descriptorCalls(thread: GuestThread, table: Descriptors) {
  const { instance, memory, pid } = thread

  /** F_GETLK, F_SETLK, F_SETLKW. */
  function lock(fd: number, command: number, flock: number): number {
    const type = memory.u16(notNull(flock) + at.GUEST_FLOCK_TYPE)
    const whence = memory.u16(flock + at.GUEST_FLOCK_WHENCE)
    const start = Number(BigInt.asIntN(64, memory.u64(flock + at.GUEST_FLOCK_START)))
    const length = Number(BigInt.asIntN(64, memory.u64(flock + at.GUEST_FLOCK_LENGTH)))
    thread.done(thread.calls.lock_range(pid, fd, command, type, whence, start, length), 'fcntl')
    if (command !== abi.F_GETLK) return 0
    const { view, resultAt } = instance
    const found = view.getUint32(resultAt + abi.FLOCK_TYPE, true)
    memory.setU16(flock + at.GUEST_FLOCK_TYPE, found)
    if (found === abi.F_UNLCK) return 0
    memory.setU16(flock + at.GUEST_FLOCK_WHENCE, abi.SEEK_SET)
    memory.setU64(flock + at.GUEST_FLOCK_START, view.getBigUint64(resultAt + abi.FLOCK_START, true))
    memory.setU64(
      flock + at.GUEST_FLOCK_LENGTH,
      view.getBigUint64(resultAt + abi.FLOCK_LENGTH, true),
    )
    memory.setU32(flock + at.GUEST_FLOCK_PID, view.getUint32(resultAt + abi.FLOCK_PID, true))
    return 0
  }

  return {
    dup: (fd: number) => thread.done(thread.calls.dup(pid, fd)),
    dup3(fd: number, to: number, flags: number): number {
      const result = thread.done(thread.calls.dup2(pid, fd, to, flags))
      if (fd !== to) table.forget(to)
      return result
    },
    fcntl(fd: number, command: number, argument: number): number {
      if (command === abi.F_GETLK || command === abi.F_SETLK || command === abi.F_SETLKW) {
        return lock(fd, command, argument)
      }
      return thread.done(thread.calls.fcntl(pid, fd, command, argument))
    },
    flock: (fd: number, operation: number) =>
      thread.done(thread.calls.flock(pid, fd, operation), 'flock'),
    fallocate: (fd: number, mode: number, offset: bigint, length: bigint) =>
      thread.done(thread.calls.fallocate(pid, fd, mode, offsetOf(offset), offsetOf(length))),
    pipe(fds: number, flags: number): number {
      memory.check(notNull(fds), 8, true)
      thread.done(thread.calls.pipe(pid, flags))
      giveResult(thread, fds, 8)
      return 0
    },
    fstat(fd: number, buf: number): number {
      thread.done(thread.calls.fstat(pid, fd))
      giveResult(thread, buf, abi.STAT_BYTES)
      return 0
    },
    fstatvfs(fd: number, buf: number): number {
      thread.done(thread.calls.fstat(pid, fd))
      return putStatvfs(thread, buf)
    },
    statvfs(path: number, buf: number): number {
      thread.done(thread.calls.fstatat(pid, abi.AT_FDCWD, ...putString(thread, path), 0))
      return putStatvfs(thread, buf)
    },
    fchmod: (fd: number, mode: number) => thread.done(thread.calls.fchmod(pid, fd, mode)),
    fchown: (fd: number, uid: number, gid: number) =>
      thread.done(thread.calls.fchown(pid, fd, uid, gid)),
    futimens: (fd: number, times: number) =>
      thread.done(thread.calls.futimes(pid, fd, ...twoTimes(thread, times))),
    fchdir: (fd: number) => thread.done(thread.calls.fchdir(pid, fd)),
    sync: () => thread.done(thread.calls.sync_all()),
  }
}

function pathCalls(thread: GuestThread) {
  const { instance, memory, pid } = thread
  const put = (path: number, second = false) => putString(thread, path, second)
  const done = (result: number) => thread.done(result, 'path')
  return {
    openat: (dirfd: number, path: number, flags: number, mode: number) =>
      done(thread.calls.openat(pid, dirfd, ...put(path), flags, mode)),
    truncate: (path: number, length: bigint) =>
      done(thread.calls.truncate(pid, ...put(path), offsetOf(length))),
    mkfifoat: (dirfd: number, path: number, mode: number) =>
      done(thread.calls.mkfifoat(pid, dirfd, ...put(path), mode)),
    fstatat(dirfd: number, path: number, buf: number, flags: number): number {
      done(thread.calls.fstatat(pid, dirfd, ...put(path), flags))
      giveResult(thread, buf, abi.STAT_BYTES)
      return 0
    },
    faccessat: (dirfd: number, path: number, mode: number, flags: number) =>
      done(thread.calls.faccessat(pid, dirfd, ...put(path), mode, flags)),
    fchmodat: (dirfd: number, path: number, mode: number) =>
      done(thread.calls.fchmodat(pid, dirfd, ...put(path), mode, 0)),
    fchownat: (dirfd: number, path: number, uid: number, gid: number, flags: number) =>
      done(thread.calls.fchownat(pid, dirfd, ...put(path), uid, gid, flags)),
    utimensat(dirfd: number, path: number, times: number, flags: number): number {
      const set = twoTimes(thread, times)
      return done(thread.calls.utimensat(pid, dirfd, ...put(path), ...set, flags))
    },
    mkdirat: (dirfd: number, path: number, mode: number) =>
      done(thread.calls.mkdirat(pid, dirfd, ...put(path), mode)),
    unlinkat(dirfd: number, path: number, flags: number): number {
      if ((flags & ~at.GUEST_AT_REMOVEDIR) !== 0) throw new Errno(abi.EINVAL)
      const { rmdirat, unlinkat } = thread.calls
      return done((flags === 0 ? unlinkat : rmdirat)(pid, dirfd, ...put(path)))
    },
    renameat: (dirfd: number, path: number, newDirfd: number, dest: number) =>
      done(thread.calls.renameat(pid, dirfd, ...put(path), newDirfd, ...put(dest, true))),
    linkat: (dirfd: number, path: number, newDirfd: number, dest: number, flags: number) =>
      done(thread.calls.linkat(pid, dirfd, ...put(path), newDirfd, ...put(dest, true), flags)),
    symlinkat: (target: number, dirfd: number, path: number) =>
      done(thread.calls.symlinkat(pid, ...put(target), dirfd, ...put(path, true))),
    readlinkat(dirfd: number, path: number, buf: number, size: number): number {
      const length = done(thread.calls.readlinkat(pid, dirfd, ...put(path)))
      const bytes = Math.min(length, size)
      giveResult(thread, buf, bytes)
      return bytes
    },
    chdir: (path: number) => done(thread.calls.chdirat(pid, abi.AT_FDCWD, ...put(path))),
    getcwd(buf: number, size: number): number {
      const length = done(thread.calls.getcwd(pid))
      if (length + 1 > size) throw new Errno(size === 0 ? abi.EINVAL : abi.ERANGE)
      const path = new Uint8Array(length + 1)
      path.set(instance.bytes.subarray(instance.resultAt, instance.resultAt + length))
      memory.write(buf, path)
      return length + 1
    },
  }
}

/** => the functions of module `isopage` for a guest's thread. */
export function isopageImports(
  thread: GuestThread,
  table: Descriptors,
): Readonly<Record<ImportName, (...args: never[]) => number>> {
  const calls = {
    ...memoryCalls(thread),
    ...systemV(thread),
    ...semaphores(thread),
    ...posixIpc(thread),
    ...sync(thread),
    ...processCalls(thread),
    ...descriptorCalls(thread, table),
    ...pathCalls(thread),
  } satisfies Record<ImportName, unknown>
  const names = Object.keys(IMPORTS) as ImportName[]
  return Object.fromEntries(
    names.map((name) => [name, imported(thread, name, calls[name] as Imported)]),
  ) as unknown as Readonly<Record<ImportName, (...args: never[]) => number>>
}

type Imported = (...args: readonly (number | bigint)[]) => number

/** Gives each argument the sign that C gave it. */
function imported(thread: GuestThread, name: ImportName, call: Imported): Imported {
  const unsigned = unsignedParams(name)
  const signed = (...args: readonly (number | bigint)[]) =>
    call(...args.map((arg, index) => (unsigned[index] ? (arg as number) >>> 0 : arg)))
  return thread.answer(signed, -1)
}
