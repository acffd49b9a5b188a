import {
  BUFFER_RESULT,
  EAGAIN,
  EBUSY,
  EDEADLK,
  EINVAL,
  ENOTRECOVERABLE,
  EOWNERDEAD,
  EPERM,
  ESRCH,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_MAYMOVE,
  PROT_READ,
  PROT_WRITE,
  SIGSEGV,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { attachThread } from '../../assembly/boot'
import { sysExit, sysReap } from '../../assembly/exit'
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  MUTEX_BYTES,
  MUTEX_COUNT,
  MUTEX_ERRORCHECK,
  MUTEX_KIND,
  MUTEX_RECURSIVE,
  MUTEX_ROBUST,
  MUTEX_WAS_WOKEN,
  ROBUST_MAX,
  SYNC_OWNER,
  SYNC_OWNER_DIED,
  SYNC_UNRECOVERABLE,
  SYNC_WAITERS,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysMremap } from '../../assembly/mremap'
import {
  sysMutexConsistent,
  sysMutexDestroy,
  sysMutexInit,
  sysMutexLock,
  sysMutexTrylock,
  sysMutexUnlock,
} from '../../assembly/mutex'
import { sysOwner } from '../../assembly/owner'
import { Process } from '../../assembly/process'
import { K } from '../../assembly/root'
import { noSource } from '../../assembly/source'
import { detail, key, reach } from '../../assembly/syncword'
import { enter, me, THREAD_BYTES, THREADS, threadAt } from '../../assembly/thread'
import { enqueue, isQueued, sleep, Wait } from '../../assembly/wait'
import { bootSpec, checkAll, spawn } from './support/boot'
import { passMs } from './support/disk'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(900)
exemptStatic(changetype<usize>(noSource()), 8192)
passMs(1)

const process = spawn()
const RIGHTS: u32 = PROT_READ | PROT_WRITE
const NEVER: f64 = Infinity
const address = <u32>sysMmap(process, 0, 8192, RIGHTS, MAP_SHARED | MAP_ANONYMOUS, -1, 0)

/** Another thread, which this instance goes on as. => its owner word in the process. */
function another(owned: Process): u32 {
  assert(attachThread(0) > 0, 'attach')
  enter()
  return <u32>sysOwner(owned)
}

const first = <u32>sysOwner(process)
const second = another(process)

function wordAt(seen: Process, at: u64): usize {
  assert(sysAccess(seen, at, 4, true) == 0, 'access')
  const found = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
  sysRelease()
  return found
}

function word(at: u64 = address): u32 {
  return load<u32>(wordAt(process, at))
}

/** A thread that sleeps until it has the mutex. */
function sleeper(at: u64 = address): Wait {
  lock()
  assert(reach(process, at, MUTEX_BYTES) == 0, 'reach')
  const wait = enqueue(key, detail)!
  unlock()
  store<u32>(wordAt(process, at), word(at) | SYNC_WAITERS)
  return wait
}

/** It gets up. => it had been woken. */
function getsUp(wait: Wait): bool {
  lock()
  const woken = !isQueued(wait)
  sleep(wait, 0)
  unlock()
  return woken
}

function lockAs(owner: u32, at: u64 = address): i32 {
  return sysMutexLock(process, owner, at, NEVER, CLOCK_REALTIME)
}

/** As one that was woken does. */
function lockWoken(owner: u32): i32 {
  return sysMutexLock(process, owner, address, NEVER, CLOCK_REALTIME, MUTEX_WAS_WOKEN)
}

/** The thread of an owner word dies without a word. */
function kill(index: u32): void {
  const state = load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE)
  assert(sysReap(index, state >> STATE_SEQ_SHIFT, true) == 0, 'reap')
}

