/**
 * Calls on the files of a mount: WASI preview 1 through the pager, with this thread's buffer for
 * what they give back.
 *
 * The data part of a thread's buffer is scratch while a call works on paths (no such call carries
 * data):
 *
 *   0                       24576                   49152             65280      65344      65536
 *   | Walk | path | pending | Walk | path | pending | texts           | filestat | one word |
 *
 * Invariants:
 *  1. The kernel lock is not held: every call may sleep.
 *  2. Paths are physical, below the mount's root, without dots or symlinks, '' for the root
 *     (path.ts).
 *  3. A provider's errno is taken as it is; one that is no errno is EIO.
 * Source: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
import {
  BUFFER_DATA,
  EIO,
  ENOTCAPABLE,
  EWOULDBLOCK_PARK,
  MOUNTS_MAX,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  WASI_FD_CLOSE,
  WASI_FD_FILESTAT_GET,
  WASI_FD_FILESTAT_SET_TIMES,
  WASI_FD_READDIR,
  WASI_FD_SYNC,
  WASI_PATH_FILESTAT_GET,
  WASI_PATH_FILESTAT_SET_TIMES,
  WASI_PATH_OPEN,
  WASI_PATH_READLINK,
  WASI_PREOPEN,
} from './abi'
import { call, noteNames, takeNames } from './pager'
import { me } from './thread'

/** Bytes of a walk's part, and of the scratch part. */
export const WALK_PART_BYTES: u32 = 24576
export const SCRATCH_BYTES: u32 = 16128
const FILESTAT: u32 = 65280
const RESULT: u32 = 65344

export const OFLAGS_DIRECTORY: u32 = 2
export const OFLAGS_EXCL: u32 = 4
const RIGHTS_READ: u64 = 0x4002
const RIGHTS_WRITE: u64 = 0x400140
const TYPE_DIRECTORY: u32 = 3
const TYPE_FILE: u32 = 4
const TYPE_SYMLINK: u32 = 7

/** => address of walk part 0 or 1 of this thread. */
export function walkPart(which: u32): usize {
  return <usize>me().buffer + BUFFER_DATA + which * WALK_PART_BYTES
}

/** => address of this thread's scratch. */
export function scratch(): usize {
  return walkPart(2)
}

/** => where this thread's calls leave a filestat: 64 bytes of preview 1. */
export function filestat(): usize {
  return <usize>me().buffer + BUFFER_DATA + FILESTAT
}

function resultAt(): usize {
  return <usize>me().buffer + BUFFER_DATA + RESULT
}

/** => descriptor of a mount's root. */
export function rootFd(mount: i32): u64 {
  return WASI_PREOPEN + <u64>mount
}

/** => 0, or -errno: what a provider may say, or that this thread may not wait for one. */
export function outcome(error: u32): i32 {
  if (error == EWOULDBLOCK_PARK) return -EWOULDBLOCK_PARK
  return error <= <u32>ENOTCAPABLE ? -(<i32>error) : -EIO
}

/** Reads the attributes of a path into filestat(). => 0 or -errno. */
export function statPath(mount: i32, path: usize, bytes: u32): i32 {
  return outcome(call(mount, WASI_PATH_FILESTAT_GET, rootFd(mount), 0, path, bytes, filestat()))
}

/** Reads the attributes of an open provider descriptor into filestat(). => 0 or -errno. */
export function statFd(mount: i32, fd: i32): i32 {
  return outcome(call(mount, WASI_FD_FILESTAT_GET, fd, filestat()))
}

/** => the provider's descriptor, or -errno. */
export function openPath(mount: i32, path: usize, bytes: u32, oflags: u32, write: bool): i32 {
  const rights = write ? RIGHTS_READ | RIGHTS_WRITE : RIGHTS_READ
  const result = resultAt()
  const error = call(
    mount,
    WASI_PATH_OPEN,
    rootFd(mount),
    0,
    path,
    bytes,
    oflags,
    rights,
    0,
    0,
    result,
  )
  return error == 0 ? load<i32>(result) : outcome(error)
}

