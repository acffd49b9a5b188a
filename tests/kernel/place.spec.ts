import { findPage } from '../../assembly/cache'
import { addCleared } from '../../assembly/fill'
import { Frame, frameIndex, freeFrame } from '../../assembly/frame'
import { lock, unlock } from '../../assembly/lock'
import { MemObject } from '../../assembly/object'
import { frameOfPte, pteOf } from '../../assembly/pte'
import {
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  poke,
  process,
  takeFrame,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()
const PAGES: u32 = 24

function add(file: MemObject, index: u64, more: u32 = 1): u32 {
  lock()
  addCleared(file, index, more)
  unlock()
  return frameIndex(findPage(file, index)!)
}

function give(frame: Frame): void {
  lock()
  freeFrame(frame)
  unlock()
}

/** => how many pages of a private mapping do not lie behind the one before them. */
function breaksOf(address: u32): u32 {
  let breaks: u32 = 0
  const space = process.space!
  for (let page: u32 = 1; page < PAGES; page++) {
    const at = address + page * PAGE
    const before = frameIndex(frameOfPte(pteOf(space, at - PAGE)))
    if (frameIndex(frameOfPte(pteOf(space, at))) != before + 1) breaks++
  }
  return breaks
}

describe('places of pages', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(() => {
    dieAtEveryPush(false)
    end()
  })

  it('of an object are side by side, in whatever order they come', () => {
    const file = makeFile(PAGES)
    const first = add(file, 0)
    for (let i: u32 = 1; i < PAGES; i++) {
      const page = (i * 7) % PAGES
      expect(add(file, page)).toBe(first + page)
    }
  })

  it('of an object go on elsewhere when their frame is taken', () => {
    const file = makeFile(PAGES)
    const first = add(file, 0)
    let other = takeFrame()
    const others: Frame[] = [other]
    while (frameIndex(other) != first + 1) {
      other = takeFrame()
      others.push(other)
    }
    const second = add(file, 1)
    expect(second).not.toBe(first + 1)
    for (let i = 0; i < others.length; i++) give(others[i])
    expect(add(file, 2)).toBe(second + 1)
  })

  it('of what is written at once are side by side though its file had no size before', () => {
    const file = makeFile(0)
    // Frames that are alone among used ones: a single page would go there.
    const others: Frame[] = []
    for (let i = 0; i < 8; i++) others.push(takeFrame())
    for (let i = 0; i < 8; i += 2) give(others[i])
    const first = add(file, 0, PAGES)
    for (let i: u32 = 1; i < PAGES; i++) expect(add(file, i, PAGES - i)).toBe(first + i)
    for (let i = 1; i < 8; i += 2) give(others[i])
  })

  it('of two private mappings that are stored to in turns are side by side in each', () => {
    const one = map(PAGES)
    const other = map(PAGES)
    for (let page: u32 = 0; page < PAGES; page++) {
      expect(poke(one + page * PAGE, 1)).toBe(0)
      expect(poke(other + page * PAGE, 1)).toBe(0)
    }
    // They start beside each other, and one leaves the other's way.
    expect(breaksOf(one) + breaksOf(other)).toBeLessThan(PAGES / 2)
  })
})
