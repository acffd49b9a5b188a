/**
 * The page cache: (object, page index) -> frame. Mappings, read and write all see these frames and no others.
 *
 *   absent --makePresent--> BUSY --filled--> clean --markDirty--> DIRTY --writeback--> WRITEBACK --stored, unchanged--> clean
 *                             |                ^  |                  ^                    |
 *                             failed           |  evict              +---- changed or failed
 *                             v                |  v
 *                           absent             +- absent
 *
 * Invariants (checkObject):
 *  1. A frame of kind PAGE is in its object's radix tree at its index, and nowhere else.
 *  2. The radix mark is set exactly when the page is DIRTY or in WRITEBACK: a page leaves the dirty set only after its backing store
 *     took the bytes that it still has (writeback.ts).
 *  3. HASHED means hashLow, hashHigh are of the bytes that the store last took, or gave.
 *  4. BUSY pages are not mapped, not read, not written: who wants one parks on its key. The filler's slot names it (thread.ts).
 * Guarded by the kernel lock, journalled; contents are not.
 */
import { PANIC_DIRTY_COUNT, PANIC_MAPPED_COUNT, PANIC_OBJECT_RESIDENT, PANIC_PINS } from './abi'
import { charge, uncharge } from './commit'
import { now } from './env'
import { FRAME_ORPHAN, FRAME_PAGE, Frame, frameAddress, frameIndex } from './frame'
import { hash, hashHigh, hashLow } from './hash'
import { edit, put } from './journal'
import { giveBack } from './limbo'
import { MemObject, OBJECT_FILE, OBJECT_TMPFS, pagesOf, touchTimes } from './object'
import { check } from './panic'
import { checkRadix, clear, get, INDEX_END, mark, next, prune, replace, set } from './radix'
import { add, K, nextNote, Root } from './root'
import { wake } from './wait'

export const PAGE_BUSY: u32 = 1
export const PAGE_DIRTY: u32 = 2
export const PAGE_WRITEBACK: u32 = 4
export const PAGE_REFERENCED: u32 = 8
export const PAGE_HASHED: u32 = 16
/** Its last write-back failed. */
export const PAGE_FAILED: u32 = 32
/** Under a host view: stores to it are not told. */
export const PAGE_VIEWED: u32 = 64

/** => the frame of the page, null when absent. It may be BUSY. */
export function findPage(object: MemObject, index: u64): Frame | null {
  return changetype<Frame | null>(<usize>get(pagesOf(object), index))
}

/** => the object that a page's frame belongs to. */
export function objectOf(frame: Frame): MemObject {
  return changetype<MemObject>(<usize>frame.object)
}

/** => the key that waiters for a page use. */
export function keyOfPage(frame: Frame): u64 {
  return changetype<usize>(frame)
}

/** Puts a fresh frame of kind PAGE into the cache with `flags`. => false, nothing changed, when memory is out. */
export function addPage(object: MemObject, index: u64, frame: Frame, flags: u32): bool {
  if (object.kind == OBJECT_TMPFS && !charge(1)) return false
  if (!set(pagesOf(object), index, <u32>changetype<usize>(frame))) {
    if (object.kind == OBJECT_TMPFS) uncharge(1)
    prune(pagesOf(object), index)
    return false
  }
  edit<Frame>(frame)
  frame.object = <u32>changetype<usize>(object)
  frame.index = index
  frame.flags = flags | PAGE_REFERENCED
  put(changetype<usize>(object) + offsetof<MemObject>('resident'), object.resident + 1)
  if (object.kind == OBJECT_FILE) add(offsetof<Root>('cachedPages'), 1)
  return true
}

/** Takes a page out of the cache; its frame is freed, or kept as an orphan while a host view pins it. => not mapped, not BUSY, not in write-back. */
export function removePage(frame: Frame): void {
  const object = objectOf(frame)
  check(frame.mapped == 0, PANIC_MAPPED_COUNT, frameIndex(frame))
  if (isDirty(frame)) unmark(frame)
  clear(pagesOf(object), frame.index)
  put(changetype<usize>(object) + offsetof<MemObject>('resident'), object.resident - 1)
  if (object.kind == OBJECT_FILE) add(offsetof<Root>('cachedPages'), -1)
  if (object.kind == OBJECT_TMPFS) uncharge(1)
  if ((frame.flags & PAGE_VIEWED) != 0) {
    put(changetype<usize>(object) + offsetof<MemObject>('viewed'), object.viewed - 1)
  }
  retire(frame)
}

/** Frees a frame that no page or entry names any more, or keeps it while it is pinned. */
export function retire(frame: Frame): void {
  if (frame.pins == 0) {
    giveBack(frame)
    return
  }
  edit<Frame>(frame).kind = FRAME_ORPHAN
  frame.flags = 0
  add(offsetof<Root>('orphanFrames'), 1)
  add(offsetof<Root>('committed'), 1)
}

/** Puts `fresh`, a copy, in the place of `frame` in its object. => `frame` is not mapped, pinned, BUSY or in write-back; it is freed. */
export function movePage(frame: Frame, fresh: Frame): void {
  const object = objectOf(frame)
  replace(pagesOf(object), frame.index, <u32>changetype<usize>(fresh))
  edit<Frame>(fresh)
  fresh.object = frame.object
  fresh.index = frame.index
  fresh.flags = frame.flags
  fresh.dirtySince = frame.dirtySince
  fresh.hashLow = frame.hashLow
  fresh.hashHigh = frame.hashHigh
  giveBack(frame)
}

/** => the page is in the dirty set. */
export function isDirty(frame: Frame): bool {
  return (frame.flags & (PAGE_DIRTY | PAGE_WRITEBACK)) != 0
}