describe('mutexes', () => {
  beforeEach(() => {
    assert(sysMutexInit(process, address, 0) == 0, 'init')
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
    assert(me().waits == 0, 'a node was left')
  })

  it('refuse an unaligned address, one that is not mapped, a kind that is none, and a deadline that is no number', () => {
    expect(lockAs(first, address + 2)).toBe(-EINVAL)
    expect(lockAs(first, 0xfe000000)).toBe(-SIGSEGV)
    expect(sysMutexInit(process, address, 3)).toBe(-EINVAL)
    expect(sysMutexInit(process, address, 8)).toBe(-EINVAL)
    expect(sysMutexLock(process, first, address, NaN, CLOCK_REALTIME)).toBe(-EINVAL)
  })

  it('refuse an owner that is no living thread of the process', () => {
    const stranger = spawn()
    expect(lockAs(0)).toBe(-ESRCH)
    expect(lockAs(first + 200)).toBe(-ESRCH)
    expect(lockAs(<u32>sysOwner(stranger))).toBe(-ESRCH)
    expect(lockAs(first ^ (1 << 27))).toBe(-ESRCH)
    sysExit(stranger.pid, 0)
  })

  it('are owned by one thread at a time, and unlocked by it alone', () => {
    expect(lockAs(first)).toBe(0)
    expect(word()).toBe(first)
    expect(sysMutexTrylock(process, second, address)).toBe(-EBUSY)
    expect(sysMutexUnlock(process, second, address)).toBe(-EPERM)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(sysMutexUnlock(process, first, address)).toBe(-EPERM)
    expect(word()).toBe(0)
  })

  it('tell a thread that may not block, and leave no node behind', () => {
    expect(lockAs(first)).toBe(0)
    expect(lockAs(second)).toBe(-EWOULDBLOCK_PARK)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(word()).toBe(0)
  })

  it('time out at a deadline of either clock, not before they looked', () => {
    expect(sysMutexLock(process, first, address, 0, CLOCK_REALTIME)).toBe(0)
    expect(sysMutexLock(process, second, address, 0, CLOCK_REALTIME)).toBe(-ETIMEDOUT)
    expect(sysMutexLock(process, second, address, 0, CLOCK_MONOTONIC)).toBe(-ETIMEDOUT)
    expect(sysMutexLock(process, second, address, 1.7e12, CLOCK_REALTIME)).toBe(-ETIMEDOUT)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
  })

  it('wake the longest sleeper, who says in the word that another stays', () => {
    expect(lockAs(first)).toBe(0)
    const a = sleeper()
    const b = sleeper()
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(word()).toBe(0)
    expect(lockAs(first)).toBe(0)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(getsUp(a)).toBe(true)
    assert(isQueued(b), 'woken too early')
    expect(lockWoken(second)).toBe(0)
    expect(word()).toBe(second | SYNC_WAITERS)
    expect(sysMutexDestroy(process, address)).toBe(-EBUSY)
    expect(sysMutexUnlock(process, second, address)).toBe(0)
    expect(word()).toBe(0)
    expect(getsUp(b)).toBe(true)
  })

  it('count the locks of a recursive one, up to the limit', () => {
    expect(sysMutexInit(process, address, MUTEX_RECURSIVE)).toBe(0)
    expect(lockAs(first)).toBe(0)
    expect(sysMutexTrylock(process, first, address)).toBe(0)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(sysMutexTrylock(process, second, address)).toBe(-EBUSY)
    store<u32>(wordAt(process, address + MUTEX_COUNT), 0xfffffffe)
    expect(lockAs(first)).toBe(-EAGAIN)
    store<u32>(wordAt(process, address + MUTEX_COUNT), 0)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(word()).toBe(0)
  })

  it('refuse a second lock of an errorcheck one with EDEADLK, and a second trylock with EBUSY', () => {
    expect(sysMutexInit(process, address, MUTEX_ERRORCHECK)).toBe(0)
    expect(lockAs(first)).toBe(0)
    expect(lockAs(first)).toBe(-EDEADLK)
    expect(sysMutexTrylock(process, first, address)).toBe(-EBUSY)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
  })

  it('refuse every use after destroy, until the next init', () => {
    expect(lockAs(first)).toBe(0)
    expect(sysMutexDestroy(process, address)).toBe(-EBUSY)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(sysMutexDestroy(process, address)).toBe(0)
    expect(lockAs(first)).toBe(-EINVAL)
    expect(sysMutexTrylock(process, first, address)).toBe(-EINVAL)
    expect(sysMutexUnlock(process, first, address)).toBe(-EINVAL)
    expect(sysMutexDestroy(process, address)).toBe(-EINVAL)
  })

  it('are one through every mapping of a shared page, and work across a page border', () => {
    const twin = <u32>sysMremap(process, address, 0, 8192, MREMAP_MAYMOVE, 0)
    expect(lockAs(first, address + 4088)).toBe(0)
    expect(sysMutexTrylock(process, second, twin + 4088)).toBe(-EBUSY)
    expect(sysMutexUnlock(process, first, twin + 4088)).toBe(0)
    expect(sysMutexInit(process, address + 4092, MUTEX_RECURSIVE)).toBe(0)
    expect(load<u32>(wordAt(process, twin + 4092 + MUTEX_KIND))).toBe(MUTEX_RECURSIVE)
    expect(lockAs(first, twin + 4092)).toBe(0)
    expect(lockAs(first, address + 4092)).toBe(0)
    expect(load<u32>(wordAt(process, twin + 4092 + MUTEX_COUNT))).toBe(1)
    expect(sysMutexUnlock(process, first, address + 4092)).toBe(0)
    expect(sysMutexUnlock(process, first, address + 4092)).toBe(0)
    expect(sysMunmap(process, twin, 8192)).toBe(0)
  })
})

