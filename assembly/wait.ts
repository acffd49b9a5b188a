/**
 * Wait queues: park until a key is woken.
 *
 * A key is 64 bits: what is waited for (a page, an object, a lock) as its kernel address, or for a futex whatever futex.ts makes.
 * Nodes hang in a bucket by hash, in the order of arrival, and in their thread's list, so that a death finds them.
 *
 *   QUEUED --wake--> WOKEN        QUEUED --interrupt--> INTERRUPTED
 *          --finish--> FINISHED                            --timeout--> LEFT
 *
 * A wake says "look again"; a finish says "it is done": whoever made it possible has done what the sleeper wanted, under the same lock, and
 * leaves the result in the node. So what was free for a moment goes to who waited longest, and nobody can slip in between.
 *
 * Invariants:
 *  1. A node is in its bucket exactly while QUEUED; every change is under the kernel lock and journalled.
 *  2. The doorbell's value is read under the lock in which QUEUED was seen, so a wake-up in between changes it and the
 *     sleep returns at once: no wake-up is lost.
 *     It is rung right after the lock is free: who had seen QUEUED has read it before.
 *  3. A wake that a dead thread had received and not used goes on to the next waiter (dropWaits), and so does a lock that was handed to it
 *     (handed.ts). What else was finished for it was its own.
 *  4. The chain of a node belongs to it and goes with it.
 */
import {
  EINTR,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  PANIC_WAIT_QUEUE,
  THREAD_SERVES,
  THREADS_MAX,
  WHERE_DEAD,
  WHERE_FREE,
  WHERE_MASK,
} from './abi'
import { freeChain } from './chain'
import { now, serve } from './env'
import { edit, put } from './journal'
import { lock, relax, unlock } from './lock'
import { check } from './panic'
import { create, destroy } from './slab'
import {
  beginPark,
  endPark,
  linger,
  mayBlock,
  me,
  ringLater,
  sleepAt,
  Thread,
  threadAt,
  threadsUsed,
} from './thread'

const QUEUED: u32 = 0
const WOKEN: u32 = 1
const INTERRUPTED: u32 = 2
const FINISHED: u32 = 3
const LEFT: u32 = 4

/** A bit of `detail`: the handler of a signal does not end this sleep. POSIX has it so for all of <pthread.h>: none of it says EINTR. */
export const RESUMED: u64 = 0x4000000000000000

/** As `detail`: a thread that polls (poll.ts) wants to know of any change of what the key is the address of. */
export const POLLED: u64 = 0x2000000000000000

/** Bits of `detail`: the key is the address of a pipe, or of a POSIX message queue. Observers are told (stat.ts). */
export const ON_PIPE: u64 = 0x1000000000000000
export const ON_POSIX_QUEUE: u64 = 0x0800000000000000

@unmanaged
export class Wait {
  next: Wait | null
  prev: Wait | null
  /** Next node of the same thread. */
  sibling: Wait | null
  state: u32
  key: u64
  thread: u32
  /** Free for who waits: a futex bit set, a lock's range. */
  value: u32
  /** Second half of the key: an offset, for futexes. */
  detail: u64
  /** What finish was given. */
  result: i32
  /** A byte chain that goes with the node: what is sent, asked for, or was received. 0 for none. */
  chain: u32
  chainBytes: u32
  /** Free for who waits and who finishes. */
  extra: u32
  /** A lock in a page that finish handed over, while its pages are held for that (syncword.ts): its addresses, 0 for none, and which of them are charged. */
  lockStart: u32
  lockRest: u32
  lockCharged: u32
}

const BUCKETS: u32 = 256
/** First and last node of each bucket. */
const TABLE: usize = memory.data(2048, 16)
/**
 * How long a word is watched before a sleep, ms: longer than a wake-up takes. Two threads that answer each other would else drive each other to
 * sleep for good: who waits for one that sleeps has watched in vain before the other is awake.
 */
const WATCH_MS: f64 = 0.1
/** Between two looks at a word that others change under the lock (linger). */
const WATCH_PAUSE: u32 = 128
/** Sleeps of this thread that pass without a watch: how many after the last one in vain, and how many yet. */
let vain: u32 = 0
let unwatched: u32 = 0
const VAIN_MAX: u32 = 63
/** One sleep is no longer, ms: then the sleeper looks again how much is left. */
const SLEEP_MS_MAX: f64 = 1e9
/** What a thread that may not block spins before it gives up, ms. */
const SPIN_MS: f64 = 0.05

