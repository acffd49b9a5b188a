/**
 * Path resolution: component by component, over tmpfs and mounts.
 *
 *   IN THE TREE (mount < 0)                 IN A MOUNT (mount >= 0)
 *   kernel lock held; `dir` is the    -->   kernel lock free; the physical path reached is in
 *   directory reached                       this thread's buffer
 *                                     <--   `..` at its root, or an absolute symlink
 *
 * A walk's state is a Walk in the data part of the thread's buffer: its own, so not journalled.
 * Names still to be walked are the pending bytes at the end of the walk's part; a symlink's target
 * is put before them. No reference is taken: in the tree the lock is held from the last sleep to
 * the end, so the caller acts in the transaction that found the name; in a mount the provider's
 * call is what decides.
 *
 * Results (walk): 0, and then the lock is held exactly when mount < 0; or -errno, and the lock is
 * free.
 * Source: POSIX 4.13 Pathname Resolution; Linux namei for trailing slashes (`a/` follows a symlink
 * and must be a directory).
 */
import {
  AT_FDCWD,
  BUFFER_BYTES,
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  NAME_MAX,
  PATH_MAX,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  SYMLOOP_MAX,
} from './abi'
import { findEntry, isDot, isDotDot } from './dir'
import { fileAt } from './fd'
import { dropInode, Inode, isDirectory, isSymlink, useInode } from './inode'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { pointOf } from './mount'
import {
  readLink,
  scratch,
  statIno,
  statLinks,
  statMode,
  statPath,
  WALK_PART_BYTES,
  walkPart,
} from './mountfs'
import { mayAccess, Process } from './process'
import { K } from './root'
import { copyText } from './text'
import { me } from './thread'

/**
 * What to do with a symlink at the end: follow it, follow it only when a slash comes after it,
 * never follow it. With NEVER it is also the caller's to refuse `name/` for what is no directory
 * (its errno depends on the call).
 */
export const FOLLOW: u32 = 0
export const NOFOLLOW: u32 = 1
export const NEVER: u32 = 2
/** Or-ed in: search permission is the real ids' (access). */
export const REAL_IDS: u32 = 4
/** Or-ed in: what is not there is made a file, so a name with a slash after it is EISDIR, whatever it is. */
export const MAKES_FILE: u32 = 8

/** What the last component was. ROOT: of the tree or of a mount. */
export const LAST_NAME: u32 = 0
export const LAST_DOT: u32 = 1
export const LAST_DOTDOT: u32 = 2
export const LAST_ROOT: u32 = 3

@unmanaged
export class Walk {
  process: Process
  /** In the tree: the directory reached, which has or would have the last name. */
  dir: Inode | null
  /** In the tree: what was found; null when the last name is not there. */
  inode: Inode | null
  /** -1 in the tree. */
  mount: i32
  /** In a mount: bytes of the path; whether it is there, and then its st_mode, number and names. */
  pathBytes: u32
  exists: u32
  mode: u32
  nlink: u32
  ino: u64
  /** Next pending byte. */
  at: usize
  name: usize
  nameBytes: u32
  last: u32
  /** A slash came after the last name. */
  slash: u32
  follow: u32
  /** Symlinks followed. */
  symlinks: u32
}

/** Layout of a walk's part: Walk, path, pending. */
const PATH_AT: u32 = 128
const PENDING_AT: u32 = 8192
const MORE: i32 = 1

if (offsetof<Walk>() > PATH_AT || PATH_AT + PATH_MAX > PENDING_AT) ERROR('a walk outgrew its part')

/** => walk 0 or 1 of this thread. */
export function walkOf(which: u32): Walk {
  return changetype<Walk>(walkPart(which))
}

/** => address of the physical path of a walk that is in a mount. */
export function pathOf(walk: Walk): usize {
  return changetype<usize>(walk) + PATH_AT
}

function endOf(walk: Walk): usize {
  return changetype<usize>(walk) + WALK_PART_BYTES
}

/** => [address, address + bytes) lies in this thread's buffer. */
export function inBuffer(address: usize, bytes: u32): bool {
  const buffer = <usize>me().buffer
  return bytes <= BUFFER_BYTES && address >= buffer && address - buffer <= BUFFER_BYTES - bytes
}

/** => the directory from which `at` means paths, null for a descriptor that is not open. */
function startOf(process: Process, at: i32): Inode | null {
  if (at == AT_FDCWD) return cwdOf(process)
  const file = fileAt(process, at)
  return file == null ? null : file.inode
}

