/**
 * POSIX semaphores: sem_wait and its like, on four words of a mapped page (ipcabi.ts has the layout, and what may be done outside of the kernel).
 *
 * VALUE is changed by others while the kernel lock is held, so it is not journalled: every change here is one atomic operation that is right
 * by itself. A unit that the kernel posts while somebody sleeps goes to the first sleeper by `handOver`, in one transaction, and never shows in
 * VALUE: whoever dies, a unit is neither lost nor doubled, and who waited longest gets it. A sleeper that dies before it is awake, or whose process ends, never had
 * it: it goes to the next, or back into VALUE (`returnUnit`). A unit that was posted outside is for who comes
 * first; sem_settle wakes sleepers to look, and so does the ring that follows every death, for a poster that died before its sem_settle.
 *
 * Invariant: while somebody sleeps, WAITERS is not 0.
 * Sources: POSIX.1-2017 sem_init, sem_wait, sem_timedwait, sem_post, sem_getvalue, sem_destroy; musl's sem_post and sem_timedwait for the protocol.
 */
import { EAGAIN, EBUSY, EINTR, EINVAL, ENOMEM, EOVERFLOW } from './abi'
import {
  CLOCK_REALTIME,
  POSIX_SEM_BYTES,
  POSIX_SEM_KIND,
  POSIX_SEM_NAMED,
  POSIX_SEM_UNNAMED,
  POSIX_SEM_VALUE,
  POSIX_SEM_WAITERS,
  SEM_VALUE_MAX,
} from './ipcabi'
import { commit, put } from './journal'
import { lock, unlock } from './lock'
import { Process } from './process'
import {
  detail,
  field,
  handOver,
  isAwaited,
  isHanded,
  key,
  reach,
  settleHanded,
  takeBack,
  untilOf,
} from './syncword'
import { isEnding } from './thread'
import { enqueue, firstWait, isQueued, resultOf, sleepInPlace, Wait, wake, withdraw } from './wait'

/** What a sleeper is finished with: a unit is its own now. Any other end of its sleep means to look again, or is an error. */
export const HANDED: i32 = 1

/** Makes the words at the kernel address `words` a semaphore. */
export function fillSem(words: usize, value: u32, kind: u32): void {
  store<u32>(words, value, POSIX_SEM_VALUE)
  store<u32>(words, 0, POSIX_SEM_WAITERS)
  store<u32>(words, kind, POSIX_SEM_KIND)
  store<u32>(words, 0, POSIX_SEM_KIND + 4)
}

/** Reaches a semaphore. => 0, -EINVAL (it is none), and as reach. => lock held before and after, maybe free in between. */
function reachSem(process: Process, address: u64): i32 {
  const result = reach(process, address, POSIX_SEM_BYTES, false)
  if (result != 0) return result
  return isSem() ? 0 : -EINVAL
}

/** => what was reached is a semaphore. */
function isSem(): bool {
  const kind = load<u32>(field(POSIX_SEM_KIND))
  return kind == POSIX_SEM_UNNAMED || kind == POSIX_SEM_NAMED
}

/** Takes a unit. => there was one. */
function take(): bool {
  const at = field(POSIX_SEM_VALUE)
  let value = atomic.load<u32>(at)
  while (value - 1 < SEM_VALUE_MAX) {
    const seen = atomic.cmpxchg<u32>(at, value, value - 1)
    if (seen == value) return true
    value = seen
  }
  return false
}

/** From here on posters outside of the kernel know that somebody may sleep: the second store orders it before what is loaded next. */
function announce(): void {
  put(field(POSIX_SEM_WAITERS), 1)
  atomic.store<u32>(field(POSIX_SEM_WAITERS), 1)
}

function announceEnd(): void {
  if (!isAwaited()) put(field(POSIX_SEM_WAITERS), 0)
}

/** sem_init(3). What was there is forgotten. => 0, -EINVAL (a value above SEM_VALUE_MAX), and as reach. */
export function sysSemInit(process: Process, address: u64, value: u32): i32 {
  if (value > SEM_VALUE_MAX) return -EINVAL
  lock()
  const result = reach(process, address, POSIX_SEM_BYTES, false)
  if (result == 0) {
    store<u32>(field(POSIX_SEM_WAITERS), isAwaited() ? 1 : 0)
    store<u32>(field(POSIX_SEM_KIND), POSIX_SEM_UNNAMED)
    store<u32>(field(POSIX_SEM_KIND + 4), 0)
    atomic.store<u32>(field(POSIX_SEM_VALUE), value)
    wake(key, value, detail)
  }
  unlock()
  return result
}