function bucketOf(key: u64): usize {
  return TABLE + ((<usize>((key * 0x9e3779b97f4a7c15) >> 56) & (BUCKETS - 1)) << 3)
}

/** Queues this thread on `key`. => null when memory is out. => lock held. */
export function enqueue(key: u64, detail: u64 = 0): Wait | null {
  const wait = create<Wait>()
  if (changetype<usize>(wait) == 0) return null
  const bucket = bucketOf(key)
  const last = load<u32>(bucket, 4)
  wait.key = key
  wait.detail = detail
  wait.thread = me().index
  wait.prev = changetype<Wait | null>(<usize>last)
  if (last != 0) edit<Wait>(changetype<Wait>(<usize>last)).next = wait
  else put(bucket, <u32>changetype<usize>(wait))
  put(bucket + 4, <u32>changetype<usize>(wait))
  wait.sibling = changetype<Wait | null>(<usize>me().waits)
  put(changetype<usize>(me()) + offsetof<Thread>('waits'), <u32>changetype<usize>(wait))
  return wait
}

function unqueue(wait: Wait): void {
  const bucket = bucketOf(wait.key)
  const prev = wait.prev
  const next = wait.next
  if (prev != null) edit<Wait>(prev).next = next
  else put(bucket, <u32>changetype<usize>(next))
  if (next != null) edit<Wait>(next).prev = prev
  else put(bucket + 4, <u32>changetype<usize>(prev))
}

/** Takes a node that is not queued out of its thread's list, and frees it with its chain. => lock held; nothing is allocated after it. */
export function discard(wait: Wait): void {
  let at = changetype<usize>(threadAt(wait.thread)) + offsetof<Thread>('waits')
  while (load<u32>(at) != <u32>changetype<usize>(wait)) {
    check(load<u32>(at) != 0, PANIC_WAIT_QUEUE)
    at = <usize>load<u32>(at) + offsetof<Wait>('sibling')
  }
  put(at, <u32>changetype<usize>(wait.sibling))
  if (wait.chain != 0) freeChain(wait.chain, wait.chainBytes)
  destroy<Wait>(wait)
}

/**
 * Sleeps until `wait` is woken or finished. => lock held before and after, free in between.
 * => 0, the result that finish left, -ETIMEDOUT after `timeoutMs` (negative: never), -EINTR, or -EWOULDBLOCK_PARK on a thread that may not
 * block. The node is gone.
 */
export function sleep(wait: Wait, timeoutMs: f64): i32 {
  const result = sleepUntil(wait, timeoutMs)
  discard(wait)
  relax()
  return result
}

/** As sleep, but the node stays, no longer queued, for the caller to read and discard. */
export function sleepUntil(wait: Wait, timeoutMs: f64): i32 {
  return sleepTo(wait, timeoutMs < 0 ? <f64>Infinity : now(0) + timeoutMs, false)
}

/**
 * As sleep, until a time of now(0) (Infinity: never), and any ring ends it with 0: for those who wait for a word that others change without the
 * lock. Whoever was to wake them may have died before it did; then all threads are rung (exit.ts), and they look for themselves.
 */
export function sleepOnce(wait: Wait, until: f64): i32 {
  const result = sleepTo(wait, until, true)
  withdraw(wait)
  relax()
  return result
}

/**
 * As sleepOnce, but the node stays: with its place in the queue when a ring alone ended the sleep (isQueued), so that the caller may look and
 * sleep on; else for the caller to discard.
 */
export function sleepInPlace(wait: Wait, until: f64): i32 {
  return sleepTo(wait, until, true)
}

/** => how the sleep of a node that is not queued ended: what finish was given, -EINTR, or 0. */
export function resultOf(wait: Wait): i32 {
  if (wait.state == FINISHED) return wait.result
  return wait.state == INTERRUPTED ? -EINTR : 0
}

/** Takes a node out of its queue, if it is in one, and discards it. => lock held; nothing is allocated after it. */
export function withdraw(wait: Wait): void {
  if (wait.state == QUEUED) unqueue(wait)
  discard(wait)
}

