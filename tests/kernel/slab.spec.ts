import { FRAME_SLAB, frameOf } from '../../assembly/frame'
import { save } from '../../assembly/journal'
import { abandon, lock, unlock } from '../../assembly/lock'
import { K } from '../../assembly/root'
import { allocate, checkSlabs, free, SLAB_BYTES_MAX } from '../../assembly/slab'
import { bootSpec, checkAll, forgetPanic } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(400)

function take(bytes: u32): usize {
  lock()
  const at = allocate(bytes)
  checkSlabs()
  unlock()
  return at
}

/** Fills a structure, journalled, as kernel code would. */
function fill(at: usize, bytes: u32, value: u8): void {
  lock()
  save(at, (bytes + 3) & ~3)
  memory.fill(at, value, bytes)
  unlock()
}

function give(at: usize, bytes: u32): void {
  lock()
  free(at, bytes)
  checkSlabs()
  unlock()
}

describe('slabs', () => {
  it('gives cleared structures, 16-byte aligned, also after use', () => {
    for (let bytes: u32 = 1; bytes <= SLAB_BYTES_MAX; bytes += 61) {
      const first = take(bytes)
      fill(first, bytes, 0xff)
      give(first, bytes)
      const at = take(bytes)
      expect(at & 15).toBe(0)
      for (let i: u32 = 0; i < bytes; i++) assert(load<u8>(at + i) == 0, 'not cleared')
      give(at, bytes)
    }
    checkAll()
    expectUndone()
  })

  it('gives 0, and charges nothing, when frames are out', () => {
    const before = K.committed
    let last: usize = 0
    let count: u32 = 0
    for (;;) {
      const at = take(2048)
      if (at == 0) break
      store<usize>(at, last)
      last = at
      count++
    }
    expect(count).toBeGreaterThan(100)
    checkAll()
    while (last != 0) {
      const next = load<usize>(last)
      give(last, 2048)
      last = next
    }
    expect(K.committed - before).toBeLessThanOrEqual(1)
    expectUndone()
  })

  it('panics when a structure is given back to another class', () => {
    const at = take(64)
    expect(() => {
      lock()
      free(allocate(64), 128)
    }).toThrow()
    forgetPanic()
    abandon()
    unlock()
    give(at, 64)
  })

  it('agrees with counters, and a death at any push leaves no trace', () => {
    reseed('slabs')
    const addresses = new StaticArray<usize>(800)
    const sizes = new StaticArray<u32>(800)
    let live: u32 = 0
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      const growing = (step / 600) % 2 == 0
      if (live < 800 && chance(growing ? 65 : 30)) {
        const bytes: u32 = chance(50) ? 1 + below(SLAB_BYTES_MAX) : 16 << below(6)
        const at = take(bytes)
        if (at == 0) continue
        for (let i: u32 = 0; i < live; i++) {
          const apart = at + bytes <= addresses[i] || addresses[i] + sizes[i] <= at
          assert(apart, 'two structures overlap')
        }
        assert(frameOf(at).kind == FRAME_SLAB, 'not in a slab')
        fill(at, bytes, <u8>bytes)
        addresses[live] = at
        sizes[live] = bytes
        live++
      } else if (live > 0) {
        const i = below(live)
        const at = addresses[i]
        for (let j: u32 = 0; j < sizes[i]; j++) {
          assert(load<u8>(at + j) == <u8>sizes[i], 'a structure was written to')
        }
        give(at, sizes[i])
        live--
        addresses[i] = addresses[live]
        sizes[i] = sizes[live]
      }
      expectUndone()
    }
    dieAtEveryPush(false)
    checkAll()
  })
})
