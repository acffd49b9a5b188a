/**
 * Read-write locks in mapped pages: three words at a multiple of 4.
 *
 *   0  state    | WAITERS 31 | readers 29..0, or RWLOCK_WRITE_LOCKED |      0: free
 *   4  writer   its owner word, while locked for writing
 *   8  kind     0; SYNC_DESTROYED                                           all zero: a free rwlock
 *
 * Without WAITERS anybody may change the state by compare-and-swap: n -> n + 1 and back, 0 -> RWLOCK_WRITE_LOCKED, which then stores `writer`,
 * and back, after clearing it. With WAITERS only the kernel changes it. It serves the queue in the order of arrival, readers that stand together
 * together, and hands the lock over: new readers queue behind a writer that waits, so none starves. A thread that holds the lock for
 * reading and asks once more while a writer waits therefore waits for itself: POSIX leaves that to us.
 *
 * WAITERS is cleared only while nobody is queued and nobody was in this transaction, so that no roll-back can restore a state that others
 * have changed since. A holder that dies leaves the lock locked: POSIX has no robust rwlocks. One that dies before it is awake never held it (`returnLock`).
 *
 * Sources: POSIX.1-2017 pthread_rwlock_rdlock, _wrlock, _timedrdlock, _timedwrlock, _unlock, _destroy.
 */
import { EAGAIN, EBUSY, EDEADLK, EINVAL, ENOMEM, EPERM, ESRCH, ETIMEDOUT } from './abi'
import { now } from './env'
import {
  RWLOCK_BYTES,
  RWLOCK_KIND,
  RWLOCK_READERS_MAX,
  RWLOCK_STATE,
  RWLOCK_WRITE_LOCKED,
  RWLOCK_WRITER,
  SYNC_DESTROYED,
  SYNC_WAITERS,
} from './ipcabi'
import { commit, put } from './journal'
import { lock, relax, unlock } from './lock'
import { isLiving } from './owner'
import { Process } from './process'
import {
  detail,
  field,
  handOver,
  isAwaited,
  isHanded,
  key,
  reach,
  reachFor,
  settleHanded,
  takeBack,
  untilOf,
} from './syncword'
import { isEnding } from './thread'
import { enqueue, firstWait, sleepInPlace, Wait, wake, withdraw } from './wait'

/** What a finished sleep is told: the lock is its own. */
export const GRANTED: i32 = 2

function stateOf(): u32 {
  return atomic.load<u32>(field(RWLOCK_STATE))
}

function isRwlock(): bool {
  return load<u32>(field(RWLOCK_KIND)) == 0
}

/** => 0, and as reach. */
export function sysRwlockInit(process: Process, address: u64): i32 {
  lock()
  const result = reach(process, address, RWLOCK_BYTES)
  if (result == 0) {
    store<u32>(field(RWLOCK_KIND), 0)
    store<u32>(field(RWLOCK_WRITER), 0)
    atomic.store<u32>(field(RWLOCK_STATE), 0)
  }
  unlock()
  return result
}

/** => 0, -EBUSY (locked, or somebody waits), -EINVAL (no rwlock), and as reach. */
export function sysRwlockDestroy(process: Process, address: u64): i32 {
  lock()
  let result = reach(process, address, RWLOCK_BYTES)
  if (result == 0) {
    if (!isRwlock()) result = -EINVAL
    else if ((stateOf() & ~SYNC_WAITERS) != 0 || isAwaited()) result = -EBUSY
    else store<u32>(field(RWLOCK_KIND), SYNC_DESTROYED)
  }
  unlock()
  return result
}

/** => the lock can be had in this state. */
function fits(state: u32, write: bool): bool {
  const holders = state & ~SYNC_WAITERS
  return write ? holders == 0 : holders < RWLOCK_READERS_MAX
}

function taken(state: u32, write: bool): u32 {
  return write ? RWLOCK_WRITE_LOCKED : (state & ~SYNC_WAITERS) + 1
}

/** Grants the lock to those at the head of the queue that it fits. => the state has WAITERS when somebody is queued. */
function admit(): bool {
  let granted = false
  let wait = firstWait(key, detail)
  while (wait != null && fits(stateOf(), wait.value != 0)) {
    put(field(RWLOCK_STATE), taken(stateOf(), wait.value != 0) | SYNC_WAITERS)
    if (wait.value != 0) put(field(RWLOCK_WRITER), wait.extra)
    handOver(wait, GRANTED)
    granted = true
    wait = firstWait(key, detail)
  }
  return granted
}

/**
 * Locks for `owner`, for writing or reading, until `deadline` (ms on `clock`; Infinity for never) if it must sleep. => 0, -EDEADLK (it has it for
 * writing), -EAGAIN (RWLOCK_READERS_MAX), -ETIMEDOUT, -EINTR (an abort), -EINVAL (no rwlock, NaN), -ENOMEM, -ESRCH, -EWOULDBLOCK_PARK, and as reach.
 */
export function sysRwlockLock(
  process: Process,
  owner: u32,
  address: u64,
  write: bool,
  deadline: f64,
  clock: u32,
): i32 {
  if (isNaN(deadline)) return -EINVAL
  lock()
  const result = acquire(process, owner, address, write, untilOf(deadline, clock))
  unlock()
  return result
}

