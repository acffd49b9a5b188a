/**
 * Mutexes in mapped pages, shared by whoever maps them: three words at a multiple of 4.
 *
 *   0  word   | WAITERS 31 | OWNER_DIED 30 | owner 29..0 |      0: free
 *   4  kind   MUTEX_NORMAL, RECURSIVE or ERRORCHECK, with or without MUTEX_ROBUST; SYNC_DESTROYED
 *   8  count  locks of a recursive one beyond the first        all zero: a normal mutex, free
 *
 * Outside of the kernel, without robust:   lock   0 -> owner, WAITERS -> WAITERS | owner        unlock   owner -> 0
 * by one compare-and-swap of the word; what that cannot do is asked of the kernel. An unlocked mutex goes to who comes first, not to who is
 * woken: handing it over would let each change of owner wait for a sleeper to get up. WAITERS is cleared by the unlock that wakes one, so that
 * others go on by themselves meanwhile; the woken one sets it again when it locks or goes back to sleep, for those who stay.
 *
 * Robust (robust.ts): only the kernel changes the word, in the transaction that records the owner.
 *
 *   free --lock--> owner --death--> OWNER_DIED --lock (EOWNERDEAD)--> owner | OWNER_DIED --consistent--> owner
 *                                                                      --unlock--> SYNC_UNRECOVERABLE (ENOTRECOVERABLE for ever)
 *
 * A word without robust is not journalled, as others swap it while the lock is held: a death in unlock may leave it free and its waiters
 * asleep. The reap of that thread rings all, and a ring ends their sleep (sleepOnce). The mutex of an owner that died stays locked, as POSIX has it.
 *
 * Sources: POSIX.1-2017 pthread_mutex_lock, _timedlock, _consistent, _destroy; Drepper, "Futexes Are Tricky".
 */
import {
  EAGAIN,
  EBUSY,
  EDEADLK,
  EINVAL,
  ENOMEM,
  ENOTRECOVERABLE,
  EOWNERDEAD,
  EPERM,
  ETIMEDOUT,
} from './abi'
import { now } from './env'
import {
  MUTEX_BYTES,
  MUTEX_COUNT,
  MUTEX_COUNT_MAX,
  MUTEX_ERRORCHECK,
  MUTEX_KIND,
  MUTEX_ONCE,
  MUTEX_RECURSIVE,
  MUTEX_ROBUST,
  MUTEX_WAS_WOKEN,
  MUTEX_WOKEN,
  MUTEX_WORD,
  SYNC_DESTROYED,
  SYNC_OWNER,
  SYNC_OWNER_DIED,
  SYNC_UNRECOVERABLE,
  SYNC_WAITERS,
} from './ipcabi'
import { put } from './journal'
import { lock, unlock } from './lock'
import { Process } from './process'
import { forgetHeld, recordHeld } from './robust'
import { detail, field, isAwaited, key, reach, reachFor, untilOf } from './syncword'
import { ringAll } from './thread'
import { enqueue, sleepOnce, wake } from './wait'

const TYPE: u32 = 3

function kindOf(): u32 {
  return load<u32>(field(MUTEX_KIND))
}

function isKind(kind: u32): bool {
  return (kind & ~(TYPE | MUTEX_ROBUST)) == 0 && (kind & TYPE) <= MUTEX_ERRORCHECK
}

/** Makes what lies there a free mutex of a kind; what was there is forgotten, locked or not. => 0, -EINVAL, and as reach. */
export function sysMutexInit(process: Process, address: u64, kind: u32): i32 {
  if (!isKind(kind)) return -EINVAL
  lock()
  const result = reach(process, address, MUTEX_BYTES)
  if (result == 0) {
    const word = field(MUTEX_WORD)
    forgetHeld(atomic.load<u32>(word) & SYNC_OWNER, word)
    store<u32>(field(MUTEX_KIND), kind)
    store<u32>(field(MUTEX_COUNT), 0)
    atomic.store<u32>(word, 0)
  }
  unlock()
  return result
}

/** => 0, -EBUSY (owned, or somebody waits), -EINVAL (no mutex), and as reach. */
export function sysMutexDestroy(process: Process, address: u64): i32 {
  lock()
  let result = reach(process, address, MUTEX_BYTES)
  if (result == 0) result = destroyReached()
  unlock()
  return result
}

