import { charge, uncharge } from '../../assembly/commit'
import { lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { begin, bootMemory, end } from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

function promise(frames: u32): bool {
  lock()
  const given = charge(frames)
  unlock()
  return given
}

function takeBack(frames: u32): void {
  lock()
  uncharge(frames)
  unlock()
}

describe('promises of frames', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('are given up to the limit, whole or not at all', () => {
    const before = K.committed
    const left = K.commitLimit - before
    expect(promise(left + 1)).toBe(false)
    expect(promise(0xffffffff)).toBe(false)
    expect(K.committed).toBe(before)
    expect(promise(left)).toBe(true)
    expect(promise(1)).toBe(false)
    expect(promise(0)).toBe(true)
    takeBack(left)
    expect(K.committed).toBe(before)
  })

  it('leave the kernel a reserve', () => {
    expect(K.commitLimit).toBeLessThan(K.frameCount - K.kernelReserve)
  })
})
