/**
 * Slabs: small kernel structures, carved out of frames (Bonwick, "The Slab Allocator", USENIX 1994, without constructors).
 *
 * A size class is a multiple of 16 bytes; each slab is one frame whose descriptor holds the free list, the count in use and how
 * far it was carved; slabs with room hang in their class's list. A slab whose last structure is freed gives its frame back.
 *
 * Invariants (checkSlabs):
 *  1. A slab is in its class's list exactly when it has room.
 *  2. A structure is cleared when given out. Given back, it keeps its bytes but for the first word, the link of the free list, until the
 *     transaction ends: nothing is allocated after it (journal.ts, invariant 3). So only that word is saved, whatever its size.
 * Guarded by the kernel lock, journalled. Slab frames are charged to the commit account, so user pages cannot be promised twice.
 */
import { PANIC_SLAB_COUNT, PANIC_SLAB_NOT_SLAB, PANIC_SLAB_SIZE } from './abi'
import {
  allocFrame,
  FRAME_SLAB,
  Frame,
  frameAddress,
  frameAt,
  frameIndex,
  frameOf,
  freeFrame,
} from './frame'
import { checkMayAllocate, edit, noteFree, put, save } from './journal'
import { check } from './panic'
import { add, K, Root } from './root'

/** Largest structure. */
export const SLAB_BYTES_MAX: u32 = 2048
/** Slabs with room, by class, as frame index + 1. */
const PARTIAL: usize = memory.data(544, 16)

function classOf(bytes: u32): u32 {
  check(bytes > 0 && bytes <= SLAB_BYTES_MAX, PANIC_SLAB_SIZE, bytes)
  return (bytes + 15) >> 4
}

function link(frame: Frame): void {
  const at = PARTIAL + (frame.order << 2)
  const head = load<u32>(at)
  frame.next = head
  frame.prev = 0
  if (head != 0) edit<Frame>(frameAt(head - 1)).prev = frameIndex(frame) + 1
  put(at, frameIndex(frame) + 1)
}

function unlink(frame: Frame): void {
  if (frame.next != 0) edit<Frame>(frameAt(frame.next - 1)).prev = frame.prev
  if (frame.prev != 0) edit<Frame>(frameAt(frame.prev - 1)).next = frame.next
  else put(PARTIAL + (frame.order << 2), frame.next)
}

function hasRoom(frame: Frame): bool {
  return frame.object != 0 || <u32>frame.index + (frame.order << 4) <= K.pageBytes
}

function newSlab(sizeClass: u32): Frame | null {
  if (K.committed >= K.commitLimit + K.kernelReserve) return null
  const fresh = allocFrame(FRAME_SLAB)
  if (fresh == null) return null
  fresh.order = sizeClass
  link(fresh)
  add(offsetof<Root>('committed'), 1)
  return fresh
}

/** => a cleared structure of `bytes` bytes, 16-byte aligned; 0 when memory is out. => lock held. */
export function allocate(bytes: u32): usize {
  checkMayAllocate()
  const sizeClass = classOf(bytes)
  const head = load<u32>(PARTIAL + (sizeClass << 2))
  const found = head != 0 ? frameAt(head - 1) : newSlab(sizeClass)
  if (found == null) return 0
  const slab = edit<Frame>(found)
  let at: usize
  if (slab.object != 0) {
    at = slab.object
    save(at, 4)
    slab.object = load<u32>(at)
  } else {
    at = frameAddress(slab) + <usize>slab.index
    slab.index += sizeClass << 4
  }
  slab.refs += 1
  if (!hasRoom(slab)) unlink(slab)
  memory.fill(at, 0, sizeClass << 4)
  return at
}

/** => a cleared T, or null when memory is out. */
export function create<T>(): T {
  return changetype<T>(allocate(offsetof<T>()))
}

/** Gives a structure back. => `bytes` as it was asked for. */
export function free(address: usize, bytes: u32): void {
  const sizeClass = classOf(bytes)
  const slab = edit<Frame>(frameOf(address))
  check(slab.kind == FRAME_SLAB && slab.order == sizeClass, PANIC_SLAB_NOT_SLAB, <u32>address)
  const hadRoom = hasRoom(slab)
  put(address, slab.object)
  slab.object = <u32>address
  slab.refs -= 1
  noteFree()
  if (!hadRoom) link(slab)
  if (slab.refs == 0 && (slab.next != 0 || slab.prev != 0)) {
    unlink(slab)
    freeFrame(slab)
    add(offsetof<Root>('committed'), -1)
  }
}

/** Gives a T back. */
export function destroy<T>(structure: T): void {
  free(changetype<usize>(structure), offsetof<T>())
}

/** Panics at the first broken invariant; => frames held by slabs. => lock held. */
export function checkSlabs(): u32 {
  for (let sizeClass: u32 = 1; sizeClass <= SLAB_BYTES_MAX >> 4; sizeClass++) {
    let link = load<u32>(PARTIAL + (sizeClass << 2))
    let prev: u32 = 0
    while (link != 0) {
      const slab = frameAt(link - 1)
      check(slab.prev == prev, PANIC_SLAB_COUNT, link - 1)
      prev = link
      check(slab.kind == FRAME_SLAB && slab.order == sizeClass, PANIC_SLAB_NOT_SLAB, link - 1)
      check(hasRoom(slab), PANIC_SLAB_COUNT, link - 1)
      link = slab.next
    }
  }
  let frames: u32 = 0
  for (let i: u32 = 0; i < K.frameCount; i++) {
    const slab = frameAt(i)
    if (slab.kind != FRAME_SLAB) continue
    frames++
    checkSlab(slab)
  }
  return frames
}

function checkSlab(slab: Frame): void {
  let freeCount: u32 = 0
  const carved = <u32>slab.index / (slab.order << 4)
  for (let at = slab.object; at != 0; at = load<u32>(at)) {
    check(frameOf(at) == slab && freeCount++ < carved, PANIC_SLAB_COUNT, frameIndex(slab))
  }
  check(carved - freeCount == slab.refs, PANIC_SLAB_COUNT, frameIndex(slab))
}
