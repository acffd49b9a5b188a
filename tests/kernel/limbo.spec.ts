import { sysReap } from '../../assembly/exit'
import { FRAME_FREE, FRAME_HEAD, Frame, frameAddress } from '../../assembly/frame'
import { grant } from '../../assembly/grant'
import { giveBack, sweepLimbo } from '../../assembly/limbo'
import { lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { sequenceOf } from '../../assembly/thread'
import {
  AT,
  begin,
  bootMemory,
  end,
  goOnAsAnother,
  PAGE,
  process,
  takeFrame,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

const isFree = (frame: Frame): bool => frame.kind == FRAME_FREE || frame.kind == FRAME_HEAD

function give(frame: Frame): void {
  lock()
  giveBack(frame)
  unlock()
}

function sweep(): void {
  lock()
  sweepLimbo()
  unlock()
}

describe('limbo', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('takes no frame that nobody touches: it is free at once', () => {
    const frame = takeFrame()
    give(frame)
    expect(K.limbo).toBe(0)
    expect(isFree(frame)).toBe(true)
  })

  it('holds what another thread was granted until that lets go, and nothing else', () => {
    const frames: Frame[] = []
    for (let i = 0; i < 4; i++) frames.push(takeFrame())
    lock()
    grant(process.space!, AT, PAGE, frameAddress(frames[1]), true)
    unlock()
    const granted = goOnAsAnother()
    const free = K.freeFrames
    for (let i = 0; i < 4; i++) give(frames[i])
    expect(K.freeFrames).toBe(free + 3)
    expect(K.limbo).toBe(<u32>changetype<usize>(frames[1]))
    sweep()
    expect(isFree(frames[1])).toBe(false)
    expect(sysReap(granted, sequenceOf(granted), true)).toBe(0)
    sweep()
    expect(isFree(frames[1])).toBe(true)
    expect(K.limbo).toBe(0)
    expect(K.freeFrames).toBe(free + 4)
  })
})
