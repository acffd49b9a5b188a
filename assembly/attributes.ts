/**
 * Changing what files say of themselves: chmod, chown, utimens, and their forms on descriptors;
 * umask.
 *
 * Mounts have neither permissions nor owners (preview 1 carries none): ENOTSUP there, and times go
 * to the provider, after what is dirty, so that a later write-back does not move them again.
 * Source: POSIX chmod, chown, futimens, utimensat, umask; Linux for set-ID bits and for the sticky
 * bit.
 */
import {
  AT_SYMLINK_NOFOLLOW,
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  ENOTSUP,
  EPERM,
  EROFS,
  FST_ATIM,
  FST_ATIM_NOW,
  FST_MTIM,
  FST_MTIM_NOW,
  O_PATH,
  S_ISGID,
} from './abi'
import { now } from './env'
import { fileAt } from './fd'
import { holdInode, letGoInode } from './hold'
import { findMounted, Inode, isFile, isSymlink, setMtime, touchChange } from './inode'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { isReadOnly } from './mount'
import { loadPath } from './mounted'
import { scratch, setFdTimes, setTimes } from './mountfs'
import { MemObject } from './object'
import { FOLLOW, mayUse, NOFOLLOW, pathOf, Walk, walk, walkOf } from './path'
import { inGroup, NO_ID, Process } from './process'
import { setIdsOf, setMode } from './tmpfs'
import { syncObject } from './writeback'

const MODE: u32 = 1
const OWNER: u32 = 2
const TIMES: u32 = 3
const FST_ALL: u32 = FST_ATIM | FST_ATIM_NOW | FST_MTIM | FST_MTIM_NOW

/** Sets the permission bits of what a path means. => 0 or -errno. */
export function sysChmod(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  mode: u32,
  flags: u32,
): i32 {
  return changePath(process, at, path, bytes, flags, MODE, mode, 0, 0, 0)
}

/** Sets the permission bits of what `fd` is open on. => 0 or -errno. */
export function sysFchmod(process: Process, fd: i32, mode: u32): i32 {
  return changeFd(process, fd, MODE, mode, 0, 0, 0)
}

/** Sets owner and group of what a path means; 0xffffffff leaves one. => 0 or -errno. */
export function sysChown(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  uid: u32,
  gid: u32,
  flags: u32,
): i32 {
  return changePath(process, at, path, bytes, flags, OWNER, uid, gid, 0, 0)
}

/** Sets owner and group of what `fd` is open on. => 0 or -errno. */
export function sysFchown(process: Process, fd: i32, uid: u32, gid: u32): i32 {
  return changeFd(process, fd, OWNER, uid, gid, 0, 0)
}

/** Sets times, ms since 1970, of what a path means; `which`: FST_* bits. => 0 or -errno. */
export function sysUtimens(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  atimeMs: f64,
  mtimeMs: f64,
  which: u32,
  flags: u32,
): i32 {
  if (!isTimes(which, atimeMs, mtimeMs)) return -EINVAL
  return changePath(process, at, path, bytes, flags, TIMES, which, 0, atimeMs, mtimeMs)
}

/** Sets times of what `fd` is open on. => 0 or -errno. */
export function sysFutimens(
  process: Process,
  fd: i32,
  atimeMs: f64,
  mtimeMs: f64,
  which: u32,
): i32 {
  if (!isTimes(which, atimeMs, mtimeMs)) return -EINVAL
  return changeFd(process, fd, TIMES, which, 0, atimeMs, mtimeMs)
}

function isTimes(which: u32, atimeMs: f64, mtimeMs: f64): bool {
  if (!Number.isFinite(atimeMs) || !Number.isFinite(mtimeMs)) return false
  const atime = which & (FST_ATIM | FST_ATIM_NOW)
  const mtime = which & (FST_MTIM | FST_MTIM_NOW)
  return (which & ~FST_ALL) == 0 && popcnt(atime) < 2 && popcnt(mtime) < 2
}

/** umask: sets the bits that new files do not get. => the old ones. */
export function sysUmask(process: Process, mask: u32): i32 {
  lock()
  const old = process.umask
  edit<Process>(process).umask = mask & 0o777
  unlock()
  return old
}

function changePath(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  flags: u32,
  what: u32,
  a: u32,
  b: u32,
  x: f64,
  y: f64,
): i32 {
  const follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? NOFOLLOW : FOLLOW
  const walked = walk(process, 0, at, path, bytes, follow)
  if (walked < 0) return walked
  const found = walkOf(0)
  if (found.mount >= 0) return changeWalked(found, what, a, x, y)
  const inode = found.inode
  const result = inode == null ? -ENOENT : change(process, inode, what, a, b, x, y)
  unlock()
  return result
}

function changeFd(process: Process, fd: i32, what: u32, a: u32, b: u32, x: f64, y: f64): i32 {
  lock()
  const file = fileAt(process, fd)
  if (file == null || (file.flags & O_PATH) != 0) {
    unlock()
    return -EBADF
  }
  const inode = file.inode!
  if (inode.mount < 0) {
    const result = change(process, inode, what, a, b, x, y)
    unlock()
    return result
  }
  holdInode(inode)
  unlock()
  const result = changeMounted(inode, what, a, x, y)
  lock()
  letGoInode()
  unlock()
  return result
}