function sleepTo(wait: Wait, until: f64, once: bool): i32 {
  let result = 0
  while (wait.state == QUEUED) {
    const left = until - now(0)
    if (left <= 0) {
      result = -ETIMEDOUT
      break
    }
    const bell = atomic.load<u32>(changetype<usize>(me()) + offsetof<Thread>('doorbell'))
    unlock()
    const rung = nap(bell, left)
    lock()
    if (!rung && wait.state == QUEUED) {
      result = -EWOULDBLOCK_PARK
      break
    }
    if (once) break
  }
  if (wait.state == INTERRUPTED) result = -EINTR
  if (wait.state == FINISHED) result = wait.result
  if (wait.state == QUEUED && (!once || result != 0)) {
    unqueue(wait)
    edit<Wait>(wait).state = LEFT
  }
  return result
}

/** Waits for the doorbell to move from `bell`. => false when this thread may not sleep and the bell did not move. */
function nap(bell: u32, leftMs: f64): bool {
  const at = changetype<usize>(me()) + offsetof<Thread>('doorbell')
  if (mayBlock()) {
    // What was asked of this thread before `bell` was read rings no more.
    if ((me().flags & THREAD_SERVES) != 0) serve()
    if (!rungSoon(at, bell, leftMs)) {
      const ns = <i64>(min(leftMs, SLEEP_MS_MAX) * 1e6) + 1
      beginPark()
      sleepAt(at, bell, ns)
      endPark()
    }
    if ((me().flags & THREAD_SERVES) != 0) serve()
    return true
  }
  const until = now(0) + min(leftMs, SPIN_MS)
  do {
    if ((me().flags & THREAD_SERVES) != 0) serve()
    if (atomic.load<u32>(at) != bell) return true
  } while (now(0) < until)
  return false
}

function rungSoon(at: usize, bell: u32, leftMs: f64): bool {
  return comesSoon(at, bell + 1, bell - 1, 0, leftMs)
}

/**
 * Watches the word at `at` until it is from `least` to `most` (as they count up, past 2^32 too), for as long as a sleep and a wake-up take, where
 * that was worth it lately: after each watch in vain it lets twice as many sleeps pass without one. `pause`: see linger. => it is. => lock not
 * held; the word may be of what is freed meanwhile: a hint.
 */
function comesSoon(at: usize, least: u32, most: u32, pause: u32, leftMs: f64 = WATCH_MS): bool {
  const span = most - least
  if (unwatched > 0) {
    unwatched--
    return atomic.load<u32>(at) - least <= span
  }
  const until = now(0) + min(leftMs, WATCH_MS)
  do {
    for (let i = 0; i < 64; i++) {
      if (pause != 0) linger(pause)
      if (atomic.load<u32>(at) - least > span) continue
      vain = 0
      return true
    }
  } while (now(0) < until)
  vain = min(vain * 2 + 1, VAIN_MAX)
  unwatched = vain
  return false
}

/**
 * As comesSoon, for a word of kernel state, before a call that found it otherwise queues itself: two threads that take turns as fast as they can need
 * no nodes and no wake-ups then. => the lock was free in between, and all must be looked at again; false, on a thread that may not wait:
 * nothing was done. => lock held, nothing changed yet.
 */
export function watch(at: usize, least: u32, most: u32): bool {
  if (!mayBlock()) return false
  unlock()
  comesSoon(at, least, most, WATCH_PAUSE)
  lock()
  return true
}

/**
 * A pause while the word at `address` is not yet `wanted` (0: a short pause for whatever may change). => lock not held.
 * Unlike sleep it never gives up: an exchange with another thread that has begun cannot be left half way.
 */
export function pauseForRing(address: usize, wanted: u32): void {
  const bell = atomic.load<u32>(changetype<usize>(me()) + offsetof<Thread>('doorbell'))
  if (address == 0 || atomic.load<u32>(address) != wanted) nap(bell, address == 0 ? 1 : 100)
}

/** Queues on `key` and sleeps. => as sleep, or 0 at once when memory is out: the caller looks again. */
export function park(key: u64, timeoutMs: f64): i32 {
  const wait = enqueue(key)
  if (wait != null) return sleep(wait, timeoutMs)
  relax()
  return 0
}

