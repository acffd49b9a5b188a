/**
 * Grants: stretches of kernel memory that a thread may touch outside the kernel for a moment.
 *
 * A tracked read or write of the host copies straight between a frame run and the caller's array. (A guest has no grant: grace.ts.) The grant stands in the thread's slot from before its address is known outside until the thread drops it, so who
 * takes a page away (munmap, mprotect, truncate, eviction) can see who may still be touching it.
 *
 * Revoking, always in this order:  1. make new grants impossible (mark the vma, shrink the object)
 *   2. wait until no slot holds an overlapping grant (settle)  3. only then free or reuse the frame.
 * A thread that is parked, or inside the kernel, holds none that matters: entering drops it. Eviction does not wait; it passes over.
 *
 * Guarded: written by the owner under the kernel lock; cleared by the owner with one atomic store to `grantBytes`.
 */
import { WHERE_FREE, WHERE_MASK } from './abi'
import { now } from './env'
import { Frame, frameAddress } from './frame'
import { lock, unlock } from './lock'
import { Space } from './process'
import { K } from './root'
import { bury, me, reportStall, self, Thread, threadAt, threadsUsed } from './thread'
import { pauseForRing } from './wait'

/** Gives this thread [start, start + bytes), which lies at `frame` in kernel memory. Replaces its last grant. => lock held. */
export function grant(space: Space, start: u32, bytes: u32, frame: usize, write: bool): void {
  const thread = me()
  thread.grantSpace = <u32>changetype<usize>(space)
  thread.grantStart = start
  thread.grantFrame = <u32>frame
  thread.grantWrite = write ? 1 : 0
  atomic.store<u32>(self + offsetof<Thread>('grantBytes'), bytes)
}

/** Drops this thread's grant. */
export function dropGrant(): void {
  atomic.store<u32>(self + offsetof<Thread>('grantBytes'), 0)
}

function bytesOf(thread: Thread): u32 {
  if ((atomic.load<u32>(changetype<usize>(thread)) & WHERE_MASK) == WHERE_FREE) return 0
  return atomic.load<u32>(changetype<usize>(thread) + offsetof<Thread>('grantBytes'))
}

/** => the first other thread that holds a grant in [start, end) of the space, -1 when none does. */
export function holderOf(space: Space, start: u32, end: u32): i32 {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const thread = threadAt(i)
    const bytes = bytesOf(thread)
    if (bytes == 0 || thread == me()) continue
    if (thread.grantSpace != <u32>changetype<usize>(space)) continue
    if (thread.grantStart < end && thread.grantStart + bytes > start) return i
  }
  return -1
}

/**
 * => the first thread other than this that holds a grant on `frame` (with `write`: for storing; with `except`: for another space than that), -1 when none does.
 */
export function holderOfFrame(frame: Frame, write: bool, except: Space | null = null): i32 {
  const at = <u32>frameAddress(frame)
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const thread = threadAt(i)
    const bytes = bytesOf(thread)
    if (bytes == 0 || thread == me() || (write && thread.grantWrite == 0)) continue
    if (except != null && thread.grantSpace == <u32>changetype<usize>(except)) continue
    if (thread.grantFrame < at + K.pageBytes && thread.grantFrame + bytes > at) return i
  }
  return -1
}

/** Lets time pass, lock free: the caller looks again. `since` is when it began to wait (ms, now(0)). */
export function awaitHolder(holder: i32, since: f64): void {
  unlock()
  pauseForRing(0, 0)
  if (now(0) - since > <f64>K.stallMs) {
    reportStall(<u32>holder)
    bury(<u32>holder)
  }
  lock()
}

/** Waits until no other thread holds a grant in [start, end) of the space. => lock held, new grants there impossible. */
export function settle(space: Space, start: u32, end: u32): void {
  let holder = holderOf(space, start, end)
  if (holder < 0) return
  const since = now(0)
  while (holder >= 0) {
    awaitHolder(holder, since)
    holder = holderOf(space, start, end)
  }
}
