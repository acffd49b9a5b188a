/**
 * Names that come and go one at a time: mkdir, rmdir, unlink, symlink, readlink; and mounting.
 *
 * In the tree a call is one transaction: the walk's lock is held until it stands. In a mount the
 * provider decides.
 * Source: POSIX mkdir, rmdir, unlink, symlink, readlink; Linux where POSIX leaves the errno open
 * (unlink of a directory is EISDIR).
 */
import {
  AT_FDCWD,
  BUFFER_RESULT,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  ENOTSUP,
  EROFS,
  MOUNT_READONLY,
  MOUNTS_MAX,
  PATH_MAX,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_ISVTX,
  WASI_PATH_CREATE_DIRECTORY,
  WASI_PATH_REMOVE_DIRECTORY,
  WASI_PATH_SYMLINK,
  WASI_PATH_UNLINK_FILE,
} from './abi'
import { findEntry, removeEntry } from './dir'
import { dropLink, Inode, isDirectory, isSymlink } from './inode'
import { abandon, lock, unlock } from './lock'
import { addMount, isMount, isReadOnly } from './mount'
import { forgetName, ROOM_FRAMES } from './mounted'
import { outcome, readLink, rootFd } from './mountfs'
import { call } from './pager'
import {
  FOLLOW,
  inBuffer,
  LAST_DOT,
  LAST_DOTDOT,
  LAST_NAME,
  LAST_ROOT,
  NEVER,
  NOFOLLOW,
  pathOf,
  Walk,
  walk,
  walkOf,
} from './path'
import { Process } from './process'
import { makeRoom } from './room'
import { copyText, newText } from './text'
import { me } from './thread'
import { makeNode, mayAdd, mayRemove, whyNot } from './tmpfs'

/** Makes frames free for the structures of a call. => lock not held. */
export function prepare(): void {
  lock()
  makeRoom(ROOM_FRAMES)
  unlock()
}

/**
 * Ends the transaction of a call: it stands, or with a failure it never was. => `result`. => lock
 * held before, free after.
 */
export function settle(result: i32): i32 {
  if (result < 0) abandon()
  unlock()
  return result
}

/**
 * => 0 when a walk's last name may be made, else -errno. In the tree the lock is held, before and
 * after.
 */
export function mayMake(process: Process, found: Walk, directory: bool): i32 {
  if (found.last != LAST_NAME) return -EEXIST
  const there = found.mount < 0 ? found.inode != null : found.exists != 0
  if (there) return -EEXIST
  if (found.slash != 0 && !directory) return -ENOENT
  if (found.mount >= 0) return isReadOnly(found.mount) ? -EROFS : 0
  return mayAdd(process, found.dir!)
}

/** Makes a directory with permissions `mode` less umask. => 0 or -errno. */
export function sysMkdir(process: Process, at: i32, path: usize, bytes: u32, mode: u32): i32 {
  prepare()
  const walked = walk(process, 0, at, path, bytes, NEVER)
  if (walked < 0) return walked
  const found = walkOf(0)
  const result = mayMake(process, found, true)
  if (found.mount >= 0) return result < 0 ? result : callPath(found, WASI_PATH_CREATE_DIRECTORY)
  if (result < 0) return settle(result)
  const bits = S_IFDIR | (mode & (S_ISVTX | 0o777) & ~process.umask)
  const inode = makeNode(process, found.dir!, found.name, found.nameBytes, bits)
  return settle(inode == null ? whyNot(found.dir!, bits) : 0)
}

/** Makes a FIFO with permissions `mode` less umask. => 0 or -errno; -ENOTSUP in a mount, where WASI has no call for it. */
export function sysMkfifo(process: Process, at: i32, path: usize, bytes: u32, mode: u32): i32 {
  prepare()
  const walked = walk(process, 0, at, path, bytes, NEVER)
  if (walked < 0) return walked
  const found = walkOf(0)
  const result = mayMake(process, found, false)
  if (found.mount >= 0) return result < 0 ? result : -ENOTSUP
  if (result < 0) return settle(result)
  const bits = S_IFIFO | (mode & 0o777 & ~process.umask)
  const inode = makeNode(process, found.dir!, found.name, found.nameBytes, bits)
  return settle(inode == null ? whyNot(found.dir!, bits) : 0)
}

/** A call of preview 1 that takes nothing but the path. */
function callPath(found: Walk, op: u32): i32 {
  return outcome(call(found.mount, op, rootFd(found.mount), pathOf(found), found.pathBytes))
}

/** Removes an empty directory. => 0 or -errno. */
export function sysRmdir(process: Process, at: i32, path: usize, bytes: u32): i32 {
  return removeName(process, at, path, bytes, true)
}

/** Removes a name of what is no directory. => 0 or -errno. */
export function sysUnlink(process: Process, at: i32, path: usize, bytes: u32): i32 {
  return removeName(process, at, path, bytes, false)
}

function removeName(process: Process, at: i32, path: usize, bytes: u32, directory: bool): i32 {
  const walked = walk(process, 0, at, path, bytes, NEVER)
  if (walked < 0) return walked
  const found = walkOf(0)
  const result = checkLast(found.last, directory)
  if (found.mount >= 0) return result < 0 ? result : removeMounted(found, directory)
  return settle(result < 0 ? result : removeFromTree(process, found, directory))
}

function checkLast(last: u32, directory: bool): i32 {
  if (last == LAST_NAME) return 0
  if (!directory) return -EISDIR
  if (last == LAST_DOT) return -EINVAL
  return last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY
}