function destroyReached(): i32 {
  if (!isKind(kindOf())) return -EINVAL
  const owner = atomic.load<u32>(field(MUTEX_WORD)) & SYNC_OWNER
  if ((owner != 0 && owner != SYNC_UNRECOVERABLE) || isAwaited()) return -EBUSY
  store<u32>(field(MUTEX_KIND), SYNC_DESTROYED)
  return 0
}

/**
 * Locks for `owner`, until `deadline` (ms on `clock`; Infinity for never) if it must sleep. => 0; -EOWNERDEAD: locked too, but the last owner
 * died; -ENOTRECOVERABLE, -EDEADLK (errorcheck, owned already), -EAGAIN (MUTEX_COUNT_MAX, ROBUST_MAX), -ETIMEDOUT, -EINTR (an abort), -EINVAL (no
 * mutex, NaN), -ENOMEM, -ESRCH (no such owner), -EWOULDBLOCK_PARK, and as reach.
 * With MUTEX_ONCE a wake-up ends the call: => MUTEX_WOKEN, and the caller, who looks for itself, says so with MUTEX_WAS_WOKEN when it comes back, and sets
 * WAITERS when it locks.
 */
export function sysMutexLock(
  process: Process,
  owner: u32,
  address: u64,
  deadline: f64,
  clock: u32,
  flags: u32 = 0,
): i32 {
  if (isNaN(deadline)) return -EINVAL
  lock()
  const result = acquire(process, owner, address, untilOf(deadline, clock), flags)
  unlock()
  return result
}

/** => as sysMutexLock, but -EBUSY where that would sleep or refuse a second lock. */
export function sysMutexTrylock(process: Process, owner: u32, address: u64): i32 {
  lock()
  let result = reachFor(process, owner, address, MUTEX_BYTES)
  if (result == 0) result = take(process, owner, false, false)
  unlock()
  return result == -EDEADLK ? -EBUSY : result
}

/** Locks, sleeping until `until` (a time of now(0)). => as sysMutexLock. => lock held; free in between. */
export function acquire(
  process: Process,
  owner: u32,
  address: u64,
  until: f64,
  flags: u32 = 0,
): i32 {
  let woken = (flags & MUTEX_WAS_WOKEN) != 0
  let result = -EBUSY
  while (result == -EBUSY) {
    result = reachFor(process, owner, address, MUTEX_BYTES)
    if (result == 0) result = take(process, owner, true, woken)
    if (result == -EBUSY && until <= now(0)) result = -ETIMEDOUT
    if (result != -EBUSY) break
    const wait = enqueue(key, detail)
    if (wait == null) result = -ENOMEM
    else {
      result = sleepOnce(wait, until)
      woken = result == 0
      if (woken) result = (flags & MUTEX_ONCE) != 0 ? MUTEX_WOKEN : -EBUSY
    }
  }
  // Its wake-up is no use to this one: the others look for themselves.
  if (woken && result < 0 && result != -EOWNERDEAD) ringAll()
  return result
}

/**
 * One attempt at the mutex that was reached, by one who `woken` answers for the other sleepers. => 0 or why not; after -EBUSY its word says that somebody
 * waits, if one `stays` to.
 */
function take(process: Process, owner: u32, stays: bool, woken: bool): i32 {
  const kind = kindOf()
  if (!isKind(kind)) return -EINVAL
  const word = field(MUTEX_WORD)
  let old = atomic.load<u32>(word)
  if ((old & SYNC_OWNER) == owner && (kind & TYPE) != 0) return again(kind)
  const others = woken && isAwaited() ? SYNC_WAITERS : 0
  if ((kind & MUTEX_ROBUST) != 0) return takeRobust(process, owner, old | others, stays)
  let holder = old & SYNC_OWNER
  while (holder == 0 || stays) {
    const next = holder != 0 ? old | SYNC_WAITERS : owner | (old & SYNC_WAITERS) | others
    const found = atomic.cmpxchg<u32>(word, old, next)
    if (found == old) break
    old = found
    holder = old & SYNC_OWNER
  }
  return holder != 0 ? -EBUSY : 0
}