describe('robust mutexes', () => {
  beforeEach(() => {
    assert(sysMutexInit(process, address, MUTEX_ROBUST) == 0, 'init')
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
  })

  it('are recorded with their owner while it has them', () => {
    const index = (first & 511) - 1
    expect(lockAs(first)).toBe(0)
    expect(threadAt(index).heldCount).toBe(1)
    expect(sysMutexConsistent(process, first, address)).toBe(-EINVAL)
    expect(sysMutexUnlock(process, second, address)).toBe(-EPERM)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(threadAt(index).heldCount).toBe(0)
  })

  it('go to the next with EOWNERDEAD when the thread dies, consistent once it says so', () => {
    const mine = me().index
    const victim = another(process)
    const dead = me().index
    expect(lockAs(victim)).toBe(0)
    another(process)
    const wait = sleeper()
    kill(dead)
    expect(word()).toBe(SYNC_OWNER_DIED | SYNC_WAITERS)
    expect(getsUp(wait)).toBe(true)
    expect(lockAs(first)).toBe(-EOWNERDEAD)
    expect(word() & SYNC_OWNER).toBe(first)
    expect(sysMutexConsistent(process, second, address)).toBe(-EINVAL)
    expect(sysMutexConsistent(process, first, address)).toBe(0)
    expect(sysMutexConsistent(process, first, address)).toBe(-EINVAL)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    expect(lockAs(first)).toBe(0)
    expect(sysMutexUnlock(process, first, address)).toBe(0)
    kill(mine)
  })

  it('are lost for ever when they are unlocked inconsistent, and all who sleep are told', () => {
    const victim = another(process)
    const dead = me().index
    another(process)
    const owner = <u32>sysOwner(process)
    expect(lockAs(victim)).toBe(0)
    kill(dead)
    expect(sysMutexTrylock(process, owner, address)).toBe(-EOWNERDEAD)
    const a = sleeper()
    const b = sleeper()
    expect(sysMutexUnlock(process, owner, address)).toBe(0)
    expect(word()).toBe(SYNC_UNRECOVERABLE)
    expect(getsUp(a)).toBe(true)
    expect(getsUp(b)).toBe(true)
    expect(lockAs(owner)).toBe(-ENOTRECOVERABLE)
    expect(sysMutexTrylock(process, owner, address)).toBe(-ENOTRECOVERABLE)
    expect(sysMutexUnlock(process, owner, address)).toBe(-EPERM)
    expect(sysMutexDestroy(process, address)).toBe(0)
  })

  it('survive the end of a process, also when it had unmapped the page', () => {
    const other = spawn()
    const owner = <u32>sysOwner(other)
    const file = <u32>sysMremap(process, address, 0, 8192, MREMAP_MAYMOVE, 0)
    expect(sysMunmap(process, file, 8192)).toBe(0)
    const alone = <u32>sysMmap(other, 0, 4096, RIGHTS, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    const own = <u32>sysMmap(other, 0, 4096, RIGHTS, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    for (let i = 0; i < 2; i++) {
      const at = i == 0 ? alone : own
      expect(sysMutexInit(other, at, MUTEX_ROBUST | MUTEX_RECURSIVE)).toBe(0)
      expect(sysMutexLock(other, owner, at, NEVER, CLOCK_REALTIME)).toBe(0)
      expect(sysMutexLock(other, owner, at, NEVER, CLOCK_REALTIME)).toBe(0)
      expect(sysMunmap(other, at, 4096)).toBe(0)
    }
    expect(K.orphanFrames).toBe(2)
    expect(me().heldCount).toBe(2)
    expect(sysExit(other.pid, 0)).toBe(0)
    expect(me().heldCount).toBe(0)
    expect(K.orphanFrames).toBe(0)
  })

  it('of one process stay when the thread ends another', () => {
    const other = spawn()
    const owner = <u32>sysOwner(process)
    expect(lockAs(owner)).toBe(0)
    expect(sysExit(other.pid, 0)).toBe(0)
    expect(word()).toBe(owner)
    expect(sysMutexUnlock(process, owner, address)).toBe(0)
  })

  it('are left alone by the walk when the program stored over them', () => {
    const victim = another(process)
    const dead = me().index
    expect(lockAs(victim)).toBe(0)
    store<u32>(wordAt(process, address), 77)
    another(process)
    kill(dead)
    expect(word()).toBe(77)
    checkAll()
  })

  it('are forgotten by init, locked or not, and init survives any word that lay there', () => {
    const owner = <u32>sysOwner(process)
    const kinds = [MUTEX_ROBUST, 0]
    for (let i = 0; i < 4; i++) {
      assert(sysMutexInit(process, address, MUTEX_ROBUST) == 0, 'init')
      expect(me().heldCount).toBe(0)
      expect(sysMutexLock(process, owner, address, NEVER, CLOCK_REALTIME)).toBe(0)
      expect(me().heldCount).toBe(1)
      assert(sysMutexInit(process, address, kinds[i & 1]) == 0, 'init')
      expect(me().heldCount).toBe(0)
      expect(word()).toBe(0)
    }
    for (let bits: u32 = 0; bits < 32; bits++) {
      store<u32>(wordAt(process, address), (1 << bits) - 1)
      assert(sysMutexInit(process, address, 0) == 0, 'init')
      expect(word()).toBe(0)
    }
  })

  it('are at most ROBUST_MAX of one thread: EAGAIN', () => {
    dieAtEveryPush(false)
    const length: u32 = (ROBUST_MAX + 1) * 16
    const at = <u32>sysMmap(process, 0, length, RIGHTS, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    const owner = another(process)
    const dead = me().index
    for (let i: u32 = 0; i <= ROBUST_MAX; i++) {
      assert(sysMutexInit(process, at + i * 16, MUTEX_ROBUST) == 0, 'init')
      assert(lockAs(owner, at + i * 16) == (i == ROBUST_MAX ? -EAGAIN : 0), 'lock')
    }
    another(process)
    kill(dead)
    for (let i: u32 = 0; i < ROBUST_MAX; i++) assert(word(at + i * 16) == SYNC_OWNER_DIED, 'died')
    expect(sysMunmap(process, at, length)).toBe(0)
  })
})
