/** WASI preview 1: the path_* calls. A path begins at a directory's descriptor and may not go above it, unless that is a preopened `/`. */
import * as abi from '../../assembly/abi.js'
import type { Descriptors } from './descriptors.js'
import { Errno } from './memory.js'
import { checkedPath, putPath } from './paths.js'
import type { GuestThread } from './thread.js'
import {
  DIRECTORY_RIGHTS,
  FDFLAGS,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAGS_CREAT,
  OFLAGS_DIRECTORY,
  OFLAGS_EXCL,
  OFLAGS_TRUNC,
  READS,
  type RightName,
  WRITES,
} from './wasi-abi.js'
import { putFilestat, toMs } from './wasi-fd.js'

/** => O_* for path_open. */
function openFlags(lookup: number, oflags: number, rights: bigint, fdflags: number): number {
  const writes = (rights & WRITES) !== 0n
  const reads = (rights & READS) !== 0n || !writes
  return (
    (fdflags & FDFLAGS) |
    (reads ? abi.O_RDONLY : 0) |
    (writes ? abi.O_WRONLY : 0) |
    ((lookup & LOOKUP_SYMLINK_FOLLOW) === 0 ? abi.O_NOFOLLOW : 0) |
    ((oflags & OFLAGS_CREAT) !== 0 ? abi.O_CREAT : 0) |
    ((oflags & OFLAGS_DIRECTORY) !== 0 ? abi.O_DIRECTORY : 0) |
    ((oflags & OFLAGS_EXCL) !== 0 ? abi.O_EXCL : 0) |
    ((oflags & OFLAGS_TRUNC) !== 0 ? abi.O_TRUNC : 0)
  )
}

/** => the path_* functions. */
export class PathCalls {
  readonly #thread: GuestThread
  readonly #table: Descriptors

  constructor(thread: GuestThread, table: Descriptors) {
    this.#thread = thread
    this.#table = table
  }

  path_create_directory(...path: [number, number, number]): number {
    return this.#onPath('mkdirat', 'PATH_CREATE_DIRECTORY', path)
  }

  path_remove_directory(...path: [number, number, number]): number {
    return this.#onPath('rmdirat', 'PATH_REMOVE_DIRECTORY', path)
  }

  path_unlink_file(...path: [number, number, number]): number {
    return this.#onPath('unlinkat', 'PATH_UNLINK_FILE', path)
  }