/** Closes a provider descriptor; -1 is none. */
export function closeFd(mount: i32, fd: i32): void {
  if (fd >= 0) call(mount, WASI_FD_CLOSE, fd)
}

/** Makes a directory's entries durable, by a descriptor of the moment. => 0 or -errno. */
export function syncDirectory(mount: i32, path: usize, bytes: u32): i32 {
  const fd = openPath(mount, path, bytes, OFLAGS_DIRECTORY, false)
  if (fd < 0) return fd
  const error = call(mount, WASI_FD_SYNC, fd)
  closeFd(mount, fd)
  return outcome(error)
}

/** Makes the names durable that changed in any mount. => 0, or the first failure as -errno: the names of that mount are tried again by the next. */
export function syncNames(): i32 {
  let failed = 0
  for (let mount: u32 = 0; mount < MOUNTS_MAX; mount++) {
    if (!takeNames(mount)) continue
    const result = syncDirectory(mount, scratch(), 0)
    if (result == 0) continue
    noteNames(mount)
    if (failed == 0) failed = result
  }
  return failed
}

/** Reads a directory into `to` from `cookie` on, the last entry cut off. => bytes, or -errno. */
export function readEntries(mount: i32, fd: i32, to: usize, bytes: u32, cookie: u64): i32 {
  const error = call(mount, WASI_FD_READDIR, fd, to, bytes, cookie, resultAt())
  return error == 0 ? <i32>min(load<u32>(resultAt()), bytes) : outcome(error)
}

/** Reads a symlink into `to`, at most `most` bytes. => bytes, or -errno. */
export function readLink(mount: i32, path: usize, bytes: u32, to: usize, most: u32): i32 {
  const result = resultAt()
  const error = call(mount, WASI_PATH_READLINK, rootFd(mount), path, bytes, to, most, result)
  return error == 0 ? <i32>min(load<u32>(result), most) : outcome(error)
}

/** Sets times in ns as the FST_* flags say. => 0 or -errno. */
export function setTimes(
  mount: i32,
  path: usize,
  bytes: u32,
  atime: u64,
  mtime: u64,
  flags: u32,
): i32 {
  const op = WASI_PATH_FILESTAT_SET_TIMES
  return outcome(call(mount, op, rootFd(mount), 0, path, bytes, atime, mtime, flags))
}

/** As setTimes, of an open provider descriptor. => 0 or -errno, -ENOTSUP when its provider does so by paths alone. */
export function setFdTimes(mount: i32, fd: i32, atime: u64, mtime: u64, flags: u32): i32 {
  return outcome(call(mount, WASI_FD_FILESTAT_SET_TIMES, fd, atime, mtime, flags))
}

/** => what filestat() says: the inode number. */
export function statIno(): u64 {
  return load<u64>(filestat(), 8)
}

/**
 * => type and permissions as st_mode. Preview 1 has no permissions: all that the provider itself
 * allows.
 */
export function statMode(): u32 {
  const type = <u32>load<u8>(filestat(), 16)
  if (type == TYPE_DIRECTORY) return S_IFDIR | 0o777
  if (type == TYPE_SYMLINK) return S_IFLNK | 0o777
  return type == TYPE_FILE ? S_IFREG | 0o666 : 0o666
}

export function statLinks(): u64 {
  return load<u64>(filestat(), 24)
}

export function statSize(): u64 {
  return load<u64>(filestat(), 32)
}

/** => st_atime in ns since 1970; mtime and ctime likewise. */
export function statAtime(): u64 {
  return load<u64>(filestat(), 40)
}

export function statMtime(): u64 {
  return load<u64>(filestat(), 48)
}

export function statCtime(): u64 {
  return load<u64>(filestat(), 56)
}

/** Nanoseconds to milliseconds. */
export function toMs(ns: u64): f64 {
  return <f64>(<i64>ns) / 1e6
}
