/**
 * Changes of a space's mappings, and the fork that copies them: one at a time, as under Linux's mmap_lock.
 *
 * Most changes are one transaction, but large ones go piece by piece, and a fork does too. Between two pieces nobody else may unmap or map there: the next
 * piece would take what is not its own. A child is a copy of one moment: so a fork waits until nobody is in the
 * middle of a change, and while it runs nobody begins one, nor stores to private memory (fault.ts): a store between two pieces would be in the
 * child, or not, by chance.
 *
 *   space.changing    thread (index + 1) that changes the space, from beginChange to endChange
 *   thread.changing   that space, for who reaps the thread
 *   space.forking     thread (index + 1) that forks the space, from beginFork to endFork
 *   space.contended   somebody sleeps until the change ends
 *   space.wanted, space.kept   a promise that a change hands on from what it unmaps to what it maps (keepPromise to takePromise)
 *
 * Invariants:
 *  0. At most one thread is inside a call that changes a space.
 *  1. While `forking` is set and beginFork has returned, no other thread changes the space or holds a grant to store to its private pages.
 *  2. A change does not fault a page for writing between beginChange and endChange: it would wait for a fork that waits for it.
 *  3. A thread that left its call by the host's exception, or died, holds up nobody for long: waits look again, and its next call or its reap clears
 *     all these words, or the next change of the space does.
 * Guarded by the kernel lock, journalled.
 */
import { EWOULDBLOCK_PARK, PROCESSES_MAX, WHERE_FREE, WHERE_MASK, WHERE_OUT } from './abi'
import { uncharge } from './commit'
import { now } from './env'
import { edit, put } from './journal'
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

function setChanger(space: Space, value: u32): void {
  put(changetype<usize>(space) + offsetof<Space>('changing'), value)
}

function setContended(space: Space, value: u32): void {
  put(changetype<usize>(space) + offsetof<Space>('contended'), value)
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

/**
 * This thread changes the space's mappings until endChange; it waits for the end of a fork and of another thread's change first. => 0, -EWOULDBLOCK_PARK. => lock held
 * before and after, maybe free in between.
 */
export function beginChange(space: Space): i32 {
  while (awaitFork(space) == 0) {
    if (!isChanging(space)) {
      setChanging(me().index, <u32>changetype<usize>(space))
      setChanger(space, me().index + 1)
      dropPromise(space)
      return 0
    }
    if (awaitChange(space) != 0) break
  }
  return -EWOULDBLOCK_PARK
}

/** The change is whole. => lock held. */
export function endChange(space: Space): void {
  setChanging(me().index, 0)
  if (space.changing == me().index + 1) release(space)
}

/** Nobody changes the space now. */
function release(space: Space): void {
  setChanger(space, 0)
  dropPromise(space)
  if (space.contended == 0) return
  setContended(space, 0)
  wake(keyOfFork(<u32>changetype<usize>(space)), EVERYBODY)
}

/** `frames` that were charged are for what this thread's change maps, and so are `wanted` of those that what it unmaps gives back. => lock held. */
export function keepPromise(space: Space, frames: u32, wanted: u32): void {
  edit<Space>(space).kept = frames
  space.wanted = wanted
}

/** => the frames that were kept: the caller's from now on. => lock held. */
export function takePromise(space: Space): u32 {
  const frames = space.kept
  edit<Space>(space).kept = 0
  space.wanted = 0
  return frames
}

/** Takes back what a change kept and did not come to map. => lock held. */
export function dropPromise(space: Space): void {
  if (space.kept != 0 || space.wanted != 0) uncharge(takePromise(space))
}

/** => another thread is in the middle of a change of the space. */
function isChanging(space: Space): bool {
  const changer = space.changing
  if (changer == 0 || changer == me().index + 1) return false
  return where(changer - 1) != WHERE_FREE && where(changer - 1) != WHERE_OUT
}

/** Sleeps until the change that is under way ends, or a moment. => 0, -EWOULDBLOCK_PARK. */
function awaitChange(space: Space): i32 {
  setContended(space, 1)
  const key = keyOfFork(<u32>changetype<usize>(space))
  return park(key, LOOK_AGAIN_MS) == -EWOULDBLOCK_PARK ? -EWOULDBLOCK_PARK : 0
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
    if (awaitChange(space) == 0) continue
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

/** The space goes: whoever left a change of it by the host's exception has none, also where another has changed it since. => lock held. */
export function forgetSpace(space: Space): void {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    if (threadAt(i).changing == <u32>changetype<usize>(space)) dropChanges(i)
  }
}

/** Thread `index` is dead, or left its call by the host's exception: it changes nothing any more. => lock held. */
export function dropChanges(index: u32): void {
  const at = threadAt(index).changing
  if (at == 0) return
  setChanging(index, 0)
  const space = changetype<Space>(<usize>at)
  if (space.changing == index + 1) release(space)
}

/** As dropChanges: the spaces that thread `index` was forking go on. => lock held. */
export function dropForks(index: u32): void {
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process != null && process.space!.forking == index + 1) endFork(process.space!)
  }
}
