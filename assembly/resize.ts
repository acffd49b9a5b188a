/**
 * Changing an object's size, and punching holes, under live mappings.
 *
 * Shrinking a file: first the provider (a failure changes nothing), then `size` (from here faults past it are SIGBUS), then entries and private
 * copies past it go, grants on them are waited for, and only then the pages. While it lasts `resizing` keeps write-back from
 * storing past the new end; the thread's slot says so (IO_RESIZE), for whoever finds it dead, and `uncut` that there is something left to take: whoever
 * reaps the thread does it, or after an exception of the host the next call that resizes the object or writes to it. So what lay past an end is never seen
 * again when the object grows.
 */
import {
  EFBIG,
  EINVAL,
  ENXIO,
  EWOULDBLOCK_PARK,
  OFFSET_MAX,
  WASI_FD_FILESTAT_SET_SIZE,
} from './abi'
import {
  findPage,
  keyOfPage,
  markDirty,
  nextPage,
  noteUnsynced,
  PAGE_BUSY,
  PAGE_WRITEBACK,
  removePage,
} from './cache'
import { now } from './env'
import { grow } from './fileio'
import { clearTail } from './fill'
import { Frame, frameAddress } from './frame'
import { awaitHolder, holderOf, holderOfFrame } from './grant'
import { beginIo, endIo, IO_RESIZE } from './io'
import { depth, edit, put } from './journal'
import { lock, relax, unlock } from './lock'
import { keyOf, MemObject, OBJECT_FILE, touchTimes } from './object'
import { call } from './pager'
import { nextPte, pteAt } from './pte'
import { INDEX_END } from './radix'
import { K, pageRound } from './root'
import { unmapPage, zapEntry } from './space'
import { findOverlap } from './tree'
import { addressOf, Vma, vmaByPage } from './vma'
import { park, wake } from './wait'

/** Journal bytes after which a walk over mappings makes way and starts again. */
const WALK_BYTES: u32 = 131072

/** ftruncate on an object. => 0, -EFBIG, -EINVAL, the provider's -errno, -EWOULDBLOCK_PARK. => lock not held; the caller keeps the object alive. */
export function setObjectSize(object: MemObject, size: u64): i32 {
  if (size > OFFSET_MAX) return -EFBIG
  lock()
  let result = beginResize(object)
  if (result == 0) {
    result = resizeStore(object, size)
    if (result == 0) {
      if (object.uncut != 0) cut(object)
      if (size < object.size) shrink(object, size)
      else if (size > object.size) grow(object, size)
      touchTimes(object)
    }
    endResize(object)
  }
  unlock()
  return result
}

/** Goes on with a cut that its thread has left. => 0, -EWOULDBLOCK_PARK. => lock not held; the caller keeps the object alive. */
export function finishCut(object: MemObject): i32 {
  lock()
  const result = beginResize(object)
  if (result == 0) {
    if (object.uncut != 0) cut(object)
    endResize(object)
  }
  unlock()
  return result
}

/** Waits until nobody else resizes and no page is in write-back, and keeps it so. */
function beginResize(object: MemObject): i32 {
  while (object.resizing != 0 || object.writing != 0) {
    if (park(keyOf(object), -1) == -EWOULDBLOCK_PARK) return -EWOULDBLOCK_PARK
  }
  put(changetype<usize>(object) + offsetof<MemObject>('resizing'), 1)
  beginIo(IO_RESIZE, object, 0, 0)
  return 0
}

function endResize(object: MemObject): void {
  abandonResize(object)
  endIo(object)
}

/** Lets others resize and write back again; also for a thread that died, or left its call, while it resized. => lock held. */
export function abandonResize(object: MemObject): void {
  put(changetype<usize>(object) + offsetof<MemObject>('resizing'), 0)
  wake(keyOf(object), 0x7fffffff)
}

function resizeStore(object: MemObject, size: u64): i32 {
  if (object.kind != OBJECT_FILE) return 0
  const mount = object.mount
  const fd = object.fd
  unlock()
  const error = call(mount, WASI_FD_FILESTAT_SET_SIZE, fd, size)
  lock()
  if (error == 0) noteUnsynced(object)
  return -(<i32>error)
}

function shrink(object: MemObject, size: u64): void {
  edit<MemObject>(object).size = size
  object.uncut = 1
  cut(object)
}

