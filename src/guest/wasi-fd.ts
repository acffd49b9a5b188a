/** WASI preview 1: the fd_* calls, answered by the kernel. Bytes go between its buffer and the guest's memory without a copy in between. */
import * as abi from '../../assembly/abi.js'
import type { Descriptors } from './descriptors.js'
import { Errno } from './memory.js'
import type { GuestThread } from './thread.js'
import {
  DIRECTORY_RIGHTS,
  FDFLAGS,
  FDSTAT_BYTES,
  FILE_RIGHTS,
  FILESTAT_BYTES,
  FILETYPE,
  type RightName,
} from './wasi-abi.js'

/** Most vectors of one call. */
const IOV_MAX = 1024
const IOVEC_BYTES = 8
/** Most bytes of one call: what a signed size counts. */
const SIZE_MAX = 0x7fff_ffff
const ADVICE_MAX = 5
const SIGPIPE = 13

interface Vector {
  readonly at: number
  readonly bytes: number
}

/** => the file type that preview 1 has for a mode; a pipe has none. */
export function filetypeOf(mode: number): number {
  const type = mode & abi.S_IFMT
  if (type === abi.S_IFDIR) return FILETYPE.directory
  if (type === abi.S_IFREG) return FILETYPE.regular
  return type === abi.S_IFLNK ? FILETYPE.symlink : FILETYPE.unknown
}

export function toNs(ms: number): bigint {
  const whole = Math.floor(ms)
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6))
}

/** => ms since 1970 of a time that a guest gave, signed. */
export function toMs(ns: bigint): number {
  return Number(ns / 1_000_000n) + Number(ns % 1_000_000n) / 1e6
}

/** => an i64 that reached JavaScript signed, as an offset; EINVAL past what the kernel counts with. */
export function offsetOf(value: bigint): number {
  const offset = BigInt.asUintN(64, value)
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new Errno(abi.EINVAL)
  return Number(offset)
}

/** Writes the stat at the kernel's BUFFER_RESULT as a filestat. */
export function putFilestat({ instance, memory }: GuestThread, at: number, terminal = false): void {
  const { view, resultAt } = instance
  const out = new DataView(new ArrayBuffer(FILESTAT_BYTES))
  const long = (to: number, field: number) =>
    out.setBigUint64(to, view.getBigUint64(resultAt + field, true), true)
  const time = (to: number, field: number) =>
    out.setBigUint64(to, toNs(view.getFloat64(resultAt + field, true)), true)
  long(0, abi.STAT_DEV)
  long(8, abi.STAT_INO)
  const type = filetypeOf(view.getUint32(resultAt + abi.STAT_MODE, true))
  out.setUint8(16, terminal ? FILETYPE.character : type)
  out.setBigUint64(24, BigInt(view.getUint32(resultAt + abi.STAT_NLINK, true)), true)
  long(32, abi.STAT_SIZE)
  time(40, abi.STAT_ATIME)
  time(48, abi.STAT_MTIME)
  time(56, abi.STAT_CTIME)
  memory.write(at, new Uint8Array(out.buffer))
}

/** => the fd_* functions. `terminal`: descriptors that say they are one. */
export class FdCalls {
  readonly #thread: GuestThread
  readonly #table: Descriptors
  readonly #terminals: ReadonlySet<number>

  constructor(thread: GuestThread, table: Descriptors, terminals: ReadonlySet<number>) {
    this.#thread = thread
    this.#table = table
    this.#terminals = terminals
  }

