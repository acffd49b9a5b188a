import {
  allocRun,
  bootFrames,
  checkFrames,
  FRAME_BYTES,
  FRAME_FREE,
  FRAME_HEAD,
  FRAME_KERNEL,
  frameAt,
  frameIndex,
} from '../../assembly/frame'
import { commit, depth, rollback } from '../../assembly/journal'
import { K } from '../../assembly/root'

/** 256 MiB of frames, of which nothing but the descriptors is touched. */
const FRAMES: u32 = 65536

function boot(): void {
  if (K.frameCount != 0) return
  K.pageShift = 12
  K.pageBytes = 4096
  K.tableBase = (<u32>memory.grow((FRAMES * FRAME_BYTES) >> 16)) << 16
  K.frameCount = FRAMES
  bootFrames()
  commit()
}

/** => frames that are neither free nor the head of a free block. */
function framesInUse(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < FRAMES; i++) {
    const kind = frameAt(i).kind
    if (kind != FRAME_FREE && kind != FRAME_HEAD) count++
  }
  return count
}

describe('a run of 256 MiB', () => {
  beforeAll(boot)

  it('is taken in one transaction that a small journal holds, and rolled back whole', () => {
    const run = allocRun(FRAMES, FRAME_KERNEL)!
    expect(frameIndex(run)).toBe(0)
    expect(framesInUse()).toBe(FRAMES)
    expect(depth()).toBeLessThan(4096)
    rollback()
    checkFrames()
    expect(framesInUse()).toBe(0)
    expect(K.freeFrames).toBe(FRAMES)
  })

  it('that is no power of two gives the rest back in the same transaction', () => {
    allocRun(FRAMES - 4095, FRAME_KERNEL)
    checkFrames()
    expect(K.freeFrames).toBe(4095)
    rollback()
    checkFrames()
    expect(framesInUse()).toBe(0)
  })
})