/** Takes away what lies past the end: entries, private copies, pages, the rest of the last page. => nobody else resizes; lock held; relaxes. */
export function cut(object: MemObject): void {
  const first = pageRound(object.size) >> K.pageShift
  const since = now(0)
  while (!zapPast(object, first, since)) relax()
  dropPages(object, first, INDEX_END)
  const index = object.size >> K.pageShift
  let tail = findPage(object, index)
  while (tail != null && (tail.flags & PAGE_BUSY) != 0) {
    park(keyOfPage(tail), 1)
    tail = findPage(object, index)
  }
  if (tail != null) clearTail(object, index, tail)
  put(changetype<usize>(object) + offsetof<MemObject>('uncut'), 0)
}

/** Empties every entry that shows the object at or past page `first`, private copies too. `since`: see awaitHolder. => true when none was left to do. */
function zapPast(object: MemObject, first: u64, since: f64): bool {
  let node = findOverlap(object.mappers, first, INDEX_END, null)
  while (node != null) {
    const vma = vmaByPage(node)
    if (!zapVma(vma, max(first, vma.pageStart), since)) return false
    node = findOverlap(object.mappers, first, INDEX_END, node)
  }
  return true
}

/** => false when it stopped to make way: the mappings may have changed. */
function zapVma(vma: Vma, first: u64, since: f64): bool {
  const space = vma.space!
  const end = <u32>vma.end
  let address = addressOf(vma, first)
  const holder = holderOf(space, address, end)
  if (holder >= 0) {
    awaitHolder(holder, since)
    return false
  }
  address = nextPte(space, address, end)
  while (address < end) {
    zapEntry(space, pteAt(space, address))
    if (depth() > WALK_BYTES) return false
    address = nextPte(space, address + K.pageBytes, end)
  }
  return true
}

/** Removes the pages of [from, to), waiting for those that are busy, in write-back or granted. => lock held; relaxes. */
function dropPages(object: MemObject, from: u64, to: u64): void {
  const since = now(0)
  relax()
  let index = nextPage(object, from, false)
  while (index < to) {
    const frame = findPage(object, index)!
    if ((frame.flags & (PAGE_BUSY | PAGE_WRITEBACK)) != 0) {
      park(keyOfPage(frame), 1)
    } else {
      const holder = holderOfFrame(frame, false)
      if (holder >= 0) awaitHolder(holder, since)
      else {
        unmapPage(frame, object)
        removePage(frame)
        relax()
      }
    }
    index = nextPage(object, from, false)
  }
}

/** Punches a hole: whole pages of [from, to) are freed, the parts of pages at its ends cleared; the size stays. Objects without backing only. => lock not held. */
export function punchObject(object: MemObject, from: u64, to: u64): i32 {
  if (object.kind == OBJECT_FILE) return -EINVAL
  if (to <= from) return 0
  lock()
  const mask = <u64>K.pageBytes - 1
  const first = (from + mask) >> K.pageShift
  const last = to >> K.pageShift
  if (first > last) clearPart(object, from, to)
  else {
    clearPart(object, from, first << K.pageShift)
    clearPart(object, last << K.pageShift, to)
    if (first < last) dropPages(object, first, last)
  }
  touchTimes(object)
  unlock()
  return 0
}

/** Clears bytes inside one page, if it is there. */
function clearPart(object: MemObject, from: u64, to: u64): void {
  if (from >= to) return
  const frame: Frame | null = findPage(object, from >> K.pageShift)
  if (frame == null) return
  memory.fill(frameAddress(frame) + <usize>(from & (K.pageBytes - 1)), 0, <usize>(to - from))
  markDirty(frame)
}

/** lseek SEEK_DATA. => offset, or -ENXIO past the end. => lock not held. */
export function seekData(object: MemObject, offset: u64): i64 {
  lock()
  let found: i64 = -ENXIO
  if (offset < object.size) {
    if (object.kind == OBJECT_FILE) found = offset
    else {
      const index = nextPage(object, offset >> K.pageShift, false)
      const at = max(index << K.pageShift, offset)
      if (index != INDEX_END && at < object.size) found = at
    }
  }
  unlock()
  return found
}

/** lseek SEEK_HOLE: the end of file is a hole. => offset, or -ENXIO past the end. => lock not held. */
export function seekHole(object: MemObject, offset: u64): i64 {
  lock()
  let found: i64 = -ENXIO
  if (offset < object.size) {
    let at = offset
    if (object.kind == OBJECT_FILE) at = object.size
    while (at < object.size && findPage(object, at >> K.pageShift) != null) {
      at = (at & ~(<u64>K.pageBytes - 1)) + K.pageBytes
    }
    found = min(at, object.size)
  }
  unlock()
  return found
}
