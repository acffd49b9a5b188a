/**
 * Frames: page-sized slots of kernel memory, a descriptor for each, and the buddy allocator that hands out contiguous runs.
 *
 *   kind:   FREE (inside a free block) . HEAD (first of a free block of 2^order) . KERNEL . SLAB . TABLE . PAGE . ANON . ORPHAN
 *
 * Free blocks of each order hang in a doubly linked list. An allocation splits the smallest block that is big enough; a free
 * merges with its buddy as long as that is a free block of the same order (Knuth, TAOCP 1, 2.5). Descriptors of untouched
 * frames are zero (FREE), so boot writes one descriptor a top-level block and no more.
 *
 * Slabs and page tables live long and are asked for amid the pages of a file that is filled: beside them they would cut its run of frames, and
 * with it the extents of guests. So frames stand in groups of 2^GROUP_ORDER, each for structures or for pages, as Linux groups by mobility
 * (Gorman and Whitcroft, "The What, The Why and the Where To of Anti-Fragmentation", OLS 2006): blocks smaller than a group hang in the lists of
 * their group's kind, and who finds none of its own takes a whole free group, and only then one of the others' blocks, the biggest.
 *
 * Invariants (checkFrames):
 *  1. A free block starts at a multiple of its size, and two free buddies of one order never stand side by side.
 *  2. The free blocks' sizes add up to K.freeFrames.
 *  3. A group's kind changes only while no block smaller than a group hangs in its name.
 *  4. Contents of a frame just allocated are unknown: whoever takes it for user data clears or fills it before it can be seen.
 * Guarded by the kernel lock, journalled.
 */
import {
  PANIC_BUDDY_COUNT,
  PANIC_FRAME_FREE_TWICE,
  PANIC_FRAME_IN_USE,
  PANIC_FRAME_NOT_FREE,
  PANIC_FRAME_RANGE,
} from './abi'
import { checkMayAllocate, noteFree, put, save, saveZeros } from './journal'
import { check } from './panic'
import { add, K, Root } from './root'

export const FRAME_FREE: u32 = 0
export const FRAME_HEAD: u32 = 1
/** A run for the kernel itself: thread buffers. */
export const FRAME_KERNEL: u32 = 2
export const FRAME_SLAB: u32 = 3
/** A page directory or page table. */
export const FRAME_TABLE: u32 = 4
/** A page of an object, in the page cache. */
export const FRAME_PAGE: u32 = 5
/** A private page, owned by the page tables that map it. */
export const FRAME_ANON: u32 = 6
/** Kept for a host view after its page is gone. */
export const FRAME_ORPHAN: u32 = 7

@unmanaged
export class Frame {
  kind: u32
  /** HEAD: log2 of the block's frames. SLAB: size class. PAGE, ANON, TABLE, ORPHAN: the epoch in which guests lost an entry of it (grace.ts). */
  order: u32
  next: u32
  prev: u32
  /** ANON: page table entries that map it. SLAB: structures in use. */
  refs: u32
  /** PAGE: page table entries that map it. */
  mapped: u32
  /** Host views and mlocks: while not 0 the frame stays where it is. */
  pins: u32
  /** PAGE: state bits of cache.ts. */
  flags: u32
  /** PAGE: its object. SLAB: first free structure. */
  object: u32
  /** PAGE: low word of the time it became dirty, ms; of an object without backing the number of the fallocate that added it (fileio.ts). */
  dirtySince: u32
  /** PAGE: index in the object. SLAB: bytes never used so far. */
  index: u64
  /** PAGE: hash of the bytes that the backing store last took or gave (see FRAME_HASHED in cache.ts). */
  hashLow: u64
  hashHigh: u64

  get epoch(): u32 {
    return this.order
  }
}

export const FRAME_BYTES: u32 = 64
const ORDERS: u32 = 21
/** First free block of each order, as frame index + 1; of those smaller than a group, in groups for pages. */
const HEADS: usize = memory.data(128, 16)
const GROUP_ORDER: u32 = 6
/** The same of blocks smaller than a group, in groups for structures. */
const STRUCTURE_HEADS: usize = memory.data(32, 16)
/** A bit for each group: set where it is for structures. */
const GROUPS: usize = memory.data(2048, 16)

if (offsetof<Frame>() != FRAME_BYTES) ERROR('a frame descriptor is 64 bytes')

/** => descriptor of frame `index`. */
export function frameAt(index: u32): Frame {
  check(index < K.frameCount, PANIC_FRAME_RANGE, index)
  return changetype<Frame>(K.tableBase + index * FRAME_BYTES)
}

/** => index of a descriptor. */
export function frameIndex(frame: Frame): u32 {
  return <u32>((changetype<usize>(frame) - K.tableBase) / FRAME_BYTES)
}

/** => first byte of the frame. */
export function frameAddress(frame: Frame): usize {
  return <usize>K.framesBase + ((<usize>frameIndex(frame)) << K.pageShift)
}

