/**
 * What happens to inodes, and to System V segments, that nobody uses any more: after close, munmap,
 * exit, and whatever else dropped a last user.
 *
 *   segment, removed          -> freed, pages, id and all
 *   tmpfs, nlink 0            -> freed, pages and all
 *   mount, name gone          -> freed, its provider descriptor closed
 *   mount, written, unsynced  -> made durable first: the next fsync of the file, perhaps of another
 *                                inode by then, promises these bytes too
 *   mount, nothing dirty      -> provider descriptor closed, size and mtime noted; kept in the LRU
 *                                list while it has pages
 *   mount, dirty              -> kept in the LRU list with its descriptor, until write-back has
 *                                cleaned it and made it idle again
 *
 * Invariants (checkIdle):
 *  1. The list is doubly linked, oldest first at K.inodeLru; it may hold inodes that are used
 *     again.
 *  2. Past IDLE_INODES_MAX each sweep ends, or cleans, the oldest; past IDLE_OPEN_MAX it cleans the oldest that has a provider's
 *     descriptor, as the host has only so many. `inode.lruOpen` says that it had one when it got idle.
 */
import { IDLE_INODES_MAX, IDLE_OPEN_MAX, MOUNTS_MAX, PANIC_INODE } from './abi'
import { endClosing, hasClosing } from './file'
import { heldInode, holdInode, letGoInode } from './hold'
import { freeInode, Inode } from './inode'
import { edit, put } from './journal'
import { lock, relax, relaxIfDeep, unlock } from './lock'
import { endMessage, hasDyingMessages } from './message'
import { closeFd, statFd, statMtime, statSize } from './mountfs'
import { dropRef, MemObject, takeIdle } from './object'
import { check } from './panic'
import { destroyObject } from './release'
import { K, Root } from './root'
import { endSegment } from './segment'
import { syncObject, syncStore } from './writeback'

/** Inodes in the LRU list. */
const LRU_COUNT: usize = memory.data(16, 16)

/** Those of them that are lruOpen. */
const LRU_OPEN: usize = memory.data(16, 16)
/** Times that an object of each mount gave its provider descriptor up, modulo 2^32. */
const CLOSES: usize = memory.data(256, 16)

if (MOUNTS_MAX * 4 != 256) ERROR('CLOSES holds MOUNTS_MAX mounts')

/**
 * Ends or puts away what has become unused. The system-call table does it after each call. May
 * sleep. => lock not held, no holds.
 */
export function sweepIdle(): void {
  if (K.idleObjects == 0 && !hasClosing() && !hasDyingMessages()) return
  lock()
  while (endMessage()) relaxIfDeep()
  while (endClosing()) relaxIfDeep()
  let object = takeIdle()
  while (object != null) {
    settle(object)
    relax()
    object = takeIdle()
  }
  if (load<u32>(LRU_COUNT) > IDLE_INODES_MAX) trim(changetype<Inode>(<usize>K.inodeLru))
  if (load<u32>(LRU_OPEN) > IDLE_OPEN_MAX) trim(oldestOpen()!)
  unlock()
}

/**
 * The host has no descriptor left: gives back one of a file that nobody has open, the oldest that can be written. => false when there is none. => lock not
 * held, no inode held.
 */
export function giveUpDescriptor(): bool {
  const before = load<u32>(LRU_OPEN)
  for (let tries = before; tries > 0 && load<u32>(LRU_OPEN) >= before; tries--) {
    lock()
    const inode = oldestOpen()
    if (inode != null) trim(inode)
    unlock()
    sweepIdle()
  }
  return load<u32>(LRU_OPEN) < before
}

/** => the inode of the list that got idle first of those that had a descriptor. => lock held. */
function oldestOpen(): Inode | null {
  if (load<u32>(LRU_OPEN) == 0) return null
  let inode = changetype<Inode | null>(<usize>K.inodeLru)
  while (inode != null && inode.lruOpen == 0) inode = inode.lruNext
  return inode
}

function setLruOpen(inode: Inode, open: u32): void {
  if (inode.lruOpen == open) return
  edit<Inode>(inode).lruOpen = open
  put(LRU_OPEN, load<u32>(LRU_OPEN) + (open != 0 ? 1 : -1))
}

/**
 * Decides about one object of the idle list. => lock held before and after, perhaps free in
 * between.
 */
function settle(object: MemObject): void {
  if (object.refs != 1) return
  if (object.segment != 0) {
    endSegment(object)
    return
  }
  const inode = changetype<Inode>(<usize>object.inode)
  if (inode.mount < 0) {
    if (inode.nlink == 0) end(inode)
    return
  }
  const clean = object.dirtyPages == 0 && object.writing == 0
  const synced = object.unsynced == 0
  if (inode.gone != 0) end(inode)
  else if (clean && object.fd >= 0 && synced) closeProvider(inode)
  else if (clean && object.fd >= 0 && inode.inLru == 0) makeDurable(inode)
  else if (clean && object.fd < 0 && object.resident == 0) end(inode)
  else keep(inode)
}

