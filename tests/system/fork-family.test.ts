/** SEMANTICS: fork of forks, of many, by promise, of large spaces, and when memory is out. */

import { describe, expect, test } from 'vitest'
import { boot, MAP, PROT, type Process } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import {
  beginFamilies,
  byteOf,
  fork,
  kernel,
  PAGE,
  p,
  put,
  RW,
  SHARED,
} from '../support/families.ts'

const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS

beginFamilies()

describe('a family', () => {
  test('grandchildren share with whom they should, whoever exits first', () => {
    const shared = p.mmap({ length: PAGE, flags: SHARED })
    const own = p.mmap({ length: PAGE })
    own.write(0, Uint8Array.of(1))
    const child = fork(p)
    put(child, own.address, 2)
    const grandchild = fork(child)
    const second = fork(p)
    put(grandchild, shared.address, 77)
    put(grandchild, own.address + 1, 3)
    expect([p, child, grandchild, second].map((one) => byteOf(one, own.address))).toEqual([
      1, 2, 2, 1,
    ])
    expect([p, child, grandchild, second].map((one) => byteOf(one, shared.address))).toEqual([
      77, 77, 77, 77,
    ])
    expect([p, child, grandchild].map((one) => byteOf(one, own.address + 1))).toEqual([0, 0, 3])
    child.exit()
    p.exit()
    expect(byteOf(grandchild, own.address)).toBe(2)
    expect(byteOf(second, own.address)).toBe(1)
    expect(grandchild.getppid()).toBe(0)
    grandchild.exit()
    second.exit()
  })
})

describe('many children', () => {
  test('200 children of one, alive at once, each with its own page; then every frame is back', () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.write(0, Uint8Array.of(1, 2, 3))
    const before = kernel.stats()
    const children = Array.from({ length: 200 }, () => fork(p))
    for (const [index, child] of children.entries()) put(child, map.address, index)
    for (const [index, child] of children.entries()) {
      expect([byteOf(child, map.address), byteOf(child, map.address + 1)]).toEqual([index, 2])
    }
    kernel.check()
    expect(new Set(children.map(({ pid }) => pid)).size).toBe(200)
    for (const child of children) child.exit()
    const { framesFree, framesCommitted } = kernel.stats()
    expect({ framesFree, framesCommitted }).toEqual({
      framesFree: before.framesFree,
      framesCommitted: before.framesCommitted,
    })
    expect(map.read(0, 3)).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('200 generations, one after the other', () => {
    const map = p.mmap({ length: PAGE })
    map.write(0, Uint8Array.of(0, 5))
    let last = p
    for (let generation = 1; generation <= 200; generation++) {
      const next = fork(last)
      last.exit()
      put(next, map.address, generation % 256)
      last = next
    }
    expect([byteOf(last, map.address), byteOf(last, map.address + 1)]).toEqual([200, 5])
    last.exit()
  })

  test('too many processes is EAGAIN, with nothing done', () => {
    const before = kernel.stats()
    const children: Process[] = []
    for (let i = 1; i < 300; i++) children.push(fork(p))
    const { framesFree } = kernel.stats()
    expect(outcome(() => fork(p))).toBe('EAGAIN')
    expect(kernel.stats()).toMatchObject({ processes: 300, framesFree })
    for (const child of children) child.exit()
    expect(kernel.stats()).toEqual(before)
  })
})

describe('commit', () => {
  test('a child is promised what its parent was: ENOMEM exactly when that is not there, with nothing done', () => {
    const { commitLimit, framesCommitted } = kernel.stats()
    const room = commitLimit - framesCommitted
    const half = p.mmap({ length: Math.floor(room * 0.4) * PAGE })
    half.write(0, Uint8Array.of(1))
    const filler = p.mmap({ length: PAGE, flags: SHARED })
    const before = kernel.stats()
    const child = fork(p)
    expect(kernel.stats().framesCommitted - before.framesCommitted).toBeGreaterThanOrEqual(
      half.length / PAGE,
    )
    expect(outcome(() => fork(p))).toBe('ENOMEM')
    child.exit()
    expect(kernel.stats()).toEqual(before)
    const more = p.mmap({ length: Math.floor(room * 0.3) * PAGE })
    const tight = kernel.stats()
    expect(outcome(() => fork(p))).toBe('ENOMEM')
    expect(kernel.stats()).toEqual(tight)
    more.unmap()
    filler.unmap()
    half.write(PAGE, Uint8Array.of(2))
    fork(p).exit()
  })

  test('MAP_NORESERVE and shared mappings are not promised again; NORESERVE pages that were touched are', () => {
    const { commitLimit, framesCommitted } = kernel.stats()
    const room = commitLimit - framesCommitted
    const sparse = p.mmap({ length: 2 * room * PAGE, flags: PRIVATE | MAP.NORESERVE })
    for (let page = 0; page < 10; page++) sparse.write(page * PAGE, Uint8Array.of(page))
    p.mmap({ length: Math.floor(room * 0.6) * PAGE, flags: SHARED })
    const before = kernel.stats().framesCommitted
    const child = fork(p)
    const promised = kernel.stats().framesCommitted - before
    expect(promised).toBeGreaterThanOrEqual(10)
    expect(promised).toBeLessThan(40)
    expect(byteOf(child, sparse.address + 9 * PAGE)).toBe(9)
    child.exit()
    expect(kernel.stats().framesCommitted).toBe(before)
  })
})

test('fork by promise: the child belongs to the thread that asked', async () => {
  const map = p.mmap({ length: PAGE })
  map.write(0, Uint8Array.of(1))
  const child = await p.promises.fork()
  put(child, map.address, 2)
  expect([byteOf(p, map.address), child.getppid()]).toEqual([1, p.pid])
  child.leave()
  expect(kernel.stats().processes).toBe(1)
})

test('an exited process cannot fork: ESRCH', () => {
  const q = kernel.process()
  const same = kernel.process({ pid: q.pid })
  q.exit()
  expect(outcome(() => q.fork())).toBe('ESRCH')
  expect(outcome(() => same.fork())).toBe('ESRCH')
})

test('100,000 mappings are copied, and freed', async () => {
  await using big = await boot({ memory: '128MiB' })
  const q = big.process()
  const base = 0x9000_0000
  for (let i = 0; i < 100_000; i++) {
    q.mmap({
      addr: base + i * PAGE,
      length: PAGE,
      flags: PRIVATE | MAP.FIXED | MAP.NORESERVE,
      prot: i % 2 ? PROT.READ : RW,
    })
  }
  put(q, base, 1)
  const before = big.stats()
  const child = q.fork()
  expect(big.stats().mappings).toBe(200_000)
  put(child, base, 2)
  expect(byteOf(q, base)).toBe(1)
  child.exit()
  big.check()
  const { framesCommitted, mappings } = big.stats()
  expect(mappings).toBe(100_000)
  expect(framesCommitted).toBe(before.framesCommitted)
  q.exit()
})
