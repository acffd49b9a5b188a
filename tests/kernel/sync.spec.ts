import {
  BUFFER_RESULT,
  EAGAIN,
  EBUSY,
  EDEADLK,
  EINVAL,
  EPERM,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  MAP_ANONYMOUS,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
  STATE_SEQ_SHIFT,
  THREAD_MAY_BLOCK,
  THREAD_STATE,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { sysBarrierDestroy, sysBarrierInit, sysBarrierWait } from '../../assembly/barrier'
import { attachThread } from '../../assembly/boot'
import { sysCondDestroy, sysCondInit, sysCondWait, sysCondWake } from '../../assembly/condition'
import { sysExit, sysReap } from '../../assembly/exit'
import {
  BARRIER_BYTES,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  COND_BYTES,
  COND_WAITERS,
  MUTEX_RECURSIVE,
  MUTEX_ROBUST,
  RWLOCK_BYTES,
  RWLOCK_READERS_MAX,
  RWLOCK_WRITE_LOCKED,
  RWLOCK_WRITER,
  SYNC_OWNER,
  SYNC_UNRECOVERABLE,
  SYNC_WAITERS,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap } from '../../assembly/mmap'
import { sysMutexInit, sysMutexLock, sysMutexUnlock } from '../../assembly/mutex'
import { isLiving, slotOf, sysOwner } from '../../assembly/owner'
import {
  sysRwlockDestroy,
  sysRwlockInit,
  sysRwlockLock,
  sysRwlockTrylock,
  sysRwlockUnlock,
} from '../../assembly/rwlock'
import { noSource } from '../../assembly/source'
import { detail, isHanded, key, reach, settleHanded } from '../../assembly/syncword'
import { enter, me, sequenceOf, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { enqueue, isQueued, sleep, Wait } from '../../assembly/wait'
import { bootSpec, checkAll, spawn } from './support/boot'
import { passMs } from './support/disk'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(400)
exemptStatic(changetype<usize>(noSource()), 8192)
passMs(1)

const process = spawn()
const RIGHTS: u32 = PROT_READ | PROT_WRITE
const NEVER: f64 = Infinity
const OWN_CLOCK: u32 = 0xffffffff
const address = <u32>sysMmap(process, 0, 4096, RIGHTS, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
const mutex = address + 64
const first = <u32>sysOwner(process)
const second = another()

function another(): u32 {
  assert(attachThread(0) > 0, 'attach')
  enter()
  return <u32>sysOwner(process)
}

function wordAt(at: u64): usize {
  assert(sysAccess(process, at, 4, true) == 0, 'access')
  const found = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
  sysRelease()
  return found
}

function word(at: u64 = address): u32 {
  return load<u32>(wordAt(at))
}

/** A thread that sleeps on what lies there. */
function sleeper(bytes: u32, value: u32 = 0, extra: u32 = 0): Wait {
  lock()
  assert(reach(process, address, bytes) == 0, 'reach')
  const wait = enqueue(key, detail)!
  wait.value = value
  wait.extra = extra
  unlock()
  return wait
}

/** It gets up. => it had been woken. */
function getsUp(wait: Wait): bool {
  lock()
  const woken = !isQueued(wait)
  if (isHanded(wait)) settleHanded(wait)
  sleep(wait, 0)
  unlock()
  return woken
}

beforeEach(() => {
  store<u64>(wordAt(address), 0)
  store<u64>(wordAt(address + 8), 0)
  assert(sysMutexInit(process, mutex, 0) == 0, 'init')
  dieAtEveryPush(true)
})

afterEach(() => {
  dieAtEveryPush(false)
  checkAll()
  expectUndone()
  assert(me().waits == 0, 'a node was left')
})

describe('owners', () => {
  it('are never 0 nor what stands for no owner, fit 30 bits, and name thread and process', () => {
    const other = spawn()
    const word = <u32>sysOwner(other)
    assert(word != 0 && (word & ~SYNC_OWNER) == 0 && word != SYNC_UNRECOVERABLE, 'word')
    expect(slotOf(word)).toBe(me().index)
    expect(word != second).toBe(true)
    expect(isLiving(other, word)).toBe(true)
    expect(isLiving(process, word)).toBe(false)
    expect(slotOf(0)).toBe(0xffffffff)
    sysExit(other.pid, 0)
  })

  it('of a slot differ from one life to the next', () => {
    const before = me().index
    const old = another()
    const index = me().index
    const state = load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE)
    another()
    expect(isLiving(process, old)).toBe(true)
    expect(sysReap(index, state >> STATE_SEQ_SHIFT, true)).toBe(0)
    expect(isLiving(process, old)).toBe(false)
    const next = another()
    expect(slotOf(next)).toBe(slotOf(old))
    expect(next != old).toBe(true)
    expect(before != index).toBe(true)
  })
})

describe('conditions', () => {
  it('refuse a clock that is none, what was destroyed, and what is not mapped', () => {
    expect(sysCondInit(process, address, 2)).toBe(-EINVAL)
    expect(sysCondWake(process, 0xfe000000, 1)).toBe(-SIGSEGV)
    expect(sysCondDestroy(process, address)).toBe(0)
    expect(sysCondDestroy(process, address)).toBe(-EINVAL)
    expect(sysCondWake(process, address, 1)).toBe(-EINVAL)
    expect(sysCondInit(process, address, CLOCK_MONOTONIC)).toBe(0)
  })

  it('wake in the order of arrival, as many as asked, and say in the page whether one stays', () => {
    store<u32>(wordAt(address + COND_WAITERS), 1)
    const a = sleeper(COND_BYTES)
    const b = sleeper(COND_BYTES)
    const c = sleeper(COND_BYTES)
    expect(sysCondDestroy(process, address)).toBe(-EBUSY)
    expect(sysCondWake(process, address, 1)).toBe(1)
    expect(word(address + COND_WAITERS)).toBe(1)
    expect(getsUp(a)).toBe(true)
    expect(sysCondWake(process, address, 0xffffffff)).toBe(2)
    expect(word(address + COND_WAITERS)).toBe(0)
    expect(getsUp(b)).toBe(true)
    expect(getsUp(c)).toBe(true)
    expect(sysCondWake(process, address, 1)).toBe(0)
  })

  it('refuse a mutex that is not the owner’s, and a thread that may not block, with nothing done', () => {
    expect(sysCondWait(process, first, address, mutex, NEVER, OWN_CLOCK)).toBe(-EWOULDBLOCK_PARK)
    me().flags = THREAD_MAY_BLOCK
    expect(sysCondWait(process, first, address, mutex, NEVER, OWN_CLOCK)).toBe(-EPERM)
    expect(sysCondWait(process, first, address, mutex, NaN, OWN_CLOCK)).toBe(-EINVAL)
    expect(sysMutexLock(process, second, mutex, NEVER, CLOCK_REALTIME)).toBe(0)
    expect(sysCondWait(process, first, address, mutex, NEVER, OWN_CLOCK)).toBe(-EPERM)
    expect(sysMutexUnlock(process, second, mutex)).toBe(0)
    me().flags = 0
  })

  it('give the mutex back after a time-out, as often as it was locked', () => {
    me().flags = THREAD_MAY_BLOCK
    for (let kind: u32 = 0; kind < 2; kind++) {
      const robust = kind == 0 ? 0 : MUTEX_ROBUST
      expect(sysMutexInit(process, mutex, MUTEX_RECURSIVE | robust)).toBe(0)
      expect(sysMutexLock(process, first, mutex, NEVER, CLOCK_REALTIME)).toBe(0)
      expect(sysMutexLock(process, first, mutex, NEVER, CLOCK_REALTIME)).toBe(0)
      expect(sysCondWait(process, first, address, mutex, 0, OWN_CLOCK)).toBe(-ETIMEDOUT)
      expect(word(mutex)).toBe(first)
      expect(sysMutexUnlock(process, first, mutex)).toBe(0)
      expect(word(mutex)).toBe(first)
      expect(sysMutexUnlock(process, first, mutex)).toBe(0)
      expect(word(mutex)).toBe(0)
    }
    me().flags = 0
  })

  it('go by their own clock', () => {
    me().flags = THREAD_MAY_BLOCK
    expect(sysMutexLock(process, first, mutex, NEVER, CLOCK_REALTIME)).toBe(0)
    expect(sysCondInit(process, address, CLOCK_REALTIME)).toBe(0)
    expect(sysCondWait(process, first, address, mutex, 1.7e12, OWN_CLOCK)).toBe(-ETIMEDOUT)
    expect(sysCondInit(process, address, CLOCK_MONOTONIC)).toBe(0)
    expect(sysCondWait(process, first, address, mutex, 1000, OWN_CLOCK)).toBe(-ETIMEDOUT)
    expect(sysMutexUnlock(process, first, mutex)).toBe(0)
    me().flags = 0
  })
})

describe('barriers', () => {
  it('refuse a count of 0, what is none, and a change while somebody waits', () => {
    expect(sysBarrierInit(process, address, 0)).toBe(-EINVAL)
    expect(sysBarrierWait(process, address)).toBe(-EINVAL)
    expect(sysBarrierDestroy(process, address)).toBe(-EINVAL)
    expect(sysBarrierInit(process, address, 2)).toBe(0)
    const wait = sleeper(BARRIER_BYTES)
    expect(sysBarrierInit(process, address, 3)).toBe(-EBUSY)
    expect(sysBarrierDestroy(process, address)).toBe(-EBUSY)
    expect(getsUp(wait)).toBe(false)
    expect(sysBarrierDestroy(process, address)).toBe(0)
  })

  it('of one thread let it pass, as the serial one', () => {
    expect(sysBarrierInit(process, address, 1)).toBe(0)
    expect(sysBarrierWait(process, address)).toBe(1)
    expect(sysBarrierWait(process, address)).toBe(1)
  })

  it('let as many go as they count, the longest sleepers', () => {
    expect(sysBarrierInit(process, address, 3)).toBe(0)
    const a = sleeper(BARRIER_BYTES)
    expect(sysBarrierWait(process, address)).toBe(-EWOULDBLOCK_PARK)
    const b = sleeper(BARRIER_BYTES)
    const c = sleeper(BARRIER_BYTES)
    expect(sysBarrierWait(process, address)).toBe(1)
    expect(getsUp(a)).toBe(true)
    expect(getsUp(b)).toBe(true)
    expect(getsUp(c)).toBe(false)
  })
})

function take(owner: u32, write: bool, deadline: f64 = 0): i32 {
  return sysRwlockLock(process, owner, address, write, deadline, CLOCK_REALTIME)
}

describe('read-write locks', () => {
  it('share between readers, and exclude writers', () => {
    expect(take(first, false)).toBe(0)
    expect(take(second, false)).toBe(0)
    expect(word()).toBe(2)
    expect(take(second, true)).toBe(-ETIMEDOUT)
    expect(sysRwlockTrylock(process, second, address, true)).toBe(-EBUSY)
    expect(sysRwlockDestroy(process, address)).toBe(-EBUSY)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(sysRwlockUnlock(process, second, address)).toBe(0)
    expect(sysRwlockUnlock(process, second, address)).toBe(-EPERM)
    expect(take(first, true)).toBe(0)
    expect(word()).toBe(RWLOCK_WRITE_LOCKED)
    expect(word(address + RWLOCK_WRITER)).toBe(first)
    expect(take(second, false)).toBe(-ETIMEDOUT)
    expect(sysRwlockTrylock(process, second, address, false)).toBe(-EBUSY)
    expect(sysRwlockUnlock(process, second, address)).toBe(-EPERM)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(word() & ~SYNC_WAITERS).toBe(0)
    expect(word(address + RWLOCK_WRITER)).toBe(0)
  })

  it('refuse their writer with EDEADLK, a try of it with EBUSY, and one reader too many with EAGAIN', () => {
    expect(take(first, true)).toBe(0)
    expect(take(first, true)).toBe(-EDEADLK)
    expect(take(first, false)).toBe(-EDEADLK)
    expect(sysRwlockTrylock(process, first, address, true)).toBe(-EBUSY)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    store<u32>(wordAt(address), RWLOCK_READERS_MAX)
    expect(take(first, false)).toBe(-EAGAIN)
    expect(sysRwlockTrylock(process, first, address, false)).toBe(-EAGAIN)
  })

  it('let new readers queue behind a writer, and serve in the order of arrival', () => {
    expect(take(first, false)).toBe(0)
    store<u32>(wordAt(address), word() | SYNC_WAITERS)
    const writer = sleeper(RWLOCK_BYTES, 1, second)
    expect(sysRwlockTrylock(process, second, address, false)).toBe(-EBUSY)
    const a = sleeper(RWLOCK_BYTES, 0, second)
    const b = sleeper(RWLOCK_BYTES, 0, second)
    const last = sleeper(RWLOCK_BYTES, 1, first)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(getsUp(writer)).toBe(true)
    expect(word(address + RWLOCK_WRITER)).toBe(second)
    assert(isQueued(a) && isQueued(b) && isQueued(last), 'served too early')
    expect(sysRwlockUnlock(process, second, address)).toBe(0)
    expect(getsUp(a)).toBe(true)
    expect(getsUp(b)).toBe(true)
    assert(isQueued(last), 'served too early')
    expect(word() & ~SYNC_WAITERS).toBe(2)
    expect(sysRwlockUnlock(process, second, address)).toBe(0)
    expect(sysRwlockUnlock(process, second, address)).toBe(0)
    expect(getsUp(last)).toBe(true)
    expect(word(address + RWLOCK_WRITER)).toBe(first)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(word()).toBe(0)
  })

  it('let readers in when the writer before them gives up', () => {
    expect(take(first, false)).toBe(0)
    store<u32>(wordAt(address), word() | SYNC_WAITERS)
    const writer = sleeper(RWLOCK_BYTES, 1, second)
    const reader = sleeper(RWLOCK_BYTES, 0, second)
    expect(getsUp(writer)).toBe(false)
    expect(sysRwlockTrylock(process, first, address, true)).toBe(-EBUSY)
    expect(getsUp(reader)).toBe(true)
    expect(word() & ~SYNC_WAITERS).toBe(2)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(word()).toBe(0)
  })

  it('are not held by a sleeper that dies before it took what it was granted', () => {
    expect(take(first, false)).toBe(0)
    store<u32>(wordAt(address), word() | SYNC_WAITERS)
    const writes = [1, 0, 0]
    const slots: u32[] = []
    for (let i = 0; i < 3; i++) {
      slots.push(me().index)
      sleeper(RWLOCK_BYTES, writes[i], <u32>sysOwner(process))
      another()
    }
    const last = sleeper(RWLOCK_BYTES, 1, second)
    expect(sysRwlockUnlock(process, first, address)).toBe(0)
    expect(word() & ~SYNC_WAITERS).toBe(RWLOCK_WRITE_LOCKED)
    expect(sysReap(slots[0], sequenceOf(slots[0]), true)).toBe(0)
    expect(word() & ~SYNC_WAITERS).toBe(2)
    expect(word(address + RWLOCK_WRITER)).toBe(0)
    expect(sysReap(slots[1], sequenceOf(slots[1]), true)).toBe(0)
    assert(isQueued(last), 'granted too early')
    expect(word() & ~SYNC_WAITERS).toBe(1)
    expect(sysReap(slots[2], sequenceOf(slots[2]), true)).toBe(0)
    expect(getsUp(last)).toBe(true)
    expect(sysRwlockUnlock(process, second, address)).toBe(0)
    expect(word()).toBe(0)
  })

  it('refuse every use after destroy, until the next init', () => {
    expect(sysRwlockDestroy(process, address)).toBe(0)
    expect(take(first, false)).toBe(-EINVAL)
    expect(sysRwlockTrylock(process, first, address, true)).toBe(-EINVAL)
    expect(sysRwlockUnlock(process, first, address)).toBe(-EINVAL)
    expect(sysRwlockDestroy(process, address)).toBe(-EINVAL)
    expect(sysRwlockInit(process, address)).toBe(0)
    expect(take(first, true, NaN)).toBe(-EINVAL)
  })
})
