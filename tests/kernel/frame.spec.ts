import {
  allocFrame,
  allocRun,
  checkFrames,
  FRAME_ANON,
  FRAME_PAGE,
  Frame,
  frameAt,
  frameIndex,
  freeFrame,
  largestRun,
} from '../../assembly/frame'
import { edit } from '../../assembly/journal'
import { abandon, lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { bootSpec, forgetPanic } from './support/boot'
import { below, chance, reseed } from './support/random'
import { deathsPlayed, dieAtEveryPush, expectUndone } from './support/transactions'

const FRAMES: u32 = 700
bootSpec(FRAMES)

/** => index of the first of `count` frames, -1 when there is no such run. Checked. */
function take(count: u32, kind: u32): i32 {
  lock()
  const run = allocRun(count, kind)
  const index = run == null ? -1 : <i32>frameIndex(run)
  checkFrames()
  unlock()
  return index
}

function give(index: u32): void {
  lock()
  freeFrame(frameAt(index))
  checkFrames()
  unlock()
}

/** => the longest aligned power of two of zeros in the model; the allocator finds a run of that size. */
function longest(used: StaticArray<bool>): u32 {
  let best: u32 = 0
  for (let size: u32 = 1; size <= <u32>used.length; size <<= 1) {
    for (let start: u32 = 0; start + size <= <u32>used.length; start += size) {
      let free = true
      for (let i: u32 = 0; i < size && free; i++) free = !used[start + i]
      if (free) best = size
    }
  }
  return best
}

describe('frames', () => {
  it('gives a cleared descriptor of the kind asked for', () => {
    const index = take(1, FRAME_ANON)
    const frame = frameAt(index)
    expect(frame.kind).toBe(FRAME_ANON)
    expect(frame.refs).toBe(0)
    expect(frame.index).toBe(0)
    give(index)
    expectUndone()
  })

  it('gives a run of a length that is no power of two, and takes only that', () => {
    const free = K.freeFrames
    const index = take(37, FRAME_PAGE)
    expect(index).toBeGreaterThanOrEqual(0)
    expect(K.freeFrames).toBe(free - 37)
    for (let i: u32 = 0; i < 37; i++) give(index + i)
    expect(K.freeFrames).toBe(free)
    expectUndone()
  })

  it('gives no empty run, and none longer than what is free', () => {
    expect(take(0, FRAME_PAGE)).toBe(-1)
    expect(take(K.freeFrames + 1, FRAME_PAGE)).toBe(-1)
    expect(take(0xffffffff, FRAME_PAGE)).toBe(-1)
  })

  it('merges what is given back, whatever the order', () => {
    const before = largestRun()
    const first = take(64, FRAME_PAGE)
    for (let i: u32 = 0; i < 64; i++) give(first + ((i * 37) & 63))
    expect(largestRun()).toBe(before)
  })

  it('panics when a frame is freed twice', () => {
    expect(() => {
      lock()
      const frame = allocFrame(FRAME_ANON)!
      freeFrame(frame)
      freeFrame(frame)
    }).toThrow()
    forgetPanic()
    abandon()
    unlock()
  })

  it('panics when a frame that entries map is freed', () => {
    expect(() => {
      lock()
      const frame = allocFrame(FRAME_PAGE)!
      edit<Frame>(frame).mapped = 1
      freeFrame(frame)
    }).toThrow()
    forgetPanic()
    abandon()
    unlock()
  })

  it('agrees with a bitmap, and a death at any push leaves no trace', () => {
    reseed('frames')
    const used = new StaticArray<bool>(K.frameCount)
    for (let i: u32 = 0; i < K.frameCount; i++) used[i] = frameAt(i).kind > 1
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      if (chance(55)) {
        const count: u32 = chance(70) ? 1 : 1 + below(40)
        const index = take(count, FRAME_ANON)
        if (index < 0) {
          let order: u32 = 1
          while (order < count) order <<= 1
          assert(longest(used) < order, 'a run was there')
        }
        for (let i: u32 = 0; index >= 0 && i < count; i++) {
          assert(!used[index + i], 'a frame was given out twice')
          used[index + i] = true
        }
      } else {
        const index = below(K.frameCount)
        if (frameAt(index).kind == FRAME_ANON) {
          give(index)
          used[index] = false
        }
      }
      if (step % 64 == 0) expect(largestRun()).toBe(longest(used))
      expectUndone()
    }
    dieAtEveryPush(false)
    expect(deathsPlayed()).toBeGreaterThan(3000)
  })
})