/** => 0 when what exists, of st_mode `mode`, is what the call removes, else -errno. */
function checkKind(mode: u32, slash: bool, directory: bool): i32 {
  const isDir = (mode & S_IFMT) == S_IFDIR
  if (directory) return isDir ? 0 : -ENOTDIR
  if (isDir) return -EISDIR
  return slash ? -ENOTDIR : 0
}

function removeFromTree(process: Process, found: Walk, directory: bool): i32 {
  const inode = found.inode
  const dir = found.dir!
  if (inode == null) return -ENOENT
  let result = mayRemove(process, dir, inode)
  if (result == 0) result = checkKind(inode.mode, found.slash != 0, directory)
  if (result < 0) return result
  if (inode.entryCount != 0) return -ENOTEMPTY
  removeEntry(dir, findEntry(dir, found.name, found.nameBytes)!)
  dropLink(inode)
  return 0
}

function removeMounted(found: Walk, directory: bool): i32 {
  if (found.exists == 0) return -ENOENT
  if (isReadOnly(found.mount)) return -EROFS
  let result = checkKind(found.mode, found.slash != 0, directory)
  if (result < 0) return result
  result = callPath(found, directory ? WASI_PATH_REMOVE_DIRECTORY : WASI_PATH_UNLINK_FILE)
  if (result < 0) return result
  forgetName(found.mount, found.ino, found.nlink, found.mode)
  return 0
}

/**
 * Makes a symlink to the `targetBytes` bytes at `target`, in this thread's buffer. => 0 or -errno.
 */
export function sysSymlink(
  process: Process,
  target: usize,
  targetBytes: u32,
  at: i32,
  path: usize,
  bytes: u32,
): i32 {
  if (!inBuffer(target, targetBytes)) return -EFAULT
  if (targetBytes == 0) return -ENOENT
  if (targetBytes >= PATH_MAX) return -ENAMETOOLONG
  for (let i: u32 = 0; i < targetBytes; i++) if (load<u8>(target + i) == 0) return -EINVAL
  prepare()
  const walked = walk(process, 0, at, path, bytes, NEVER)
  if (walked < 0) return walked
  const found = walkOf(0)
  const result = mayMake(process, found, false)
  if (found.mount < 0)
    return settle(result < 0 ? result : linkTo(process, found, target, targetBytes))
  if (result < 0) return result
  const root = rootFd(found.mount)
  const path2 = pathOf(found)
  return outcome(
    call(found.mount, WASI_PATH_SYMLINK, target, targetBytes, root, path2, found.pathBytes),
  )
}

function linkTo(process: Process, found: Walk, target: usize, bytes: u32): i32 {
  const inode = makeNode(process, found.dir!, found.name, found.nameBytes, S_IFLNK | 0o777)
  if (inode == null) return -ENOSPC
  inode.text = newText(target, bytes)
  return inode.text == null ? -ENOSPC : 0
}

/** Copies a symlink's target to BUFFER_RESULT. => its bytes, or -errno. */
export function sysReadlink(process: Process, at: i32, path: usize, bytes: u32): i32 {
  const walked = walk(process, 0, at, path, bytes, NOFOLLOW)
  if (walked < 0) return walked
  const found = walkOf(0)
  const to = <usize>me().buffer + BUFFER_RESULT
  if (found.mount >= 0) {
    if (found.exists == 0) return -ENOENT
    if ((found.mode & S_IFMT) != S_IFLNK) return -EINVAL
    return readLink(found.mount, pathOf(found), found.pathBytes, to, PATH_MAX)
  }
  const inode = found.inode
  let result: i32 = -EINVAL
  if (inode == null) result = -ENOENT
  else if (isSymlink(inode)) result = copyText(inode.text, to, PATH_MAX)
  unlock()
  return result
}

/**
 * Covers the directory at an absolute path of the tree with the provider that the host serves as
 * mount `number`; directories that are not there are made (0755). `flags`: MOUNT_READONLY. For
 * boot, as root. => 0, -EINVAL (number, path), -EBUSY (taken), -ENOTDIR, -ENOTSUP (inside a mount).
 */
export function sysMount(process: Process, number: u32, path: usize, bytes: u32, flags: u32): i32 {
  if (number >= MOUNTS_MAX || !inBuffer(path, bytes)) return -EINVAL
  if (bytes == 0 || bytes >= PATH_MAX || load<u8>(path) != 0x2f) return -EINVAL
  if (isMount(number)) return -EBUSY
  for (let i: u32 = 1; i <= bytes; i++) {
    if (i < bytes && load<u8>(path + i) != 0x2f) continue
    const made = makeWay(process, path, i)
    if (made < 0) return made
  }
  const walked = walk(process, 0, AT_FDCWD, path, bytes, FOLLOW)
  if (walked < 0) return walked
  const found = walkOf(0)
  if (found.mount >= 0) return found.last == LAST_ROOT ? -EBUSY : -ENOTSUP
  return settle(cover(found.inode, number, (flags & MOUNT_READONLY) != 0))
}

/** Makes the directory at a path of the tree, if it is not there. => 0 or -errno; -ENOTSUP, and nothing made, inside a mount. */
function makeWay(process: Process, path: usize, bytes: u32): i32 {
  const walked = walk(process, 0, AT_FDCWD, path, bytes, FOLLOW)
  if (walked < 0) return walked
  const found = walkOf(0)
  if (found.mount >= 0) return found.last == LAST_ROOT ? 0 : -ENOTSUP
  const there = found.inode != null
  unlock()
  if (there) return 0
  const made = sysMkdir(process, AT_FDCWD, path, bytes, 0o755)
  return made == -EEXIST ? 0 : made
}

function cover(inode: Inode | null, number: u32, readOnly: bool): i32 {
  if (inode == null) return -ENOENT
  return isDirectory(inode) ? addMount(number, inode, readOnly) : -ENOTDIR
}