/** The owner locks once more. */
function again(kind: u32): i32 {
  if ((kind & TYPE) != MUTEX_RECURSIVE) return -EDEADLK
  const count = load<u32>(field(MUTEX_COUNT))
  if (count >= MUTEX_COUNT_MAX) return -EAGAIN
  setCount(kind, count + 1)
  return 0
}

function setCount(kind: u32, count: u32): void {
  if ((kind & MUTEX_ROBUST) != 0) put(field(MUTEX_COUNT), count)
  else store<u32>(field(MUTEX_COUNT), count)
}

function takeRobust(process: Process, owner: u32, old: u32, stays: bool): i32 {
  const word = field(MUTEX_WORD)
  if ((old & SYNC_OWNER) == SYNC_UNRECOVERABLE) return -ENOTRECOVERABLE
  if ((old & SYNC_OWNER) != 0) {
    if (stays) put(word, old | SYNC_WAITERS)
    return -EBUSY
  }
  const result = recordHeld(owner, process.pid, word, key, detail)
  if (result != 0) return result
  put(word, owner | (old & (SYNC_OWNER_DIED | SYNC_WAITERS)))
  put(field(MUTEX_COUNT), 0)
  return (old & SYNC_OWNER_DIED) != 0 ? -EOWNERDEAD : 0
}

/** => 0, -EPERM (not the owner), -EINVAL (no mutex), -ESRCH, and as reach. */
export function sysMutexUnlock(process: Process, owner: u32, address: u64): i32 {
  lock()
  let result = reachFor(process, owner, address, MUTEX_BYTES)
  if (result == 0) result = mayUnlock(owner)
  if (result == 0) {
    const count = load<u32>(field(MUTEX_COUNT))
    if ((kindOf() & TYPE) == MUTEX_RECURSIVE && count != 0) setCount(kindOf(), count - 1)
    else letGo(owner)
  }
  unlock()
  return result
}

/** => 0: the mutex that was reached is one, and `owner`'s. */
export function mayUnlock(owner: u32): i32 {
  if (!isKind(kindOf())) return -EINVAL
  return (atomic.load<u32>(field(MUTEX_WORD)) & SYNC_OWNER) == owner ? 0 : -EPERM
}

/** Unlocks what was reached, however often it was locked. => the locks beyond the first. => mayUnlock; nothing is allocated after it. */
export function letGo(owner: u32): u32 {
  const kind = kindOf()
  const count = (kind & TYPE) == MUTEX_RECURSIVE ? load<u32>(field(MUTEX_COUNT)) : 0
  if (count != 0) setCount(kind, 0)
  const word = field(MUTEX_WORD)
  const robust = (kind & MUTEX_ROBUST) != 0
  const lost = robust && (load<u32>(word) & SYNC_OWNER_DIED) != 0
  let old = load<u32>(word)
  if (robust) put(word, lost ? SYNC_UNRECOVERABLE : 0)
  else old = atomic.xchg<u32>(word, 0)
  if (lost) wake(key, 0xffffffff, detail)
  else if ((old & SYNC_WAITERS) != 0) wake(key, 1, detail)
  if (robust) forgetHeld(owner, word)
  return count
}

/** The owner has `count` locks beyond the first: a condition's wait gives them back. */
export function relock(count: u32): void {
  if (count != 0) setCount(kindOf(), count)
}

/** pthread_mutex_consistent(3). => 0, -EINVAL (not robust, or not the owner of an inconsistent one), -ESRCH, and as reach. */
export function sysMutexConsistent(process: Process, owner: u32, address: u64): i32 {
  lock()
  let result = reachFor(process, owner, address, MUTEX_BYTES)
  if (result == 0) {
    const word = field(MUTEX_WORD)
    const old = atomic.load<u32>(word)
    const mine = (old & ~SYNC_WAITERS) == (owner | SYNC_OWNER_DIED)
    if (isKind(kindOf()) && (kindOf() & MUTEX_ROBUST) != 0 && mine)
      put(word, old & ~SYNC_OWNER_DIED)
    else result = -EINVAL
  }
  unlock()
  return result
}
