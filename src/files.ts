/**
 * The file calls of a process, under their POSIX names. Paths are absolute or relative to the working directory; offsets, sizes and
 * lengths are bytes, whole numbers up to 2^53-1; times are milliseconds since 1970.
 *
 * Sources: POSIX.1-2017, then Linux. Every call throws an IsopageError whose `code` is the errno's name; wrong arguments throw
 * before anything is done.
 */
import * as abi from '../assembly/abi.js'
import { Calls } from './calls.js'
import {
  checkBoolean,
  checkBytes,
  checkFd,
  checkFlags,
  checkInteger,
  checkObject,
  checkSize,
  checkTime,
  checkUint32,
} from './check.js'
import { type Entry, type HeldLock, readEntries, readLock, readStat, type Stat } from './stat.js'
import type { SystemCall } from './system-calls.js'

/** A byte-range lock for fcntl. */
export interface LockRequest {
  /** F.RDLCK, F.WRLCK or F.UNLCK. */
  type: number
  start?: number
  /** 0, the default: to the end of the file, wherever that will be. */
  length?: number
}

/** Times for utimens: a number of milliseconds, a Date, or undefined to leave one as it is. */
export interface FileTimes {
  atimeMs?: number | Date | undefined
  mtimeMs?: number | Date | undefined
}

/** => moved bytes of a call that moves at most BUFFER_DATA_BYTES at once; an error after some is a short count. */
function inPieces(total: number, move: (done: number, bytes: number) => number): number {
  let done = 0
  while (done < total) {
    const bytes = Math.min(total - done, abi.BUFFER_DATA_BYTES)
    const moved = move(done, bytes)
    if (moved < 0) return done === 0 ? moved : done
    done += moved
    if (moved < bytes) break
  }
  return total === 0 ? move(0, 0) : done
}

export abstract class FileCalls extends Calls {
  /** open(2). `mode`: permission bits of a new file, less umask. => the lowest free descriptor. */
  open(path: string, flags: number, mode = 0o666): number {
    const { calls } = this
    checkFlags('flags', flags)
    checkUint32('mode', mode)
    return this.#onPath('open', calls.openat, path, flags, mode)
  }

  /** close(2). A failed write-back that nobody was told of is thrown; the descriptor is closed all the same. */
  close(fd: number): void {
    this.done('close', this.calls.close(this.pid, checkFd(fd)))
    this.dirtied()
  }

