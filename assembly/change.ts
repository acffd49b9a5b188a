/**
 * Changes of a space's mappings, and the fork that copies them: each waits for the other.
 *
 * Most changes are one transaction, but large ones go piece by piece, and a fork does too. A child is a copy of one moment: so a fork waits until nobody is in the
 * middle of a change, and while it runs nobody begins one, nor stores to private memory (fault.ts): a store between two pieces would be in the
 * child, or not, by chance.
 *
 *   thread.changing   the space that the thread is changing, from beginChange to endChange
 *   space.forking     thread (index + 1) that forks the space, from beginFork to endFork
 *
 * Invariants:
 *  1. While `forking` is set and beginFork has returned, no other thread changes the space or holds a grant to store to its private pages.
 *  2. A change does not fault a page for writing between beginChange and endChange: it would wait for a fork that waits for it.
 *  3. A thread that left its call by the host's exception, or died, holds up nobody for long: waits look again, and reap clears both words.
 * Guarded by the kernel lock, journalled.
 */
import { EWOULDBLOCK_PARK, PROCESSES_MAX, WHERE_FREE, WHERE_MASK, WHERE_OUT } from './abi'
import { now } from './env'
import { put } from './journal'
import { lock, relax, unlock } from './lock'
import { processAt, Space } from './process'
import { K } from './root'
import { bury, me, reportStall, Thread, threadAt, threadsUsed } from './thread'
import { findVma, VMA_SHARED } from './vma'
import { park, pauseForRing, wake } from './wait'

/** Longest sleep before a waiter looks again whether there is still something to wait for. */
const LOOK_AGAIN_MS: f64 = 20
const EVERYBODY: u32 = 0x7fffffff

function keyOfFork(space: u32): u64 {
  return space + offsetof<Space>('forking')
}

function where(index: u32): u32 {
  return atomic.load<u32>(changetype<usize>(threadAt(index))) & WHERE_MASK
}

function setChanging(index: u32, space: u32): void {
  put(changetype<usize>(threadAt(index)) + offsetof<Thread>('changing'), space)
}

function setForking(space: Space, value: u32): void {
  put(changetype<usize>(space) + offsetof<Space>('forking'), value)
}

/**
 * Waits until no other thread forks the space. => 0, or -EWOULDBLOCK_PARK on a thread that may not wait. => lock held before and after, free in
 * between: look everything up again.
 */
export function awaitFork(space: Space): i32 {
  while (space.forking != 0 && space.forking != me().index + 1) {
    if (where(space.forking - 1) == WHERE_OUT) endFork(space)
    else if (park(keyOfFork(<u32>changetype<usize>(space)), LOOK_AGAIN_MS) == -EWOULDBLOCK_PARK) {
      return -EWOULDBLOCK_PARK
    }
  }
  return 0
}

/** This thread changes the space's mappings until endChange. => 0, -EWOULDBLOCK_PARK. => lock held before and after. */
export function beginChange(space: Space): i32 {
  if (space.forking != 0 && awaitFork(space) != 0) return -EWOULDBLOCK_PARK
  setChanging(me().index, <u32>changetype<usize>(space))
  return 0
}

/** The change is whole. => lock held. */
export function endChange(space: Space): void {
  setChanging(me().index, 0)
  if (space.forking != 0) wake(keyOfFork(<u32>changetype<usize>(space)), EVERYBODY)
}

/** => another thread that is in the middle of a change of the space. */
function isChanging(space: Space): bool {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    if (i == me().index || threadAt(i).changing != <u32>changetype<usize>(space)) continue
    if (where(i) != WHERE_FREE && where(i) != WHERE_OUT) return true
  }
  return false
}

/** => the first other thread that holds a grant to store to private pages of the space, -1 when none does. */
function storerOf(space: Space): i32 {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const thread = threadAt(i)
    if (i == me().index || where(i) == WHERE_FREE || thread.grantWrite == 0) continue
    const bytes = atomic.load<u32>(changetype<usize>(thread) + offsetof<Thread>('grantBytes'))
    if (bytes == 0 || thread.grantSpace != <u32>changetype<usize>(space)) continue
    const vma = findVma(space, thread.grantStart)
    if (vma == null || (vma.flags & VMA_SHARED) == 0) return i
  }
  return -1
}

/**
 * Makes the space stand still for a fork by this thread. => 0; -EWOULDBLOCK_PARK with nothing done on a thread that may not wait for another's change. => lock held
 * before and after, free in between.
 */
export function beginFork(space: Space): i32 {
  let holder = 0
  while (holder >= 0) {
    if (awaitFork(space) != 0) return -EWOULDBLOCK_PARK
    setForking(space, me().index + 1)
    relax()
    if (awaitChanges(space) != 0) return -EWOULDBLOCK_PARK
    holder = awaitStorers(space)
    if (holder < 0) break
    endFork(space)
    unlock()
    reportStall(<u32>holder)
    bury(<u32>holder)
    lock()
  }
  return 0
}

/** Waits until nobody is in the middle of a change. => 0; -EWOULDBLOCK_PARK, and the fork is given up. */
function awaitChanges(space: Space): i32 {
  while (isChanging(space)) {
    const key = keyOfFork(<u32>changetype<usize>(space))
    if (park(key, LOOK_AGAIN_MS) != -EWOULDBLOCK_PARK) continue
    endFork(space)
    return -EWOULDBLOCK_PARK
  }
  return 0
}

/** => -1 once nobody holds a grant to store; the holder when that takes longer than stallMs. => lock held before and after, free in between. */
function awaitStorers(space: Space): i32 {
  const since = now(0)
  let holder = storerOf(space)
  while (holder >= 0 && now(0) - since <= <f64>K.stallMs) {
    unlock()
    pauseForRing(0, 0)
    lock()
    holder = storerOf(space)
  }
  return holder
}

/** The space may change again. => lock held. */
export function endFork(space: Space): void {
  setForking(space, 0)
  wake(keyOfFork(<u32>changetype<usize>(space)), EVERYBODY)
}

/** Thread `index` is dead: it forks and changes nothing any more. What it left half done is finished by now. => lock held. */
export function dropChanges(index: u32): void {
  const space = threadAt(index).changing
  setChanging(index, 0)
  if (space != 0) wake(keyOfFork(space), EVERYBODY)
}

/** Thread `index` is dead: the spaces that it was forking go on. => lock held. */
export function dropForks(index: u32): void {
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process != null && process.space!.forking == index + 1) endFork(process.space!)
  }
}
