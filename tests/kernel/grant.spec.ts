import { MAP_PRIVATE, STATE_SEQ_SHIFT, THREAD_STATE } from '../../assembly/abi'
import { sysAccess } from '../../assembly/access'
import { sysReap } from '../../assembly/exit'
import { Frame, frameOf } from '../../assembly/frame'
import { dropGrant, holderOf, holderOfFrame, settle } from '../../assembly/grant'
import { lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { THREAD_BYTES, THREADS } from '../../assembly/thread'
import {
  AT,
  begin,
  bootMemory,
  end,
  goOnAsAnother,
  map,
  PAGE,
  process,
  resultWord,
} from './support/memory'

bootMemory()

/** The frame that the last one held. */
let held: Frame = changetype<Frame>(0)

/** A thread that ends in the middle of an access of `bytes` bytes at AT; this instance goes on as another. => its slot. */
function leaveHolding(bytes: u32, write: bool): u32 {
  map(4, MAP_PRIVATE, AT)
  for (let page: u32 = 0; page < 4; page++) sysAccess(process, AT + page * PAGE, 1, true)
  assert(sysAccess(process, AT, bytes, write) == 0, 'access')
  held = frameOf(resultWord())
  return goOnAsAnother()
}

function reap(index: u32): void {
  const sequence = load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
  assert(sysReap(index, sequence, true) == 0, 'reap')
}

describe('grants', () => {
  beforeEach(begin)
  afterEach(end)

  it('are seen by other threads, by address and by frame, not by their own', () => {
    map(1, MAP_PRIVATE, AT)
    expect(sysAccess(process, AT, 1, true)).toBe(0)
    expect(holderOf(process.space!, AT, AT + PAGE)).toBe(-1)
    dropGrant()
    const slot = <i32>leaveHolding(10, true)
    const frame = held
    expect(holderOf(process.space!, AT, AT + PAGE)).toBe(slot)
    expect(holderOf(process.space!, AT + 9, AT + PAGE)).toBe(slot)
    expect(holderOf(process.space!, AT + 10, AT + PAGE)).toBe(-1)
    expect(holderOf(process.space!, AT - PAGE, AT)).toBe(-1)
    expect(holderOfFrame(frame, false)).toBe(slot)
    expect(holderOfFrame(frame, true)).toBe(slot)
    expect(holderOfFrame(frame, false, process.space!)).toBe(-1)
    reap(slot)
    expect(holderOfFrame(frame, false)).toBe(-1)
  })

  it('to load do not count where storing is asked', () => {
    const slot = <i32>leaveHolding(1, false)
    const frame = held
    expect(holderOfFrame(frame, false)).toBe(slot)
    expect(holderOfFrame(frame, true)).toBe(-1)
    reap(slot)
  })

  it('that nobody else holds are settled at once', () => {
    map(1, MAP_PRIVATE, AT)
    sysAccess(process, AT, 1, true)
    const free = K.freeFrames
    lock()
    settle(process.space!, AT, AT + PAGE)
    unlock()
    dropGrant()
    expect(K.freeFrames).toBe(free)
  })
})
