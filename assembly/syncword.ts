/**
 * Words in mapped pages that threads synchronise on: where they lie in kernel memory, the queue of those who wait for them, and until when.
 *
 * `reach` leaves its findings here, for the code behind it and no longer than the lock is held: every sleep ends with another `reach`. The
 * queue's key is a futex's (futex.ts) but its own (OWN_QUEUE), so that map.notify on the same word wakes nobody who waits for the lock.
 *
 * What is handed to a sleeper (a unit of a semaphore, a rwlock) is its own before it is awake. Until it has taken that, its node says where it lies and the
 * pages there are held, so that a death can give it back (handed.ts) whatever was unmapped meanwhile:
 *
 *   QUEUED --handOver--> handed --settleHanded--> nothing held        --takeBack, for another--> not handed, still held
 */
import { EINVAL, ESRCH, SIGSEGV } from './abi'
import { now } from './env'
import { fault } from './fault'
import { FRAME_ORPHAN, frameOf } from './frame'
import { detail as futexDetail, key as futexKey, keyFor } from './futex'
import { CLOCK_REALTIME } from './ipcabi'
import { commit, edit } from './journal'
import { inWindow } from './mmap'
import { isLiving } from './owner'
import { Process, Space } from './process'
import { PTE_FLAGS, PTE_READ, PTE_WRITE, pteOf } from './pte'
import { K } from './root'
import { hold, unhold } from './view'
import { finish, firstWait, RESUMED, Wait } from './wait'

/** A bit of `detail`: no futex's queue. */
const OWN_QUEUE: u64 = 0x2000000000000000

/** The queue of what `reach` found. */
export let key: u64 = 0
export let detail: u64 = 0
/** Kernel addresses of its first byte, and of what would be its first byte if all of it lay in its last page. */
let start: usize = 0
let rest: usize = 0
/** Bytes of it that lie in its first page, and whether it ends in another. */
let within: u32 = 0
let isSplit: bool = false

/** => kernel address of a byte that may be stored to right now, 0 when there is none. */
function settled(space: Space, address: u32): usize {
  const entry = pteOf(space, address)
  if ((entry & (PTE_READ | PTE_WRITE)) != (PTE_READ | PTE_WRITE)) return 0
  return <usize>(entry & ~PTE_FLAGS) + (address & (K.pageBytes - 1))
}

/**
 * Makes [address, address + bytes) ready to be stored to: `field` says where. `resumed`: a sleep goes on after a signal. => lock held before and after, maybe free in between; a transaction begins.
 * => 0, -EINVAL (unaligned), -SIGSEGV, -SIGBUS, -EWOULDBLOCK_PARK.
 */
export function reach(process: Process, address: u64, bytes: u32, resumed: bool = true): i32 {
  if ((address & 3) != 0) return -EINVAL
  if (!inWindow(address, bytes)) return -SIGSEGV
  const space = process.space!
  const first = <u32>address
  const last = first + bytes - 4
  do {
    let result = fault(space, first, true)
    if (result == 0 && !isOnePage(first, last)) result = fault(space, last, true)
    commit() // what the fault replaced is free now, and this call may allocate
    if (result != 0) return result
    start = settled(space, first)
    rest = settled(space, last) - (last - first)
  } while (start == 0 || settled(space, last) == 0)
  within = pageLeft(first)
  isSplit = !isOnePage(first, last)
  keyFor(space, first)
  key = futexKey
  detail = futexDetail | OWN_QUEUE | (resumed ? RESUMED : 0)
  return 0
}

function isOnePage(first: u32, last: u32): bool {
  return first >> K.pageShift == last >> K.pageShift
}

/** As reach, for a call of `owner`. => also -ESRCH when that thread is not, or no longer, one of the process. */
export function reachFor(process: Process, owner: u32, address: u64, bytes: u32): i32 {
  const result = reach(process, address, bytes)
  if (result != 0) return result
  return process.exiting == 0 && isLiving(process, owner) ? 0 : -ESRCH
}

/** => kernel address of the word at byte `offset` of what was reached. */
export function field(offset: u32): usize {
  return (offset < within ? start : rest) + offset
}

/** Ends the sleep of `wait` with `result`: what was reached is handed to it. => queued; lock held. */
export function handOver(wait: Wait, result: i32): void {
  finish(wait, result)
  wait.lockStart = <u32>start
  wait.lockRest = isSplit ? <u32>rest : 0
  wait.lockCharged = hold(frameOf(start)) ? 1 : 0
  if (isSplit && hold(frameOf(rest + within))) wait.lockCharged |= 2
}

/** => something was handed to the sleeper, and waits to be taken. */
export function isHanded(wait: Wait): bool {
  return wait.lockStart != 0
}

/** Its sleeper has taken what was handed over, or it was given back. => handed; lock held; nothing is allocated after it. */
export function settleHanded(wait: Wait): void {
  const at = <usize>wait.lockStart
  const last = <usize>wait.lockRest
  edit<Wait>(wait).lockStart = 0
  unhold(frameOf(at), (wait.lockCharged & 1) != 0)
  if (last != 0) unhold(frameOf(last + pageLeft(at)), (wait.lockCharged & 2) != 0)
}

/**
 * What was handed to `wait` is reached, for another, and not its own any more. When nobody waits for it the transaction ends, as a change that others may see
 * at once must be its only one: if this thread dies before that, what was handed is lost, and never given twice. => handed; lock held. => false when its pages were
 * unmapped: nobody waits for it then, and the queue's key may be another's by now.
 */
export function takeBack(wait: Wait): bool {
  edit<Wait>(wait).result = 0
  start = <usize>wait.lockStart
  within = pageLeft(start)
  isSplit = wait.lockRest != 0
  rest = isSplit ? <usize>wait.lockRest : start
  key = wait.key
  detail = wait.detail
  const isMapped = !isOrphan(start) && !(isSplit && isOrphan(rest + within))
  if (!isMapped || !isAwaited()) commit()
  return isMapped
}

/** => the page at a kernel address is nobody's, and there because it is held. */
function isOrphan(at: usize): bool {
  return frameOf(at).kind == FRAME_ORPHAN
}

/** => bytes from a kernel address to the end of its page. */
function pageLeft(at: usize): u32 {
  return K.pageBytes - (<u32>at & (K.pageBytes - 1))
}

/** => somebody sleeps in the queue. */
export function isAwaited(): bool {
  return firstWait(key, detail) != null
}

/** => a deadline (ms on that clock, Infinity for none) as a time of now(0); NaN stays. */
export function untilOf(deadline: f64, clock: u32): f64 {
  return clock == CLOCK_REALTIME ? deadline - now(1) + now(0) : deadline
}
