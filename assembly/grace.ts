/**
 * Grace periods: nothing that a guest may still touch is used again.
 *
 * A guest's code loads and stores by frames' addresses that it took from its page table a moment ago, or holds in its registers, far from the kernel. Whoever takes
 * an entry away, or a right out of one, does so in this order:
 *
 *   1. the entry changes                                                                        (setPte, put)
 *   2. revoke: the epoch goes on by one; each context of the space is asked to hear of it (`wanted`). When one of them runs on another thread, the
 *      frame carries the epoch (Frame.epoch) and the call owes a wait (`owed`)
 *   3. before the call returns, lock free, it waits until who was asked has heard (settleOwed in laggard.ts): ATTENTION is raised, and guests poll it
 *   4. the frame is not freed (limbo.ts), not evicted, not judged clean (writeback.ts) while it is awaited
 *
 * A context has heard when it is in the kernel (IN, PARKED), left for the host (OUT), dead, or has come back with generation = wanted. It goes back by
 * leaveToGuest first and reads `wanted` then, while who revokes writes `wanted` first and reads the thread's state then: one of the two sees the other.
 *
 * A frame in limbo waits for nobody in particular: a thread that never polls keeps it for as long as it runs. A space whose contexts run on this thread alone pays
 * for a look at its list.
 * Guarded: EPOCH and `wanted` by the kernel lock, not journalled: to have asked once too often harms nobody.
 */
import { ATTENTION } from './abi'
import { Context, contextAt, contextCount } from './context'
import { now } from './env'
import { Frame } from './frame'
import { put } from './journal'
import { lock, unlock } from './lock'
import { Space } from './process'
import { K } from './root'
import { isStopping, me, ring, runsGuest, Thread, threadAt, threadsUsed } from './thread'
import { pauseForRing } from './wait'

/** The last epoch; the thread (index + 1) that was the last to wait for one. */
export const EPOCH: usize = memory.data(64, 64)
const WAITER: usize = EPOCH + 4

/** The epoch for which the call of this thread waits before it returns, 0 for none. */
export let owed: u32 = 0

/** How long a wait looks before it sleeps, ms: guests in a loop hear within a microsecond or two. */
const LOOK_MS: f64 = 0.05
/** How long a wait for a frame is, ms: where guests take longer, who waits can do without the frame. */
const FRAME_MS: f64 = 20

/** What the call owes from now on: to take back what a revocation added that nobody has to wait for. */
export function owe(epoch: u32): void {
  owed = epoch
}

/** => `a` is `b` or later; epochs wrap. */
function reached(a: u32, b: u32): bool {
  return <i32>(a - b) >= 0
}

function nextEpoch(): u32 {
  const epoch = max<u32>(load<u32>(EPOCH) + 1, 1)
  atomic.store<u32>(EPOCH, epoch)
  return epoch
}

/** => the context that thread `index` runs a guest with now, null when it runs none. */
function runningOn(index: u32): Context | null {
  if (!runsGuest(index)) return null
  const at = atomic.load<u32>(changetype<usize>(threadAt(index)) + offsetof<Thread>('context'))
  return at == 0 ? null : contextAt(at)
}

function runningElsewhere(index: u32): Context | null {
  return index == me().index ? null : runningOn(index)
}

function runsElsewhere(context: Context): bool {
  const index = context.thread - 1
  return index != me().index && runningOn(index) == context
}

/**
 * An entry of the space that named `frame` (null: nothing that is ever freed) is gone, or has lost a right: its contexts are to forget it. => lock held, the
 * entry has changed.
 */
export function revoke(space: Space, frame: Frame | null): void {
  let at = space.contexts
  if (at == 0) return
  const epoch = nextEpoch()
  let others = false
  for (; at != 0; at = contextAt(at).next) {
    atomic.store<u32>(<usize>at + offsetof<Context>('wanted'), epoch)
    if (runsElsewhere(contextAt(at))) others = true
  }
  if (!others) return
  if (frame != null) put(changetype<usize>(frame) + offsetof<Frame>('order'), epoch)
  owed = epoch
}

/** => a context that runs on another thread, was asked for `epoch` and has not heard, with `alive` one of a process that has not ended; null when there is none. */
function laggardOf(epoch: u32, alive: bool = false): Context | null {
  if (contextCount() == 0) return null
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const context = runningElsewhere(i)
    if (context == null || (alive && context.space == 0)) continue
    const heard = atomic.load<u32>(changetype<usize>(context))
    const wanted = atomic.load<u32>(changetype<usize>(context) + offsetof<Context>('wanted'))
    if (reached(wanted, epoch) && !reached(heard, epoch)) return context
  }
  return null
}

/** => a guest may still touch the frame by an entry that is gone. => a frame of kind PAGE, ANON, TABLE or ORPHAN. */
export function isAwaited(frame: Frame): bool {
  return frame.epoch != 0 && laggardOf(frame.epoch) != null
}

/** This thread's context has heard of all that it was asked. => in the kernel or just back, `wanted` read after that. */
export function hear(context: Context): bool {
  const wanted = atomic.load<u32>(changetype<usize>(context) + offsetof<Context>('wanted'))
  if (context.generation == wanted) return true
  context.length = 0 // the extent found last is void as well
  atomic.store<u32>(changetype<usize>(context), wanted)
  const waiter = atomic.load<u32>(WAITER)
  if (waiter != 0) ring(waiter - 1)
  return false
}

/** => somebody waits for a guest on another thread: to be heard, or to stop. */
function isAnybodyAwaited(): bool {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    if (isStopping(i)) return true
    const context = runningElsewhere(i)
    if (context == null) continue
    const heard = atomic.load<u32>(changetype<usize>(context))
    if (heard != atomic.load<u32>(changetype<usize>(context) + offsetof<Context>('wanted')))
      return true
  }
  return false
}

/** Running guests enter the kernel at their next poll. */
export function raiseAttention(): void {
  atomic.store<u32>(ATTENTION, 1)
}

/** A guest polled: attention ends when nobody is awaited any more. Whoever asks meanwhile raises it after this looked, or is seen. */
export function endAttention(): void {
  if (isAnybodyAwaited()) return
  atomic.store<u32>(ATTENTION, 0)
  if (isAnybodyAwaited()) raiseAttention()
}

/** Waits until all that live have heard of `epoch`, at most `ms`. => null; a context that has not. => lock not held. */
export function awaitEpoch(epoch: u32, ms: f64): Context | null {
  let laggard = laggardOf(epoch, true)
  if (laggard == null) return null
  const since = now(0)
  atomic.store<u32>(WAITER, me().index + 1)
  while (laggard != null && now(0) - since <= ms) {
    raiseAttention()
    if (now(0) - since > LOOK_MS) pauseForRing(0, 0)
    laggard = laggardOf(epoch, true)
  }
  return laggard
}

/** As awaitEpoch for what this call owes, in the middle of it; what is not heard within stallMs is owed still. => lock held before and after, free in between. */
export function settleNow(): void {
  if (owed == 0) return
  unlock()
  if (awaitEpoch(owed, <f64>K.stallMs) == null) owed = 0
  lock()
}

/** Waits, at most FRAME_MS, for a frame that is awaited. => it is no more. => lock held before and after, free in between: look everything up again. */
export function awaitFrame(frame: Frame): bool {
  const epoch = frame.epoch
  unlock()
  awaitEpoch(epoch, FRAME_MS)
  lock()
  return laggardOf(epoch) == null
}