/** => as sysRwlockLock, but -EBUSY where that would sleep, or has it for writing. */
export function sysRwlockTrylock(process: Process, owner: u32, address: u64, write: bool): i32 {
  lock()
  let result = reachFor(process, owner, address, RWLOCK_BYTES)
  if (result == 0) result = attempt(owner, write, false)
  unlock()
  return result == -EDEADLK ? -EBUSY : result
}

function acquire(process: Process, owner: u32, address: u64, write: bool, until: f64): i32 {
  let result = -EBUSY
  let queue: u64 = 0
  let queueDetail: u64 = 0
  while (result == -EBUSY) {
    result = reachFor(process, owner, address, RWLOCK_BYTES)
    if (result == 0) result = attempt(owner, write, true)
    if (result == -EBUSY && until <= now(0)) result = -ETIMEDOUT
    if (result != -EBUSY) break
    const wait = enqueue(key, detail)
    if (wait == null) result = -ENOMEM
    else {
      queue = key
      queueDetail = detail
      wait.value = write ? 1 : 0
      wait.extra = owner
      result = ended(process, owner, wait, sleepInPlace(wait, until))
    }
  }
  if (result < 0 && queueDetail != 0) giveUp(process, address, queue, queueDetail)
  return result
}

/** What a sleep that ended with `slept` comes to: -EBUSY to look again. The node is gone. */
function ended(process: Process, owner: u32, wait: Wait, slept: i32): i32 {
  if (isHanded(wait)) return takeGranted(process, owner, wait)
  withdraw(wait)
  relax()
  return slept == 0 ? -EBUSY : slept
}

/** One that waited in a queue leaves without the lock: those behind it may go. Where the process has that lock there no more, they look for themselves. */
function giveUp(process: Process, address: u64, queue: u64, queueDetail: u64): void {
  const reached = reach(process, address, RWLOCK_BYTES)
  if (reached != 0 || key != queue || detail != queueDetail) wake(queue, 0xffffffff, queueDetail)
  else if (isRwlock()) admit()
}

/** The lock was granted. => 0, -ESRCH when the owner is none, or its process or this thread is ending: then it is for others. The node is gone. */
function takeGranted(process: Process, owner: u32, wait: Wait): i32 {
  const lives = process.exiting == 0 && !isEnding() && isLiving(process, owner)
  if (!lives) returnLock(wait)
  settleHanded(wait)
  withdraw(wait)
  relax()
  return lives ? 0 : -ESRCH
}

/** The lock that was granted to `wait` is unlocked for it, if what lies there is still a rwlock. => handed; lock held; a transaction ends. */
export function returnLock(wait: Wait): void {
  if (takeBack(wait) && isRwlock()) release(wait.extra)
  commit()
}

/** One attempt at the rwlock that was reached. => 0 or why not; after -EBUSY the state says that somebody waits, if one `stays` to. */
function attempt(owner: u32, write: bool, stays: bool): i32 {
  if (!isRwlock()) return -EINVAL
  if (admit()) commit()
  let old = stateOf()
  let result = judge(old, owner, write)
  while (result == 0 || (result == -EBUSY && stays)) {
    const next = result == 0 ? taken(old, write) : old | SYNC_WAITERS
    const found = atomic.cmpxchg<u32>(field(RWLOCK_STATE), old, next)
    if (found == old) break
    old = found
    result = judge(old, owner, write)
  }
  if (result == 0 && write) store<u32>(field(RWLOCK_WRITER), owner)
  return result
}

/** => 0: `owner` can have the lock in this state; -EDEADLK, -EAGAIN, -EBUSY. */
function judge(state: u32, owner: u32, write: bool): i32 {
  const holders = state & ~SYNC_WAITERS
  if (holders == RWLOCK_WRITE_LOCKED && load<u32>(field(RWLOCK_WRITER)) == owner) return -EDEADLK
  if (fits(state, write) && !isAwaited()) return 0
  return !write && holders == RWLOCK_READERS_MAX ? -EAGAIN : -EBUSY
}

/** Unlocks, for reading or writing. => 0, -EPERM (not locked, or for writing by another), -EINVAL (no rwlock), -ESRCH, and as reach. */
export function sysRwlockUnlock(process: Process, owner: u32, address: u64): i32 {
  lock()
  let result = reachFor(process, owner, address, RWLOCK_BYTES)
  if (result == 0) result = isRwlock() ? release(owner) : -EINVAL
  unlock()
  return result
}

function release(owner: u32): i32 {
  const held = stateOf() & ~SYNC_WAITERS
  const written = held == RWLOCK_WRITE_LOCKED
  if (held == 0 || (written && load<u32>(field(RWLOCK_WRITER)) != owner)) return -EPERM
  if (isAwaited()) {
    put(field(RWLOCK_STATE), (written ? 0 : held - 1) | SYNC_WAITERS)
    if (written) put(field(RWLOCK_WRITER), 0)
    admit()
    return 0
  }
  if (written) store<u32>(field(RWLOCK_WRITER), 0)
  let old = stateOf()
  for (;;) {
    const next = written ? 0 : (old & ~SYNC_WAITERS) - 1
    const found = atomic.cmpxchg<u32>(field(RWLOCK_STATE), old, next)
    if (found == old) break
    old = found
  }
  return 0
}