  fd_read(fd: number, at: number, count: number, result: number): number {
    this.#need(fd, 'FD_READ')
    const { calls } = this.#thread
    const read = (bytes: number, done: number) => calls.read(this.#thread.pid, fd, bytes, done)
    return this.#put(result, this.#readv(at >>> 0, count >>> 0, read))
  }

  fd_pread(fd: number, at: number, count: number, offset: bigint, result: number): number {
    this.#need(fd, 'FD_READ', 'FD_SEEK')
    const from = offsetOf(offset)
    const { calls } = this.#thread
    const read = (bytes: number, done: number) =>
      calls.pread(this.#thread.pid, fd, bytes, from + done)
    return this.#put(result, this.#readv(at >>> 0, count >>> 0, read))
  }

  fd_write(fd: number, at: number, count: number, result: number): number {
    this.#need(fd, 'FD_WRITE')
    const { calls } = this.#thread
    const write = (bytes: number) => this.#heard(calls.write(this.#thread.pid, fd, bytes))
    return this.#put(result, this.#writev(at >>> 0, count >>> 0, write))
  }

  fd_pwrite(fd: number, at: number, count: number, offset: bigint, result: number): number {
    this.#need(fd, 'FD_WRITE', 'FD_SEEK')
    const to = offsetOf(offset)
    const { calls } = this.#thread
    const write = (bytes: number, done: number) =>
      calls.pwrite(this.#thread.pid, fd, bytes, to + done)
    return this.#put(result, this.#writev(at >>> 0, count >>> 0, write))
  }

  fd_seek(fd: number, offset: bigint, whence: number, result: number): number {
    if ((this.#modeOf(fd) & abi.S_IFMT) === abi.S_IFDIR) throw new Errno(abi.EBADF)
    this.#need(
      fd,
      ...(offset === 0n && whence === abi.SEEK_CUR
        ? (['FD_TELL'] as const)
        : (['FD_SEEK'] as const)),
    )
    // Preview 1 ends with SEEK_END; lseek(2) of C programs comes by the same call.
    if (whence > abi.SEEK_HOLE) throw new Errno(abi.EINVAL)
    const size = offset < 0n ? -offset : offset
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Errno(abi.EINVAL)
    const moved = this.#thread.done(
      this.#thread.calls.lseek(this.#thread.pid, fd, Number(offset), whence),
    )
    this.#thread.memory.setU64(result, BigInt(moved))
    return 0
  }

  fd_tell(fd: number, result: number): number {
    if ((this.#modeOf(fd) & abi.S_IFMT) === abi.S_IFDIR) throw new Errno(abi.EBADF)
    this.#need(fd, 'FD_TELL')
    this.#thread.memory.setU64(
      result,
      BigInt(this.#thread.done(this.#thread.calls.lseek(this.#thread.pid, fd, 0, abi.SEEK_CUR))),
    )
    return 0
  }

  fd_close(fd: number): number {
    this.#thread.done(this.#thread.calls.fcntl(this.#thread.pid, fd, abi.F_GETFD, 0))
    this.#table.forget(fd)
    return this.#thread.done(this.#thread.calls.close(this.#thread.pid, fd))
  }

  fd_sync(fd: number): number {
    this.#need(fd, 'FD_SYNC')
    return this.#thread.done(this.#thread.calls.fsync(this.#thread.pid, fd))
  }

  fd_datasync(fd: number): number {
    this.#need(fd, 'FD_DATASYNC')
    return this.#thread.done(this.#thread.calls.fdatasync(this.#thread.pid, fd))
  }

  fd_advise(fd: number, offset: bigint, length: bigint, advice: number): number {
    this.#need(fd, 'FD_ADVISE')
    const type = this.#modeOf(fd) & abi.S_IFMT
    if (type === abi.S_IFIFO) throw new Errno(abi.ESPIPE)
    if (type === abi.S_IFDIR) throw new Errno(abi.EBADF)
    offsetOf(offset)
    offsetOf(length)
    return advice >>> 0 > ADVICE_MAX ? abi.EINVAL : 0
  }

  fd_allocate(fd: number, offset: bigint, length: bigint): number {
    this.#need(fd, 'FD_ALLOCATE')
    return this.#thread.done(
      this.#thread.calls.fallocate(this.#thread.pid, fd, 0, offsetOf(offset), offsetOf(length)),
    )
  }

  fd_fdstat_get(fd: number, at: number): number {
    const type = filetypeOf(this.#modeOf(fd))
    const flags = this.#thread.done(this.#thread.calls.fcntl(this.#thread.pid, fd, abi.F_GETFL, 0))
    const possible = type === FILETYPE.directory ? DIRECTORY_RIGHTS : FILE_RIGHTS
    const { base, inheriting } = this.#table.rightsOf(fd)
    const isTerminal = this.#terminals.has(fd)
    const out = new DataView(new ArrayBuffer(FDSTAT_BYTES))
    out.setUint8(0, isTerminal ? FILETYPE.character : type)
    out.setUint16(2, flags & FDFLAGS, true)
    // A terminal cannot be sought: by that wasi-libc knows one.
    out.setBigUint64(8, isTerminal ? base & possible & ~0x24n : base & possible, true)
    out.setBigUint64(16, type === FILETYPE.directory ? inheriting : 0n, true)
    this.#thread.memory.write(at >>> 0, new Uint8Array(out.buffer))
    return 0
  }

  fd_fdstat_set_flags(fd: number, flags: number): number {
    this.#need(fd, 'FD_FDSTAT_SET_FLAGS')
    const now = this.#thread.done(this.#thread.calls.fcntl(this.#thread.pid, fd, abi.F_GETFL, 0))
    const settable = abi.O_APPEND | abi.O_NONBLOCK
    if ((flags & ~FDFLAGS) !== 0) throw new Errno(abi.EINVAL)
    if (((flags ^ now) & FDFLAGS & ~settable) !== 0) throw new Errno(abi.ENOTSUP)
    return this.#thread.done(this.#thread.calls.fcntl(this.#thread.pid, fd, abi.F_SETFL, flags))
  }

  fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint): number {
    this.#need(fd)
    const now = this.#table.rightsOf(fd)
    const wanted = {
      base: BigInt.asUintN(64, base),
      inheriting: BigInt.asUintN(64, inheriting),
    }
    if ((wanted.base & ~now.base) !== 0n || (wanted.inheriting & ~now.inheriting) !== 0n) {
      throw new Errno(abi.ENOTCAPABLE)
    }
    this.#table.setRights(fd, wanted)
    return 0
  }

  fd_filestat_get(fd: number, at: number): number {
    this.#need(fd, 'FD_FILESTAT_GET')
    this.#modeOf(fd)
    putFilestat(this.#thread, at >>> 0, this.#terminals.has(fd))
    return 0
  }

  fd_filestat_set_size(fd: number, size: bigint): number {
    this.#need(fd, 'FD_FILESTAT_SET_SIZE')
    return this.#thread.done(this.#thread.calls.ftruncate(this.#thread.pid, fd, offsetOf(size)))
  }

  fd_filestat_set_times(fd: number, atime: bigint, mtime: bigint, which: number): number {
    this.#need(fd, 'FD_FILESTAT_SET_TIMES')
    return this.#thread.done(
      this.#thread.calls.futimes(this.#thread.pid, fd, toMs(atime), toMs(mtime), which),
    )
  }

  fd_readdir(fd: number, at: number, length: number, cookie: bigint, result: number): number {
    this.#need(fd, 'FD_READDIR')
    const room = length >>> 0
    this.#thread.memory.check(at >>> 0, room, true)
    let used = 0
    for (let next = offsetOf(cookie); used < room; ) {
      const bytes = this.#thread.done(this.#thread.calls.readdir(this.#thread.pid, fd, next))
      if (bytes === 0) break
      const data = this.#thread.instance.bytes.slice(
        this.#thread.instance.dataAt,
        this.#thread.instance.dataAt + bytes,
      )
      this.#thread.memory.write((at >>> 0) + used, data.subarray(0, Math.min(bytes, room - used)))
      used += Math.min(bytes, room - used)
      next = lastCookie(data)
    }
    return this.#put(result, used)
  }

  fd_renumber(fd: number, to: number): number {
    this.#need(fd)
    this.#need(to)
    if (fd === to) return 0
    this.#thread.done(this.#thread.calls.dup2(this.#thread.pid, fd, to, 0))
    this.#table.move(fd, to)
    return this.#thread.done(this.#thread.calls.close(this.#thread.pid, fd))
  }

  fd_prestat_get(fd: number, at: number): number {
    const name = this.#preopenName(fd)
    this.#thread.memory.write(at >>> 0, new Uint8Array(8))
    return this.#put((at >>> 0) + 4, name.length)
  }

  fd_prestat_dir_name(fd: number, at: number, length: number): number {
    const name = this.#preopenName(fd)
    if (name.length > length >>> 0) throw new Errno(abi.ENAMETOOLONG)
    this.#thread.memory.write(at >>> 0, name)
    return 0
  }

  #vectors(from: number, count: number, write: boolean): { list: Vector[]; total: number } {
    if (count > IOV_MAX) throw new Errno(abi.EINVAL)
    const at = from >>> 0
    const list: Vector[] = []
    let total = 0
    for (let i = 0; i < count; i++) {
      const vector = {
        at: this.#thread.memory.u32(at + IOVEC_BYTES * i),
        bytes: this.#thread.memory.u32(at + IOVEC_BYTES * i + 4),
      }
      total += vector.bytes
      if (total > SIZE_MAX) throw new Errno(abi.EINVAL)
      this.#thread.memory.check(vector.at, vector.bytes, write)
      list.push(vector)
    }
    return { list, total }
  }

  /** Calls `move` for each piece of the vectors that lies in bytes [from, from + count) of them all. */
  #eachPart(
    list: readonly Vector[],
    from: number,
    count: number,
    move: (at: number, bytes: number, done: number) => void,
  ): void {
    let start = 0
    for (const { at, bytes } of list) {
      const begin = Math.max(from, start)
      const end = Math.min(from + count, start + bytes)
      if (begin < end) move(at + begin - start, end - begin, begin - from)
      start += bytes
    }
  }

  /** Moves all vectors by calls of at most BUFFER_DATA_BYTES. => bytes moved; an error after some is a short count. */
  #inPieces(total: number, call: (done: number, bytes: number) => number): number {
    let done = 0
    do {
      const bytes = Math.min(total - done, abi.BUFFER_DATA_BYTES)
      const moved = call(done, bytes)
      if (moved < 0 && done > 0) break
      done += this.#thread.done(moved)
      if (moved < bytes) break
    } while (done < total)
    return done
  }

