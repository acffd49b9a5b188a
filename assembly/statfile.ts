/**
 * What files say of themselves: stat, lstat, fstat, access.
 *
 * A stat stands at BUFFER_RESULT (STAT_* in abi.ts). What a mount's file has in the page cache
 * counts: while the kernel has it open at the provider, size and times are the object's.
 * Source: POSIX stat, access.
 */
import {
  AT_EACCESS,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_RESULT,
  DEV_TMPFS,
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  EROFS,
  R_OK,
  STAT_ATIME,
  STAT_BLKSIZE,
  STAT_BLOCKS,
  STAT_BYTES,
  STAT_CTIME,
  STAT_DEV,
  STAT_GID,
  STAT_INO,
  STAT_MODE,
  STAT_MTIME,
  STAT_NLINK,
  STAT_SIZE,
  STAT_UID,
  W_OK,
  X_OK,
} from './abi'
import { fileAt } from './fd'
import { heldFile, holdFile } from './hold'
import { ctimeOf, findMounted, Inode, isDirectory, mtimeOf } from './inode'
import { lock, unlock } from './lock'
import { isReadOnly } from './mount'
import { loadPath } from './mounted'
import {
  scratch,
  statAtime,
  statCtime,
  statFd,
  statIno,
  statLinks,
  statMode,
  statMtime,
  statPath,
  statSize,
  toMs,
} from './mountfs'
import { FOLLOW, mayUse, NOFOLLOW, REAL_IDS, walk, walkOf } from './path'
import { mayAccess, Process } from './process'
import { K } from './root'
import { textBytes } from './text'
import { me } from './thread'
import { finishUse } from './truncate'

function resultAt(): usize {
  return <usize>me().buffer + BUFFER_RESULT
}

/**
 * Attributes of what a path means into BUFFER_RESULT; AT_SYMLINK_NOFOLLOW: of a symlink itself. =>
 * 0 or -errno.
 */
export function sysStat(process: Process, at: i32, path: usize, bytes: u32, flags: u32): i32 {
  const follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? NOFOLLOW : FOLLOW
  const result = walk(process, 0, at, path, bytes, follow)
  if (result < 0) return result
  const found = walkOf(0)
  if (found.mount >= 0) {
    if (found.exists == 0) return -ENOENT
    putMounted(found.mount)
    return 0
  }
  const inode = found.inode
  if (inode != null) putInode(inode)
  unlock()
  return inode == null ? -ENOENT : 0
}

/** Attributes of what `fd` is open on into BUFFER_RESULT. => 0 or -errno. */
export function sysFstat(process: Process, fd: i32): i32 {
  lock()
  const file = fileAt(process, fd)
  const mounted = file != null && file.inode!.mount >= 0
  if (mounted) holdFile(file!)
  else if (file != null) putInode(file.inode!)
  unlock()
  if (file == null) return -EBADF
  if (!mounted) return 0
  const result = statHeld(heldFile().inode!)
  finishUse()
  return result
}

/**
 * Asks the provider about a mount's inode in use; one that has no name any more says what the
 * kernel knows.
 */
function statHeld(inode: Inode): i32 {
  const object = inode.object
  let result: i32
  if (object != null && object.fd >= 0) result = statFd(inode.mount, object.fd)
  else {
    lock()
    const bytes = loadPath(inode)
    unlock()
    result = bytes < 0 ? bytes : statPath(inode.mount, scratch(), bytes)
  }
  if (result == 0) putMounted(inode.mount)
  if (result != 0 && result != -ENOENT) return result
  lock()
  // By the inode itself: one whose last name is gone is found by no number.
  if (result == 0) putCached(inode)
  else putInode(inode)
  unlock()
  return 0
}

function put(dev: i32, ino: u64, mode: u32, nlink: u32, size: u64, blocks: u64): void {
  const at = resultAt()
  memory.fill(at, 0, STAT_BYTES)
  store<u64>(at, dev, STAT_DEV)
  store<u64>(at, ino, STAT_INO)
  store<u32>(at, mode, STAT_MODE)
  store<u32>(at, nlink, STAT_NLINK)
  store<u64>(at, size, STAT_SIZE)
  store<u64>(at, blocks, STAT_BLOCKS)
  store<u32>(at, K.pageBytes, STAT_BLKSIZE)
}

function putTimes(atimeMs: f64, mtimeMs: f64, ctimeMs: f64): void {
  const at = resultAt()
  store<f64>(at, atimeMs, STAT_ATIME)
  store<f64>(at, mtimeMs, STAT_MTIME)
  store<f64>(at, ctimeMs, STAT_CTIME)
}

function deviceOf(mount: i32): i32 {
  return DEV_TMPFS + 1 + mount
}

/** From what the kernel has. => lock held. */
function putInode(inode: Inode): void {
  const object = inode.object
  let size: u64 = inode.entryCount
  let blocks: u64 = 0
  if (object != null) {
    size = object.size
    blocks = ((<u64>object.resident) << K.pageShift) >> 9
  } else if (!isDirectory(inode)) size = textBytes(inode.text)
  const nlink = inode.gone != 0 ? 0 : inode.nlink
  put(deviceOf(inode.mount), inode.ino, inode.mode, nlink, size, blocks)
  store<u32>(resultAt(), inode.uid, STAT_UID)
  store<u32>(resultAt(), inode.gid, STAT_GID)
  putTimes(inode.atimeMs, mtimeOf(inode), ctimeOf(inode))
}

/** From filestat(), and what the page cache has newer. => lock not held. */
function putMounted(mount: i32): void {
  const size = statSize()
  put(deviceOf(mount), statIno(), statMode(), <u32>statLinks(), size, (size + 511) >> 9)
  putTimes(toMs(statAtime()), toMs(statMtime()), toMs(statCtime()))
  lock()
  const inode = findMounted(mount, statIno())
  if (inode != null) putCached(inode)
  unlock()
}

function putCached(inode: Inode): void {
  const object = inode.object
  if (object == null || object.fd < 0) return
  const at = resultAt()
  store<u64>(at, object.size, STAT_SIZE)
  store<u64>(at, (object.size + 511) >> 9, STAT_BLOCKS)
  store<f64>(at, object.mtimeMs, STAT_MTIME)
  store<f64>(at, object.ctimeMs, STAT_CTIME)
}

/**
 * => 0 when the process has the permissions `mode` (R_OK, W_OK, X_OK; 0: the path exists), by its
 * real ids unless AT_EACCESS; else -errno.
 */
export function sysAccessPath(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  mode: u32,
  flags: u32,
): i32 {
  if ((mode & ~(R_OK | W_OK | X_OK)) != 0) return -EINVAL
  const real = (flags & AT_EACCESS) == 0
  const follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? NOFOLLOW : FOLLOW
  const result = walk(process, 0, at, path, bytes, real ? follow | REAL_IDS : follow)
  if (result < 0) return result
  const found = walkOf(0)
  if (found.mount >= 0) {
    if (found.exists == 0) return -ENOENT
    if ((mode & W_OK) != 0 && isReadOnly(found.mount)) return -EROFS
    return mayAccess(process, found.mode, 0, 0, mode, real) ? 0 : -EACCES
  }
  const inode = found.inode
  const allowed = inode != null && mayUse(process, inode, mode, real)
  unlock()
  if (inode == null) return -ENOENT
  return allowed ? 0 : -EACCES
}
