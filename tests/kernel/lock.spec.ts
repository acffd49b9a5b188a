import { STATE_SEQ_SHIFT, THREAD_STATE } from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { sysReap } from '../../assembly/exit'
import { depth, put } from '../../assembly/journal'
import { abandon, checkHeld, lock, relax, relaxIfDeep, takeOver, unlock } from '../../assembly/lock'
import { create } from '../../assembly/slab'
import { declareDead, enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { Node } from '../../assembly/tree'
import { bootSpec, checkAll, forgetPanic } from './support/boot'
import { expectUndone } from './support/transactions'

bootSpec(600)
warmUp()
lock()
const NODE = changetype<usize>(create<Node>())
unlock()

/** A slot keeps its buffer, so threads that attach while the lock is held need no memory. */
function warmUp(): void {
  for (let i = 0; i < 3; i++) {
    const old = me().index
    attachThread(0)
    enter()
    sysReap(old, sequenceOf(old), true)
  }
  const old = me().index
  attachThread(0)
  enter()
  sysReap(old, sequenceOf(old), true)
}

function sequenceOf(index: u32): u32 {
  return load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
}

describe('the kernel lock', () => {
  beforeEach(() => {
    lock()
    put(NODE, 1)
    unlock()
  })

  afterEach(() => {
    checkAll()
    expectUndone()
  })

  it('keeps what was done when it is let go', () => {
    lock()
    put(NODE, 2)
    unlock()
    expect(load<u32>(NODE)).toBe(2)
    expect(depth()).toBe(0)
  })

  it('undoes what was done when the call is abandoned, and stays held', () => {
    lock()
    put(NODE, 2)
    abandon()
    checkHeld()
    unlock()
    expect(load<u32>(NODE)).toBe(1)
  })

  it('keeps what was done before it relaxed', () => {
    lock()
    put(NODE, 2)
    relax()
    put(NODE, 3)
    abandon()
    unlock()
    expect(load<u32>(NODE)).toBe(2)
  })

  it('relaxes on the way only once the journal has grown', () => {
    lock()
    let before: bool = false
    let puts = 0
    while (!before && puts < 100000) {
      put(NODE, 5)
      puts++
      before = relaxIfDeep()
    }
    const left = depth()
    unlock()
    expect(puts).toBeGreaterThan(1000)
    expect(puts).toBeLessThan(100000)
    expect(left).toBe(0)
  })

  it('panics when a thread takes it twice, or lets go of what it has not', () => {
    expect(() => {
      lock()
      lock()
    }).toThrow()
    forgetPanic()
    unlock()
    expect(() => {
      unlock()
    }).toThrow()
    forgetPanic()
  })

  it('is taken from a dead owner, whose transaction is undone', () => {
    const dead = me().index
    lock()
    put(NODE, 2)
    assert(attachThread(0) >= 0, 'no slot')
    enter()
    expect(declareDead(dead, sequenceOf(dead))).toBe(true)
    expect(takeOver(dead)).toBe(true)
    checkHeld()
    unlock()
    expect(load<u32>(NODE)).toBe(1)
    expect(sysReap(dead, sequenceOf(dead), true)).toBe(0)
  })

  it('is not taken from a thread that does not own it', () => {
    const other = me().index
    attachThread(0)
    enter()
    lock()
    expect(takeOver(other)).toBe(false)
    unlock()
    expect(sysReap(other, sequenceOf(other), true)).toBe(0)
  })

  it('throws in the host when its owner does not move', () => {
    const owner = me().index
    lock()
    attachThread(0)
    enter()
    expect(() => {
      lock()
    }).toThrow()
    expect(sysReap(owner, sequenceOf(owner), true)).toBe(0)
  })
})