/**
 * Walks a path of `bytes` bytes at `address`, in this thread's buffer, from `at` (AT_FDCWD or a
 * directory's descriptor) with walk `which`.
 * => see above. => lock not held.
 */
export function walk(
  process: Process,
  which: u32,
  at: i32,
  address: usize,
  bytes: u32,
  follow: u32,
): i32 {
  if (!inBuffer(address, bytes)) return -EFAULT
  if (bytes == 0) return -ENOENT
  if (bytes >= PATH_MAX) return -ENAMETOOLONG
  const state = walkOf(which)
  const from = endOf(state) - bytes
  memory.copy(from, address, bytes)
  memory.fill(changetype<usize>(state), 0, offsetof<Walk>())
  state.process = process
  state.at = from
  state.follow = follow
  state.mount = -1
  lock()
  let result = begin(state, at)
  while (result == MORE) result = step(state)
  if (result < 0 && state.mount < 0) unlock()
  return result
}

function begin(state: Walk, at: i32): i32 {
  const absolute = load<u8>(state.at) == 0x2f
  const start = absolute ? rootInode() : startOf(state.process, at)
  if (start == null) return -EBADF
  if (!isDirectory(start)) return -ENOTDIR
  if (start.mount < 0) {
    descend(state, start)
    return MORE
  }
  if (start.gone != 0 || start.text == null) return -ENOENT
  state.pathBytes = copyText(start.text, pathOf(state), PATH_MAX)
  state.mount = start.mount
  unlock()
  return MORE
}

function rootInode(): Inode {
  return changetype<Inode>(<usize>K.rootInode)
}

/** Goes on in a directory of the tree, or in the mount that covers it. */
function descend(state: Walk, dir: Inode): void {
  state.dir = dir
  state.inode = dir
  if (dir.covered == 0) return
  state.mount = <i32>dir.covered - 1
  state.pathBytes = 0
  unlock()
}

/** Takes the next component and walks it. => MORE, 0 at the end, or -errno. */
function step(state: Walk): i32 {
  const end = endOf(state)
  while (state.at < end && load<u8>(state.at) == 0x2f) state.at++
  if (state.at == end) return arrive(state, LAST_ROOT)
  state.name = state.at
  while (state.at < end && load<u8>(state.at) != 0x2f) {
    if (load<u8>(state.at) == 0) return -EINVAL
    state.at++
  }
  state.nameBytes = <u32>(state.at - state.name)
  if (state.nameBytes > NAME_MAX) return -ENAMETOOLONG
  let rest = state.at
  while (rest < end && load<u8>(rest) == 0x2f) rest++
  const final = rest == end
  state.slash = final && state.at < end ? 1 : 0
  return state.mount < 0 ? stepTree(state, final) : stepMount(state, final)
}

/** The walk ends at the directory reached. */
function arrive(state: Walk, last: u32): i32 {
  state.last = last
  if (state.mount < 0) return 0
  if (state.pathBytes == 0) state.last = LAST_ROOT
  return look(state)
}

/** Reads what is at the path reached in a mount. => 0 or -errno. */
function look(state: Walk): i32 {
  const result = statPath(state.mount, pathOf(state), state.pathBytes)
  state.exists = result == 0 ? 1 : 0
  if (result != 0) return result
  state.mode = statMode()
  state.ino = statIno()
  state.nlink = <u32>statLinks()
  return 0
}

function followsLast(state: Walk): bool {
  const follow = state.follow & 3
  return follow == FOLLOW || (follow == NOFOLLOW && state.slash != 0)
}

function mustBeDirectory(state: Walk): bool {
  return state.slash != 0 && (state.follow & 3) != NEVER
}

function mayNotEndSo(state: Walk): bool {
  return state.slash != 0 && (state.follow & MAKES_FILE) != 0
}

function stepTree(state: Walk, final: bool): i32 {
  const dir = state.dir!
  if (!mayUse(state.process, dir, 1, (state.follow & REAL_IDS) != 0)) return -EACCES
  if (isDot(state.name, state.nameBytes)) return final ? arrive(state, LAST_DOT) : MORE
  if (isDotDot(state.name, state.nameBytes)) return climb(state, dir, final)
  if (final && mayNotEndSo(state)) return -EISDIR
  const entry = findEntry(dir, state.name, state.nameBytes)
  if (entry == null) {
    state.inode = null
    return final ? 0 : -ENOENT
  }
  const found = entry.inode
  if (isSymlink(found) && (!final || followsLast(state))) {
    return expand(state, copyText(found.text, scratch(), PATH_MAX))
  }
  if (final && found.covered == 0) {
    state.inode = found
    return mustBeDirectory(state) && !isDirectory(found) ? -ENOTDIR : 0
  }
  if (!isDirectory(found)) return -ENOTDIR
  descend(state, found)
  return final ? arrive(state, LAST_ROOT) : MORE
}

