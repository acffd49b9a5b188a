import {
  EACCES,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  EOVERFLOW,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_MAYMOVE,
  O_CREAT,
  O_EXCL,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { sysExit, sysReap } from '../../assembly/exit'
import {
  POSIX_SEM_BYTES,
  POSIX_SEM_VALUE,
  POSIX_SEM_WAITERS,
  SEM_VALUE_MAX,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysMremap } from '../../assembly/mremap'
import { sysSemClose, sysSemOpen, sysSemUnlink } from '../../assembly/namedsem'
import {
  sysSemDestroy,
  sysSemGetvalue,
  sysSemInit,
  sysSemPost,
  sysSemSettle,
  sysSemTrywait,
  sysSemWait,
} from '../../assembly/posixsem'
import { Process } from '../../assembly/process'
import { noSource } from '../../assembly/source'
import { detail, field, isHanded, key, reach, settleHanded } from '../../assembly/syncword'
import { enter, me, sequenceOf } from '../../assembly/thread'
import { enqueue, isQueued, resultOf, Wait, withdraw } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(900)
exemptStatic(changetype<usize>(noSource()), 8192)

const RIGHTS: u32 = PROT_READ | PROT_WRITE
const process = spawn()

function step(result: i32): i32 {
  expectUndone()
  checkAll()
  return result
}

function map(flags: u32, by: Process = process): u32 {
  return <u32>sysMmap(by, 0, 8192, RIGHTS, flags | MAP_ANONYMOUS, -1, 0)
}

/** => a semaphore of that value in a shared page of its own. */
function make(value: u32): u32 {
  const address = map(MAP_SHARED)
  assert(step(sysSemInit(process, address, value)) == 0, 'init')
  return address
}

function value(address: u32): i32 {
  return step(sysSemGetvalue(process, address))
}

/** => a word of a semaphore, where a program outside of the kernel would change it. */
function word(address: u32, offset: u32): usize {
  lock()
  const result = reach(process, address, POSIX_SEM_BYTES, false)
  const at = field(offset)
  unlock()
  assert(result == 0, 'reach')
  return at
}

/** A sleeper, as sem_wait queues one. */
function queue(address: u32): Wait {
  const waiters = word(address, POSIX_SEM_WAITERS)
  lock()
  const wait = enqueue(key, detail)!
  store<u32>(waiters, 1)
  unlock()
  return wait
}

function drop(wait: Wait): void {
  lock()
  if (isHanded(wait)) settleHanded(wait)
  withdraw(wait)
  unlock()
}

/** This instance goes on as a new thread. => the slot of the one it was. */
function become(): u32 {
  const before = me().index
  assert(attachThread(0) >= 0, 'attach')
  enter()
  return before
}

function reap(index: u32): i32 {
  return step(sysReap(index, sequenceOf(index), true))
}

function open(by: Process, name: string, flags: u32 = 0, mode: u32 = 0o600, units: u32 = 0): i32 {
  const bytes = putText(name, 0)
  return step(sysSemOpen(by, textAt(0), bytes, flags, mode, units))
}

function unlink(by: Process, name: string): i32 {
  const bytes = putText(name, 0)
  return step(sysSemUnlink(by, textAt(0), bytes))
}

describe('semaphores in pages', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('count units, and refuse what is none', () => {
    const address = make(2)
    expect(step(sysSemWait(process, address, NaN))).toBe(0)
    expect(step(sysSemTrywait(process, address))).toBe(0)
    expect(step(sysSemTrywait(process, address))).toBe(-EAGAIN)
    expect(step(sysSemWait(process, address, NaN))).toBe(-EINVAL)
    expect(step(sysSemWait(process, address, 0))).toBe(-ETIMEDOUT)
    expect(step(sysSemWait(process, address, Infinity))).toBe(-EWOULDBLOCK_PARK)
    expect(load<u32>(word(address, POSIX_SEM_WAITERS))).toBe(0)
    expect(step(sysSemPost(process, address))).toBe(0)
    expect(value(address)).toBe(1)
    expect(step(sysSemInit(process, address, SEM_VALUE_MAX + 1))).toBe(-EINVAL)
    expect(step(sysSemInit(process, address + 2, 1))).toBe(-EINVAL)
    expect(step(sysSemPost(process, address + 16))).toBe(-EINVAL)
    expect(step(sysSemPost(process, 0xf0000000))).toBe(-SIGSEGV)
    expect(step(sysSemInit(process, address, SEM_VALUE_MAX))).toBe(0)
    expect(step(sysSemPost(process, address))).toBe(-EOVERFLOW)
    expect(step(sysSemDestroy(process, address))).toBe(0)
    expect(step(sysSemPost(process, address))).toBe(-EINVAL)
  })

  it('may lie across two pages', () => {
    const address = map(MAP_SHARED) + 4096 - 8
    expect(step(sysSemInit(process, address, 1))).toBe(0)
    expect(step(sysSemTrywait(process, address))).toBe(0)
    expect(step(sysSemPost(process, address))).toBe(0)
    expect(value(address)).toBe(1)
  })

  it('give a unit to who waited longest, without showing it', () => {
    const address = make(0)
    const twin = <u32>sysMremap(process, address, 0, 8192, MREMAP_MAYMOVE, 0)
    const first = queue(address)
    const second = queue(twin)
    expect(step(sysSemDestroy(process, address))).toBe(-EBUSY)
    expect(step(sysSemPost(process, twin))).toBe(0)
    expect(isQueued(first)).toBe(false)
    expect(resultOf(first)).toBe(1)
    expect(isQueued(second)).toBe(true)
    expect(value(address)).toBe(0)
    expect(load<u32>(word(address, POSIX_SEM_WAITERS))).toBe(1)
    expect(step(sysSemPost(process, address))).toBe(0)
    expect(resultOf(second)).toBe(1)
    expect(load<u32>(word(address, POSIX_SEM_WAITERS))).toBe(0)
    expect(step(sysSemPost(process, address))).toBe(0)
    expect(value(address)).toBe(1)
    drop(first)
    drop(second)
  })

  it('pass a unit on when a sleeper dies before it took it, and keep it when nobody sleeps', () => {
    const frames = freeFrames()
    const starts = [map(MAP_SHARED), map(MAP_PRIVATE), map(MAP_SHARED) + 4096 - 4]
    for (let i = 0; i < starts.length; i++) {
      const address = starts[i]
      sysSemInit(process, address, 0)
      queue(address)
      const first = become()
      const heir = queue(address)
      const second = become()
      expect(step(sysSemPost(process, address))).toBe(0)
      expect(isQueued(heir)).toBe(true)
      expect(reap(first)).toBe(0)
      expect(isQueued(heir)).toBe(false)
      expect(resultOf(heir)).toBe(1)
      expect(value(address)).toBe(0)
      expect(load<u32>(word(address, POSIX_SEM_WAITERS))).toBe(0)
      expect(reap(second)).toBe(0)
      expect(value(address)).toBe(1)
      expect(step(sysSemDestroy(process, address))).toBe(0)
      sysMunmap(process, address & ~4095, 8192)
    }
    expect(freeFrames()).toBe(frames)
  })

  it('leave what lies there alone when the semaphore is none any more as its unit comes back', () => {
    const address = make(0)
    queue(address)
    const sleeper = become()
    expect(step(sysSemPost(process, address))).toBe(0)
    expect(step(sysSemDestroy(process, address))).toBe(0)
    expect(reap(sleeper)).toBe(0)
    expect(load<u32>(word(address, POSIX_SEM_VALUE))).toBe(0)
  })

  it('let as many sleepers look as there are units that were posted outside', () => {
    const address = make(0)
    const first = queue(address)
    const second = queue(address)
    const third = queue(address)
    atomic.add<u32>(word(address, POSIX_SEM_VALUE), 2)
    expect(step(sysSemSettle(process, address))).toBe(0)
    expect(isQueued(first) || isQueued(second)).toBe(false)
    expect(resultOf(first)).toBe(0)
    expect(isQueued(third)).toBe(true)
    expect(value(address)).toBe(2)
    drop(first)
    drop(second)
    drop(third)
  })

  it('keep those of private pages apart by process', () => {
    const other = spawn()
    const mine = map(MAP_PRIVATE)
    const theirs = map(MAP_PRIVATE, other)
    sysSemInit(process, mine, 0)
    sysSemInit(other, theirs, 0)
    const wait = queue(mine)
    expect(step(sysSemPost(other, theirs))).toBe(0)
    expect(isQueued(wait)).toBe(true)
    drop(wait)
    sysExit(other.pid, 0)
  })
})

