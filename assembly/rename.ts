/**
 * Names in two places: link and rename.
 *
 * The first walk's end is held (hold.ts) while the second one walks, which may sleep in a mount;
 * then its last name is looked up again, so that all is decided in one transaction. Between mounts,
 * and between a mount and the tree: EXDEV.
 * Source: POSIX link, rename; Linux for the order of checks.
 */
import {
  AT_SYMLINK_FOLLOW,
  EACCES,
  EBUSY,
  EINVAL,
  EISDIR,
  EMLINK,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
  LINK_MAX,
  S_IFDIR,
  S_IFMT,
  WASI_PATH_LINK,
  WASI_PATH_RENAME,
} from './abi'
import { addEntry, findEntry, isBelow, removeEntry, replaceEntry } from './dir'
import { heldInode, holdInode, letGoInode } from './hold'
import { dropLink, Inode, isDirectory, touchChange } from './inode'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { isReadOnly } from './mount'
import { forgetName, movePaths } from './mounted'
import { outcome, rootFd } from './mountfs'
import { mayMake, prepare, settle } from './names'
import { call } from './pager'
import {
  FOLLOW,
  LAST_NAME,
  LAST_ROOT,
  mayUse,
  NEVER,
  NOFOLLOW,
  pathOf,
  Walk,
  walk,
  walkOf,
} from './path'
import { Process } from './process'
import { mayAdd, mayRemove } from './tmpfs'

/** Gives a file a second name. `flags`: AT_SYMLINK_FOLLOW. => 0 or -errno. */
export function sysLink(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  newAt: i32,
  newPath: usize,
  newBytes: u32,
  flags: u32,
): i32 {
  prepare()
  const follow = (flags & AT_SYMLINK_FOLLOW) != 0 ? FOLLOW : NOFOLLOW
  let result = walk(process, 0, at, path, bytes, follow)
  if (result < 0) return result
  const from = walkOf(0)
  if (from.mount >= 0) {
    if (from.exists == 0) return -ENOENT
  } else {
    const inode = from.inode
    if (inode != null) holdInode(inode)
    unlock()
    if (inode == null) return -ENOENT
  }
  result = walk(process, 1, newAt, newPath, newBytes, NEVER)
  if (result == 0) result = linkFound(process, from, walkOf(1))
  return letGo(from, result)
}

/** Ends the hold that a first walk in the tree began. => `result`. => lock not held. */
function letGo(from: Walk, result: i32): i32 {
  if (from.mount < 0) {
    lock()
    letGoInode()
    unlock()
  }
  return result
}

/** => lock held exactly when `to` is in the tree; free after. */
function linkFound(process: Process, from: Walk, to: Walk): i32 {
  const allowed = mayMake(process, to, false)
  const elsewhere = from.mount != to.mount
  if (to.mount < 0) {
    if (allowed < 0 || elsewhere) return settle(allowed < 0 ? allowed : -EXDEV)
    return settle(linkInTree(to, heldInode()))
  }
  if (allowed < 0 || elsewhere) return allowed < 0 ? allowed : -EXDEV
  if ((from.mode & S_IFMT) == S_IFDIR) return -EPERM
  return callTwo(WASI_PATH_LINK, from, to)
}

function linkInTree(to: Walk, inode: Inode): i32 {
  if (isDirectory(inode)) return -EPERM
  if (inode.nlink == 0) return -ENOENT
  if (inode.nlink >= LINK_MAX) return -EMLINK
  if (addEntry(to.dir!, to.name, to.nameBytes, inode) == null) return -ENOSPC
  edit<Inode>(inode).nlink += 1
  touchChange(inode)
  return 0
}

/** path_link and path_rename: two paths of one mount. */
function callTwo(op: u32, from: Walk, to: Walk): i32 {
  const root = rootFd(from.mount)
  const old = pathOf(from)
  if (op == WASI_PATH_RENAME) {
    return outcome(call(from.mount, op, root, old, from.pathBytes, root, pathOf(to), to.pathBytes))
  }
  return outcome(call(from.mount, op, root, 0, old, from.pathBytes, root, pathOf(to), to.pathBytes))
}

/** Renames; what has the new name is replaced. => 0 or -errno. */
export function sysRename(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  newAt: i32,
  newPath: usize,
  newBytes: u32,
): i32 {
  prepare()
  let result = walk(process, 0, at, path, bytes, NEVER)
  if (result < 0) return result
  const from = walkOf(0)
  if (from.mount < 0) {
    holdInode(from.dir!)
    unlock()
  }
  result = walk(process, 1, newAt, newPath, newBytes, NEVER)
  if (result == 0) result = renameFound(process, from, walkOf(1))
  return letGo(from, result)
}

