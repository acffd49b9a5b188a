/**
 * The calls on files, as the host makes them: data goes through BUFFER_DATA, structures come at BUFFER_RESULT, paths are (address, bytes) in the
 * calling thread's buffer. What each does and which errors it gives stands at the sys function it names.
 */
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  ESRCH,
  FST_ATIM,
  FST_MTIM,
  SEEK_SET,
} from './abi'
import {
  sysChmod,
  sysChown,
  sysFchmod,
  sysFchown,
  sysFutimens,
  sysUmask,
  sysUtimens,
} from './attributes'
import { begin, end, whole } from './call'
import { sysChdir, sysFchdir, sysGetcwd } from './cwd'
import { sysFlock, sysLockRange } from './flock'
import { sysMkdir, sysReadlink, sysRmdir, sysSymlink, sysUnlink } from './names'
import { sysClose, sysDup, sysDup2, sysFcntl, sysOpen, sysTruncate } from './open'
import { isPipe } from './pipeio'
import { sysReaddir } from './readdir'
import { sysFsync, sysLseek, sysPread, sysPwrite, sysRead, sysWrite } from './readwrite'
import { sysLink, sysRename } from './rename'
import { sysAccessPath, sysFstat, sysStat } from './statfile'
import { me } from './thread'
import { sysFallocate, sysFtruncate } from './truncate'

export function open(pid: u32, path: u32, bytes: u32, flags: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysOpen(process, AT_FDCWD, path, bytes, flags, mode))
}

export function close(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysClose(process, fd))
}

/** With `again` for what a caller wants besides what it got already: a pipe then gives nothing, as it might have to wait. */
export function read(pid: u32, fd: i32, bytes: u32, again: u32): i32 {
  const process = begin(pid)
  if (process == null) return end(-ESRCH)
  return end(again != 0 && isPipe(process, fd) ? 0 : sysRead(process, fd, data(), bytes))
}

/** => 1 when reading and writing `fd` may wait for others, as of a pipe; 0. */
export function may_wait(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process != null && isPipe(process, fd) ? 1 : 0)
}

export function write(pid: u32, fd: i32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysWrite(process, fd, data(), bytes))
}

export function pread(pid: u32, fd: i32, bytes: u32, offset: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPread(process, fd, data(), bytes, whole(offset)))
}

export function pwrite(pid: u32, fd: i32, bytes: u32, offset: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPwrite(process, fd, data(), bytes, whole(offset)))
}

export function ftruncate(pid: u32, fd: i32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFtruncate(process, fd, whole(size)))
}

export function truncate(pid: u32, path: u32, bytes: u32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysTruncate(process, AT_FDCWD, path, bytes, whole(size)))
}

export function fallocate(pid: u32, fd: i32, mode: u32, offset: f64, length: f64): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysFallocate(process, fd, mode, whole(offset), whole(length)),
  )
}

export function fsync(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFsync(process, fd, false))
}

export function fdatasync(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFsync(process, fd, true))
}

export function dup(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysDup(process, fd))
}

export function dup2(pid: u32, fd: i32, to: i32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysDup2(process, fd, to, flags))
}

export function fcntl(pid: u32, fd: i32, command: u32, argument: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFcntl(process, fd, command, argument))
}

export function fstat(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFstat(process, fd))
}

export function stat(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysStat(process, AT_FDCWD, path, bytes, 0))
}

export function lstat(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysStat(process, AT_FDCWD, path, bytes, AT_SYMLINK_NOFOLLOW),
  )
}

export function readdir(pid: u32, fd: i32, cookie: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReaddir(process, fd, whole(cookie), BUFFER_DATA_BYTES))
}

export function mkdir(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMkdir(process, AT_FDCWD, path, bytes, mode))
}

export function rmdir(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRmdir(process, AT_FDCWD, path, bytes))
}

export function unlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysUnlink(process, AT_FDCWD, path, bytes))
}

export function link(pid: u32, path: u32, bytes: u32, newPath: u32, newBytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysLink(process, AT_FDCWD, path, bytes, AT_FDCWD, newPath, newBytes, 0),
  )
}

export function symlink(pid: u32, target: u32, targetBytes: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysSymlink(process, target, targetBytes, AT_FDCWD, path, bytes),
  )
}

export function readlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReadlink(process, AT_FDCWD, path, bytes))
}

export function rename(pid: u32, path: u32, bytes: u32, newPath: u32, newBytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysRename(process, AT_FDCWD, path, bytes, AT_FDCWD, newPath, newBytes),
  )
}

export function chdir(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChdir(process, AT_FDCWD, path, bytes))
}

export function fchdir(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchdir(process, fd))
}

export function getcwd(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysGetcwd(process))
}

export function umask(pid: u32, mask: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysUmask(process, mask))
}

export function chmod(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChmod(process, AT_FDCWD, path, bytes, mode, 0))
}

export function fchmod(pid: u32, fd: i32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchmod(process, fd, mode))
}

export function chown(pid: u32, path: u32, bytes: u32, uid: u32, gid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChown(process, AT_FDCWD, path, bytes, uid, gid, 0))
}

export function fchown(pid: u32, fd: i32, uid: u32, gid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchown(process, fd, uid, gid))
}

export function utimens(pid: u32, path: u32, bytes: u32, atimeMs: f64, mtimeMs: f64): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysUtimens(
          process,
          AT_FDCWD,
          path,
          bytes,
          timeOf(atimeMs),
          timeOf(mtimeMs),
          given(atimeMs, mtimeMs),
          0,
        ),
  )
}

export function futimens(pid: u32, fd: i32, atimeMs: f64, mtimeMs: f64): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysFutimens(process, fd, timeOf(atimeMs), timeOf(mtimeMs), given(atimeMs, mtimeMs)),
  )
}

export function access_path(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysAccessPath(process, AT_FDCWD, path, bytes, mode, 0))
}

export function flock(pid: u32, fd: i32, operation: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFlock(process, fd, operation))
}

export function fcntl_lock(
  pid: u32,
  fd: i32,
  command: u32,
  kind: u32,
  start: f64,
  length: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysLockRange(process, fd, command, kind, SEEK_SET, <i64>start, <i64>length),
  )
}

/** A time of NaN is left as it is. => the FST_* bits of the two times. */
function given(atimeMs: f64, mtimeMs: f64): u32 {
  return (isNaN(atimeMs) ? 0 : FST_ATIM) | (isNaN(mtimeMs) ? 0 : FST_MTIM)
}

function timeOf(ms: f64): f64 {
  return isNaN(ms) ? 0 : ms
}

/** lseek: offsets are whole numbers; SEEK_CUR and SEEK_END take negative ones. => the new offset, or -errno. */
export function lseek(pid: u32, fd: i32, offset: f64, whence: u32): f64 {
  const process = begin(pid)
  const result: i64 = process == null ? -ESRCH : sysLseek(process, fd, <i64>offset, whence)
  end(0)
  return <f64>result
}

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}
