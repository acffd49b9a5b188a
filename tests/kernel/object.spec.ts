import { put } from '../../assembly/journal'
import { abandon, lock, unlock } from '../../assembly/lock'
import {
  dropRef,
  keyOf,
  MemObject,
  newObject,
  OBJECT_ANON,
  OBJECT_TMPFS,
  pagesOf,
  retain,
  takeIdle,
  touchTimes,
} from '../../assembly/object'
import { releaseObject } from '../../assembly/release'
import { K } from '../../assembly/root'
import { bootSpec, checkAll, forgetPanic } from './support/boot'
import { passMs } from './support/disk'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(300)

function make(kind: u32, size: u64): MemObject {
  lock()
  const object = newObject(kind, size)
  unlock()
  return object!
}

function keep(object: MemObject): void {
  lock()
  retain(object)
  unlock()
}

function drop(object: MemObject): void {
  lock()
  releaseObject(object)
  unlock()
}

describe('objects', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('begins with one user, no pages and no descriptor', () => {
    const before = K.objects
    const object = make(OBJECT_ANON, 8192)
    expect(object.refs).toBe(1)
    expect(object.size).toBe(8192)
    expect(object.fd).toBe(-1)
    expect(pagesOf(object).height).toBe(0)
    expect(K.objects).toBe(before + 1)
    drop(object)
    expect(K.objects).toBe(before)
  })

  it('lives until its last user lets go', () => {
    const before = K.objects
    const object = make(OBJECT_ANON, 0)
    keep(object)
    drop(object)
    expect(K.objects).toBe(before + 1)
    drop(object)
    expect(K.objects).toBe(before)
  })

  it('goes to the idle list, once, when only its inode is left', () => {
    const object = make(OBJECT_TMPFS, 0)
    lock()
    put(changetype<usize>(object) + offsetof<MemObject>('inode'), 0x1234)
    unlock()
    for (let i = 0; i < 2; i++) {
      keep(object)
      drop(object)
    }
    lock()
    const first = takeIdle()
    const second = takeIdle()
    unlock()
    expect(changetype<usize>(first)).toBe(changetype<usize>(object))
    expect(second == null).toBe(true)
    expect(object.idle).toBe(0)
    drop(object)
  })

  it('moves both of its times when the contents change', () => {
    const object = make(OBJECT_ANON, 0)
    const before = object.mtimeMs
    passMs(5)
    lock()
    touchTimes(object)
    unlock()
    expect(object.mtimeMs).toBeGreaterThan(before + 4)
    expect(object.ctimeMs).toBe(object.mtimeMs)
    drop(object)
  })

  it('has a key of its own', () => {
    const one = make(OBJECT_ANON, 0)
    const two = make(OBJECT_ANON, 0)
    expect(keyOf(one) != keyOf(two)).toBe(true)
    drop(one)
    drop(two)
  })

  it('panics when a user lets go who was none', () => {
    expect(() => {
      lock()
      const object = newObject(OBJECT_ANON, 0)!
      dropRef(object)
      dropRef(object)
    }).toThrow()
    forgetPanic()
    abandon()
    unlock()
  })
})
