/**
 * What the kernel keeps of a mount's files: binding an open description to the one inode of a
 * (mount, ino).
 *
 * While a file has a provider descriptor the kernel's size and times are the true ones. When the
 * last user goes and nothing is dirty the descriptor is closed (idle.ts) and size and mtime are
 * noted; the next open compares them with the provider's and drops what went stale: close-to-open
 * consistency, as NFS has it.
 *
 * Invariants:
 *  1. `object.fd` is -1, or a provider descriptor; it changes from read-only to writable once, and
 *     the old one waits in `spareFd`, since a thread may be reading through it.
 *  2. `text` is the path by which the file was last opened or renamed to; a directory's is kept
 *     true by `movePaths`.
 */
import {
  EACCES,
  EISDIR,
  ENOENT,
  ENOMEM,
  ENOTCAPABLE,
  ENOTSUP,
  EPERM,
  EROFS,
  ETXTBSY,
  PATH_MAX,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from './abi'
import { dropClean } from './evict'
import { attach } from './file'
import { heldFile, holdInode, letGoInode } from './hold'
import { closesOf } from './idle'
import { findMounted, Inode, newMounted, nextMounted, unhash } from './inode'
import { edit } from './journal'
import { abandon, lock, relax, unlock } from './lock'
import { isReadOnly } from './mount'
import {
  closeFd,
  openPath,
  scratch,
  statCtime,
  statFd,
  statIno,
  statLinks,
  statMode,
  statMtime,
  statSize,
  toMs,
} from './mountfs'
import { MemObject, OBJECT_FILE } from './object'
import { pathOf, Walk } from './path'
import { makeRoom } from './room'
import { bytesOf, copyText, freeText, newText, Text, textBytes } from './text'

/** Frames that must be free for the structures of one call. */
export const ROOM_FRAMES: u32 = 8
const STALE: i32 = 1

/**
 * => the inode of what a walk found, with that path; null when memory is out: the caller abandons.
 * => lock held.
 */
export function inodeOfWalk(walk: Walk): Inode | null {
  const inode = inodeOf(walk.mount, walk.ino, walk.mode, statSize())
  return inode != null && setPath(inode, pathOf(walk), walk.pathBytes) ? inode : null
}

/**
 * Gives the description in use the inode of what a walk found, without opening it at the provider.
 * => 0 or -errno. => lock not held.
 */
export function bindName(walk: Walk): i32 {
  lock()
  makeRoom(ROOM_FRAMES)
  const inode = inodeOfWalk(walk)
  if (inode != null) attach(heldFile(), inode)
  else abandon()
  unlock()
  return inode != null ? 0 : -ENOMEM
}

/**
 * A name of a mount's file is gone; with the last one its number means nothing any more. `nlink`:
 * names it had before. => lock not held, no inode held.
 */
export function forgetName(mount: i32, ino: u64, nlink: u32, mode: u32): void {
  lock()
  const inode = findMounted(mount, ino)
  if (inode != null) {
    holdInode(inode)
    if (!isNamedStill(inode, (mode & S_IFMT) != S_IFDIR && nlink > 1)) unhash(inode)
    letGoInode() // one that nobody uses goes to the idle list, which ends it
  }
  unlock()
}

/**
 * => a file has other names: it may have got or lost some since the provider counted them last.
 * Without a descriptor it is as it `was`. => the inode is held; lock held before and after, free in
 * between.
 */
function isNamedStill(inode: Inode, was: bool): bool {
  const object = inode.object
  if (object == null || object.fd < 0) return was
  unlock()
  const known = statFd(inode.mount, object.fd) == 0
  lock()
  return known ? statLinks() > 0 : was
}

/** => the inode, made when the kernel has none of that number and type; null when memory is out. */
function inodeOf(mount: i32, ino: u64, mode: u32, size: u64): Inode | null {
  const known = findMounted(mount, ino)
  if (known != null && known.mode == mode) return known
  if (known != null) unhash(known)
  return newMounted(mount, ino, mode, OBJECT_FILE, size)
}

/**
 * Notes the path of a mount inode. => false when memory is out: the caller abandons. It frees:
 * nothing is allocated afterwards.
 */
export function setPath(inode: Inode, path: usize, bytes: u32): bool {
  const old = inode.text
  if (old != null && hasPath(old, path, bytes)) return true
  const text = newText(path, bytes)
  if (text == null) return false
  edit<Inode>(inode).text = text
  freeText(old)
  return true
}

function hasPath(text: Text, path: usize, bytes: u32): bool {
  if (textBytes(text) != bytes) return false
  let at = path
  for (let piece: Text | null = text; piece != null; piece = piece.next) {
    if (memory.compare(bytesOf(piece), at, piece.bytes) != 0) return false
    at += piece.bytes
  }
  return true
}

/** Opens a regular file of a mount for the description in use. => 0 or -errno. => lock not held. */
export function openMountedFile(walk: Walk, oflags: u32, write: bool): i32 {
  if (walk.exists != 0 && bindOpen(walk, write)) return 0
  const path = pathOf(walk)
  let writable = !isReadOnly(walk.mount)
  let fd = openPath(walk.mount, path, walk.pathBytes, oflags, writable)
  if (fd < 0 && writable && !write && refusesWriting(fd)) {
    writable = false
    fd = openPath(walk.mount, path, walk.pathBytes, oflags, false)
  }
  if (fd < 0) return fd
  let result = STALE
  while (result == STALE) {
    lock()
    const closes = closesOf(walk.mount)
    unlock()
    result = statFd(walk.mount, fd)
    if (result == 0) result = bindFile(walk, fd, writable, closes)
  }
  if (result < 0) closeFd(walk.mount, fd)
  return result
}

function refusesWriting(result: i32): bool {
  const error = -result
  if (error == EACCES || error == EPERM || error == EROFS) return true
  return error == ETXTBSY || error == ENOTSUP || error == ENOTCAPABLE
}

/**
 * Binds to a file that is open already. => false when the provider must be asked for a descriptor: also
 * for a file known by another name, which may be one that has got the number since the walk saw it.
 */
function bindOpen(walk: Walk, write: bool): bool {
  lock()
  const inode = findMounted(walk.mount, walk.ino)
  const open = inode != null && isOpen(inode, write) && isNamed(inode, walk)
  if (open) attach(heldFile(), inode!)
  unlock()
  return open
}

/** => the name that the kernel knows of the inode is the walk's. */
function isNamed(inode: Inode, walk: Walk): bool {
  const text = inode.text
  return text != null && hasPath(text, pathOf(walk), walk.pathBytes)
}

/** => the inode has a provider descriptor that serves. */
function isOpen(inode: Inode, write: bool): bool {
  const object = inode.object
  return object != null && object.fd >= 0 && (!write || object.writable != 0)
}

/**
 * Binds to the file behind provider descriptor `fd`, whose attributes are in filestat(), asked for
 * when closesOf was `closes`. It owns `fd` when it returns 0. => 0, -errno, or STALE: they may be
 * older than what the kernel wrote to the file and closed since.
 */
function bindFile(walk: Walk, fd: i32, writable: bool, closes: u32): i32 {
  if ((statMode() & S_IFMT) != S_IFREG) return -EISDIR
  lock()
  makeRoom(ROOM_FRAMES)
  if (closesOf(walk.mount) != closes && !isKept(walk.mount, statIno())) {
    unlock()
    return STALE
  }
  const inode = inodeOf(walk.mount, statIno(), statMode(), statSize())
  if (inode == null || !setPath(inode, pathOf(walk), walk.pathBytes)) {
    abandon()
    unlock()
    return -ENOMEM
  }
  const object = edit<MemObject>(inode.object!)
  const stale = object.fd < 0 && object.dirtyPages == 0
  const surplus = install(inode, object, fd, writable)
  if (stale) {
    object.mtimeMs = toMs(statMtime())
    object.ctimeMs = toMs(statCtime())
  }
  attach(heldFile(), inode)
  if (stale && (inode.seenMtime != statMtime() || inode.seenSize != statSize())) refresh(object)
  unlock()
  closeFd(walk.mount, surplus)
  return 0
}

/** => the kernel has the file open at the provider: its size and times are the kernel's. */
function isKept(mount: i32, ino: u64): bool {
  const inode = findMounted(mount, ino)
  return inode != null && isOpen(inode, false)
}

/**
 * Gives the object a provider descriptor if it can use it. => the one to be closed, -1 when none.
 */
function install(inode: Inode, object: MemObject, fd: i32, writable: bool): i32 {
  if (object.fd >= 0 && (object.writable != 0 || !writable)) return fd
  if (object.fd >= 0) edit<Inode>(inode).spareFd = object.fd
  object.fd = fd
  object.writable = writable ? 1 : 0
  return -1
}

/**
 * The provider has another file than the pages show: drops them and takes its size. => the object
 * is in use, lock held; relaxes.
 */
function refresh(object: MemObject): void {
  const size = statSize()
  dropClean(object)
  if (object.dirtyPages == 0 && object.writing == 0) edit<MemObject>(object).size = size
}

/**
 * Copies an inode's path into this thread's scratch. => bytes, -ENOENT when it is gone or not
 * known. => lock held.
 */
export function loadPath(inode: Inode): i32 {
  if (inode.gone != 0 || inode.text == null) return -ENOENT
  return copyText(inode.text, scratch(), PATH_MAX)
}

/**
 * A name of a mount moved: every path that the kernel keeps at or below `from` starts with `to`
 * now. One that gets too long, or for which there is no memory, is forgotten: a directory is then
 * as if removed. => lock held, at the beginning of a transaction; relaxes. from != to.
 */
export function movePaths(mount: i32, from: usize, fromBytes: u32, to: usize, toBytes: u32): void {
  let inode = findBelow(mount, from, fromBytes)
  while (inode != null) {
    const path = scratch()
    const tail = <u32>loadPath(inode) - fromBytes
    memory.copy(path + toBytes, path + fromBytes, tail)
    memory.copy(path, to, toBytes)
    if (toBytes + tail >= PATH_MAX || !setPath(inode, path, toBytes + tail)) {
      abandon() // pieces of the new one
      forgetPath(inode)
    }
    relax()
    inode = findBelow(mount, from, fromBytes)
  }
}

/** => a mount inode whose path is `path` or below it, null when there is none. */
function findBelow(mount: i32, path: usize, bytes: u32): Inode | null {
  for (let inode = nextMounted(null); inode != null; inode = nextMounted(inode)) {
    if (inode.mount != mount) continue
    const length = loadPath(inode)
    if (length < <i32>bytes || memory.compare(scratch(), path, bytes) != 0) continue
    if (length == <i32>bytes || load<u8>(scratch() + bytes) == 0x2f) return inode
  }
  return null
}

function forgetPath(inode: Inode): void {
  const old = inode.text
  edit<Inode>(inode).text = null
  freeText(old)
}
