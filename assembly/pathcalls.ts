/**
 * The calls on paths, each of which begins at a directory's descriptor (`at`) or at AT_FDCWD: POSIX's openat and its kin. Paths are (address, bytes)
 * in the calling thread's buffer. What each does and which errors it gives stands at the sys function it names.
 */
import { AT_FDCWD, ESRCH } from './abi'
import { sysChmod, sysChown, sysUtimens } from './attributes'
import { begin, end, whole } from './call'
import { sysChdir } from './cwd'
import { sysMkdir, sysMkfifo, sysReadlink, sysRmdir, sysSymlink, sysUnlink } from './names'
import { sysOpen, sysTruncate } from './open'
import { sysLink, sysRename } from './rename'
import { sysAccessPath, sysStat } from './statfile'

export function openat(pid: u32, at: i32, path: u32, bytes: u32, flags: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysOpen(process, at, path, bytes, flags, mode))
}

export function fstatat(pid: u32, at: i32, path: u32, bytes: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysStat(process, at, path, bytes, flags))
}

export function mkdirat(pid: u32, at: i32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMkdir(process, at, path, bytes, mode))
}

export function mkfifoat(pid: u32, at: i32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMkfifo(process, at, path, bytes, mode))
}

export function rmdirat(pid: u32, at: i32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRmdir(process, at, path, bytes))
}

export function unlinkat(pid: u32, at: i32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysUnlink(process, at, path, bytes))
}

export function linkat(
  pid: u32,
  at: i32,
  path: u32,
  bytes: u32,
  newAt: i32,
  newPath: u32,
  newBytes: u32,
  flags: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysLink(process, at, path, bytes, newAt, newPath, newBytes, flags),
  )
}

export function symlinkat(
  pid: u32,
  target: u32,
  targetBytes: u32,
  at: i32,
  path: u32,
  bytes: u32,
): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSymlink(process, target, targetBytes, at, path, bytes))
}

export function readlinkat(pid: u32, at: i32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReadlink(process, at, path, bytes))
}

export function renameat(
  pid: u32,
  at: i32,
  path: u32,
  bytes: u32,
  newAt: i32,
  newPath: u32,
  newBytes: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysRename(process, at, path, bytes, newAt, newPath, newBytes),
  )
}

/** Times are ms since 1970; `which`: FST_*. */
export function utimensat(
  pid: u32,
  at: i32,
  path: u32,
  bytes: u32,
  atimeMs: f64,
  mtimeMs: f64,
  which: u32,
  flags: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysUtimens(process, at, path, bytes, atimeMs, mtimeMs, which, flags),
  )
}

export function fchmodat(pid: u32, at: i32, path: u32, bytes: u32, mode: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChmod(process, at, path, bytes, mode, flags))
}

export function fchownat(
  pid: u32,
  at: i32,
  path: u32,
  bytes: u32,
  uid: u32,
  gid: u32,
  flags: u32,
): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChown(process, at, path, bytes, uid, gid, flags))
}

export function faccessat(pid: u32, at: i32, path: u32, bytes: u32, mode: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysAccessPath(process, at, path, bytes, mode, flags))
}

/** chdir from `at`. */
export function chdirat(pid: u32, at: i32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChdir(process, at, path, bytes))
}

export function truncate(pid: u32, path: u32, bytes: u32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysTruncate(process, AT_FDCWD, path, bytes, whole(size)))
}