  #readv(at: number, count: number, read: (bytes: number, done: number) => number): number {
    const { list, total } = this.#vectors(at, count, true)
    return this.#inPieces(total, (done, bytes) => {
      this.#thread.served() // it may use the buffer
      const got = read(bytes, done)
      if (got > 0) {
        const data = this.#thread.instance.bytes.subarray(
          this.#thread.instance.dataAt,
          this.#thread.instance.dataAt + got,
        )
        this.#eachPart(list, done, got, (to, part, from) =>
          this.#thread.memory.write(to, data.subarray(from, from + part)),
        )
      }
      return got
    })
  }

  #writev(at: number, count: number, write: (bytes: number, done: number) => number): number {
    const { list, total } = this.#vectors(at, count, false)
    return this.#inPieces(total, (done, bytes) => {
      this.#thread.served() // it may use the buffer
      this.#eachPart(list, done, bytes, (from, part, to) =>
        this.#thread.instance.bytes.set(
          this.#thread.memory.read(from, part),
          this.#thread.instance.dataAt + to,
        ),
      )
      return write(bytes, done)
    })
  }

  /** => what a write gave; for a POSIX program SIGPIPE goes before EPIPE. */
  #heard(written: number): number {
    if (written === -abi.EPIPE && this.#thread.posix) this.#thread.end({ signal: SIGPIPE })
    return written
  }

  #need(fd: number, ...rights: RightName[]): void {
    this.#thread.done(this.#thread.calls.fcntl(this.#thread.pid, fd, abi.F_GETFD, 0))
    for (const right of rights) this.#table.need(fd, right)
  }

  #modeOf(fd: number): number {
    this.#thread.done(this.#thread.calls.fstat(this.#thread.pid, fd))
    return this.#thread.instance.view.getUint32(
      this.#thread.instance.resultAt + abi.STAT_MODE,
      true,
    )
  }

  #put(at: number, value: number): number {
    this.#thread.memory.setU32(at, value)
    return 0
  }

  #preopenName(fd: number): Uint8Array {
    const name = this.#table.preopenName(fd)
    if (name === undefined) throw new Errno(abi.EBADF)
    return new TextEncoder().encode(name)
  }
}

/** => the cookie of the last entry of what readdir gave. */
function lastCookie(entries: Uint8Array): number {
  const view = new DataView(entries.buffer)
  let next = 0
  for (let at = 0; at < entries.length; ) {
    next = Number(view.getBigUint64(at + abi.DIRENT_NEXT, true))
    at += abi.DIRENT_BYTES + view.getUint32(at + abi.DIRENT_NAME_BYTES, true)
  }
  return next
}
