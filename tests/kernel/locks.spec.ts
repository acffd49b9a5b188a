/**
 * Locks in pages against naive models, by random sequences with every checker after each operation: robust, rwlock, barrier; and conditions and robust
 * mutexes when memory is out. (Examples of each rule are in mutex.spec and sync.spec.)
 */
import {
  BUFFER_RESULT,
  EBUSY,
  EDEADLK,
  EINVAL,
  ENOMEM,
  ENOTRECOVERABLE,
  EOWNERDEAD,
  EPERM,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  MAP_ANONYMOUS,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
  THREAD_MAY_BLOCK,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { sysBarrierInit, sysBarrierWait } from '../../assembly/barrier'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { sysCondWait } from '../../assembly/condition'
import { sysReap } from '../../assembly/exit'
import {
  BARRIER_BYTES,
  MUTEX_ROBUST,
  RWLOCK_BYTES,
  RWLOCK_WRITE_LOCKED,
  RWLOCK_WRITER,
  SYNC_WAITERS,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap } from '../../assembly/mmap'
import {
  sysMutexConsistent,
  sysMutexInit,
  sysMutexTrylock,
  sysMutexUnlock,
} from '../../assembly/mutex'
import { sysOwner } from '../../assembly/owner'
import {
  sysRwlockInit,
  sysRwlockLock,
  sysRwlockTrylock,
  sysRwlockUnlock,
} from '../../assembly/rwlock'
import { noSource } from '../../assembly/source'
import { detail, isHanded, key, reach, settleHanded } from '../../assembly/syncword'
import { enter, me, sequenceOf, threadAt } from '../../assembly/thread'
import { enqueue, isQueued, Wait, withdraw } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { below, chance, reseed } from './support/random'
import { feed, starve, structures } from './support/shortage'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(700)
exemptStatic(changetype<usize>(noSource()), 8192)

const process = spawn()
const RIGHTS: u32 = PROT_READ | PROT_WRITE
const address = <u32>sysMmap(process, 0, 4096, RIGHTS, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
const OWNERS: u32 = 3
const owners = new StaticArray<u32>(3)
const slots = new StaticArray<u32>(3)

/** This instance goes on as a new thread, which is owner `i` from now on. */
function become(i: u32): void {
  assert(attachThread(0) >= 0, 'attach')
  enter()
  assert(readyBuffer() == 0, 'no buffer')
  slots[i] = me().index
  owners[i] = <u32>sysOwner(process)
}

for (let i: u32 = 0; i < OWNERS; i++) become(i)
become(0)

function wordAt(at: u32): usize {
  assert(sysAccess(process, at, 4, true) == 0, 'access')
  const found = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
  sysRelease()
  return found
}

function step(result: i32): i32 {
  checkAll()
  expectUndone()
  return result
}

/** A thread that sleeps in the queue of what lies at `address`. */
function sleeper(bytes: u32, value: u32, extra: u32): Wait {
  lock()
  assert(reach(process, address, bytes) == 0, 'reach')
  const wait = enqueue(key, detail)!
  wait.value = value
  wait.extra = extra
  unlock()
  return wait
}

function drop(wait: Wait): void {
  lock()
  if (isHanded(wait)) settleHanded(wait)
  withdraw(wait)
  unlock()
}

const MUTEXES: u32 = 5
/** Of each mutex: owner (-1: none), whether the last one died, whether it is lost. */
const owned = new StaticArray<i32>(5)
const died = new StaticArray<bool>(5)
const lost = new StaticArray<bool>(5)

function mutexAt(i: u32): u32 {
  return address + 1024 + i * 12
}

/** One random operation on a robust mutex, as the model expects it. */
function operateMutex(owner: u32, i: u32): void {
  const what = below(10)
  let expected: i32 = 0
  if (what < 5) {
    if (lost[i]) expected = -ENOTRECOVERABLE
    else if (owned[i] >= 0) expected = -EBUSY
    else {
      owned[i] = owner
      if (died[i]) expected = -EOWNERDEAD
    }
    const got = step(sysMutexTrylock(process, owners[owner], mutexAt(i)))
    assert(got == expected, `lock of ${i} by ${owner}: ${got}, not ${expected}`)
  } else if (what < 8) {
    if (owned[i] != <i32>owner) expected = -EPERM
    else {
      owned[i] = -1
      lost[i] = died[i]
    }
    const got = step(sysMutexUnlock(process, owners[owner], mutexAt(i)))
    assert(got == expected, `unlock of ${i} by ${owner}: ${got}, not ${expected}`)
  } else {
    if (owned[i] != <i32>owner || !died[i]) expected = -EINVAL
    else died[i] = false
    const got = step(sysMutexConsistent(process, owners[owner], mutexAt(i)))
    assert(got == expected, `consistent of ${i} by ${owner}: ${got}, not ${expected}`)
  }
}

/** An owner that this instance is not dies, and another thread takes its part. */
function replaceOwner(owner: u32): void {
  const slot = slots[owner]
  if (slot == me().index) return
  assert(step(sysReap(slot, sequenceOf(slot), true)) == 0, 'reap')
  for (let i: u32 = 0; i < MUTEXES; i++) {
    if (owned[i] != <i32>owner) continue
    owned[i] = -1
    died[i] = true
  }
  become(owner)
}

function reinit(i: u32): void {
  if (owned[i] >= 0) return
  assert(step(sysMutexInit(process, mutexAt(i), MUTEX_ROBUST)) == 0, 'init')
  died[i] = false
  lost[i] = false
}

describe('robust mutexes', () => {
  it('agree with a model of owner, death and loss, whoever locks and dies', () => {
    reseed('robust')
    for (let i: u32 = 0; i < MUTEXES; i++) {
      owned[i] = -1
      reinit(i)
    }
    for (let round = 0; round < 400; round++) {
      dieAtEveryPush(round % 8 == 0)
      const what = below(16)
      if (what == 0) replaceOwner(below(OWNERS))
      else if (what == 1) reinit(below(MUTEXES))
      else operateMutex(below(OWNERS), below(MUTEXES))
      for (let owner: u32 = 0; owner < OWNERS; owner++) {
        let count: u32 = 0
        for (let i: u32 = 0; i < MUTEXES; i++) if (owned[i] == <i32>owner) count++
        assert(threadAt(slots[owner]).heldCount == count, `${owner} holds ${count}`)
      }
    }
    dieAtEveryPush(false)
    for (let i: u32 = 0; i < MUTEXES; i++) {
      if (owned[i] >= 0) sysMutexUnlock(process, owners[owned[i]], mutexAt(i))
    }
  })

  it('are not taken when memory is out, and a condition does not let go of its mutex then', () => {
    const mutex = mutexAt(0)
    sysMutexInit(process, mutex, MUTEX_ROBUST)
    wordAt(address)
    const frames = freeFrames()
    starve()
    const before = structures()
    expect(step(sysMutexTrylock(process, owners[0], mutex))).toBe(-ENOMEM)
    expect(load<u32>(wordAt(mutex))).toBe(0)
    expect(structures()).toBe(before)
    feed()
    expect(step(sysMutexTrylock(process, owners[0], mutex))).toBe(0)
    starve()
    me().flags = THREAD_MAY_BLOCK
    expect(sysCondWait(process, owners[0], address, mutex, Infinity, 0)).toBe(-ENOMEM)
    me().flags = 0
    expect(load<u32>(wordAt(mutex))).toBe(owners[0])
    feed()
    expect(step(sysMutexUnlock(process, owners[0], mutex))).toBe(0)
    expect(freeFrames()).toBeLessThanOrEqual(frames)
    expect(me().waits).toBe(0)
  })
})

/** The model of the rwlock: readers, writer (0: none), and who sleeps, in order. */
let readers: u32 = 0
let writer: u32 = 0
const queued: Wait[] = []
const writes: bool[] = []
const sleepers: u32[] = []

function admitNaively(): void {
  while (queued.length > 0 && writer == 0 && (!writes[0] || readers == 0)) {
    assert(!isQueued(queued[0]), 'the first of the queue was not admitted')
    if (writes[0]) writer = sleepers[0]
    else readers++
    drop(queued.shift())
    writes.shift()
    sleepers.shift()
  }
  for (let i = 0; i < queued.length; i++) assert(isQueued(queued[i]), 'admitted out of turn')
}

function operateRwlock(): void {
  const what = below(10)
  const owner = owners[below(OWNERS)]
  const write = chance(40)
  const taken = writer != 0 || queued.length != 0 || (write && readers != 0)
  if (what < 3) {
    const expected = taken ? -EBUSY : 0
    const got = step(sysRwlockTrylock(process, owner, address, write))
    assert(got == expected, `try: ${got}, not ${expected}`)
    if (got == 0 && write) writer = owner
    else if (got == 0) readers++
  } else if (what < 5) {
    if (!taken || writer == owner || queued.length > 5) return
    assert(sysRwlockTrylock(process, owner, address, write) == -EBUSY, 'busy')
    const word = wordAt(address)
    store<u32>(word, load<u32>(word) | SYNC_WAITERS)
    queued.push(sleeper(RWLOCK_BYTES, write ? 1 : 0, owner))
    writes.push(write)
    sleepers.push(owner)
    step(0)
  } else if (what < 9) {
    const held = writer != 0 ? writer == owner : readers != 0
    const got = step(sysRwlockUnlock(process, owner, address))
    assert(got == (held ? 0 : -EPERM), `unlock: ${got}`)
    if (got == 0 && writer != 0) writer = 0
    else if (got == 0) readers--
    admitNaively()
  } else if (taken) {
    // A sleep that ends by itself leaves the queue, and what it held up goes on.
    const until = chance(50) ? 1e-3 : 1
    const got = step(sysRwlockLock(process, owner, address, write, until, 1))
    const ends = got == -ETIMEDOUT || got == -EWOULDBLOCK_PARK
    assert(writer == owner ? got == -EDEADLK : ends, `sleep: ${got}`)
  }
}

describe('read-write locks', () => {
  it('agree with a model of readers, a writer and a queue', () => {
    reseed('rwlock')
    assert(sysRwlockInit(process, address) == 0, 'init')
    for (let round = 0; round < 700; round++) {
      dieAtEveryPush(round % 16 == 0)
      operateRwlock()
      const word = load<u32>(wordAt(address))
      const state = writer != 0 ? RWLOCK_WRITE_LOCKED : readers
      assert((word & ~SYNC_WAITERS) == state, `state ${word}, not ${state}`)
      assert(queued.length == 0 || (word & SYNC_WAITERS) != 0, 'no WAITERS with a queue')
      assert(load<u32>(wordAt(address + RWLOCK_WRITER)) == writer, 'writer')
    }
    dieAtEveryPush(false)
    while (queued.length > 0) drop(queued.pop())
    expect(me().waits).toBe(0)
  })
})

describe('barriers', () => {
  it('agree with a count of who waits, whoever leaves', () => {
    reseed('barrier')
    const waiting: Wait[] = []
    let count: u32 = 3
    assert(sysBarrierInit(process, address, count) == 0, 'init')
    for (let round = 0; round < 300; round++) {
      dieAtEveryPush(round % 8 == 0)
      if (chance(45) && waiting.length < 8) waiting.push(sleeper(BARRIER_BYTES, 0, 0))
      else if (chance(30) && waiting.length > 0) {
        const i = <i32>below(<u32>waiting.length)
        drop(waiting[i])
        waiting.splice(i, 1)
      } else if (waiting.length == 0 && chance(50)) {
        count = below(5) == 0 ? 0xffffffff : 1 + below(5)
        assert(step(sysBarrierInit(process, address, count)) == 0, 'init')
      } else {
        const passes = <u32>waiting.length >= count - 1
        const got = step(sysBarrierWait(process, address))
        assert(got == (passes ? 1 : -EWOULDBLOCK_PARK), `${waiting.length} of ${count}: ${got}`)
        for (let i: u32 = 0; passes && i < count - 1; i++) {
          assert(!isQueued(waiting[0]), 'kept')
          drop(waiting.shift())
        }
        for (let i = 0; i < waiting.length; i++) assert(isQueued(waiting[i]), 'let go')
      }
    }
    dieAtEveryPush(false)
    while (waiting.length > 0) drop(waiting.pop())
    expect(me().waits).toBe(0)
  })
})