/** `..` from a directory of the tree. */
function climb(state: Walk, dir: Inode, final: bool): i32 {
  const parent = dir.parent
  if (parent == null) return -ENOENT
  descend(state, parent)
  return final ? arrive(state, LAST_DOTDOT) : MORE
}

function stepMount(state: Walk, final: bool): i32 {
  if (isDot(state.name, state.nameBytes)) return final ? arrive(state, LAST_DOT) : MORE
  if (isDotDot(state.name, state.nameBytes)) return climbMount(state, final)
  if (final && mayNotEndSo(state)) return -EISDIR
  const length = state.pathBytes
  if (!append(state)) return -ENAMETOOLONG
  const result = look(state)
  if (result == -ENOENT && final) return 0
  if (result < 0) return result
  const type = state.mode & S_IFMT
  if (type == S_IFLNK && (!final || followsLast(state))) {
    const target = readLink(state.mount, pathOf(state), state.pathBytes, scratch(), PATH_MAX)
    state.pathBytes = length
    return target < 0 ? target : expand(state, target)
  }
  if (type != S_IFDIR && (!final || mustBeDirectory(state))) return -ENOTDIR
  return final ? 0 : MORE
}

/** Adds the name to the path in a mount. => false when that gets too long. */
function append(state: Walk): bool {
  const path = pathOf(state)
  if (state.pathBytes + 1 + state.nameBytes >= PATH_MAX) return false
  if (state.pathBytes != 0) store<u8>(path + state.pathBytes++, 0x2f)
  memory.copy(path + state.pathBytes, state.name, state.nameBytes)
  state.pathBytes += state.nameBytes
  return true
}

/** `..` in a mount; at its root, the parent of the mount point. */
function climbMount(state: Walk, final: bool): i32 {
  if (state.pathBytes == 0) {
    lock()
    const point = pointOf(state.mount)
    state.mount = -1
    return climb(state, point, final)
  }
  state.pathBytes = parentBytes(pathOf(state), state.pathBytes)
  return final ? arrive(state, LAST_DOTDOT) : MORE
}

/** => length of the path without its last component. */
export function parentBytes(path: usize, bytes: u32): u32 {
  let length = bytes
  while (length > 0 && load<u8>(path + length - 1) != 0x2f) length--
  return length > 0 ? length - 1 : 0
}

/** Puts a symlink's target, `bytes` bytes in the scratch, before what is pending. */
function expand(state: Walk, bytes: u32): i32 {
  if (++state.symlinks > SYMLOOP_MAX) return -ELOOP
  if (bytes == 0) return -ENOENT
  if (bytes >= PATH_MAX || state.at - bytes < changetype<usize>(state) + PENDING_AT)
    return -ENAMETOOLONG
  state.at -= bytes
  memory.copy(state.at, scratch(), bytes)
  if (load<u8>(state.at) != 0x2f) return MORE
  if (state.mount >= 0) {
    lock()
    state.mount = -1
  }
  descend(state, rootInode())
  return MORE
}

/** => the process has the permission `want` (4 read, 2 write, 1 search or execute) on the inode. */
export function mayUse(process: Process, inode: Inode, want: u32, real: bool = false): bool {
  return mayAccess(process, inode.mode, inode.uid, inode.gid, want, real)
}

/**
 * The process has no working directory of its own any more: the root is. It may free. => lock held.
 */
export function dropCwd(process: Process): void {
  if (process.cwd == 0) return
  const inode = changetype<Inode>(<usize>process.cwd)
  edit<Process>(process).cwd = 0
  dropInode(inode)
}

/** Makes `inode`, a directory, the working directory. => lock held. */
export function setCwd(process: Process, inode: Inode): void {
  useInode(inode)
  dropCwd(process)
  edit<Process>(process).cwd = <u32>changetype<usize>(inode)
}

/** => the working directory. */
export function cwdOf(process: Process): Inode {
  return changetype<Inode>(<usize>(process.cwd != 0 ? process.cwd : K.rootInode))
}