describe('named semaphores', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('are found by name, at one address in a process, until closed as often', () => {
    const other = spawn()
    expect(open(process, '/a')).toBe(-ENOENT)
    const here = <u32>open(process, '/a', O_CREAT, 0o600, 3)
    const there = <u32>open(other, 'a', O_CREAT, 0o600, 9)
    expect(<u32>open(process, '/a')).toBe(here)
    expect(open(process, '/a', O_CREAT | O_EXCL)).toBe(-EEXIST)
    expect(step(sysSemTrywait(other, there))).toBe(0)
    expect(value(here)).toBe(2)
    expect(step(sysSemDestroy(process, here))).toBe(-EINVAL)
    expect(step(sysSemClose(process, here))).toBe(0)
    expect(value(here)).toBe(2)
    expect(step(sysSemClose(process, here))).toBe(0)
    expect(step(sysSemClose(process, here))).toBe(-EINVAL)
    expect(step(sysSemPost(process, here))).toBe(-SIGSEGV)
    expect(step(sysSemGetvalue(other, there))).toBe(2)
    sysExit(other.pid, 0)
    step(0)
    const again = <u32>open(process, '/a')
    expect(value(again)).toBe(2)
    expect(unlink(process, '/a')).toBe(0)
    expect(unlink(process, '/a')).toBe(-ENOENT)
    expect(value(again)).toBe(2)
    expect(step(sysSemClose(process, again))).toBe(0)
  })

  it('are refused by name, value and permission', () => {
    const other = spawn()
    other.euid = 5
    expect(open(process, '/', O_CREAT)).toBe(-EINVAL)
    expect(open(process, '/a/b', O_CREAT)).toBe(-EINVAL)
    expect(open(process, `/${'x'.repeat(252)}`, O_CREAT)).toBe(-ENAMETOOLONG)
    expect(open(process, '/v', O_CREAT, 0o600, SEM_VALUE_MAX + 1)).toBe(-EINVAL)
    const mine = <u32>open(process, '/p', O_CREAT, 0o604)
    expect(open(other, '/p')).toBe(-EACCES)
    expect(unlink(other, '/p')).toBe(-EACCES)
    expect(<u32>open(process, '/p', O_CREAT, 0, SEM_VALUE_MAX + 1)).toBe(mine)
    expect(open(process, '/p', O_CREAT | O_EXCL, 0, SEM_VALUE_MAX + 1)).toBe(-EINVAL)
    expect(unlink(process, '/p')).toBe(0)
    sysSemClose(process, mine)
    sysSemClose(process, mine)
    sysExit(other.pid, 0)
  })

  it('end with the last who has them open, and leave what is mapped there meanwhile', () => {
    const frames = freeFrames()
    const other = spawn()
    const here = <u32>open(other, '/e', O_CREAT)
    unlink(process, '/e')
    expect(step(sysMunmap(other, here, 4096))).toBe(0)
    expect(<u32>sysMmap(other, here, 4096, RIGHTS, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)).toBe(here)
    expect(step(sysSemClose(other, here))).toBe(0)
    expect(step(sysSemInit(other, here, 1))).toBe(0)
    open(other, '/f', O_CREAT)
    unlink(process, '/f')
    sysExit(other.pid, 0)
    step(0)
    expect(freeFrames()).toBe(frames)
  })
})
