import {
  EINVAL,
  EWOULDBLOCK_PARK,
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_SHARED,
  MCL_FUTURE,
  O_CREAT,
  O_RDWR,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../assembly/abi'
import { sysAccess } from '../../assembly/access'
import { attachThread } from '../../assembly/boot'
import { beginChange, endChange } from '../../assembly/change'
import { sysJoin } from '../../assembly/credentials'
import { sysExit, sysReap } from '../../assembly/exit'
import { sysFork } from '../../assembly/fork'
import { put } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { sysMadvise } from '../../assembly/madvise'
import { sysMlockall } from '../../assembly/mlock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysSemClose, sysSemOpen, sysSemUnlink } from '../../assembly/namedsem'
import { findProcess, Process, Space } from '../../assembly/process'
import { frameOfPte, pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
import { beginCall, endCall, enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { sysViewOpen } from '../../assembly/view'
import { checkAll, forgetPanic, freeFrames, spawn } from './support/boot'
import {
  access,
  at,
  fork,
  loadByte,
  map,
  OWN,
  open,
  PAGES,
  parent,
  RIGHTS,
  replaceThread,
  setParent,
  storeByte,
} from './support/forks'
import { putText, textAt } from './support/kernel'
import { below, chance, reseed } from './support/random'
import { deathsPlayed, dieAtEveryPush, dieForGood, expectUndone } from './support/transactions'

let child: Process = parent

const PARTS: u32 = 6
let finished: bool = false

/** Private and shared mappings, with pages: the one of part n has value n + 1. */
function furnish(): void {
  setParent(spawn())
  for (let part: u32 = 0; part < PARTS; part++) {
    map(part << 1, 1, part % 3 == 2 ? MAP_SHARED | MAP_ANONYMOUS : OWN)
  }
  map(PARTS << 1, 1, OWN | MAP_NORESERVE)
  assert(open(parent, '/d', O_CREAT | O_RDWR) == 0, 'open')
}

/** Stores to every page, and views the first: what a fork must take away again. */
function use(): void {
  for (let part: u32 = 0; part <= PARTS; part++) storeByte(parent, part << 1, <u8>(part + 1))
  assert(sysViewOpen(parent, at(0), 4096) == 0, 'view')
}

/** Forks, and dies after it at the latest. */
function forkAndDie(): void {
  beginCall(parent.pid)
  sysFork(parent)
  finished = true
  unreachable()
}

describe('a death in a fork', () => {
  it('at any moment leaves no half child, and the parent as it was', () => {
    child = spawn()
    replaceThread() // both slots have their buffers from now on
    furnish()
    use()
    replaceThread()
    const processes = K.processes
    const committed = K.committed
    let moment: u32 = 0
    while (!finished) {
      use()
      dieForGood(++moment)
      expect(forkAndDie).toThrow()
      dieForGood(0)
      replaceThread()
      checkAll()
      assert(K.processes == processes, `${K.processes} processes after moment ${moment}`)
      assert(parent.space!.forking == 0, 'forking')
      assert(K.committed == committed, `${K.committed} committed, not ${committed}`)
      for (let part: u32 = 0; part <= PARTS; part++) {
        assert(loadByte(parent, part << 1) == <u8>(part + 1), `page of part ${part}`)
      }
    }
    expect(moment).toBeGreaterThan(100)
    sysExit(parent.pid, 0)
    checkAll()
  })
})

describe('a fork and other threads of the process', () => {
  it('wait for each other: stores to private memory, changes of mappings, another fork', () => {
    setParent(spawn())
    map(0, 2)
    map(2, 1, MAP_SHARED | MAP_ANONYMOUS)
    storeByte(parent, 0, 1)
    const name = putText('/s', 0)
    const sem = <u32>sysSemOpen(parent, textAt(0), name, O_CREAT, 0o600, 1)
    const forking = me().index
    lock()
    put(changetype<usize>(parent.space!) + offsetof<Space>('forking'), forking + 1)
    unlock()
    const sequence = load<u32>(THREADS + forking * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    assert(attachThread(0) >= 0, 'no slot')
    enter()
    expect(access(parent, 0, true)).toBe(-EWOULDBLOCK_PARK)
    expect(access(parent, 1, true)).toBe(-EWOULDBLOCK_PARK)
    expect(access(parent, 0, false)).toBe(0)
    expect(access(parent, 2, true)).toBe(0)
    expect(sysFork(parent)).toBe(-EWOULDBLOCK_PARK)
    expect(sysMmap(parent, 0, 4096, RIGHTS, OWN, -1, 0)).toBe(-EWOULDBLOCK_PARK)
    expect(sysMunmap(parent, at(0), 4096)).toBe(-EWOULDBLOCK_PARK)
    expect(sysMadvise(parent, at(0), 4096, 4)).toBe(-EWOULDBLOCK_PARK)
    expect(sysMlockall(parent, MCL_FUTURE)).toBe(-EWOULDBLOCK_PARK)
    expect(sysViewOpen(parent, at(0), 4096)).toBe(-EWOULDBLOCK_PARK)
    putText('/s', 0)
    expect(sysSemOpen(parent, textAt(0), name, 0, 0, 0)).toBe(-EWOULDBLOCK_PARK)
    expect(sysSemClose(parent, sem)).toBe(-EWOULDBLOCK_PARK)
    checkAll()
    expect(sysReap(forking, sequence, true)).toBe(0)
    expect(access(parent, 0, true)).toBe(0)
    expect(sysSemClose(parent, sem)).toBe(0)
    expect(sysSemClose(parent, sem)).toBe(-EINVAL)
    putText('/s', 0)
    expect(sysSemUnlink(parent, textAt(0), name)).toBe(0)
    sysExit(sysFork(parent), 0)
    sysExit(parent.pid, 0)
    checkAll()
  })

  it('a fork waits for a change that is not whole, until whoever makes it ends it or dies', () => {
    setParent(spawn())
    map(0, 2)
    const changing = me().index
    const sequence = load<u32>(THREADS + changing * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    lock()
    expect(beginChange(parent.space!)).toBe(0)
    unlock()
    assert(attachThread(0) >= 0, 'no slot')
    enter()
    expect(sysFork(parent)).toBe(-EWOULDBLOCK_PARK)
    expect(parent.space!.forking).toBe(0)
    lock()
    beginChange(parent.space!)
    endChange(parent.space!)
    unlock()
    expect(sysFork(parent)).toBe(-EWOULDBLOCK_PARK)
    expect(sysReap(changing, sequence, true)).toBe(0)
    const pid = sysFork(parent)
    expect(pid).toBeGreaterThan(0)
    sysExit(pid, 0)
    sysExit(parent.pid, 0)
    checkAll()
  })

  it('a fork waits for who was granted a private page for storing', () => {
    setParent(spawn())
    map(0, 2)
    storeByte(parent, 0, 1)
    const processes = K.processes
    const storing = me().index
    const sequence = load<u32>(THREADS + storing * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    assert(sysAccess(parent, at(0), 1, true) == 0, 'access')
    assert(attachThread(0) >= 0, 'no slot')
    enter()
    expect(() => {
      sysFork(parent) // it asks the host whether the other is dead after stallMs, and the host of the specs throws
    }).toThrow()
    expect(parent.space!.forking).toBe(0)
    expect(K.processes).toBe(processes)
    forgetPanic()
    endCall()
    expect(sysReap(storing, sequence, true)).toBe(0)
    const pid = sysFork(parent)
    expect(pid).toBeGreaterThan(0)
    sysExit(pid, 0)
    sysExit(parent.pid, 0)
    checkAll()
  })

  it('who is left alone with a page waits for a reader of the other space before it stores', () => {
    setParent(spawn())
    map(0, 1)
    storeByte(parent, 0, 1)
    child = fork()
    const reading = me().index
    const sequence = load<u32>(THREADS + reading * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    assert(sysAccess(parent, at(0), 1, false) == 0, 'access')
    assert(attachThread(0) >= 0, 'no slot')
    enter()
    sysJoin(child)
    storeByte(parent, 0, 2)
    expect(frameOfPte(pteOf(child.space!, at(0))).refs).toBe(1)
    expect(() => {
      access(child, 0, true)
    }).toThrow()
    forgetPanic()
    expect(sysReap(reading, sequence, true)).toBe(0)
    storeByte(child, 0, 3)
    expect(loadByte(parent, 0)).toBe(2)
    sysExit(parent.pid, 0)
    sysExit(child.pid, 0)
    checkAll()
  })
})

/** Private pages of two generations: what each process should read, by page. */
const FAMILY: i32 = 4
const values = new StaticArray<u8>(256)
const shared: u32 = PAGES - 2

describe('families', () => {
  it('agree with an array of bytes a process, whoever stores, forks and exits', () => {
    reseed('fork')
    dieAtEveryPush(false)
    const free = freeFrames()
    const family = new StaticArray<u32>(FAMILY)
    setParent(spawn())
    map(0, shared)
    map(shared, 2, MAP_SHARED | MAP_ANONYMOUS)
    family[0] = parent.pid
    for (let i = 0; i < values.length; i++) values[i] = 0
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 64 == 0)
      const one = <i32>below(FAMILY)
      const process = findProcess(family[one])
      if (process == null) continue
      const page = below(PAGES)
      if (chance(50)) {
        const value = <u8>below(256)
        storeByte(process, page, value)
        for (let i = 0; i < FAMILY; i++)
          if (i == one || page >= shared) values[i * 16 + page] = value
      } else if (chance(60)) {
        assert(loadByte(process, page) == values[one * 16 + page], `step ${step}, page ${page}`)
      } else if (chance(70)) {
        const other = <i32>below(FAMILY)
        if (findProcess(family[other]) != null) continue
        setParent(process)
        family[other] = fork().pid
        for (let i = 0; i < 16; i++) values[other * 16 + i] = values[one * 16 + i]
      } else if (K.processes > 2) {
        sysExit(process.pid, 0)
      }
      checkAll()
      expectUndone()
    }
    dieAtEveryPush(false)
    for (let i = 0; i < FAMILY; i++) sysExit(family[i], 0)
    checkAll()
    expect(freeFrames()).toBeGreaterThanOrEqual(free)
    expect(deathsPlayed()).toBeGreaterThan(1000)
  })
})
