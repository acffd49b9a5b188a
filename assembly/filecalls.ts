/**
 * The calls on descriptors: data goes through BUFFER_DATA, structures come at BUFFER_RESULT of the calling thread's buffer. What each does and
 * which errors it gives stands at the sys function it names.
 */
import { BUFFER_DATA, BUFFER_DATA_BYTES, ESRCH } from './abi'
import { sysFchmod, sysFchown, sysFutimens, sysUmask } from './attributes'
import { begin, end, whole } from './call'
import { sysFchdir, sysGetcwd } from './cwd'
import { sysFlock, sysLockRange } from './flock'
import { sysClose, sysDup, sysDup2, sysFcntl } from './open'
import { sysShareFd } from './pass'
import { isPipe, sysPipe, sysPipeBytes } from './pipeio'
import { sysPoll } from './poll'
import { sysReaddir } from './readdir'
import { sysFsync, sysLseek, sysPread, sysPwrite, sysRead, sysWrite } from './readwrite'
import { sysFstat } from './statfile'
import { me } from './thread'
import { sysFallocate, sysFtruncate } from './truncate'

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

/** => bytes that wait in the pipe that `fd` is open on, for FIONREAD; -EBADF when it is on none. */
export function pipe_bytes(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPipeBytes(process, fd))
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

/** lseek: offsets are whole numbers; SEEK_CUR and SEEK_END take negative ones. => the new offset, or -errno. */
export function lseek(pid: u32, fd: i32, offset: f64, whence: u32): f64 {
  const process = begin(pid)
  const result: i64 = process == null ? -ESRCH : sysLseek(process, fd, <i64>offset, whence)
  end(0)
  return <f64>result
}

export function ftruncate(pid: u32, fd: i32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFtruncate(process, fd, whole(size)))
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

export function readdir(pid: u32, fd: i32, cookie: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReaddir(process, fd, whole(cookie), BUFFER_DATA_BYTES))
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

export function fchmod(pid: u32, fd: i32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchmod(process, fd, mode))
}

export function fchown(pid: u32, fd: i32, uid: u32, gid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchown(process, fd, uid, gid))
}

/** Times are ms since 1970; `which`: FST_*. */
export function futimes(pid: u32, fd: i32, atimeMs: f64, mtimeMs: f64, which: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFutimens(process, fd, atimeMs, mtimeMs, which))
}

export function flock(pid: u32, fd: i32, operation: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFlock(process, fd, operation))
}

/** fcntl's F_GETLK, F_SETLK, F_SETLKW. `whence`: SEEK_SET, SEEK_CUR or SEEK_END; start and length may be negative. */
export function lock_range(
  pid: u32,
  fd: i32,
  command: u32,
  kind: u32,
  whence: u32,
  start: f64,
  length: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysLockRange(process, fd, command, kind, whence, <i64>start, <i64>length),
  )
}

export function pipe(pid: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPipe(process, flags))
}

export function poll(pid: u32, count: u32, timeoutMs: f64, arm: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPoll(process, count, timeoutMs, arm != 0))
}

export function share_fd(pid: u32, fd: i32, toPid: u32, to: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShareFd(process, fd, toPid, to))
}

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}
