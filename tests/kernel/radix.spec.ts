import { abandon, lock, relax, unlock } from '../../assembly/lock'
import {
  checkRadix,
  clear,
  get,
  INDEX_END,
  mark,
  next,
  prune,
  Radix,
  replace,
  set,
} from '../../assembly/radix'
import { K } from '../../assembly/root'
import { allocate, create, free } from '../../assembly/slab'
import { bootSpec, checkAll } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(400)

lock()
const radix = create<Radix>()
unlock()

const MOST: i32 = 300
/** The model: indexes in order, their values, their marks. */
const indexes = new StaticArray<u64>(MOST)
const values = new StaticArray<u32>(MOST)
const marks = new StaticArray<bool>(MOST)
let live: i32 = 0

function placeOf(index: u64): i32 {
  let i = 0
  while (i < live && indexes[i] < index) i++
  return i
}

function has(index: u64): bool {
  const i = placeOf(index)
  return i < live && indexes[i] == index
}

function setAt(index: u64, value: u32): void {
  lock()
  const done = set(radix, index, value)
  assert(done, 'memory is out')
  assert(checkRadix(radix) == live + 1, 'set lost a value')
  unlock()
  const i = placeOf(index)
  for (let j = live++; j > i; j--) {
    indexes[j] = indexes[j - 1]
    values[j] = values[j - 1]
    marks[j] = marks[j - 1]
  }
  indexes[i] = index
  values[i] = value
  marks[i] = false
}

function clearAt(i: i32): void {
  lock()
  clear(radix, indexes[i])
  assert(checkRadix(radix) == live - 1, 'clear lost a value')
  unlock()
  live--
  for (; i < live; i++) {
    indexes[i] = indexes[i + 1]
    values[i] = values[i + 1]
    marks[i] = marks[i + 1]
  }
}

function markAt(i: i32, dirty: bool): void {
  lock()
  mark(radix, indexes[i], dirty)
  assert(checkRadix(radix) == live, 'mark lost a value')
  unlock()
  marks[i] = dirty
}

function clearAll(): void {
  while (live > 0) clearAt(live - 1)
}

function modelNext(from: u64, dirty: bool): u64 {
  let i = placeOf(from)
  while (i < live && dirty && !marks[i]) i++
  return i < live ? indexes[i] : INDEX_END
}

/** Indexes near each other, around powers of 64, and anywhere. */
function anyIndex(): u64 {
  if (chance(60)) return below(200)
  if (chance(50)) return ((<u64>1) << (6 * (1 + below(6)))) + below(4) - 2
  return (((<u64>below(0xffffffff)) << 32) | below(0xffffffff)) >> (22 + below(40))
}

describe('radix', () => {
  afterEach(() => {
    dieAtEveryPush(false)
    clearAll()
    checkAll()
    expectUndone()
  })

  it('is empty at first, and after the last value is cleared', () => {
    expect(get(radix, 0)).toBe(0)
    expect(next(radix, 0, false)).toBe(INDEX_END)
    setAt(1000000, 5)
    clearAt(0)
    expect(radix.height).toBe(0)
    expect(radix.root).toBe(0)
  })

  it('has no empty node when its first index is a large one', () => {
    setAt(INDEX_END - 1, 7)
    expect(get(radix, INDEX_END - 1)).toBe(7)
    expect(get(radix, 0)).toBe(0)
  })

  it('gives every frame back', () => {
    const free0 = K.freeFrames
    for (let i: u64 = 0; i < 100; i++) setAt(i * 4097, 1)
    clearAll()
    expect(K.freeFrames).toBeGreaterThanOrEqual(free0 - 1)
  })

  it('replaces a value, its mark kept', () => {
    setAt(70, 1)
    markAt(0, true)
    lock()
    replace(radix, 70, 2)
    unlock()
    expect(get(radix, 70)).toBe(2)
    expect(next(radix, 0, true)).toBe(70)
    checkRadix(radix)
  })

  it('finds a dirty page past clean ones without looking at them', () => {
    setAt(5, 1)
    setAt(64 * 64 * 3 + 9, 2)
    markAt(1, true)
    expect(next(radix, 0, true)).toBe(64 * 64 * 3 + 9)
    markAt(1, false)
    expect(next(radix, 0, true)).toBe(INDEX_END)
  })

  it('can be pruned to what it was when memory runs out half way', () => {
    setAt(3, 1)
    let taken: usize = 0
    let failed = false
    for (let left = 0; left < 6; left++) {
      lock()
      for (;;) {
        const at = allocate(272)
        if (at == 0) break
        store<usize>(at, taken)
        taken = at
        relax()
      }
      unlock()
      lock()
      for (let i = 0; i < left; i++) {
        const following = load<usize>(taken)
        free(taken, 272)
        taken = following
      }
      unlock()
      lock()
      const done = set(radix, INDEX_END - 2, 9)
      if (!done) {
        failed = true
        prune(radix, INDEX_END - 2)
        const left = checkRadix(radix)
        unlock()
        expect(left).toBe(1)
      } else {
        abandon()
        unlock()
      }
      expectUndone()
    }
    expect(failed).toBe(true)
    lock()
    while (taken != 0) {
      const following = load<usize>(taken)
      free(taken, 272)
      taken = following
      relax()
    }
    unlock()
  })

  it('agrees with a sorted array, and a death at any push leaves no trace', () => {
    reseed('radix')
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      const what = below(100)
      const index = anyIndex()
      if (what < 45 && live < MOST && !has(index)) setAt(index, 1 + below(0xfffffffe))
      else if (what < 70 && live > 0) clearAt(below(live))
      else if (live > 0) markAt(below(live), chance(60))
      const from = anyIndex()
      assert(next(radix, from, false) == modelNext(from, false), 'next')
      assert(next(radix, from, true) == modelNext(from, true), 'next dirty')
      assert(get(radix, from) == (has(from) ? values[placeOf(from)] : 0), 'get')
      expectUndone()
    }
  })
})
