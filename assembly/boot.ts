/**
 * Boot: the root's constants, the frame table, the first frames. Once, by the thread that made the memory.
 */
import { ABI_VERSION, EINVAL, ENOMEM, PAGE_SHIFT_MAX, PAGE_SHIFT_MIN } from './abi'
import { bootBuffers } from './buffer'
import { now } from './env'
import { allocFrame, bootFrames, FRAME_BYTES, FRAME_KERNEL, frameAddress } from './frame'
import { bootIpc } from './ipc'
import { lock, unlock } from './lock'
import { K } from './root'
import { claim, leave, me, release } from './thread'
import { bootTree } from './tmpfs'

/** Fewest frames that a kernel is worth booting with. */
const FRAMES_MIN: u32 = 128

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
  bootBuffers()
  const tree = bootTree()
  unlock()
  if (!tree) return false
  release(me().index)
  atomic.store<u32>(changetype<usize>(K), ABI_VERSION)
  return true
}

/** Gives this instance a slot; it calls readyBuffer (buffer.ts) before anything else. => slot index, -ENOMEM when all are taken. It is OUT at return. */
export function attachThread(flags: u32): i32 {
  const index = claim(flags)
  if (index < 0) return -ENOMEM
  leave()
  return index
}