/** sem_destroy(3). => 0, -EINVAL (no semaphore, or a named one), -EBUSY (somebody sleeps), and as reach. */
export function sysSemDestroy(process: Process, address: u64): i32 {
  lock()
  let result = reachSem(process, address)
  if (result == 0) {
    if (load<u32>(field(POSIX_SEM_KIND)) == POSIX_SEM_NAMED) result = -EINVAL
    else if (isAwaited()) result = -EBUSY
    else store<u32>(field(POSIX_SEM_KIND), 0)
  }
  unlock()
  return result
}

/**
 * sem_wait(3), until `deadline` (ms since 1970, Infinity for never). => 0; when it would have to wait -EINVAL (NaN) or -ETIMEDOUT; -EINTR, -ENOMEM,
 * -EWOULDBLOCK_PARK, -EINVAL (no semaphore), and as reach.
 */
export function sysSemWait(process: Process, address: u64, deadline: f64): i32 {
  lock()
  let result = reachSem(process, address)
  if (result == 0 && !take()) {
    result = isNaN(deadline)
      ? -EINVAL
      : waitFor(process, address, untilOf(deadline, CLOCK_REALTIME))
  }
  unlock()
  return result
}

/** sem_trywait(3). => 0, -EAGAIN, -EINVAL (no semaphore), and as reach. */
export function sysSemTrywait(process: Process, address: u64): i32 {
  lock()
  let result = reachSem(process, address)
  if (result == 0 && !take()) result = -EAGAIN
  unlock()
  return result
}

/** Queues, looks once more, and sleeps until a unit is handed over or found. => as sysSemWait. => reached, lock held before and after. */
function waitFor(process: Process, address: u64, until: f64): i32 {
  let wait: Wait | null = null
  do {
    if (wait == null) {
      wait = enqueue(key, detail)
      if (wait == null) return -ENOMEM
      announce()
      if (take()) return stopWaiting(wait)
    }
    const slept = sleepInPlace(wait, until)
    const reached = reachSem(process, address)
    if (isHanded(wait)) return takeHanded(process, wait)
    const stays = isQueued(wait) && wait.key == key && wait.detail == detail
    const said = isQueued(wait) || slept != 0 ? slept : resultOf(wait)
    if (!stays || reached != 0) {
      withdraw(wait)
      commit()
      wait = null
    }
    if (reached != 0) return reached
    if (said < 0) {
      announceEnd()
      return said
    }
  } while (!take())
  return stopWaiting(wait)
}

/** A unit was handed over. => 0, -EINTR when the process or this thread is ending: then it is for others. The node is gone. */
function takeHanded(process: Process, wait: Wait): i32 {
  const ends = process.exiting != 0 || isEnding()
  if (ends) returnUnit(wait)
  settleHanded(wait)
  withdraw(wait)
  return ends ? -EINTR : 0
}

/** The unit that was handed to `wait` is another's, if what lies there is still a semaphore. => handed; lock held; a transaction ends. */
export function returnUnit(wait: Wait): void {
  if (takeBack(wait) && isSem()) post()
  commit()
}

/** A unit was found, not handed over. */
function stopWaiting(wait: Wait | null): i32 {
  if (wait != null) withdraw(wait)
  announceEnd()
  return 0
}

/** sem_post(3). => 0, -EOVERFLOW, -EINVAL (no semaphore), and as reach. */
export function sysSemPost(process: Process, address: u64): i32 {
  lock()
  let result = reachSem(process, address)
  if (result == 0) result = post()
  unlock()
  return result
}

function post(): i32 {
  const first = firstWait(key, detail)
  if (first != null) {
    handOver(first, HANDED)
    announceEnd()
    return 0
  }
  const at = field(POSIX_SEM_VALUE)
  let value = atomic.load<u32>(at)
  while (value < SEM_VALUE_MAX) {
    const seen = atomic.cmpxchg<u32>(at, value, value + 1)
    if (seen == value) return 0
    value = seen
  }
  return -EOVERFLOW
}

/** After a post outside of the kernel that found WAITERS set: as many sleepers as there are units look again. => 0, -EINVAL, and as reach. */
export function sysSemSettle(process: Process, address: u64): i32 {
  lock()
  const result = reachSem(process, address)
  if (result == 0) {
    wake(key, atomic.load<u32>(field(POSIX_SEM_VALUE)), detail)
    announceEnd()
  }
  unlock()
  return result
}

/** sem_getvalue(3). => the value, 0 while somebody waits; -EINVAL (no semaphore), and as reach. */
export function sysSemGetvalue(process: Process, address: u64): i32 {
  lock()
  let result = reachSem(process, address)
  if (result == 0) result = atomic.load<i32>(field(POSIX_SEM_VALUE))
  unlock()
  return result
}