  /** read(2) into a view or buffer. => bytes read, 0 at the end of the file. Of a pipe what is there, at most 64 KiB. */
  read(fd: number, into: Uint8Array | ArrayBufferView | ArrayBufferLike): number {
    const { calls } = this
    checkFd(fd)
    return this.#readInto('read', checkBytes('into', into), (done, bytes) =>
      calls.read(this.pid, fd, bytes, done),
    )
  }

  /** pread(2): read at `offset`; the descriptor's own offset stays. */
  pread(fd: number, into: Uint8Array | ArrayBufferView | ArrayBufferLike, offset: number): number {
    const { calls } = this
    checkFd(fd)
    checkSize('offset', offset)
    return this.#readInto('pread', checkBytes('into', into), (done, bytes) =>
      calls.pread(this.pid, fd, bytes, offset + done),
    )
  }

  #readInto(
    syscall: string,
    into: Uint8Array,
    read: (done: number, bytes: number) => number,
  ): number {
    const { bytes: memory, dataAt } = this.instance
    const count = inPieces(into.length, (done, bytes) => {
      const got = read(done, bytes)
      if (got > 0) into.set(memory.subarray(dataAt, dataAt + got), done)
      return got
    })
    return this.done(syscall, count)
  }

  /** write(2). => bytes written; fewer than given when room ran out after some. */
  write(fd: number, from: Uint8Array | ArrayBufferView | ArrayBufferLike): number {
    const { calls } = this
    checkFd(fd)
    return this.#writeFrom('write', checkBytes('from', from), (_, bytes) =>
      calls.write(this.pid, fd, bytes),
    )
  }

  /** pwrite(2): write at `offset`, with O.APPEND too; the descriptor's own offset stays. */
  pwrite(fd: number, from: Uint8Array | ArrayBufferView | ArrayBufferLike, offset: number): number {
    const { calls } = this
    checkFd(fd)
    checkSize('offset', offset)
    return this.#writeFrom('pwrite', checkBytes('from', from), (done, bytes) =>
      calls.pwrite(this.pid, fd, bytes, offset + done),
    )
  }

  #writeFrom(
    syscall: string,
    from: Uint8Array,
    write: (done: number, bytes: number) => number,
  ): number {
    const { bytes: memory, dataAt } = this.instance
    const count = inPieces(from.length, (done, bytes) => {
      memory.set(from.subarray(done, done + bytes), dataAt)
      return write(done, bytes)
    })
    this.dirtied()
    return this.done(syscall, count)
  }

  /** lseek(2). `whence`: SEEK.SET, CUR, END, DATA or HOLE. => the new offset. */
  lseek(fd: number, offset: number, whence: number): number {
    checkFd(fd)
    checkInteger('offset', offset, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    checkUint32('whence', whence)
    return this.done('lseek', this.calls.lseek(this.pid, fd, offset, whence))
  }

  /** ftruncate(2): sets the size; growth reads 0. */
  ftruncate(fd: number, size: number): void {
    this.done('ftruncate', this.calls.ftruncate(this.pid, checkFd(fd), checkSize('size', size)))
    this.dirtied()
  }

  /** truncate(2). */
  truncate(path: string, size: number): void {
    const { calls } = this
    checkSize('size', size)
    const [at, bytes] = this.instance.path('truncate', 'path', path)
    this.done('truncate', calls.truncate(this.pid, at, bytes, size), { path })
    this.dirtied()
  }

  /** fallocate(2). `mode`: 0, or FALLOC_FL.*. */
  fallocate(fd: number, mode: number, offset: number, length: number): void {
    checkFd(fd)
    checkFlags('mode', mode)
    checkSize('offset', offset)
    checkSize('length', length)
    this.done('fallocate', this.calls.fallocate(this.pid, fd, mode, offset, length))
    this.dirtied()
  }

  /** fsync(2): the file's bytes and attributes are durable when it returns. */
  fsync(fd: number): void {
    this.done('fsync', this.calls.fsync(this.pid, checkFd(fd)))
  }

  /** fdatasync(2): the file's bytes are durable when it returns. */
  fdatasync(fd: number): void {
    this.done('fdatasync', this.calls.fdatasync(this.pid, checkFd(fd)))
  }

  /** fstat(2). */
  fstat(fd: number): Stat {
    this.done('fstat', this.calls.fstat(this.pid, checkFd(fd)))
    return readStat(this.instance)
  }

  /** stat(2). */
  stat(path: string): Stat {
    this.#onPath('stat', this.calls.fstatat, path, 0)
    return readStat(this.instance)
  }

  /** lstat(2): of a symbolic link itself. */
  lstat(path: string): Stat {
    this.#onPath('lstat', this.calls.fstatat, path, abi.AT_SYMLINK_NOFOLLOW)
    return readStat(this.instance)
  }

  /** A call that takes one path, from the working directory, and numbers after it. */
  #onPath(syscall: string, call: SystemCall, path: string, ...more: number[]): number {
    const [at, bytes] = this.instance.path(syscall, 'path', path)
    return this.done(syscall, call(this.pid, abi.AT_FDCWD, at, bytes, ...more), { path })
  }

  /** The entries of an open directory, from its start, without '.' and '..'. */
  readdir(fd: number): Entry[] {
    const { calls } = this
    checkFd(fd)
    const all: Entry[] = []
    for (let cookie = 0; ; ) {
      const bytes = this.done('readdir', calls.readdir(this.pid, fd, cookie))
      if (bytes === 0) return all.filter(({ name }) => name !== '.' && name !== '..')
      const { entries, next } = readEntries(this.instance, bytes)
      all.push(...entries)
      cookie = next
    }
  }

  /** mkdir(2). */
  mkdir(path: string, mode = 0o777): void {
    this.#onPath('mkdir', this.calls.mkdirat, path, checkUint32('mode', mode))
  }

  /** rmdir(2). */
  rmdir(path: string): void {
    this.#onPath('rmdir', this.calls.rmdirat, path)
  }

  /** unlink(2). */
  unlink(path: string): void {
    this.#onPath('unlink', this.calls.unlinkat, path)
  }

  /** link(2): `dest` becomes a second name of `path`. */
  link(path: string, dest: string): void {
    const { calls, instance, pid } = this
    const from = instance.path('link', 'path', path)
    const to = instance.path('link', 'dest', dest, true)
    const result = calls.linkat(pid, abi.AT_FDCWD, ...from, abi.AT_FDCWD, ...to, 0)
    this.done('link', result, { path, dest })
  }

  /** symlink(2): `dest` becomes a symbolic link with the text `target`. */
  symlink(target: string, dest: string): void {
    const { calls, instance, pid } = this
    const text = instance.path('symlink', 'target', target)
    const to = instance.path('symlink', 'dest', dest, true)
    const result = calls.symlinkat(pid, ...text, abi.AT_FDCWD, ...to)
    this.done('symlink', result, { path: target, dest })
  }

  /** readlink(2). => the whole text. */
  readlink(path: string): string {
    const bytes = this.#onPath('readlink', this.calls.readlinkat, path)
    return this.instance.text(this.instance.resultAt, bytes)
  }

  /** rename(2). */
  rename(path: string, dest: string): void {
    const { calls, instance, pid } = this
    const from = instance.path('rename', 'path', path)
    const to = instance.path('rename', 'dest', dest, true)
    const result = calls.renameat(pid, abi.AT_FDCWD, ...from, abi.AT_FDCWD, ...to)
    this.done('rename', result, { path, dest })
  }

  /** chdir(2). */
  chdir(path: string): void {
    this.#onPath('chdir', this.calls.chdirat, path)
  }

  /** fchdir(2). */
  fchdir(fd: number): void {
    this.done('fchdir', this.calls.fchdir(this.pid, checkFd(fd)))
  }

  /** getcwd(3). */
  getcwd(): string {
    const bytes = this.done('getcwd', this.calls.getcwd(this.pid))
    return this.instance.text(this.instance.resultAt, bytes)
  }

  /** umask(2). => the mask before. */
  umask(mask: number): number {
    return this.done('umask', this.calls.umask(this.pid, checkUint32('mask', mask)))
  }

  /** chmod(2). */
  chmod(path: string, mode: number): void {
    this.#onPath('chmod', this.calls.fchmodat, path, checkUint32('mode', mode), 0)
  }

  /** fchmod(2). */
  fchmod(fd: number, mode: number): void {
    this.done('fchmod', this.calls.fchmod(this.pid, checkFd(fd), checkUint32('mode', mode)))
  }

  /** chown(2); -1 leaves an id as it is. */
  chown(path: string, uid: number, gid: number): void {
    checkInteger('uid', uid, -1, 0xffffffff)
    checkInteger('gid', gid, -1, 0xffffffff)
    this.#onPath('chown', this.calls.fchownat, path, uid, gid, 0)
  }

  /** fchown(2); -1 leaves an id as it is. */
  fchown(fd: number, uid: number, gid: number): void {
    checkInteger('uid', uid, -1, 0xffffffff)
    checkInteger('gid', gid, -1, 0xffffffff)
    this.done('fchown', this.calls.fchown(this.pid, checkFd(fd), uid, gid))
  }

  /** utimensat(2) on a path. */
  utimens(path: string, times: FileTimes): void {
    this.#onPath('utimens', this.calls.utimensat, path, ...chosenTimes(times), 0)
  }

  /** futimens(2). */
  futimens(fd: number, times: FileTimes): void {
    const { calls } = this
    this.done('futimens', calls.futimes(this.pid, checkFd(fd), ...chosenTimes(times)))
  }

  /** access(2). `mode`: 0 (is there), or of 4 (read), 2 (write), 1 (execute, search). Throws when it may not. */
  access(path: string, mode = 0): void {
    this.#onPath('access', this.calls.faccessat, path, checkInteger('mode', mode, 0, 7), 0)
  }

  /** dup(2). */
  dup(fd: number): number {
    return this.done('dup', this.calls.dup(this.pid, checkFd(fd)))
  }

  /** dup2(2), with `cloexec` dup3(2). */
  dup2(fd: number, to: number, cloexec = false): number {
    const flags = checkBoolean('cloexec', cloexec) ? abi.O_CLOEXEC : 0
    return this.done('dup2', this.calls.dup2(this.pid, checkFd(fd), checkFd(to, 'to'), flags))
  }

  /**
   * fcntl(2). F.DUPFD, DUPFD_CLOEXEC, GETFD, SETFD, GETFL, SETFL take and give a number. F.SETLK and F.SETLKW take a lock and
   * give 0; F.GETLK takes one and gives what stands in its way, or null.
   */
  fcntl(fd: number, command: number, argument?: number): number
  fcntl(fd: number, command: number, lock: LockRequest): number | HeldLock | null
  fcntl(fd: number, command: number, argument: number | LockRequest = 0): number | HeldLock | null {
    const { calls } = this
    checkFd(fd)
    checkUint32('command', command)
    if (command !== abi.F_GETLK && command !== abi.F_SETLK && command !== abi.F_SETLKW) {
      return this.done(
        'fcntl',
        calls.fcntl(this.pid, fd, command, checkUint32('argument', argument)),
      )
    }
    const { type, start = 0, length = 0 } = checkObject<LockRequest>('lock', argument)
    checkUint32('lock.type', type)
    checkSize('lock.start', start)
    checkSize('lock.length', length)
    this.done('fcntl', calls.lock_range(this.pid, fd, command, type, abi.SEEK_SET, start, length))
    return command === abi.F_GETLK ? readLock(this.instance) : 0
  }

  /** flock(2). `operation`: LOCK.SH, EX or UN, with LOCK.NB to fail with EAGAIN instead of waiting. */
  flock(fd: number, operation: number): void {
    this.done('flock', this.calls.flock(this.pid, checkFd(fd), checkFlags('operation', operation)))
  }
}

/** Both times for the kernel, and FST_* of those that it sets. */
function chosenTimes(times: FileTimes): [number, number, number] {
  const { atimeMs, mtimeMs } = checkObject<FileTimes>('times', times)
  return [
    atimeMs === undefined ? 0 : checkTime('times.atimeMs', atimeMs),
    mtimeMs === undefined ? 0 : checkTime('times.mtimeMs', mtimeMs),
    (atimeMs === undefined ? 0 : abi.FST_ATIM) | (mtimeMs === undefined ? 0 : abi.FST_MTIM),
  ]
}