/** Wakes up to `count` waiters of `key`, first come first. => how many. => lock held. */
export function wake(key: u64, count: u32, detail: u64 = 0): u32 {
  let woken: u32 = 0
  let wait = changetype<Wait | null>(<usize>load<u32>(bucketOf(key)))
  while (wait != null && woken < count) {
    const next = wait.next
    if (wait.key == key && wait.detail == detail) {
      unqueue(wait)
      edit<Wait>(wait).state = WOKEN
      ringLater(wait.thread)
      woken++
    }
    wait = next
  }
  return woken
}

/** => the node's thread sleeps, or is about to: nobody has woken it. */
export function isQueued(wait: Wait): bool {
  return wait.state == QUEUED
}

/** => the first node queued on a key, null when nobody waits. => lock held. */
export function firstWait(key: u64, detail: u64 = 0): Wait | null {
  return matching(changetype<Wait | null>(<usize>load<u32>(bucketOf(key))), key, detail)
}

/** => the node queued behind `wait` on the same key; ask before `wait` is finished. */
export function nextWait(wait: Wait): Wait | null {
  return matching(wait.next, wait.key, wait.detail)
}

function matching(from: Wait | null, key: u64, detail: u64): Wait | null {
  let wait = from
  while (wait != null && (wait.key != key || wait.detail != detail)) wait = wait.next
  return wait
}

/** What a sleeper wanted is done: its sleep ends with `result`. => queued; lock held. */
export function finish(wait: Wait, result: i32): void {
  unqueue(wait)
  edit<Wait>(wait).state = FINISHED
  wait.result = result
  ringLater(wait.thread)
}

/** Ends all sleeps on a key with `result`: what they waited for is gone. => lock held. */
export function finishAll(key: u64, detail: u64, result: i32): void {
  let wait = firstWait(key, detail)
  while (wait != null) {
    const next = nextWait(wait)
    finish(wait, result)
    wait = next
  }
}

/** Ends the sleeps of thread `index` with EINTR; as a `signal` does, not those that are RESUMED after one. => how many. => lock held. */
export function interrupt(index: u32, signal: bool = false): u32 {
  let count: u32 = 0
  let wait = changetype<Wait | null>(<usize>threadAt(index).waits)
  while (wait != null) {
    if (wait.state == QUEUED && !(signal && (wait.detail & RESUMED) != 0)) {
      unqueue(wait)
      edit<Wait>(wait).state = INTERRUPTED
      count++
    }
    wait = wait.sibling
  }
  if (count > 0) ringLater(index)
  return count
}

/** Ends the sleeps of every other thread that is in a call of process `pid` with EINTR. => how many. => lock held. */
export function interruptCalls(pid: u32): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const at = changetype<usize>(threadAt(i))
    const where = atomic.load<u32>(at) & WHERE_MASK
    if (i == me().index || where == WHERE_FREE || where == WHERE_DEAD) continue
    if (atomic.load<u32>(at + offsetof<Thread>('process')) == pid) count += interrupt(i, true)
  }
  return count
}

/** Frees the nodes of thread `index`, which is dead, and hands on a wake it had not used. => lock held. */
export function dropWaits(index: u32): void {
  let link = threadAt(index).waits
  while (link != 0) {
    const wait = changetype<Wait>(<usize>link)
    if (wait.state == QUEUED) unqueue(wait)
    else if (wait.state == WOKEN) wake(wait.key, 1, wait.detail)
    discard(wait)
    link = threadAt(index).waits
  }
}

/** Panics when a queue is broken; => nodes queued. => lock held. */
export function checkWaits(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < BUCKETS; i++) {
    let prev: Wait | null = null
    let wait = changetype<Wait | null>(<usize>load<u32>(TABLE + ((<usize>i) << 3)))
    while (wait != null) {
      check(wait.prev == prev && wait.state == QUEUED, PANIC_WAIT_QUEUE, i)
      check(
        wait.thread < THREADS_MAX && bucketOf(wait.key) == TABLE + ((<usize>i) << 3),
        PANIC_WAIT_QUEUE,
        i,
      )
      prev = wait
      wait = wait.next
      count++
    }
    check(
      load<u32>(TABLE + ((<usize>i) << 3), 4) == <u32>changetype<usize>(prev),
      PANIC_WAIT_QUEUE,
      i,
    )
  }
  return count
}