  path_open(
    fd: number,
    lookup: number,
    at: number,
    bytes: number,
    oflags: number,
    base: bigint,
    inheriting: bigint,
    fdflags: number,
    result: number,
  ): number {
    const path = this.#pathOf(fd, at, bytes, 'PATH_OPEN')
    if ((oflags & OFLAGS_CREAT) !== 0) this.#table.need(fd, 'PATH_CREATE_FILE')
    if ((oflags & OFLAGS_TRUNC) !== 0) this.#table.need(fd, 'PATH_FILESTAT_SET_SIZE')
    const rights = BigInt.asUintN(64, base)
    const allowed = this.#table.rightsOf(fd).inheriting
    const flags = openFlags(lookup, oflags, rights, fdflags)
    this.#thread.memory.check(result, 4, true)
    const opened = this.#thread.done(
      this.#thread.calls.openat(this.#thread.pid, fd, ...path, flags, 0o666),
    )
    this.#thread.done(this.#thread.calls.fstat(this.#thread.pid, opened))
    const mode = this.#thread.instance.view.getUint32(
      this.#thread.instance.resultAt + abi.STAT_MODE,
      true,
    )
    const isDirectory = (mode & abi.S_IFMT) === abi.S_IFDIR
    this.#table.setRights(opened, {
      base: rights & allowed & (isDirectory ? DIRECTORY_RIGHTS : ~0n),
      inheriting: BigInt.asUintN(64, inheriting) & allowed,
    })
    this.#thread.memory.setU32(result, opened)
    return 0
  }

  path_filestat_get(fd: number, lookup: number, at: number, bytes: number, result: number) {
    const path = this.#pathOf(fd, at, bytes, 'PATH_FILESTAT_GET')
    this.#thread.done(
      this.#thread.calls.fstatat(this.#thread.pid, fd, ...path, this.#nofollow(lookup)),
    )
    putFilestat(this.#thread, result)
    return 0
  }

  path_filestat_set_times(
    fd: number,
    lookup: number,
    at: number,
    bytes: number,
    atime: bigint,
    mtime: bigint,
    which: number,
  ): number {
    const path = this.#pathOf(fd, at, bytes, 'PATH_FILESTAT_SET_TIMES')
    const times = [toMs(atime), toMs(mtime)] as const
    return this.#thread.done(
      this.#thread.calls.utimensat(
        this.#thread.pid,
        fd,
        ...path,
        ...times,
        which,
        this.#nofollow(lookup),
      ),
    )
  }

  path_link(
    fd: number,
    lookup: number,
    at: number,
    bytes: number,
    newFd: number,
    newAt: number,
    newBytes: number,
  ): number {
    if ((lookup & LOOKUP_SYMLINK_FOLLOW) !== 0) throw new Errno(abi.EINVAL)
    const path = this.#pathOf(fd, at, bytes, 'PATH_LINK_SOURCE')
    const dest = this.#pathOf(newFd, newAt, newBytes, 'PATH_LINK_TARGET', true)
    return this.#thread.done(
      this.#thread.calls.linkat(this.#thread.pid, fd, ...path, newFd, ...dest, 0),
    )
  }

  path_rename(
    fd: number,
    at: number,
    bytes: number,
    newFd: number,
    newAt: number,
    newBytes: number,
  ): number {
    const path = this.#pathOf(fd, at, bytes, 'PATH_RENAME_SOURCE')
    const dest = this.#pathOf(newFd, newAt, newBytes, 'PATH_RENAME_TARGET', true)
    return this.#thread.done(
      this.#thread.calls.renameat(this.#thread.pid, fd, ...path, newFd, ...dest),
    )
  }

  path_symlink(
    targetAt: number,
    targetBytes: number,
    fd: number,
    at: number,
    bytes: number,
  ): number {
    const text = checkedPath(this.#bytesOf(targetAt, targetBytes), true)
    if (text[0] === 0x2f && !this.#table.isRoot(fd)) throw new Errno(abi.EPERM)
    const target = putPath(this.#thread, text)
    const path = this.#pathOf(fd, at, bytes, 'PATH_SYMLINK', true)
    return this.#thread.done(this.#thread.calls.symlinkat(this.#thread.pid, ...target, fd, ...path))
  }

  path_readlink(
    fd: number,
    at: number,
    bytes: number,
    buffer: number,
    room: number,
    result: number,
  ): number {
    const path = this.#pathOf(fd, at, bytes, 'PATH_READLINK')
    const length = this.#thread.done(this.#thread.calls.readlinkat(this.#thread.pid, fd, ...path))
    const count = Math.min(length, room >>> 0)
    const { resultAt } = this.#thread.instance
    this.#thread.memory.write(buffer, this.#thread.instance.bytes.slice(resultAt, resultAt + count))
    this.#thread.memory.setU32(result, count)
    return 0
  }

  /** Puts the path that begins at directory `fd` into the buffer, once `fd` is found to be one and to have the right. */
  #pathOf(
    fd: number,
    at: number,
    bytes: number,
    right: RightName,
    second = false,
  ): [number, number] {
    this.#checkDirectory(fd)
    this.#table.need(fd, right)
    const path = this.#bytesOf(at, bytes)
    return putPath(this.#thread, checkedPath(path, this.#table.isRoot(fd)), second)
  }

  #bytesOf(at: number, bytes: number): Uint8Array {
    if (bytes >>> 0 >= abi.PATH_MAX) throw new Errno(abi.ENAMETOOLONG)
    return this.#thread.memory.read(at, bytes)
  }

  #checkDirectory(fd: number): void {
    this.#thread.done(this.#thread.calls.fstat(this.#thread.pid, fd))
    const mode = this.#thread.instance.view.getUint32(
      this.#thread.instance.resultAt + abi.STAT_MODE,
      true,
    )
    if ((mode & abi.S_IFMT) !== abi.S_IFDIR) throw new Errno(abi.ENOTDIR)
  }

  /** A call that takes one path and nothing else. */
  #onPath(
    call: 'mkdirat' | 'rmdirat' | 'unlinkat',
    right: RightName,
    [fd, at, bytes]: [number, number, number],
  ): number {
    const path = this.#pathOf(fd, at, bytes, right)
    return this.#thread.done(this.#thread.calls[call](this.#thread.pid, fd, ...path, 0o777))
  }

  #nofollow(lookup: number): number {
    return (lookup & LOOKUP_SYMLINK_FOLLOW) !== 0 ? 0 : abi.AT_SYMLINK_NOFOLLOW
  }
}
