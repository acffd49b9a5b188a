import {
  allocFrame,
  allocRun,
  allocRunAt,
  checkFrames,
  FRAME_ANON,
  FRAME_PAGE,
  FRAME_SLAB,
  FRAME_TABLE,
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

/** => whether the `count` frames from `index` on were had. Checked. */
function takeAt(index: u32, count: u32): bool {
  lock()
  const run = allocRunAt(index, count, FRAME_ANON)
  if (run != null) assert(frameIndex(run) == index, 'other frames than those asked for')
  checkFrames()
  unlock()
  return run != null
}

function give(index: u32): void {
  lock()
  freeFrame(frameAt(index))
  checkFrames()
  unlock()
}

/** Gives back what `take` took of a kind: boot has no frames of it. */
function giveAll(kind: u32): void {
  for (let i: u32 = 0; i < K.frameCount; i++) if (frameAt(i).kind == kind) give(i)
}

/** Asks for frames anywhere. => where they are, -2 when they are not to be had there. */
function takeSomewhere(count: u32): i32 {
  const index = below(K.frameCount)
  return takeAt(index, count) ? index : -2
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

  it('keeps pages together while structures are asked for amid them', () => {
    let breaks = 0
    let last = take(1, FRAME_PAGE)
    for (let i: u32 = 1; i < 200; i++) {
      const structure = take(1, i % 2 == 0 ? FRAME_SLAB : FRAME_TABLE)
      const page = take(1, FRAME_PAGE)
      if (page != last + 1) breaks++
      last = page
      if (i % 3 == 0) give(structure)
    }
    // What is left of small blocks, then runs: without groups, one page in two is followed by a structure.
    expect(breaks).toBeLessThan(20)
    giveAll(FRAME_PAGE)
    giveAll(FRAME_SLAB)
    giveAll(FRAME_TABLE)
  })

  it('gives the very frames that are asked for, while they are free', () => {
    const first = take(64, FRAME_PAGE)
    for (let i: u32 = 0; i < 64; i++) give(first + i)
    expect(takeAt(first + 21, 7)).toBe(true)
    expect(takeAt(first + 20, 2)).toBe(false)
    expect(takeAt(first + 27, 1)).toBe(false)
    expect(takeAt(first + 28, 1)).toBe(true)
    expect(takeAt(first + 20, 1)).toBe(true)
    expect(takeAt(K.frameCount, 1)).toBe(false)
    expect(takeAt(K.frameCount - 1, 2)).toBe(false)
    expect(takeAt(0xffffffff, 2)).toBe(false)
    giveAll(FRAME_ANON)
  })

  it('gives none that stands in a group for structures', () => {
    const structure = take(1, FRAME_SLAB)
    const group = structure & ~63
    for (let i = group; i < group + 64; i++) expect(takeAt(i, 1)).toBe(false)
    give(structure)
  })

  it('takes one frame where there is room for many', () => {
    lock()
    const roomy = frameIndex(allocRun(1, FRAME_ANON, 100)!)
    unlock()
    for (let i: u32 = 1; i < 100; i++) expect(takeAt(roomy + i, 1)).toBe(true)
    giveAll(FRAME_ANON)
  })

  it('gives the last frame to whoever asks, and all of them merge again', () => {
    const whole = largestRun()
    const kinds: u32[] = [FRAME_SLAB, FRAME_PAGE]
    for (let i = 0; i < kinds.length; i++) {
      const other = take(1, kinds[1 - i])
      while (K.freeFrames > 0) expect(take(1, kinds[i])).toBeGreaterThanOrEqual(0)
      expect(take(1, kinds[i])).toBe(-1)
      give(other)
      expect(take(1, kinds[i])).toBe(other)
      giveAll(kinds[i])
      expect(largestRun()).toBe(whole)
    }
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
        const index = chance(30)
          ? takeSomewhere(count)
          : take(count, chance(30) ? FRAME_TABLE : FRAME_ANON)
        if (index == -1) {
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
        const kind = frameAt(index).kind
        if (kind == FRAME_ANON || kind == FRAME_TABLE) {
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