/** Changes an inode of the tree. => 0 or -errno, nothing changed. => lock held. */
function change(process: Process, inode: Inode, what: u32, a: u32, b: u32, x: f64, y: f64): i32 {
  if (what == MODE) return changeMode(process, inode, a)
  if (what == OWNER) return changeOwner(process, inode, a, b)
  const owns = process.euid == 0 || process.euid == inode.uid
  if (a == 0) return 0
  if (a == (FST_ATIM_NOW | FST_MTIM_NOW)) {
    if (!owns && !mayUse(process, inode, 2)) return -EACCES
  } else if (!owns) return -EPERM
  if ((a & (FST_ATIM | FST_ATIM_NOW)) != 0) {
    edit<Inode>(inode).atimeMs = (a & FST_ATIM_NOW) != 0 ? now(1) : x
  }
  if ((a & (FST_MTIM | FST_MTIM_NOW)) != 0) setMtime(inode, (a & FST_MTIM_NOW) != 0 ? now(1) : y)
  touchChange(inode)
  return 0
}

function changeMode(process: Process, inode: Inode, mode: u32): i32 {
  if (isSymlink(inode)) return -ENOTSUP
  if (process.euid != 0 && process.euid != inode.uid) return -EPERM
  const strange = process.euid != 0 && !inGroup(process, inode.gid)
  setMode(inode, strange ? mode & ~S_ISGID : mode)
  touchChange(inode)
  return 0
}

function changeOwner(process: Process, inode: Inode, uid: u32, gid: u32): i32 {
  const owner = process.euid == inode.uid
  const keepsUid = uid == NO_ID || (owner && uid == inode.uid)
  const keepsGid = gid == NO_ID || (owner && (gid == inode.gid || inGroup(process, gid)))
  if (process.euid != 0 && !(keepsUid && keepsGid)) return -EPERM
  const lost = isFile(inode) ? setIdsOf(inode) : 0
  if (lost != 0 && process.euid != 0 && !owner) return -EPERM
  edit<Inode>(inode)
  if (uid != NO_ID) inode.uid = uid
  if (gid != NO_ID) inode.gid = gid
  setMode(inode, inode.mode & ~lost)
  touchChange(inode)
  return 0
}

/** Changes what a walk found in a mount. => lock not held. */
function changeWalked(found: Walk, what: u32, a: u32, x: f64, y: f64): i32 {
  if (found.exists == 0) return -ENOENT
  lock()
  const inode = findMounted(found.mount, found.ino)
  if (inode != null) holdInode(inode)
  unlock()
  const path = pathOf(found)
  const result = changeAt(found.mount, inode, path, found.pathBytes, what, a, x, y)
  if (inode == null) return result
  lock()
  letGoInode()
  unlock()
  return result
}

/** Changes a mount's inode, which is held. => lock not held. */
function changeMounted(inode: Inode, what: u32, a: u32, x: f64, y: f64): i32 {
  return changeAt(inode.mount, inode, 0, 0, what, a, x, y)
}

/** `path` 0: changes the inode, whatever its names. */
function changeAt(
  mount: i32,
  inode: Inode | null,
  path: usize,
  bytes: u32,
  what: u32,
  which: u32,
  atimeMs: f64,
  mtimeMs: f64,
): i32 {
  if (isReadOnly(mount)) return -EROFS
  if (what != TIMES) return -ENOTSUP
  const object = objectOf(inode)
  if (object != null && object.dirtyPages != 0) {
    const synced = syncObject(object, true)
    if (synced < 0) return synced
  }
  const atime = toNs(atimeMs)
  const mtime = toNs(mtimeMs)
  const result =
    path != 0
      ? setTimes(mount, path, bytes, atime, mtime, which)
      : setTimesOf(inode!, atime, mtime, which)
  if (result == 0 && inode != null && (which & (FST_MTIM | FST_MTIM_NOW)) != 0) {
    lock()
    setMtime(inode, (which & FST_MTIM_NOW) != 0 ? now(1) : mtimeMs)
    unlock()
  }
  return result
}

/**
 * By the provider's descriptor, as a path may mean another file by now; by the path what has none, or where the provider
 * can do no better.
 */
function setTimesOf(inode: Inode, atime: u64, mtime: u64, which: u32): i32 {
  const object = inode.object
  if (object != null && object.fd >= 0) {
    const result = setFdTimes(inode.mount, object.fd, atime, mtime, which)
    if (result != -ENOTSUP) return result
  }
  lock()
  const bytes = loadPath(inode)
  unlock()
  return bytes < 0 ? bytes : setTimes(inode.mount, scratch(), bytes, atime, mtime, which)
}

function toNs(ms: f64): u64 {
  return <u64>(<i64>(ms * 1e6))
}

function objectOf(inode: Inode | null): MemObject | null {
  return inode == null ? null : inode.object
}