/** => lock held exactly when `to` is in the tree; free after. */
function renameFound(process: Process, from: Walk, to: Walk): i32 {
  let result = 0
  if (from.last == LAST_ROOT || to.last == LAST_ROOT) result = -EBUSY
  else if (from.mount != to.mount) result = -EXDEV
  else if (from.last != LAST_NAME || to.last != LAST_NAME) result = -EBUSY
  if (to.mount < 0) return settle(result < 0 ? result : renameInTree(process, from, to))
  return result < 0 ? result : renameMounted(from, to)
}

/**
 * => lock held; `from.dir` is held, its name is looked up again. The caller abandons at a failure.
 */
function renameInTree(process: Process, from: Walk, to: Walk): i32 {
  const dir = from.dir!
  const entry = findEntry(dir, from.name, from.nameBytes)
  if (entry == null) return -ENOENT
  const source = entry.inode
  const target = to.inode
  const slash = from.slash != 0 || to.slash != 0
  if (slash && !isDirectory(source)) return -ENOTDIR
  if (isDirectory(source) && isBelow(to.dir!, source)) return -EINVAL
  if (target != null && isDirectory(target) && isBelow(dir, target)) return -ENOTEMPTY
  if (source.covered != 0) return -EBUSY
  if (source == target) return 0
  const result = mayRename(process, dir, source, to.dir!, target)
  if (result < 0) return result
  const newDir = to.dir!
  if (target != null) replaceEntry(newDir, findEntry(newDir, to.name, to.nameBytes)!, source)
  else if (addEntry(newDir, to.name, to.nameBytes, source) == null) return -ENOSPC
  touchChange(source)
  removeEntry(dir, entry)
  if (target != null) dropLink(target)
  return 0
}

/**
 * => 0 when `source` may leave `dir` and take the place of `target` (null: a new name) in `newDir`,
 * else -errno.
 */
function mayRename(
  process: Process,
  dir: Inode,
  source: Inode,
  newDir: Inode,
  target: Inode | null,
): i32 {
  let result = mayRemove(process, dir, source)
  if (result == 0) {
    result = target == null ? mayAdd(process, newDir) : mayRemove(process, newDir, target)
  }
  if (result < 0) return result
  if (!isDirectory(source)) return target != null && isDirectory(target) ? -EISDIR : 0
  if (target != null && !isDirectory(target)) return -ENOTDIR
  if (dir != newDir && !mayUse(process, source, 2)) return -EACCES // its `..` changes
  if (target != null) return target.entryCount != 0 ? -ENOTEMPTY : 0
  return dir != newDir && newDir.nlink >= LINK_MAX ? -EMLINK : 0
}

/** => lock not held. */
function renameMounted(from: Walk, to: Walk): i32 {
  if (from.exists == 0) return -ENOENT
  if (isReadOnly(from.mount)) return -EROFS
  const slash = from.slash != 0 || to.slash != 0
  const directory = (from.mode & S_IFMT) == S_IFDIR
  if (slash && !directory) return -ENOTDIR
  if (to.exists != 0 && to.ino == from.ino) return 0
  const path = pathOf(from)
  const bytes = from.pathBytes
  if (directory && isInside(to, from)) return -EINVAL
  if (isInside(from, to)) return -ENOTEMPTY
  if (to.exists != 0) {
    const onto = (to.mode & S_IFMT) == S_IFDIR
    if (directory != onto) return onto ? -EISDIR : -ENOTDIR
  }
  const result = callTwo(WASI_PATH_RENAME, from, to)
  if (result < 0) return result
  lock()
  movePaths(from.mount, path, bytes, pathOf(to), to.pathBytes)
  unlock()
  if (to.exists != 0) forgetName(to.mount, to.ino, to.nlink, to.mode)
  return 0
}

/** => the path of `inner` is below that of `outer`, of the same mount. */
function isInside(inner: Walk, outer: Walk): bool {
  const bytes = outer.pathBytes
  if (inner.pathBytes <= bytes || load<u8>(pathOf(inner) + bytes) != 0x2f) return false
  return memory.compare(pathOf(inner), pathOf(outer), bytes) == 0
}