/** => descriptor of the frame that holds a kernel address. */
export function frameOf(address: usize): Frame {
  return frameAt(<u32>((address - K.framesBase) >> K.pageShift))
}

/** Makes all frames free. => called once, by boot. */
export function bootFrames(): void {
  let index: u32 = 0
  while (index < K.frameCount) {
    let order: u32 = ORDERS - 1
    while ((index & ((1 << order) - 1)) != 0 || index + (1 << order) > K.frameCount) order--
    pushBlock(index, order)
    index += 1 << order
  }
  K.freeFrames = K.frameCount
}

function isStructures(index: u32): bool {
  const group = index >> GROUP_ORDER
  return ((load<u32>(GROUPS + ((group >> 5) << 2)) >> (group & 31)) & 1) != 0
}

/** Says what the groups of `count` frames from `index` are for. => they are free as a whole, and in no list. */
function setGroups(index: u32, count: u32, structures: bool): void {
  const end = (index + count - 1) >> GROUP_ORDER
  for (let group = index >> GROUP_ORDER; group <= end; group++) {
    if (isStructures(group << GROUP_ORDER) == structures) continue
    const at = GROUPS + ((group >> 5) << 2)
    put(at, load<u32>(at) ^ (1 << (group & 31)))
  }
}

/** => where the list's head lies of blocks of `order`, for one kind of group. */
function headOf(order: u32, structures: bool): usize {
  return (structures && order < GROUP_ORDER ? STRUCTURE_HEADS : HEADS) + (order << 2)
}

function pushBlock(index: u32, order: u32): void {
  const frame = frameAt(index)
  save(changetype<usize>(frame), 16)
  const at = headOf(order, isStructures(index))
  const head = load<u32>(at)
  frame.kind = FRAME_HEAD
  frame.order = order
  frame.next = head
  frame.prev = 0
  if (head != 0) {
    const second = frameAt(head - 1)
    save(changetype<usize>(second), 16)
    second.prev = index + 1
  }
  put(at, index + 1)
}

function unlinkBlock(index: u32): void {
  const frame = frameAt(index)
  check(frame.kind == FRAME_HEAD, PANIC_FRAME_NOT_FREE, index)
  save(changetype<usize>(frame), 16)
  if (frame.next != 0) {
    const next = frameAt(frame.next - 1)
    save(changetype<usize>(next), 16)
    next.prev = frame.prev
  }
  if (frame.prev != 0) {
    const prev = frameAt(frame.prev - 1)
    save(changetype<usize>(prev), 16)
    prev.next = frame.next
  } else put(headOf(frame.order, isStructures(index)), frame.next)
  frame.kind = FRAME_FREE
}

/**
 * => address of the head of the list that a block of 2^order had best come from, 0 when there is no such block: the smallest of 2^room and more, else the
 * biggest.
 */
function findBlock(order: u32, room: u32, structures: bool): usize {
  for (let found = room; found < ORDERS; found++) {
    const at = headOf(found, structures)
    if (load<u32>(at) != 0) return at
  }
  for (let found = <i32>room - 1; found >= <i32>order; found--) {
    const at = headOf(found, structures)
    if (load<u32>(at) != 0) return at
  }
  for (let found: i32 = GROUP_ORDER - 1; found >= <i32>order; found--) {
    const at = headOf(found, !structures)
    if (load<u32>(at) != 0) return at
  }
  return 0
}

/** => index of the first frame of a block of 2^order, or -1. */
function takeBlock(order: u32, room: u32, structures: bool): i32 {
  const at = findBlock(order, room, structures)
  if (at == 0) return -1
  const index = load<u32>(at) - 1
  let found = frameAt(index).order
  unlinkBlock(index)
  if (found >= GROUP_ORDER) setGroups(index, 1 << order, structures)
  while (found > order) {
    found--
    pushBlock(index + (1 << found), found)
  }
  return index
}

/** => head of the free block that frame `index` is in, -1 when it is in use. */
function blockOf(index: u32): i32 {
  for (let order: u32 = 0; order < ORDERS; order++) {
    const head = index & ~((1 << order) - 1)
    const frame = frameAt(head)
    if (frame.kind == FRAME_HEAD && frame.order == order) return head
  }
  return -1
}

/** Gives a block back, merging it with free buddies. */
function giveBlock(index: u32, order: u32): void {
  while (order < ORDERS - 1) {
    const buddy = index ^ (1 << order)
    if (buddy + (1 << order) > K.frameCount) break
    const frame = frameAt(buddy)
    if (frame.kind != FRAME_HEAD || frame.order != order) break
    unlinkBlock(buddy)
    index = min(index, buddy)
    order++
  }
  pushBlock(index, order)
}

/** Gives `count` frames from `index` back as aligned blocks. */
function giveRun(index: u32, count: u32): void {
  while (count > 0) {
    let order: u32 = 0
    while (order < ORDERS - 1 && (index & ((2 << order) - 1)) == 0 && <u32>(2 << order) <= count) {
      order++
    }
    giveBlock(index, order)
    index += 1 << order
    count -= 1 << order
  }
}