function keep(inode: Inode): void {
  if (inode.inLru == 0) pushLru(inode)
  if (inode.object!.fd >= 0) setLruOpen(inode, 1)
}

/**
 * Syncs what was written, after which the inode gets idle again. One that cannot be synced keeps its
 * descriptor, for sync_all or trim.
 */
function makeDurable(inode: Inode): void {
  holdInode(inode)
  if (syncStore(inode.object!, false) != 0) keep(inode)
  letGoInode()
}

/**
 * Frees an inode with its object, and closes its provider descriptors. => nobody else uses it; lock
 * held before and after.
 */
function end(inode: Inode): void {
  const object = edit<MemObject>(inode.object!)
  const mount = inode.mount
  const fd = object.fd
  const spare = inode.spareFd
  if (inode.inLru != 0) removeLru(inode)
  edit<Inode>(inode).object = null
  object.inode = 0
  dropFd(object, mount)
  dropRef(object)
  freeInode(inode)
  destroyObject(object)
  if (mount < 0 || (fd < 0 && spare < 0)) return
  unlock()
  closeFd(mount, spare)
  closeFd(mount, fd)
  lock()
}

/**
 * Closes the provider descriptors of a clean inode, and notes what the provider says of the file
 * then. It gets idle again.
 */
function closeProvider(inode: Inode): void {
  const object = edit<MemObject>(inode.object!)
  const fd = object.fd
  const spare = inode.spareFd
  holdInode(inode)
  dropFd(object, inode.mount)
  setLruOpen(inode, 0)
  object.writable = 0
  edit<Inode>(inode).spareFd = -1
  unlock()
  const known = statFd(inode.mount, fd) == 0
  closeFd(inode.mount, spare)
  closeFd(inode.mount, fd)
  lock()
  edit<Inode>(heldInode()).seenMtime = known ? statMtime() : 0
  inode.seenSize = known ? statSize() : 0
  letGoInode()
}

/** => times that an object of the mount gave its provider descriptor up, modulo 2^32. => lock held. */
export function closesOf(mount: i32): u32 {
  return load<u32>(CLOSES + ((<usize>mount) << 2))
}

/** The object's size and times are not the true ones any more: opens that go by what the provider said before ask again. */
function dropFd(object: MemObject, mount: i32): void {
  if (object.fd >= 0) put(CLOSES + ((<usize>mount) << 2), closesOf(mount) + 1)
  object.fd = -1
}

/** Ends one of the list, or writes it back first: then it gets idle again, clean. => lock held before and after. */
function trim(inode: Inode): void {
  const object = inode.object!
  removeLru(inode)
  if (object.refs != 1) return
  const durable = object.unsynced == 0 || object.fd < 0
  if (object.dirtyPages == 0 && object.writing == 0 && durable) {
    end(inode)
    return
  }
  holdInode(inode)
  unlock()
  syncObject(object, false)
  lock()
  letGoInode()
}

function pushLru(inode: Inode): void {
  const last = K.inodeLruTail
  edit<Inode>(inode).inLru = 1
  inode.lruNext = null
  inode.lruPrev = changetype<Inode | null>(<usize>last)
  const here = <u32>changetype<usize>(inode)
  if (last != 0) edit<Inode>(changetype<Inode>(<usize>last)).lruNext = inode
  else put(changetype<usize>(K) + offsetof<Root>('inodeLru'), here)
  put(changetype<usize>(K) + offsetof<Root>('inodeLruTail'), here)
  put(LRU_COUNT, load<u32>(LRU_COUNT) + 1)
}

function removeLru(inode: Inode): void {
  setLruOpen(inode, 0)
  const next = inode.lruNext
  const prev = inode.lruPrev
  if (prev != null) edit<Inode>(prev).lruNext = next
  else put(changetype<usize>(K) + offsetof<Root>('inodeLru'), <u32>changetype<usize>(next))
  if (next != null) edit<Inode>(next).lruPrev = prev
  else put(changetype<usize>(K) + offsetof<Root>('inodeLruTail'), <u32>changetype<usize>(prev))
  edit<Inode>(inode).inLru = 0
  inode.lruNext = null
  inode.lruPrev = null
  put(LRU_COUNT, load<u32>(LRU_COUNT) - 1)
}

/** Panics when the list is broken; => inodes in it. => lock held. */
export function checkIdle(): u32 {
  let count: u32 = 0
  let open: u32 = 0
  let prev: Inode | null = null
  let inode = changetype<Inode | null>(<usize>K.inodeLru)
  while (inode != null) {
    check(inode.inLru == 1 && inode.lruPrev == prev && inode.mount >= 0, PANIC_INODE)
    count++
    open += inode.lruOpen
    prev = inode
    inode = inode.lruNext
  }
  check(K.inodeLruTail == <u32>changetype<usize>(prev), PANIC_INODE)
  check(count == load<u32>(LRU_COUNT), PANIC_INODE, count)
  check(open == load<u32>(LRU_OPEN), PANIC_INODE, open)
  return count
}
