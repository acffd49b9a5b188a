/**
 * Words in mapped pages that threads synchronise on: where they lie in kernel memory, the queue of those who wait for them, and until when.
 *
 * `reach` leaves its findings here, for the code behind it and no longer than the lock is held: every sleep ends with another `reach`. The
 * queue's key is a futex's (futex.ts) but its own (OWN_QUEUE), so that map.notify on the same word wakes nobody who waits for the lock.
 */
import { EINVAL, ESRCH, SIGSEGV } from './abi'
import { now } from './env'
import { fault } from './fault'
import { detail as futexDetail, key as futexKey, keyFor } from './futex'
import { CLOCK_REALTIME } from './ipcabi'
import { commit } from './journal'
import { inWindow } from './mmap'
import { isLiving } from './owner'
import { Process, Space } from './process'
import { PTE_FLAGS, PTE_READ, PTE_WRITE, pteOf } from './pte'
import { K } from './root'
import { firstWait, RESUMED } from './wait'

/** A bit of `detail`: no futex's queue. */
const OWN_QUEUE: u64 = 0x2000000000000000

/** The queue of what `reach` found. */
export let key: u64 = 0
export let detail: u64 = 0
/** Kernel addresses of its first byte, and of what would be its first byte if all of it lay in its last page. */
let start: usize = 0
let rest: usize = 0
/** Bytes of it that lie in its first page. */
let within: u32 = 0

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
  within = K.pageBytes - (first & (K.pageBytes - 1))
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

/** => somebody sleeps in the queue. */
export function isAwaited(): bool {
  return firstWait(key, detail) != null
}

/** => a deadline (ms on that clock, Infinity for none) as a time of now(0); NaN stays. */
export function untilOf(deadline: f64, clock: u32): f64 {
  return clock == CLOCK_REALTIME ? deadline - now(1) + now(0) : deadline
}
