/**
 * Thread buffers: frames side by side that each slot needs before its thread can call anything, and keeps for its next threads.
 *
 * The first slots have theirs from boot on. For the others one is kept ready (the spare): a thread that has no buffer yet cannot write
 * pages to make room for it, so whoever has just taken the spare, and so has a buffer, makes the next one, writing dirty pages if it must.
 *
 *   no buffer --free run, or a block of clean pages emptied, or the spare--> buffer        spare: 0 --makeSpare--> ready --taken--> 0
 *
 * Invariants:
 *  1. Buffers and the spare are runs of kind KERNEL, charged to the commit account.
 *  2. K.spareMaker is the thread (index + 1) that makes the spare; threads that need one wait for it. A death clears it (dropSpareMaker).
 * Guarded by the kernel lock, journalled.
 */
import { BUFFER_BYTES, ENOMEM } from './abi'
import { isDirty, objectOf } from './cache'
import { evictPage, mayLeave } from './evict'
import {
  allocRun,
  FRAME_FREE,
  FRAME_HEAD,
  FRAME_KERNEL,
  FRAME_PAGE,
  Frame,
  frameAddress,
  frameAt,
} from './frame'
import { holdObject, letGoObject } from './io'
import { put } from './journal'
import { lock, relax, unlock } from './lock'
import { OBJECT_FILE } from './object'
import { add, K, Root } from './root'
import { me, Thread, threadAt } from './thread'
import { park, wake } from './wait'
import { writeRange } from './writeback'

/** Slots that have their buffer from boot on, at most, and what part of the frames all of them may take. */
const SLOTS_READY: u32 = 8
const PART_READY: u32 = 14
/** Longest sleep while another thread makes the spare. */
const MAKER_MS: f64 = 100

function framesOfBuffer(): u32 {
  return (BUFFER_BYTES + K.pageBytes - 1) >> K.pageShift
}

function spareAt(): usize {
  return changetype<usize>(K) + offsetof<Root>('spareBuffer')
}

function makerAt(): usize {
  return changetype<usize>(K) + offsetof<Root>('spareMaker')
}

/** Buffers for the first slots, and the spare, where memory is not too small for them. => called once, by boot; lock held. */
export function bootBuffers(): void {
  const slots = min<u32>(SLOTS_READY, K.frameCount / PART_READY / framesOfBuffer())
  for (let i: u32 = 0; i < slots; i++) setBuffer(threadAt(i), buyRun(allocFree()))
  if (slots != 0) put(spareAt(), buyRun(allocFree()))
}

function setBuffer(thread: Thread, address: u32): void {
  put(changetype<usize>(thread) + offsetof<Thread>('buffer'), address)
}

function allocFree(): Frame | null {
  return allocRun(framesOfBuffer(), FRAME_KERNEL)
}

/** => the address of a run that is charged now; 0 for none. */
function buyRun(run: Frame | null): u32 {
  if (run == null) return 0
  add(offsetof<Root>('committed'), framesOfBuffer())
  return <u32>frameAddress(run)
}

/** Gives this thread its buffer unless its slot has one, and sees to a spare. => 0, -ENOMEM. => lock not held. */
export function readyBuffer(): i32 {
  lock()
  while (me().buffer == 0) {
    let address = buyRun(findRun(false))
    if (address == 0) {
      address = K.spareBuffer
      put(spareAt(), 0)
    }
    setBuffer(me(), address)
    if (address != 0 || K.spareMaker == 0) break
    park(makerAt(), MAKER_MS)
  }
  if (me().buffer != 0 && K.spareBuffer == 0 && K.spareMaker == 0) makeSpare()
  unlock()
  return me().buffer == 0 ? -ENOMEM : 0
}

/** => lock held before and after, free in between. */
function makeSpare(): void {
  put(makerAt(), me().index + 1)
  relax()
  const address = buyRun(findRun(true))
  put(spareAt(), address)
  endMaking()
  relax()
}

function endMaking(): void {
  put(makerAt(), 0)
  wake(makerAt(), 0x7fffffff)
}

/** Thread `index` is dead: another one makes the spare. => lock held. */
export function dropSpareMaker(index: u32): void {
  if (K.spareMaker == index + 1) endMaking()
}

/** => a run for a buffer; with `write` dirty pages are written for it, else only clean ones leave. => lock held; relaxes, with `write` free in between. */
function findRun(write: bool): Frame | null {
  const frames = framesOfBuffer()
  const size: u32 = frames == 1 ? 1 : 1 << (32 - clz<u32>(frames - 1))
  let run = allocFree()
  for (let start: u32 = 0; run == null && start + size <= K.frameCount; start += size) {
    if (!mayEmpty(start, size, write)) continue
    if (emptyBlock(start, size)) run = allocFree()
  }
  return run
}

/** => every frame of the block is free or a file page that can leave, once written if need be. */
function mayEmpty(start: u32, size: u32, write: bool): bool {
  for (let i: u32 = start; i < start + size; i++) {
    const frame = frameAt(i)
    if (frame.kind == FRAME_FREE || frame.kind == FRAME_HEAD) continue
    if (frame.kind != FRAME_PAGE || frame.pins != 0) return false
    if (objectOf(frame).kind != OBJECT_FILE) return false
    if (!write && !mayLeave(frame)) return false
  }
  return true
}

/** Writes what is dirty in the block, then evicts it. => it may be free now. => lock held, free in between when something is dirty. */
function emptyBlock(start: u32, size: u32): bool {
  for (let i: u32 = start; i < start + size; i++) if (!cleanFrame(frameAt(i))) return false
  for (let i: u32 = start; i < start + size; i++) {
    const frame = frameAt(i)
    if (frame.kind != FRAME_PAGE) continue
    if (!mayLeave(frame) || !evictPage(frame)) return false
  }
  relax()
  return true
}

/** => the frame holds no dirty page now, or somebody else's by now. */
function cleanFrame(frame: Frame): bool {
  if (frame.kind != FRAME_PAGE || !isDirty(frame)) return true
  const object = objectOf(frame)
  const index = frame.index
  holdObject(object)
  const result = writeRange(object, index, index + 1)
  letGoObject(me().index)
  return result == 0
}
