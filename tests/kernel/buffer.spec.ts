import { ENOMEM, STATE_SEQ_SHIFT, THREAD_STATE, WHERE_FREE, WHERE_MASK } from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { sysReap } from '../../assembly/exit'
import { writeObject } from '../../assembly/fileio'
import { allocFrame, FRAME_KERNEL, Frame, freeFrame } from '../../assembly/frame'
import { put } from '../../assembly/journal'
import { thread_ready } from '../../assembly/kernelcalls'
import { lock, unlock } from '../../assembly/lock'
import { MemObject, newObject, OBJECT_FILE } from '../../assembly/object'
import { releaseObject } from '../../assembly/release'
import { K, Root } from '../../assembly/root'
import { enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { syncObject } from '../../assembly/writeback'
import { bootSpec, checkAll } from './support/boot'
import { resetDisk, setSize } from './support/disk'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(1200, 4096, 1000)

const FD: i32 = 5

function stateOf(index: u32): u32 {
  return load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE)
}

/** Another thread takes over this spec; the one before is IN until it is reaped. => its slot. */
function attach(): u32 {
  const index = attachThread(0)
  assert(index >= 0, 'no slot')
  enter()
  return <u32>index
}

function reap(index: u32): i32 {
  return sysReap(index, stateOf(index) >> STATE_SEQ_SHIFT, true)
}

/** A file of which every third page in memory is dirty, and memory is full. */
function fillMemory(): MemObject {
  resetDisk()
  const pages = K.freeFrames + 200
  setSize(FD, pages * 4096)
  lock()
  const object = newObject(OBJECT_FILE, pages * 4096)!
  object.fd = FD
  object.writable = 1
  unlock()
  const byte = memory.data(16)
  for (let i: u32 = 0; i < pages && K.freeFrames > 40; i++) {
    const at = (<u64>i) << 12
    assert(writeObject(object, at, byte, 1) == 1, `page ${i}`)
  }
  return object
}

describe('thread buffers', () => {
  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('are given to every thread while memory is full of dirty pages', () => {
    const object = fillMemory()
    assert(K.dirtyPages > 800, `only ${K.dirtyPages} dirty`)
    const first = me().index
    for (let i = 0; i < 6; i++) {
      const index = attach()
      dieAtEveryPush(i % 3 == 2)
      assert(readyBuffer() == 0, `thread ${i} has none`)
      dieAtEveryPush(false)
      assert(me().buffer != 0 && K.spareBuffer != 0 && K.spareMaker == 0, `thread ${i}`)
      for (let other = first; other < index; other++) {
        const at = load<u32>(THREADS + other * THREAD_BYTES, 8)
        const apart = at + 147456 <= me().buffer || me().buffer + 147456 <= at
        assert(apart, `threads ${other} and ${index} share a buffer`)
      }
      checkAll()
    }
    for (let other = first; other < me().index; other++) expect(reap(other)).toBe(0)
    expect(syncObject(object, false)).toBe(0)
    lock()
    releaseObject(object)
    unlock()
  })

  it('stay with the slot', () => {
    const before = me().index
    attach()
    expect(readyBuffer()).toBe(0)
    expect(reap(before)).toBe(0)
    const buffer = load<u32>(THREADS + before * THREAD_BYTES, 8)
    expect(buffer).not.toBe(0)
  })

  it('refuse a thread with ENOMEM when no frame is left, and give its slot back', () => {
    const before = me().index
    let taken: Frame | null = null
    lock()
    put(changetype<usize>(K) + offsetof<Root>('spareBuffer'), 0)
    let frame = allocFrame(FRAME_KERNEL)
    while (frame != null) {
      frame.next = <u32>changetype<usize>(taken)
      taken = frame
      frame = allocFrame(FRAME_KERNEL)
    }
    unlock()
    let index = attachThread(0)
    while (me().buffer != 0) index = attachThread(0)
    expect(thread_ready()).toBe(-ENOMEM)
    expect(stateOf(index) & WHERE_MASK).toBe(WHERE_FREE)
    attach()
    lock()
    while (taken != null) {
      const next = changetype<Frame | null>(<usize>taken.next)
      freeFrame(taken)
      taken = next
    }
    unlock()
    expect(readyBuffer()).toBe(0)
    expect(K.spareBuffer).not.toBe(0)
    for (let other = before; other < <u32>index; other++) reap(other)
  })

  it('are made ready by another thread when the one that was at it died', () => {
    const dead = me().index
    attach()
    lock()
    put(changetype<usize>(K) + offsetof<Root>('spareBuffer'), 0)
    put(changetype<usize>(K) + offsetof<Root>('spareMaker'), dead + 1)
    unlock()
    expect(reap(dead)).toBe(0)
    expect(K.spareMaker).toBe(0)
    expect(readyBuffer()).toBe(0)
    expect(K.spareBuffer).not.toBe(0)
  })
})
