/**
 * Conditions in mapped pages: two words at a multiple of 4.
 *
 *   0  waiters   not 0: somebody may sleep; 0: nobody does, and signal and broadcast need no kernel call
 *   4  kind      the clock of its deadlines; SYNC_DESTROYED        all zero: a condition of the real-time clock
 *
 * A wait queues itself and lets the mutex go under one hold of the kernel lock, and a signal takes who waited longest under another: none
 * is lost, whoever dies. Whoever is woken takes the mutex as any other thread does, and does not return without it, but when its process ends,
 * the mutex's page is gone, or the mutex cannot be recovered. Waiters of one broadcast are all woken at once, as in glibc since 2.25: they
 * queue on the mutex by themselves, so there is no requeue.
 *
 * Sources: POSIX.1-2017 pthread_cond_wait, pthread_cond_broadcast, pthread_cond_destroy.
 */
import { EBUSY, EINTR, EINVAL, ENOMEM, EOWNERDEAD, EWOULDBLOCK_PARK } from './abi'
import { now } from './env'
import {
  CLOCK_MONOTONIC,
  COND_BYTES,
  COND_KIND,
  COND_WAITERS,
  MUTEX_BYTES,
  SYNC_DESTROYED,
} from './ipcabi'
import { put } from './journal'
import { lock, unlock } from './lock'
import { acquire, letGo, mayUnlock, relock } from './mutex'
import { Process } from './process'
import { detail, field, isAwaited, key, reach, reachFor, untilOf } from './syncword'
import { mayBlock } from './thread'
import { enqueue, sleep, Wait, wake } from './wait'

/** `clock` of sysCondWait: the condition's own. */
const CLOCK_OF_CONDITION: u32 = 0xffffffff

function isCondition(): bool {
  return load<u32>(field(COND_KIND)) <= CLOCK_MONOTONIC
}

/** => 0, -EINVAL (no such clock), and as reach. */
export function sysCondInit(process: Process, address: u64, clock: u32): i32 {
  if (clock > CLOCK_MONOTONIC) return -EINVAL
  lock()
  const result = reach(process, address, COND_BYTES)
  if (result == 0) {
    store<u32>(field(COND_KIND), clock)
    store<u32>(field(COND_WAITERS), 0)
  }
  unlock()
  return result
}

/** => 0, -EBUSY (somebody waits), -EINVAL (no condition), and as reach. */
export function sysCondDestroy(process: Process, address: u64): i32 {
  lock()
  let result = reach(process, address, COND_BYTES)
  if (result == 0) {
    if (!isCondition()) result = -EINVAL
    else if (isAwaited()) result = -EBUSY
    else store<u32>(field(COND_KIND), SYNC_DESTROYED)
  }
  unlock()
  return result
}

/** Wakes up to `count` waiters, first come first. => how many, -EINVAL (no condition), and as reach. */
export function sysCondWake(process: Process, address: u64, count: u32): i32 {
  lock()
  let result = reach(process, address, COND_BYTES)
  if (result == 0 && !isCondition()) result = -EINVAL
  if (result == 0) {
    result = <i32>wake(key, count, detail)
    if (!isAwaited()) put(field(COND_WAITERS), 0)
  }
  unlock()
  return result
}

/**
 * Lets `owner`'s mutex go and waits to be woken, until `deadline` (ms on `clock`, the condition's own by default; Infinity for never).
 * => the mutex is locked again after 0, -ETIMEDOUT, -EINTR (an abort) and -EOWNERDEAD (the mutex's owner before died); it never was let go after
 * -EPERM (not the owner), -EINVAL (no condition, no mutex, NaN), -ENOMEM, -EWOULDBLOCK_PARK; and is not locked after -ENOTRECOVERABLE, -ESRCH and
 * the errors of its page.
 */
export function sysCondWait(
  process: Process,
  owner: u32,
  condition: u64,
  mutex: u64,
  deadline: f64,
  clock: u32,
): i32 {
  if (isNaN(deadline)) return -EINVAL
  if (!mayBlock()) return -EWOULDBLOCK_PARK
  lock()
  let result = reachFor(process, owner, mutex, MUTEX_BYTES)
  if (result == 0) result = mayUnlock(owner)
  if (result == 0) result = reach(process, condition, COND_BYTES)
  if (result == 0 && !isCondition()) result = -EINVAL
  if (result == 0) {
    const own = clock == CLOCK_OF_CONDITION ? load<u32>(field(COND_KIND)) : clock
    const until = untilOf(deadline, own)
    const wait = enqueue(key, detail)
    if (wait != null) put(field(COND_WAITERS), 1)
    result = wait == null ? -ENOMEM : waitFor(process, owner, mutex, wait, until)
  }
  unlock()
  return result
}

/** Queued already: to reach the mutex again may free the lock, which the mutex is still locked through. */
function waitFor(process: Process, owner: u32, mutex: u64, wait: Wait, until: f64): i32 {
  const result = reachFor(process, owner, mutex, MUTEX_BYTES)
  if (result != 0) {
    sleep(wait, 0)
    return result
  }
  const count = letGo(owner)
  const left = until - now(0)
  const slept = sleep(wait, left > 0 ? left : 0)
  return retake(process, owner, mutex, count, slept)
}

/** Locks the mutex again after a sleep that ended with `slept`. An abort ends the wait, not this; the end of the process does (ESRCH). */
function retake(process: Process, owner: u32, mutex: u64, count: u32, slept: i32): i32 {
  let result: i32
  do result = acquire(process, owner, mutex, Infinity)
  while (result == -EINTR)
  if (result != 0 && result != -EOWNERDEAD) return result
  relock(count)
  return result == 0 ? slept : result
}
