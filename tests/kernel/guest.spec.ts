import {
  CONTEXT_BOUNCE,
  EBUSY,
  EINVAL,
  ESRCH,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  SIGBUS,
  SIGSEGV,
} from '../../assembly/abi'
import { isDirty } from '../../assembly/cache'
import { contextAt, contextCount } from '../../assembly/context'
import { sysExit } from '../../assembly/exit'
import {
  sysGuestDestroy,
  sysGuestEnter,
  sysGuestFault,
  sysGuestLoad,
  sysGuestPoll,
  sysGuestStore,
} from '../../assembly/guest'
import { sysGuestCopy, sysGuestFill } from '../../assembly/guestbulk'
import { operateWord, readLong, readWord, writeLong, writeWord } from '../../assembly/guestword'
import { sysMprotect } from '../../assembly/mprotect'
import { PTE_WRITE, pteOf } from '../../assembly/pte'
import { setObjectSize } from '../../assembly/resize'
import { K } from '../../assembly/root'
import { noSource } from '../../assembly/source'
import { me } from '../../assembly/thread'
import { syncObject } from '../../assembly/writeback'
import { bootSpec, checkAll, spawn } from './support/boot'
import { byteAt } from './support/disk'
import {
  at,
  BASE,
  create,
  dropFile,
  ended,
  FD,
  load1,
  map,
  mapFile,
  object,
  out,
  PAGES,
  pageOf,
  process,
  run,
  setProcess,
  store1,
} from './support/guests'
import { below, reseed } from './support/random'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(1600)
exemptStatic(changetype<usize>(noSource()), 8192)

/** A context for closures, which have no locals of others. */
let named: u32 = 0

