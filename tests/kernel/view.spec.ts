import {
  BUFFER_RESULT,
  EACCES,
  EINVAL,
  ENOMEM,
  ESRCH,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { attachThread } from '../../assembly/boot'
import { sysExit, sysReap } from '../../assembly/exit'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { K } from '../../assembly/root'
import { noSource } from '../../assembly/source'
import { enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
import { bootSpec, checkAll, spawn } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(900)
exemptStatic(changetype<usize>(noSource()), 8192)

const PAGES: u32 = 16
const RIGHTS: u32 = PROT_READ | PROT_WRITE
let process = spawn()
let opened: u32 = 0
let view: usize = 0

function map(flags: u32): u32 {
  return <u32>sysMmap(process, 0, PAGES << 12, RIGHTS, flags | MAP_ANONYMOUS, -1, 0)
}

/** Stores (or loads, with value < 0) a byte through the page table. => the byte. */
function byte(address: u32, value: i32): u8 {
  assert(sysAccess(process, address, 1, value >= 0) == 0, 'access')
  const at = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
  if (value >= 0) store<u8>(at, <u8>value)
  sysRelease()
  return load<u8>(at)
}

function open(address: u32, pages: u32): i32 {
  const result = sysViewOpen(process, address, pages << 12)
  view = load<u32>(<usize>me().buffer + BUFFER_RESULT)
  opened = load<u32>(<usize>me().buffer + BUFFER_RESULT, 4)
  return result
}

describe('host views', () => {
  beforeEach(() => {
    process = spawn()
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    sysExit(process.pid, 0)
    checkAll()
    assert(K.orphanFrames == 0, 'an orphan was left')
    expectUndone()
  })

  it('show what is stored through the page table, and the other way round', () => {
    for (let shared: u32 = 0; shared < 2; shared++) {
      const address = map(shared != 0 ? MAP_SHARED : MAP_PRIVATE)
      byte(address + 3 * 4096, 33)
      byte(address + 1 * 4096, 11)
      expect(open(address, 8)).toBe(0)
      expect(load<u8>(view + 3 * 4096)).toBe(33)
      expect(load<u8>(view + 4096)).toBe(11)
      expect(load<u8>(view + 7 * 4096)).toBe(0)
      store<u8>(view + 7 * 4096 + 1, 71)
      expect(byte(address + 7 * 4096 + 1, -1)).toBe(71)
      expect(sysViewClose(opened)).toBe(0)
      expect(byte(address + 3 * 4096, -1)).toBe(33)
    }
  })

  it('keep their frames when the mapping goes, until they are closed', () => {
    const address = map(MAP_PRIVATE)
    expect(open(address, 4)).toBe(0)
    store<u8>(view, 5)
    expect(sysMunmap(process, address, PAGES << 12)).toBe(0)
    expect(K.orphanFrames).toBe(4)
    expect(load<u8>(view)).toBe(5)
    checkAll()
    expect(sysViewClose(opened)).toBe(0)
    expect(K.orphanFrames).toBe(0)
    expect(sysViewClose(opened)).toBe(-ESRCH)
  })

  it('refuse what cannot be viewed', () => {
    const address = map(MAP_PRIVATE)
    expect(open(address + 1, 1)).toBe(-EINVAL)
    expect(sysViewOpen(process, address, 0)).toBe(-EINVAL)
    expect(open(address, PAGES + 1)).toBe(-SIGSEGV)
    sysMprotect(process, address + 8192, 4096, PROT_READ)
    expect(open(address, 3)).toBe(-EACCES)
    expect(open(address, 2)).toBe(0)
    const first = opened
    expect(sysViewOpen(process, address, 3 << 12)).toBe(-EACCES)
    sysMprotect(process, address + 8192, 4096, RIGHTS)
    expect(open(address, 4)).toBe(-ENOMEM)
    expect(sysViewClose(first)).toBe(0)
  })

  it('keep their pages charged when another mapping takes the place: it needs a promise of its own', () => {
    const address = map(MAP_PRIVATE)
    for (let i: u32 = 0; i < PAGES; i++) byte(address + (i << 12), 7)
    expect(open(address + 4096, 2)).toBe(0)
    const limit = K.commitLimit
    const committed = K.committed
    const flags: u32 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    K.commitLimit = committed + 1
    expect(sysMmap(process, address, PAGES << 12, RIGHTS, flags, -1, 0)).toBe(-ENOMEM)
    expect(byte(address + 4096, -1)).toBe(7)
    K.commitLimit = committed + 2
    expect(<u32>sysMmap(process, address, PAGES << 12, RIGHTS, flags, -1, 0)).toBe(address)
    expect(byte(address + 4096, -1)).toBe(0)
    expect(K.committed).toBe(committed + 2)
    expect(sysViewClose(opened)).toBe(0)
    expect(K.committed).toBe(committed)
    K.commitLimit = limit
    checkAll()
  })

  it('are closed when their thread dies', () => {
    const dead = me().index
    const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    const address = map(MAP_SHARED)
    expect(open(address, 8)).toBe(0)
    sysMunmap(process, address, PAGES << 12)
    expect(K.orphanFrames).toBe(8)
    expect(attachThread(0)).toBeGreaterThanOrEqual(0)
    enter()
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(K.orphanFrames).toBe(0)
  })

  it('open and close at random, and a death in any transaction leaves no trace', () => {
    reseed('views')
    const model = new StaticArray<u8>(<i32>PAGES)
    const address = map(chance(50) ? MAP_SHARED : MAP_PRIVATE)
    for (let step = 0; step < 300; step++) {
      dieAtEveryPush(step % 8 == 0)
      const page = below(PAGES)
      if (chance(60)) {
        model[page] = <u8>below(256)
        byte(address + (page << 12), model[page])
      } else {
        const count: u32 = 1 + below(PAGES - page)
        assert(open(address + (page << 12), count) == 0, 'open')
        for (let i: u32 = 0; i < count; i++) {
          assert(load<u8>(view + (i << 12)) == model[page + i], 'a view shows other bytes')
          model[page + i] = <u8>below(256)
          store<u8>(view + (i << 12), model[page + i])
        }
        assert(sysViewClose(opened) == 0, 'close')
      }
      checkAll()
      expectUndone()
    }
  })
})
