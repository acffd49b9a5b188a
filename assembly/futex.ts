/**
 * Futexes on mapped words: map.wait and map.notify, and the locks of guests.
 *
 * The key is (object, offset) for shared pages, so that processes meet wherever they mapped it, and (space, address) for private ones, else
 * a parent and its forked child would meet falsely. Source: Linux futex(2), FUTEX_WAIT and FUTEX_WAKE.
 */
import { EAGAIN, EINVAL, ENOMEM, SIGSEGV } from './abi'
import { fault } from './fault'
import { lock, unlock } from './lock'
import { inWindow } from './mmap'
import { Process, Space } from './process'
import { PTE_FLAGS, pteOf } from './pte'
import { K } from './root'
import { findVma, VMA_SHARED } from './vma'
import { enqueue, sleep, wake } from './wait'

/** What keyFor found. */
export let key: u64 = 0
export let detail: u64 = 0

/** Sets key and detail for the word at `address`. => it is mapped. */
export function keyFor(space: Space, address: u32): bool {
  const vma = findVma(space, address)
  if (vma == null) return false
  const object = vma.object
  if ((vma.flags & VMA_SHARED) != 0 && object != null) {
    key = changetype<usize>(object)
    detail = (vma.pageStart << K.pageShift) + (address - vma.start) + 1
  } else {
    key = changetype<usize>(space)
    detail = <u64>address + 1
  }
  return true
}

/** Sleeps while the word is `expected`. => 0, -EAGAIN (it is not), -ETIMEDOUT, -EINTR, -EINVAL (unaligned), -SIGSEGV, -SIGBUS, -ENOMEM, -EWOULDBLOCK_PARK. */
export function sysFutexWait(process: Process, address: u64, expected: u32, timeoutMs: f64): i32 {
  return futexWait(process, address, 4, expected, timeoutMs)
}

/** As sysFutexWait, for a word of 4 or 8 bytes. */
export function futexWait(
  process: Process,
  address: u64,
  bytes: u32,
  expected: u64,
  timeoutMs: f64,
): i32 {
  if ((address & (bytes - 1)) != 0) return -EINVAL
  if (!inWindow(address, bytes)) return -SIGSEGV
  const space = process.space!
  const at = <u32>address
  lock()
  let result = fault(space, at, false)
  if (result == 0) {
    const word = <usize>(pteOf(space, at) & ~PTE_FLAGS) + (at & (K.pageBytes - 1))
    const value = bytes == 8 ? atomic.load<u64>(word) : <u64>atomic.load<u32>(word)
    if (value != expected) result = -EAGAIN
    else {
      keyFor(space, at)
      const wait = enqueue(key, detail)
      result = wait == null ? -ENOMEM : sleep(wait, timeoutMs)
    }
  }
  unlock()
  return result
}

/** Wakes up to `count` sleepers of the word. => how many; -EINVAL, -SIGSEGV. */
export function sysFutexWake(process: Process, address: u64, count: u32): i32 {
  if ((address & 3) != 0) return -EINVAL
  if (!inWindow(address, 4)) return -SIGSEGV
  lock()
  const mapped = keyFor(process.space!, <u32>address)
  const woken = mapped ? <i32>wake(key, count, detail) : -SIGSEGV
  unlock()
  return woken
}