/** => the low word of the monotonic clock in ms; differences are taken modulo 2^32. */
export function tick(): u32 {
  return <u32>(<u64>now(0))
}

/** The page was, or is about to be, stored to. Only pages with a backing store are ever dirty. */
export function markDirty(frame: Frame): void {
  const object = objectOf(frame)
  if ((frame.flags & PAGE_DIRTY) != 0 || object.kind != OBJECT_FILE) return
  const known = isDirty(frame)
  edit<Frame>(frame).flags |= PAGE_DIRTY
  frame.dirtySince = tick()
  if (known) return
  mark(pagesOf(object), frame.index, true)
  add(offsetof<Root>('dirtyPages'), 1)
  edit<MemObject>(object).dirtyPages += 1
  if (object.listed == 0) listDirty(object)
}

/** Takes a page out of the dirty set. */
export function unmark(frame: Frame): void {
  const object = objectOf(frame)
  edit<Frame>(frame).flags &= ~(PAGE_DIRTY | PAGE_WRITEBACK | PAGE_FAILED)
  mark(pagesOf(object), frame.index, false)
  add(offsetof<Root>('dirtyPages'), -1)
  edit<MemObject>(object).dirtyPages -= 1
  if (object.dirtyPages == 0 && object.unsynced == 0) unlistDirty(object)
}

/** The store took something that a power loss could still undo: told when it has it, as a sync that began before may leave it out. => lock held. */
export function noteUnsynced(object: MemObject): void {
  edit<MemObject>(object).unsynced = nextNote()
  if (object.listed == 0) listDirty(object)
}

/** Puts an object into the list of those with something to write or to make durable: the one with the highest number is the first. */
function listDirty(object: MemObject): void {
  const first = K.dirtyObjects
  object.listed = nextNote()
  object.nextDirty = first
  object.prevDirty = 0
  const at = <u32>changetype<usize>(object)
  if (first != 0) edit<MemObject>(changetype<MemObject>(<usize>first)).prevDirty = at
  put(changetype<usize>(K) + offsetof<Root>('dirtyObjects'), at)
}

/** Takes it out. => in the list, nothing dirty, nothing unsynced; saved by the caller. */
export function unlistDirty(object: MemObject): void {
  object.listed = 0
  if (object.nextDirty != 0) {
    edit<MemObject>(changetype<MemObject>(<usize>object.nextDirty)).prevDirty = object.prevDirty
  }
  if (object.prevDirty != 0) {
    edit<MemObject>(changetype<MemObject>(<usize>object.prevDirty)).nextDirty = object.nextDirty
  } else put(changetype<usize>(K) + offsetof<Root>('dirtyObjects'), object.nextDirty)
  object.nextDirty = 0
  object.prevDirty = 0
}

/** A BUSY page is filled, or a write-back is over: whoever waits looks again. */
export function wakePage(frame: Frame): void {
  wake(keyOfPage(frame), 0x7fffffff)
}

/** => the first page of the object at or after `from`, present and (with `dirty`) in the dirty set; INDEX_END when none. */
export function nextPage(object: MemObject, from: u64, dirty: bool): u64 {
  return next(pagesOf(object), from, dirty)
}

/** Remembers the hash of a clean page's bytes, so that untracked stores can be seen later. */
export function hashPage(frame: Frame): void {
  if ((frame.flags & PAGE_HASHED) != 0 || isDirty(frame)) return
  hash(frameAddress(frame), K.pageBytes)
  edit<Frame>(frame).flags |= PAGE_HASHED
  frame.hashLow = hashLow
  frame.hashHigh = hashHigh
}

/** Looks at a page under a host view: when its bytes are not those that the store has, it becomes dirty. => it did. */
export function inspect(frame: Frame): bool {
  if ((frame.flags & PAGE_HASHED) == 0 || (frame.flags & PAGE_DIRTY) != 0) return false
  hash(frameAddress(frame), K.pageBytes)
  if (hashLow == frame.hashLow && hashHigh == frame.hashHigh) return false
  markDirty(frame)
  touchTimes(objectOf(frame))
  return true
}

/** Panics when an object's pages and its counters disagree; => pages. => lock held. */
export function checkObject(object: MemObject): u32 {
  const pages = checkRadix(pagesOf(object))
  check(pages == object.resident, PANIC_OBJECT_RESIDENT, pages)
  let dirty: u32 = 0
  let viewed: u32 = 0
  for (let i = nextPage(object, 0, false); i != INDEX_END; i = nextPage(object, i + 1, false)) {
    const frame = findPage(object, i)!
    check(frame.kind == FRAME_PAGE && frame.index == i, PANIC_OBJECT_RESIDENT, <u32>i)
    check(objectOf(frame) == object, PANIC_OBJECT_RESIDENT, <u32>i)
    check((frame.flags & PAGE_BUSY) == 0 || frame.mapped == 0, PANIC_MAPPED_COUNT, <u32>i)
    const inside = i << K.pageShift < object.size || object.uncut != 0
    check(inside || (frame.flags & PAGE_BUSY) != 0, PANIC_OBJECT_RESIDENT, <u32>i)
    check((frame.flags & PAGE_VIEWED) == 0 || frame.pins != 0, PANIC_PINS, <u32>i)
    if ((frame.flags & PAGE_VIEWED) != 0) viewed++
    if (isDirty(frame)) dirty++
    const marked = nextPage(object, i, true) == i
    check(marked == isDirty(frame), PANIC_DIRTY_COUNT, <u32>i)
  }
  check(dirty == object.dirtyPages && viewed == object.viewed, PANIC_DIRTY_COUNT, dirty)
  return pages
}
