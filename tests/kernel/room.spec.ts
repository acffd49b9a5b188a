import { sysAccess } from '../../assembly/access'
import { lock, unlock } from '../../assembly/lock'
import { makeRoom } from '../../assembly/room'
import { K } from '../../assembly/root'
import { AT, begin, bootMemory, end, PAGE, peek, poke, process, showRead } from './support/memory'

bootMemory(600)

const PAGES: u32 = 16

/** => as makeRoom. */
function want(frames: u32): i32 {
  lock()
  const result = makeRoom(frames)
  unlock()
  return result
}

describe('making room', () => {
  beforeEach(begin)
  afterEach(end)

  it('takes clean pages, and leaves dirty ones as they are when those are enough', () => {
    const file = showRead(4 * PAGES)
    for (let page: u32 = 0; page < 3; page++) poke(AT + page * PAGE, 100 + page)
    const wanted = K.freeFrames + PAGES
    expect(want(wanted)).toBe(0)
    expect(K.freeFrames).toBeGreaterThanOrEqual(wanted)
    expect(file.dirtyPages).toBe(3)
  })

  it('takes nothing when there is enough', () => {
    const file = showRead(PAGES)
    expect(want(1)).toBe(0)
    expect(file.resident).toBe(PAGES)
  })

  it('writes dirty pages when clean ones are not enough', () => {
    const file = showRead(PAGES)
    for (let page: u32 = 0; page < PAGES; page++) poke(AT + page * PAGE, 100 + page)
    const wanted = K.freeFrames + PAGES
    expect(want(wanted)).toBe(0)
    expect(K.freeFrames).toBeGreaterThanOrEqual(wanted)
    expect(file.dirtyPages).toBe(0)
    expect(peek(AT + 7 * PAGE)).toBe(107)
  })

  it('for more than there is fails, with nothing lost', () => {
    showRead(PAGES)
    poke(AT, 9)
    expect(want(K.frameCount)).toBeLessThan(0)
    expect(peek(AT)).toBe(9)
    expect(sysAccess(process, AT + PAGE, 1, false)).toBe(0)
  })
})