describe('a guest', () => {
  beforeEach(() => {
    setProcess(spawn())
  })

  afterEach(() => {
    dieAtEveryPush(false)
    expectUndone()
    assert(sysExit(process.pid, 0) == 0, 'exit')
    while (me().contexts != 0) assert(sysGuestDestroy(me().contexts) == 0, 'destroy')
    assert(contextCount() == 0 && K.limbo == 0, 'something was left')
    checkAll()
  })

  it('gets extents of pages side by side that have the right, on both sides of one that was there', () => {
    map(0, 300, MAP_SHARED)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < 300; i++) store1(context, at(i), <u8>i)
    sysGuestFault(context, at(150) + 5, 4, true)
    const extent = contextAt(context)
    expect(extent.start + extent.length).toBe(at(300))
    assert(extent.start <= at(150 - 32), 'the extent ends before the page')
    for (let i: u32 = 0; i < extent.length; i += 4096) {
      const value = load<u8>(<usize>(extent.start + i + extent.delta))
      assert(value == <u8>((extent.start + i - BASE) >> 12), 'the extent shows another page')
    }
    out(context)
    checkAll()
  })

  it('ends an extent where the right ends', () => {
    map(0, 8, MAP_SHARED)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < 8; i++) store1(context, at(i), 1)
    sysGuestFault(context, at(7), 4, true)
    const extent = contextAt(context)
    const start = extent.start
    const length = extent.length
    expect(length >= 8192).toBe(true)
    out(context)
    expect(sysMprotect(process, start + 4096, 4096, PROT_READ)).toBe(0)
    run(context)
    sysGuestFault(context, start, 4, true)
    expect(extent.start).toBe(start)
    expect(extent.length).toBe(4096)
    sysGuestFault(context, start, 4, false)
    expect(extent.length).toBe(length)
    out(context)
    checkAll()
  })

  it('has pages that a store would replace in extents only as the single context of its space', () => {
    map(0, 2, MAP_PRIVATE)
    const context = create()
    run(context)
    expect(load1(context, at(0))).toBe(0)
    expect(contextAt(context).length).toBe(4096)
    const before = contextAt(context).generation
    store1(context, at(0), 7)
    expect(contextAt(context).generation == before).toBe(
      false,
      'it has to forget the frame of zeros',
    )
    out(context)
    create()
    run(context)
    expect(load1(context, at(1))).toBe(0)
    expect(contextAt(context).length).toBe(0)
    expect(load1(context, at(0))).toBe(7)
    expect(contextAt(context).length).toBe(4096)
    out(context)
    checkAll()
  })

  it('is ended by SIGSEGV and SIGBUS at the access, without a return', () => {
    mapFile(0)
    const context = create()
    run(context)
    named = context
    expect(() => {
      sysGuestFault(named, at(PAGES) + 12, 1, false)
    }).toThrow()
    expect(ended(SIGSEGV, at(PAGES) + 12)).toBe(true)
    run(context)
    expect(() => {
      sysGuestFault(named, at(PAGES) - 2, 4, false)
    }).toThrow('the second page of an access')
    expect(ended(SIGSEGV, at(PAGES))).toBe(true)
    expect(setObjectSize(object, 3 << 12)).toBe(0)
    run(context)
    expect(() => {
      sysGuestFault(named, at(3), 1, true)
    }).toThrow()
    expect(ended(SIGBUS, at(3))).toBe(true)
    checkAll()
    dropFile(0)
  })

  it('cannot enter by another context than the one that runs', () => {
    map(0, 1, MAP_SHARED)
    const context = create()
    named = create()
    expect(sysGuestEnter(context + 16)).toBe(-EINVAL)
    expect(sysGuestEnter(0)).toBe(-EINVAL)
    run(context)
    expect(sysGuestEnter(named)).toBe(-EBUSY)
    expect(() => {
      sysGuestFault(named, at(0), 1, false)
    }).toThrow()
    expect(() => {
      readWord(named, at(0), 4)
    }).toThrow()
    out(context)
    expect(() => {
      sysGuestPoll(named)
    }).toThrow('none runs')
    checkAll()
  })

  it('loads and stores across pages that lie apart, both or none', () => {
    map(0, 1, MAP_PRIVATE)
    map(2, 1, MAP_PRIVATE)
    const context = create()
    run(context)
    store1(context, at(0), 1)
    store1(context, at(2), 1)
    out(context)
    map(1, 1, MAP_SHARED)
    run(context)
    const bounce = <usize>context + CONTEXT_BOUNCE
    for (let i: u32 = 0; i < 16; i++) store<u8>(bounce + i, <u8>(i + 1))
    sysGuestStore(context, at(1) - 5, 16)
    memory.fill(bounce, 0, 16)
    expect(<usize>sysGuestLoad(context, at(1) - 5, 16)).toBe(bounce)
    for (let i: u32 = 0; i < 16; i++) assert(load<u8>(bounce + i) == <u8>(i + 1), 'a byte differs')
    expect(readLong(context, at(1) - 5)).toBe(0x0807060504030201)
    writeLong(context, at(2) - 3, 0x1122334455667788)
    expect(readLong(context, at(2) - 3)).toBe(0x1122334455667788)
    out(context)
    expect(sysMprotect(process, at(2), 4096, PROT_READ)).toBe(0)
    run(context)
    named = context
    expect(() => {
      writeLong(named, at(2) - 3, 0)
    }).toThrow()
    expect(ended(SIGSEGV, at(2))).toBe(true)
    run(context)
    expect(readLong(context, at(2) - 3)).toBe(0x1122334455667788)
    out(context)
    checkAll()
  })

  it('reads, writes and operates on words of each width', () => {
    map(0, 2, MAP_SHARED)
    const context = create()
    run(context)
    for (let bytes: u32 = 1; bytes <= 4; bytes++) {
      for (let offset: u32 = 4088; offset < 4100; offset++) {
        sysGuestFill(context, at(0) + 4080, 0xee, 40)
        const value = <u32>(0x84838281 & (((<u64>1) << (bytes * 8)) - 1))
        writeWord(context, at(0) + offset, bytes, 0x84838281)
        assert(readWord(context, at(0) + offset, bytes) == value, 'the word differs')
        assert(readWord(context, at(0) + offset + bytes, 1) == 0xee, 'a byte too many')
        assert(readWord(context, at(0) + offset - 1, 1) == 0xee, 'a byte before')
      }
    }
    writeWord(context, at(0), 4, 5)
    expect(operateWord(context, at(0), 4, 0, 3, 0)).toBe(5)
    expect(operateWord(context, at(0), 2, 1, 1, 0)).toBe(8)
    expect(operateWord(context, at(0), 1, 5, 0x1ff, 0)).toBe(7)
    expect(operateWord(context, at(0), 4, 6, 9, 0xff)).toBe(0xff)
    expect(operateWord(context, at(0), 4, 7, 0, 0)).toBe(9)
    named = context
    expect(() => {
      operateWord(named, at(0) + 2, 4, 0, 1, 0)
    }).toThrow()
    expect(ended(SIGBUS, at(0) + 2)).toBe(true)
  })

  it('copies and fills as memmove and memset do, wherever the pages lie', () => {
    reseed('guests')
    map(0, 8, MAP_PRIVATE)
    for (let i: u32 = 0; i < 8; i += 3) map(i, 1, MAP_SHARED)
    const context = create()
    const model = new StaticArray<u8>(8 << 12)
    const start = changetype<usize>(model)
    run(context)
    for (let round = 0; round < 300; round++) {
      const to = below(8 << 12)
      const from = below(8 << 12)
      const bytes = below((8 << 12) - max(to, from)) >> below(12)
      if (round % 3 == 0) {
        sysGuestFill(context, BASE + to, round, bytes)
        memory.fill(start + to, <u8>round, bytes)
      } else {
        sysGuestCopy(context, BASE + to, BASE + from, bytes)
        memory.copy(start + to, start + from, bytes)
      }
    }
    for (let i: u32 = 0; i < 8 << 12; i += 8) {
      assert(readLong(context, BASE + i) == load<u64>(start + i), 'the copies differ')
    }
    out(context)
    checkAll()
  })

  it('hears of an exit of its process at its next poll', () => {
    map(0, 1, MAP_SHARED)
    const context = create()
    run(context)
    store1(context, at(0), 1)
    out(context)
    const pid = process.pid
    expect(sysExit(pid, 0)).toBe(0)
    expect(contextAt(context).directory).toBe(0)
    expect(sysGuestEnter(context)).toBe(-ESRCH)
    setProcess(spawn())
    checkAll()
  })

  it('leaves a clean page of a file no entry to store by, from the first context on', () => {
    mapFile(0)
    map(20, 1, MAP_SHARED)
    const early = create()
    run(early)
    store1(early, at(0), 3)
    store1(early, at(1), 3)
    out(early)
    sysGuestDestroy(early)
    expect(pteOf(process.space!, at(0)) & PTE_WRITE).toBe(PTE_WRITE)
    expect(syncObject(object, false)).toBe(0)
    expect(pteOf(process.space!, at(0)) & PTE_WRITE).toBe(PTE_WRITE, 'stores by calls are told')
    const context = create()
    expect(pteOf(process.space!, at(0)) & PTE_WRITE).toBe(0)
    checkAll()
    run(context)
    store1(context, at(0), 4)
    expect(isDirty(pageOf(0)!)).toBe(true)
    out(context)
    expect(syncObject(object, false)).toBe(0)
    expect(isDirty(pageOf(0)!)).toBe(false)
    expect(pteOf(process.space!, at(0)) & PTE_WRITE).toBe(0)
    expect(byteAt(FD, 0)).toBe(4)
    checkAll()
    dropFile(0)
  })
})
