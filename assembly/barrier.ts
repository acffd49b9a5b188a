/**
 * Barriers in mapped pages: one word at a multiple of 4.
 *
 *   0  count   threads that it takes; 0: no barrier
 *
 * Who has arrived stands in the wait queue alone. The last one finishes the sleeps of `count - 1` others, in the order of their arrival, under one hold of the
 * kernel lock, so the barrier is as new when the first of them gets up. A thread that dies in its sleep, or whose wait is aborted, has not arrived.
 *
 * Sources: POSIX.1-2017 pthread_barrier_init, pthread_barrier_wait, pthread_barrier_destroy.
 */
import { EBUSY, EINVAL, ENOMEM } from './abi'
import { BARRIER_BYTES, BARRIER_COUNT } from './ipcabi'
import { lock, unlock } from './lock'
import { Process } from './process'
import { detail, field, isAwaited, key, reach } from './syncword'
import { enqueue, finish, firstWait, nextWait, sleep } from './wait'

/** Sets the count. => 0, -EINVAL (count 0), -EBUSY (somebody waits), and as reach. */
export function sysBarrierInit(process: Process, address: u64, count: u32): i32 {
  if (count == 0) return -EINVAL
  return setCount(process, address, count)
}

/** => 0, -EBUSY (somebody waits), -EINVAL (no barrier), and as reach. */
export function sysBarrierDestroy(process: Process, address: u64): i32 {
  return setCount(process, address, 0)
}

function setCount(process: Process, address: u64, count: u32): i32 {
  lock()
  let result = reach(process, address, BARRIER_BYTES)
  if (result == 0) {
    if (count == 0 && load<u32>(field(BARRIER_COUNT)) == 0) result = -EINVAL
    else if (isAwaited()) result = -EBUSY
    else store<u32>(field(BARRIER_COUNT), count)
  }
  unlock()
  return result
}

/** Waits for the others. => 1 in the thread that came last (PTHREAD_BARRIER_SERIAL_THREAD), 0 in the others; -EINVAL (no barrier), -EINTR (an abort), -ENOMEM, -EWOULDBLOCK_PARK, and as reach. */
export function sysBarrierWait(process: Process, address: u64): i32 {
  lock()
  let result = reach(process, address, BARRIER_BYTES)
  if (result == 0) result = arrive(load<u32>(field(BARRIER_COUNT)))
  unlock()
  return result
}

function arrive(count: u32): i32 {
  if (count == 0) return -EINVAL
  if (release(count - 1)) return 1
  const wait = enqueue(key, detail)
  return wait == null ? -ENOMEM : sleep(wait, -1)
}

/** Lets `count` sleepers go, if there are as many. */
function release(count: u32): bool {
  let sleeping: u32 = 0
  let wait = firstWait(key, detail)
  while (wait != null && sleeping < count) {
    sleeping++
    wait = nextWait(wait)
  }
  if (sleeping < count) return false
  wait = firstWait(key, detail)
  for (; sleeping != 0; sleeping--) {
    const next = nextWait(wait!)
    finish(wait!, 0)
    wait = next
  }
  return true
}
