/**
 * Inodes: what a name or an open file means - a file, directory or symlink of the kernel's own
 * tmpfs, or of a mount.
 *
 *   tmpfs   born with a name, dies when `nlink` and users are 0 (a file's object may live on in
 *           mappings)
 *   mount   born when opened or made a working directory; hashed by (mount, ino), so that every open
 *           of one file meets one object and one page cache; when unused it stays with its clean
 *           pages in the LRU list (idle.ts), IDLE_INODES_MAX of them
 *
 * Invariants (checkInode, checkMounted):
 *  1. `refs` counts open descriptions, working directories and threads that hold it across a sleep.
 *     Each also holds the object.
 *  2. A regular file has an object, which the inode itself holds once; nothing else has one. S_IFIFO has a pipe, nothing else has.
 *  3. A tmpfs inode with nlink 0 and no refs is freed in the same transaction, or, with an object,
 *     is in the idle list.
 *  4. Mount inodes that are not `gone` are in the hash, once.
 *  5. `writer` is the thread (index + 1) that is writing or resizing; it holds the inode, so that
 *     its death releases it.
 * Guarded by the kernel lock, journalled.
 */
import { PANIC_INODE, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from './abi'
import { now } from './env'
import { edit, put } from './journal'
import { dropRef, MemObject, newObject, OBJECT_TMPFS, retain } from './object'
import { check } from './panic'
import { endPipe, newPipe, Pipe } from './pipe'
import { endPosixQueue, PosixQueue } from './posixqueue'
import { add, K, Root, serial } from './root'
import { create, destroy } from './slab'
import { freeText, Text } from './text'
import { Node } from './tree'

@unmanaged
export class Inode {
  /** Type and permissions, st_mode. */
  mode: u32
  uid: u32
  gid: u32
  nlink: u32
  refs: u32
  /** Mount number, -1 for tmpfs. */
  mount: i32
  ino: u64
  atimeMs: f64
  /** A regular file's are its object's. */
  mtimeMs: f64
  ctimeMs: f64
  object: MemObject | null
  /** A POSIX message queue's: such an inode has no file type (mqopen.ts). */
  queue: PosixQueue | null
  /** A pipe's or FIFO's. */
  pipe: Pipe | null
  /** Symlink: its target. Mount: its path below the mount's root. */
  text: Text | null
  /**
   * tmpfs directory: its entries (dir.ts), how many, its parent (itself for the root) and its own
   * entry there.
   */
  entries: Node | null
  entryCount: u32
  parent: Inode | null
  entry: u32
  /** Number of the mount that covers this directory, plus 1. */
  covered: u32
  writer: u32
  /**
   * First byte-range lock (range.ts) and how many, first open description with a flock (file.ts).
   */
  ranges: u32
  rangeCount: u32
  flocks: u32
  /** Mount: hash chain, LRU list. */
  nextHash: Inode | null
  lruNext: Inode | null
  lruPrev: Inode | null
  inLru: u32
  /** In the LRU list, where it came with a provider's descriptor. */
  lruOpen: u32
  /** Mount: its last name is gone, it is not hashed any more. */
  gone: u32
  /** Mount: a second descriptor of the provider, replaced by a writable one; -1 when none. */
  spareFd: i32
  /** Mount: size and mtime (ns) at the provider when the file was last closed. */
  seenMtime: u64
  seenSize: u64
}

const BUCKETS: u32 = 1024
/** First mount inode of each bucket. */
const HASH: usize = memory.data(4096, 16)

export function isDirectory(inode: Inode): bool {
  return (inode.mode & S_IFMT) == S_IFDIR
}

export function isFile(inode: Inode): bool {
  return (inode.mode & S_IFMT) == S_IFREG
}

export function isSymlink(inode: Inode): bool {
  return (inode.mode & S_IFMT) == S_IFLNK
}

/**
 * => a tmpfs inode without names or users, null when memory is out: the caller abandons. `mode` has
 * the type.
 */
export function newInode(mode: u32, uid: u32, gid: u32): Inode | null {
  const inode = create<Inode>()
  if (changetype<usize>(inode) == 0) return null
  inode.mode = mode
  inode.uid = uid
  inode.gid = gid
  inode.mount = -1
  inode.spareFd = -1
  inode.ino = serial()
  inode.atimeMs = now(1)
  inode.mtimeMs = inode.atimeMs
  inode.ctimeMs = inode.atimeMs
  if (isFile(inode) && !addObject(inode, OBJECT_TMPFS, 0)) return null
  if ((mode & S_IFMT) == S_IFIFO) {
    inode.pipe = newPipe()
    if (inode.pipe == null) return null
  }
  add(offsetof<Root>('inodes'), 1)
  return inode
}

function addObject(inode: Inode, kind: u32, size: u64): bool {
  const object = newObject(kind, size)
  if (object == null) return false
  object.inode = <u32>changetype<usize>(inode)
  inode.object = object
  return true
}

function bucketOf(mount: i32, ino: u64): usize {
  const hash = (ino * 0x9e3779b97f4a7c15 + <u64>mount * 0xc2b2ae3d27d4eb4f) >> 54
  return HASH + ((<usize>hash) << 2)
}

/** => the mount inode of that number, null when the kernel has none. */
export function findMounted(mount: i32, ino: u64): Inode | null {
  let inode = changetype<Inode | null>(<usize>load<u32>(bucketOf(mount, ino)))
  while (inode != null && (inode.mount != mount || inode.ino != ino)) inode = inode.nextHash
  return inode
}

/**
 * => a hashed mount inode without users, null when memory is out: the caller abandons. `kind` is
 * its object's.
 */
export function newMounted(mount: i32, ino: u64, mode: u32, kind: u32, size: u64): Inode | null {
  const inode = create<Inode>()
  if (changetype<usize>(inode) == 0) return null
  inode.mode = mode
  inode.mount = mount
  inode.ino = ino
  inode.spareFd = -1
  inode.nlink = 1
  if (isFile(inode)) {
    if (!addObject(inode, kind, size)) return null
    inode.object!.mount = mount
  }
  const at = bucketOf(mount, ino)
  inode.nextHash = changetype<Inode | null>(<usize>load<u32>(at))
  put(at, <u32>changetype<usize>(inode))
  add(offsetof<Root>('inodes'), 1)
  return inode
}

/** The last name of a mount inode is gone: a new file may get its number. */
export function unhash(inode: Inode): void {
  if (inode.gone != 0) return
  let at = bucketOf(inode.mount, inode.ino)
  while (load<u32>(at) != <u32>changetype<usize>(inode)) {
    check(load<u32>(at) != 0, PANIC_INODE, <u32>inode.ino)
    at = <usize>load<u32>(at) + offsetof<Inode>('nextHash')
  }
  put(at, <u32>changetype<usize>(inode.nextHash))
  edit<Inode>(inode).gone = 1
  inode.nextHash = null
}

/**
 * => the next mount inode after `inode` in the whole table (null: the first one), null at the end.
 */
export function nextMounted(inode: Inode | null): Inode | null {
  let at: usize = HASH
  if (inode != null) {
    if (inode.nextHash != null) return inode.nextHash
    at = bucketOf(inode.mount, inode.ino) + 4
  }
  while (at < HASH + (BUCKETS << 2) && load<u32>(at) == 0) at += 4
  return at < HASH + (BUCKETS << 2) ? changetype<Inode>(<usize>load<u32>(at)) : null
}

/** One more user. */
export function useInode(inode: Inode): void {
  edit<Inode>(inode).refs += 1
  const object = inode.object
  if (object != null) retain(object)
}

/** One user less. It may free: nothing is allocated afterwards in this transaction. */
export function dropInode(inode: Inode): void {
  check(inode.refs > 0, PANIC_INODE, <u32>inode.ino)
  edit<Inode>(inode).refs -= 1
  const object = inode.object
  if (object != null) dropRef(object)
  else endIfUnused(inode)
}

/** One name of a tmpfs inode less (a directory: both of its own). It may free, as dropInode. */
export function dropLink(inode: Inode): void {
  edit<Inode>(inode).nlink = isDirectory(inode) ? 0 : inode.nlink - 1
  touchChange(inode)
  const object = inode.object
  if (object == null) {
    endIfUnused(inode)
    return
  }
  retain(object) // and off again: an object that only its inode holds goes to the idle list
  dropRef(object)
}

/** Frees an inode without an object that has no user and no name. */
function endIfUnused(inode: Inode): void {
  if (inode.refs != 0 || (inode.mount < 0 && inode.nlink != 0)) return
  freeInode(inode)
}

/** Frees the structure. => no users, no names, no object. */
export function freeInode(inode: Inode): void {
  check(
    inode.entries == null && inode.ranges == 0 && inode.flocks == 0,
    PANIC_INODE,
    <u32>inode.ino,
  )
  if (inode.mount >= 0) unhash(inode)
  freeText(inode.text)
  const queue = inode.queue
  if (queue != null) endPosixQueue(queue)
  const pipe = inode.pipe
  if (pipe != null) endPipe(pipe)
  destroy<Inode>(inode)
  add(offsetof<Root>('inodes'), -1)
}

/** => st_mtime, ms since 1970. */
export function mtimeOf(inode: Inode): f64 {
  const object = inode.object
  return object != null ? object.mtimeMs : inode.mtimeMs
}

/** => st_ctime, ms since 1970. */
export function ctimeOf(inode: Inode): f64 {
  const object = inode.object
  return object != null ? object.ctimeMs : inode.ctimeMs
}

/** Sets st_mtime. */
export function setMtime(inode: Inode, ms: f64): void {
  const object = inode.object
  if (object != null) edit<MemObject>(object).mtimeMs = ms
  else edit<Inode>(inode).mtimeMs = ms
}

/** The inode changed: st_ctime moves. */
export function touchChange(inode: Inode): void {
  const object = inode.object
  if (object != null) edit<MemObject>(object).ctimeMs = now(1)
  else edit<Inode>(inode).ctimeMs = now(1)
}

/** A directory's entries changed: st_mtime and st_ctime move. */
export function touchEntries(inode: Inode): void {
  edit<Inode>(inode).mtimeMs = now(1)
  inode.ctimeMs = inode.mtimeMs
}

/** Somebody read: st_atime moves when it is behind st_mtime or a day old (Linux, relatime). */
export function touchAccess(inode: Inode): void {
  const time = now(1)
  if (inode.atimeMs > mtimeOf(inode) && time - inode.atimeMs < 86400000) return
  edit<Inode>(inode).atimeMs = time
}

/** Panics at the first broken invariant of one inode. */
export function checkInode(inode: Inode): void {
  const number = <u32>inode.ino
  check(isFile(inode) == (inode.object != null), PANIC_INODE, number)
  check(((inode.mode & S_IFMT) == S_IFIFO) == (inode.pipe != null), PANIC_INODE, number)
  const object = inode.object
  if (object != null) {
    check(object.inode == <u32>changetype<usize>(inode), PANIC_INODE, number)
    check(object.refs > inode.refs, PANIC_INODE, number)
  }
  const named = inode.nlink != 0 || inode.refs != 0 || object != null
  check(named || inode.mount >= 0, PANIC_INODE, number)
  check(inode.entries == null || isDirectory(inode), PANIC_INODE, number)
}

/** Panics at the first broken mount inode; => how many are hashed. => lock held. */
export function checkMounted(): u32 {
  let count: u32 = 0
  for (let inode = nextMounted(null); inode != null; inode = nextMounted(inode)) {
    checkInode(inode)
    check(inode.mount >= 0 && inode.gone == 0, PANIC_INODE, <u32>inode.ino)
    check(findMounted(inode.mount, inode.ino) == inode, PANIC_INODE, <u32>inode.ino)
    check(inode.refs != 0 || inode.object != null, PANIC_INODE, <u32>inode.ino)
    count++
  }
  check(K.inodes >= count, PANIC_INODE, count)
  return count
}