/** Of a frame inside a free block nothing means anything but its kind, which is FREE: 0. */
function claimFrames(index: u32, count: u32, kind: u32): void {
  saveZeros(changetype<usize>(frameAt(index)), FRAME_BYTES, count)
  for (let i: u32 = 0; i < count; i++) {
    const frame = frameAt(index + i)
    const at = changetype<usize>(frame)
    for (let byte: u32 = 0; byte < FRAME_BYTES; byte += 16) v128.store(at + byte, i64x2(0, 0))
    frame.kind = kind
  }
}

/** => one frame of `kind`, its descriptor cleared; null when none is free. */
export function allocFrame(kind: u32): Frame | null {
  return allocRun(1, kind)
}

/** => the first of `count` contiguous frames of `kind`, null when there is no such run. `room`: so many frames from it on had better be free. */
export function allocRun(count: u32, kind: u32, room: u32 = 1): Frame | null {
  checkMayAllocate()
  if (count == 0 || count > K.freeFrames) return null
  const order = orderOf(count)
  if (order >= ORDERS) return null
  const wide = min(max(orderOf(room), order), ORDERS - 1)
  const index = takeBlock(order, wide, kind == FRAME_SLAB || kind == FRAME_TABLE)
  if (index < 0) return null
  giveRun(<u32>index + count, (1 << order) - count)
  return claimRun(<u32>index, count, kind)
}

/** => `count` frames of `kind` from frame `index` on, for pages; null when that is no frame, they are not free as one block's part, or stand among structures. */
export function allocRunAt(index: u32, count: u32, kind: u32): Frame | null {
  checkMayAllocate()
  if (index >= K.frameCount) return null
  const head = blockOf(index)
  if (head < 0) return null
  const order = frameAt(head).order
  const end = <u32>head + (1 << order)
  if (index + count > end || (order < GROUP_ORDER && isStructures(head))) return null
  unlinkBlock(head)
  if (order >= GROUP_ORDER) setGroups(head, 1 << order, false)
  giveRun(head, index - head)
  giveRun(index + count, end - index - count)
  return claimRun(index, count, kind)
}

/** => log2 of the smallest block that holds `count` frames. */
function orderOf(count: u32): u32 {
  return count <= 1 ? 0 : 32 - clz<u32>(count - 1)
}

/** => the first of frames that are in no list any more, theirs who asked. */
function claimRun(index: u32, count: u32, kind: u32): Frame {
  claimFrames(index, count, kind)
  add(offsetof<Root>('freeFrames'), -(<i32>count))
  return frameAt(index)
}

/** Gives one frame back. => nothing maps, pins or names it. */
export function freeFrame(frame: Frame): void {
  check(frame.kind != FRAME_FREE && frame.kind != FRAME_HEAD, PANIC_FRAME_FREE_TWICE)
  check(frame.mapped == 0 && frame.pins == 0, PANIC_FRAME_IN_USE, frameIndex(frame))
  put(changetype<usize>(frame), FRAME_FREE)
  giveBlock(frameIndex(frame), 0)
  add(offsetof<Root>('freeFrames'), 1)
  noteFree()
}

/** => frames in the longest free run: what `bytes` could get at once. */
export function largestRun(): u32 {
  for (let order: i32 = ORDERS - 1; order >= 0; order--) {
    if (load<u32>(headOf(order, false)) != 0 || load<u32>(headOf(order, true)) != 0) {
      return 1 << order
    }
  }
  return 0
}

/** Walks every free list and panics at the first broken invariant. => lock held. */
export function checkFrames(): void {
  let free: u32 = 0
  for (let order: u32 = 0; order < ORDERS; order++) {
    free += checkList(order, false)
    if (order < GROUP_ORDER) free += checkList(order, true)
  }
  check(free == K.freeFrames, PANIC_BUDDY_COUNT, free)
}

/** => frames in the list. */
function checkList(order: u32, structures: bool): u32 {
  let free: u32 = 0
  let link = load<u32>(headOf(order, structures))
  let prev: u32 = 0
  while (link != 0) {
    const index = link - 1
    const frame = frameAt(index)
    check(frame.kind == FRAME_HEAD && frame.order == order, PANIC_FRAME_NOT_FREE, index)
    check(frame.prev == prev && (index & ((1 << order) - 1)) == 0, PANIC_FRAME_NOT_FREE, index)
    check(order >= GROUP_ORDER || isStructures(index) == structures, PANIC_FRAME_NOT_FREE, index)
    const buddy = index ^ (1 << order)
    if (order < ORDERS - 1 && buddy + (1 << order) <= K.frameCount) {
      const other = frameAt(buddy)
      check(other.kind != FRAME_HEAD || other.order != order, PANIC_BUDDY_COUNT, index)
    }
    free += 1 << order
    prev = link
    link = frame.next
  }
  return free
}
