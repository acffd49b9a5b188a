import {
  MADV_DONTNEED,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_READ,
  STATE_SEQ_SHIFT,
  WHERE_GUEST,
  WHERE_MASK,
  WHERE_STOPPED,
} from '../../assembly/abi'
import { isDirty } from '../../assembly/cache'
import { contextAt, contextCount } from '../../assembly/context'
import { dropClean } from '../../assembly/evict'
import { sysExit, sysReap } from '../../assembly/exit'
import { sysFork } from '../../assembly/fork'
import { isAwaited, owe, owed } from '../../assembly/grace'
import { sysGuestDestroy } from '../../assembly/guest'
import { settleOwed } from '../../assembly/laggard'
import { sweepLimbo } from '../../assembly/limbo'
import { lock, unlock } from '../../assembly/lock'
import { sysMadvise } from '../../assembly/madvise'
import { sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { sysMremap } from '../../assembly/mremap'
import { findProcess } from '../../assembly/process'
import { frameOfPte, PTE_WRITE, pteOf } from '../../assembly/pte'
import { setObjectSize } from '../../assembly/resize'
import { K } from '../../assembly/root'
import { noSource } from '../../assembly/source'
import { me, sequenceOf, stop, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { syncObject } from '../../assembly/writeback'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { byteAt } from './support/disk'
import {
  at,
  create,
  dropFile,
  FD,
  forgetOther,
  heard,
  load1,
  map,
  mapFile,
  object,
  other,
  out,
  PAGES,
  pageOf,
  process,
  RIGHTS,
  run,
  runElsewhere,
  setProcess,
  store1,
} from './support/guests'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(1600)
exemptStatic(changetype<usize>(noSource()), 8192)

describe('what a guest on another thread may touch', () => {
  beforeEach(() => {
    setProcess(spawn())
    forgetOther()
  })

  afterEach(() => {
    dieAtEveryPush(false)
    expectUndone()
    const thread = contextAt(other).thread - 1
    if (findProcess(process.pid) == process) assert(sysExit(process.pid, 0) == 0, 'exit')
    assert(sysReap(thread, sequenceOf(thread), true) == 0, 'reap')
    while (me().contexts != 0) assert(sysGuestDestroy(me().contexts) == 0, 'destroy')
    owe(0)
    lock()
    sweepLimbo()
    unlock()
    assert(contextCount() == 0 && K.limbo == 0, 'something was left')
    checkAll()
  })

  it('is not used again after munmap before it has heard', () => {
    map(0, 4, MAP_PRIVATE)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < 4; i++) store1(context, at(i), 1)
    out(context)
    runElsewhere()
    const before = freeFrames()
    dieAtEveryPush(true)
    expect(sysMunmap(process, at(0), 4 << 12)).toBe(0)
    dieAtEveryPush(false)
    checkAll()
    expect(owed).not.toBe(0, 'the call waits')
    expect(freeFrames()).toBe(before, 'nothing of it is free')
    lock()
    sweepLimbo()
    unlock()
    expect(freeFrames()).toBe(before)
    heard()
    expect(freeFrames()).toBe(before + 6, 'four pages, their table, the directory')
    checkAll()
  })

  it('has heard once it is in the kernel or with the host', () => {
    map(0, 1, MAP_PRIVATE)
    const context = create()
    run(context)
    store1(context, at(0), 1)
    out(context)
    runElsewhere()
    const state = THREADS + (contextAt(other).thread - 1) * THREAD_BYTES
    const running = load<u32>(state)
    store<u32>(state, (running & ~WHERE_MASK) | 1)
    const before = freeFrames()
    expect(sysMunmap(process, at(0), 4096)).toBe(0)
    expect(owed).toBe(0)
    expect(freeFrames()).toBe(before + 3)
    store<u32>(state, running)
  })

  it('loses rights, moves and contents before the call returns', () => {
    map(0, 4, MAP_SHARED)
    map(10, 4, MAP_PRIVATE)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < 4; i++) store1(context, at(i), 1)
    for (let i: u32 = 10; i < 14; i++) store1(context, at(i), 1)
    out(context)
    runElsewhere()
    expect(sysMprotect(process, at(0), 4096, PROT_READ)).toBe(0)
    expect(owed).not.toBe(0, 'mprotect')
    heard()
    expect(sysMprotect(process, at(0), 4096, RIGHTS)).toBe(0)
    expect(owed).toBe(0, 'a right that is given asks for nothing')
    expect(sysMadvise(process, at(10), 4096, MADV_DONTNEED)).toBe(0)
    expect(owed).not.toBe(0, 'madvise')
    heard()
    const moved = sysMremap(process, at(11), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, at(30))
    expect(moved).toBe(<i32>at(30))
    expect(owed).not.toBe(0, 'mremap')
    heard()
    map(1, 1, MAP_PRIVATE)
    expect(owed).not.toBe(0, 'MAP_FIXED')
    heard()
    checkAll()
  })

  it('of a file stays when it is to be evicted, until it has heard, and longer when it is wanted', () => {
    mapFile(0)
    const context = create()
    run(context)
    expect(load1(context, at(0))).toBe(0)
    expect(load1(context, at(1))).toBe(0)
    out(context)
    runElsewhere()
    lock()
    dropClean(object)
    unlock()
    expect(owed).toBe(0, 'an eviction waits for nobody')
    expect(pageOf(0) != null && pageOf(1) != null).toBe(true)
    expect(pteOf(process.space!, at(0))).toBe(0)
    contextAt(other).generation = contextAt(other).wanted
    const third = create()
    run(third)
    expect(load1(third, at(1))).toBe(0)
    out(third)
    lock()
    dropClean(object)
    unlock()
    expect(pageOf(0) == null).toBe(true)
    expect(pageOf(1) != null).toBe(true)
    heard()
    checkAll()
    dropFile(0)
  })

  it('keeps a page dirty that it may still store to', () => {
    mapFile(0)
    const context = create()
    run(context)
    store1(context, at(0), 9)
    out(context)
    runElsewhere()
    expect(syncObject(object, false)).toBe(0)
    expect(byteAt(FD, 0)).toBe(9)
    expect(pteOf(process.space!, at(0)) & PTE_WRITE).toBe(0)
    expect(isDirty(pageOf(0)!)).toBe(true)
    heard()
    expect(syncObject(object, false)).toBe(0)
    expect(isDirty(pageOf(0)!)).toBe(false)
    dropFile(0)
  })

  it('loses what a truncation cuts off, and its frames', () => {
    mapFile(0)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < PAGES; i++) store1(context, at(i), 9)
    out(context)
    runElsewhere()
    const before = freeFrames()
    expect(setObjectSize(object, 4096)).toBe(0)
    expect(owed).not.toBe(0)
    expect(pageOf(1) == null).toBe(true)
    expect(freeFrames()).toBe(before)
    heard()
    expect(freeFrames() >= before + PAGES - 1).toBe(true)
    dropFile(0)
  })

  it('hears of a fork before its parent goes on, and a frame is not taken over before', () => {
    map(0, 1, MAP_PRIVATE)
    const context = create()
    run(context)
    store1(context, at(0), 5)
    out(context)
    runElsewhere()
    K.stallMs = 2
    const pid = sysFork(process)
    expect(pid > 0).toBe(true)
    expect(owed).not.toBe(0)
    const frame = frameOfPte(pteOf(process.space!, at(0)))
    expect(isAwaited(frame)).toBe(true)
    const child = findProcess(pid)!
    owe(0)
    expect(sysMunmap(process, at(0), 4096)).toBe(0)
    expect(frame.refs).toBe(1)
    const parent = process
    setProcess(child)
    const third = create()
    run(third)
    store1(third, at(0), 6)
    out(third)
    expect(load<u8>(<usize>(pteOf(child.space!, at(0)) & ~0xfff))).toBe(6)
    expect(frameOfPte(pteOf(child.space!, at(0))) == frame).toBe(false, 'its old page is copied')
    expect(sysExit(child.pid, 0)).toBe(0)
    setProcess(parent)
    K.stallMs = 1000
    heard()
    checkAll()
  })

  it('is stopped at its next entry, not before', () => {
    map(0, 1, MAP_SHARED)
    runElsewhere()
    const thread = contextAt(other).thread - 1
    expect(stop(thread, sequenceOf(thread))).toBe(0)
    const where = load<u32>(THREADS + thread * THREAD_BYTES) & WHERE_MASK
    expect(where).toBe(WHERE_GUEST)
    expect(sysReap(thread, sequenceOf(thread), false)).not.toBe(0)
    store<u32>(
      THREADS + thread * THREAD_BYTES,
      (sequenceOf(thread) << STATE_SEQ_SHIFT) | 0x40 | WHERE_STOPPED,
    )
    expect(stop(thread, sequenceOf(thread))).toBe(1)
  })

  it('learns of an end of its process, and its frames wait for it', () => {
    map(0, 4, MAP_PRIVATE)
    const context = create()
    run(context)
    for (let i: u32 = 0; i < 4; i++) store1(context, at(i), 1)
    out(context)
    runElsewhere()
    const before = freeFrames()
    dieAtEveryPush(true)
    expect(sysExit(process.pid, 0)).toBe(0)
    dieAtEveryPush(false)
    expect(contextAt(other).space).toBe(0)
    expect(freeFrames() < before + 4).toBe(true)
    expect(K.limbo).not.toBe(0)
    heard()
    expect(K.limbo).toBe(0)
  })

  it('loses its process when it has not heard within stallMs, and the call that waits goes on', () => {
    map(0, 4, MAP_SHARED)
    runElsewhere()
    K.stallMs = 2
    const pid = process.pid
    expect(sysMunmap(process, at(0), 4096)).toBe(0)
    expect(owed).toBe(0, 'no entry was there')
    const context = create()
    run(context)
    store1(context, at(1), 1)
    out(context)
    expect(sysMunmap(process, at(1), 4096)).toBe(0)
    expect(owed).not.toBe(0)
    settleOwed()
    expect(owed).toBe(0)
    expect(findProcess(pid) == null).toBe(true)
    expect(K.limbo).not.toBe(0, 'what it may touch is not free')
    K.stallMs = 1000
    heard()
    setProcess(spawn())
  })
})
