/**
 * Boot: the root's constants, the frame table, the first frames. Once, by the thread that made the memory.
 */
import { ABI_VERSION, BUFFER_BYTES, EINVAL, ENOMEM, PAGE_SHIFT_MAX, PAGE_SHIFT_MIN } from './abi'
import { now } from './env'
import { evict } from './evict'
import {
  allocFrame,
  allocRun,
  bootFrames,
  FRAME_BYTES,
  FRAME_KERNEL,
  Frame,
  frameAddress,
} from './frame'
import { bootIpc } from './ipc'
import { put } from './journal'
import { lock, unlock } from './lock'
import { add, K, Root } from './root'
import { claim, leave, me, release, Thread, threadAt } from './thread'
import { bootTree } from './tmpfs'

/** Fewest frames that a kernel is worth booting with. */
const FRAMES_MIN: u32 = 128
/** Thread slots that have their buffer from boot on, at most, and frames there must be for each. */
const SLOTS_READY: u32 = 8
const FRAMES_A_SLOT: u32 = 512

/**
 * Lays out `memoryBytes` (as f64: 4 GiB does not fit an i32) of memory. => 0, -EINVAL (page shift, booted already), -ENOMEM (too small). The calling
 * instance attaches afterwards like any other. `tableBase`: where its frame table begins, a multiple of 64 (specs have a heap of their own).
 */
export function bootKernel(
  memoryBytes: f64,
  pageShift: u32,
  stallMs: u32,
  mappingsMax: u32,
  dirtyPagesMax: u32,
  dirtyAgeMs: u32,
  processesMax: u32,
  tableBase: u32 = <u32>((__heap_base + 63) & ~63),
): i32 {
  if (K.booted != 0 || pageShift < PAGE_SHIFT_MIN || pageShift > PAGE_SHIFT_MAX) return -EINVAL
  K.pageShift = pageShift
  K.pageBytes = 1 << pageShift
  K.tableBase = tableBase
  const bytes = <u64>memoryBytes
  const perFrame = <u64>FRAME_BYTES + K.pageBytes
  if (bytes < K.tableBase + perFrame * FRAMES_MIN) return -ENOMEM
  const count = (bytes - K.tableBase - K.pageBytes) / perFrame
  K.memoryBytes = <u32>(bytes - 1)
  K.frameCount = <u32>count
  const tableEnd = <u64>K.tableBase + count * FRAME_BYTES
  K.framesBase = <u32>((tableEnd + K.pageBytes - 1) & ~(<u64>K.pageBytes - 1))
  K.stallMs = stallMs
  K.mappingsMax = mappingsMax
  K.dirtyPagesMax = dirtyPagesMax
  K.dirtyAgeMs = dirtyAgeMs
  K.processesMax = processesMax
  K.bootRealtimeMs = now(1)
  K.nextPid = 1
  bootIpc()
  return layFrames() ? 0 : -ENOMEM
}

/** Frames, the frame of zeros, and the commit limit: a sixteenth is kept for the kernel itself and for pages on their way. */
function layFrames(): bool {
  claim(0)
  lock()
  bootFrames()
  const zero = allocFrame(FRAME_KERNEL)
  if (zero == null) return false
  K.zeroFrame = <u32>frameAddress(zero)
  memory.fill(K.zeroFrame, 0, K.pageBytes)
  const reserve = max<u32>(K.frameCount >> 4, 48)
  K.kernelReserve = reserve >> 1
  K.commitLimit = K.frameCount - reserve - 1
  readySlots()
  const tree = bootTree()
  unlock()
  if (!tree) return false
  release(me().index)
  atomic.store<u32>(changetype<usize>(K), ABI_VERSION)
  return true
}

/** Gives this instance a slot and its buffer, which stays with the slot. => slot index, -ENOMEM when slots or frames are out. It is OUT at return. */
export function attachThread(flags: u32): i32 {
  const index = claim(flags)
  if (index < 0) return -ENOMEM
  if (me().buffer == 0) {
    lock()
    giveBuffer(me())
    unlock()
  }
  leave()
  return me().buffer == 0 ? -ENOMEM : index
}

/**
 * Buffers for the first slots, while frames stand side by side: a thread that attaches when memory is full of dirty pages could not get one. => lock held.
 */
function readySlots(): void {
  const slots = min<u32>(SLOTS_READY, K.frameCount / FRAMES_A_SLOT)
  for (let i: u32 = 0; i < slots; i++) giveBuffer(threadAt(i))
}

/** => the slot has its buffer now. => lock held; relaxes. */
function giveBuffer(thread: Thread): bool {
  const frames = (BUFFER_BYTES + K.pageBytes - 1) >> K.pageShift
  const run = runForBuffer(frames)
  if (run == null) return false
  put(changetype<usize>(thread) + offsetof<Thread>('buffer'), <u32>frameAddress(run))
  add(offsetof<Root>('committed'), frames)
  return true
}

/** The buffer's frames stand side by side: clean pages leave until they do. Dirty ones cannot, as writing takes a buffer. => lock held; relaxes. */
function runForBuffer(frames: u32): Frame | null {
  let run = allocRun(frames, FRAME_KERNEL)
  while (run == null && evict(K.freeFrames + frames)) run = allocRun(frames, FRAME_KERNEL)
  return run
}
