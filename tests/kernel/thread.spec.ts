import {
  STATE_SEQ_SHIFT,
  STATE_STOP,
  THREAD_DOORBELL,
  THREAD_STATE,
  WHERE_DEAD,
  WHERE_FREE,
  WHERE_IN,
  WHERE_MASK,
  WHERE_OUT,
  WHERE_PARKED,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { sysReap } from '../../assembly/exit'
import {
  beginPark,
  declareDead,
  endPark,
  enter,
  leave,
  me,
  recover,
  ring,
  self,
  stop,
  THREAD_BYTES,
  THREADS,
  threadsInside,
} from '../../assembly/thread'
import { bootSpec, checkAll } from './support/boot'
import { below, reseed } from './support/random'
import { expectUndone } from './support/transactions'

bootSpec(1200)
leave()

function stateOf(index: u32): u32 {
  return load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE)
}

function whereOf(index: u32): u32 {
  return stateOf(index) & WHERE_MASK
}

function sequenceOf(index: u32): u32 {
  return stateOf(index) >> STATE_SEQ_SHIFT
}

/** Plays another thread: gives this instance a slot more. => its index. */
function attach(): u32 {
  const index = attachThread(0)
  assert(index >= 0, 'no slot')
  return <u32>index
}

describe('threads', () => {
  afterEach(() => {
    enter()
    checkAll()
    leave()
    expectUndone()
  })

  it('goes OUT, IN, PARKED and back', () => {
    const index = me().index
    expect(whereOf(index)).toBe(WHERE_OUT)
    enter()
    expect(whereOf(index)).toBe(WHERE_IN)
    beginPark()
    expect(whereOf(index)).toBe(WHERE_PARKED)
    endPark()
    expect(whereOf(index)).toBe(WHERE_IN)
    leave()
    expect(whereOf(index)).toBe(WHERE_OUT)
  })

  it('counts as inside while it is in a call and does not sleep', () => {
    expect(threadsInside()).toBe(0)
    enter()
    expect(threadsInside()).toBe(1)
    beginPark()
    expect(threadsInside()).toBe(0)
    endPark()
    expect(threadsInside()).toBe(1)
    leave()
    expect(threadsInside()).toBe(0)
  })

  it('is dead at once when it is stopped OUT, and may never enter again', () => {
    const index = me().index
    expect(stop(index, sequenceOf(index))).toBe(1)
    expect(whereOf(index)).toBe(WHERE_DEAD)
    expect(() => {
      enter()
    }).toThrow()
    attach()
    expect(me().index != index).toBe(true)
  })

  it('is asked again while it is IN, and its doorbell rings', () => {
    const index = me().index
    enter()
    const bell = load<u32>(self + THREAD_DOORBELL)
    expect(stop(index, sequenceOf(index))).toBe(0)
    expect(stateOf(index) & STATE_STOP).toBe(STATE_STOP)
    expect(load<u32>(self + THREAD_DOORBELL)).toBe(bell + 1)
    expect(() => {
      leave()
    }).toThrow()
    expect(whereOf(index)).toBe(4)
    expect(stop(index, sequenceOf(index))).toBe(1)
    attach()
  })

  it('leaves a slot alone that has another sequence number', () => {
    const index = me().index
    const before = stateOf(index)
    expect(stop(index, sequenceOf(index) + 1)).toBe(1)
    expect(declareDead(index, sequenceOf(index) + 1)).toBe(false)
    expect(stateOf(index)).toBe(before)
  })

  it('is out again after an exception was thrown through it, wherever it was', () => {
    enter()
    recover()
    expect(whereOf(me().index)).toBe(WHERE_OUT)
    enter()
    beginPark()
    recover()
    expect(whereOf(me().index)).toBe(WHERE_OUT)
  })

  it('gets its slot, free, with the next sequence number after a reap, and its buffer kept', () => {
    const dead = me().index
    const buffer = me().buffer
    const sequence = sequenceOf(dead)
    stop(dead, sequence)
    attach()
    enter()
    expect(sysReap(dead, sequence, false)).toBe(0)
    expect(sysReap(dead, sequence, false)).toBe(-71)
    leave()
    expect(whereOf(dead)).toBe(WHERE_FREE)
    expect(sequenceOf(dead)).toBe(sequence + 1)
    expect(load<u32>(THREADS + dead * THREAD_BYTES + 8)).toBe(buffer)
  })

  it('rings only the doorbell that is meant', () => {
    const one = me().index
    const other = attach()
    const before = load<u32>(THREADS + one * THREAD_BYTES + THREAD_DOORBELL)
    ring(other)
    expect(load<u32>(THREADS + one * THREAD_BYTES + THREAD_DOORBELL)).toBe(before)
  })

  it('keeps the state machine, whatever comes in which order', () => {
    reseed('threads')
    for (let step = 0; step < 2000; step++) {
      const index = me().index
      const sequence = sequenceOf(index)
      const what = below(6)
      if (what < 3) {
        enter()
        expect(whereOf(index)).toBe(WHERE_IN)
        if (what == 1) {
          beginPark()
          endPark()
        }
        leave()
      } else if (what == 3) {
        enter()
        recover()
      } else {
        assert(what == 4 ? stop(index, sequence) == 1 : declareDead(index, sequence), 'not dead')
        attach()
        enter()
        assert(sysReap(index, sequence, what == 5) == 0, 'not reaped')
        leave()
        assert(sequenceOf(index) == sequence + 1, 'no new sequence number')
      }
      assert(whereOf(me().index) == WHERE_OUT, 'not OUT')
    }
  })
})
