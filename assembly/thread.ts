/**
 * Threads: one slot for each instance of the kernel, and the protocol by which a thread is ended without harm.
 *
 *            enter                 park
 *     OUT ----------> IN ------------------> PARKED        stop() from another thread:
 *      ^  <----------  |  <------------------   |            OUT, PARKED  -> DEAD at once
 *      |     leave     | halt (STOP seen)  wake |            IN           -> IN|STOP; the thread halts itself: STOPPED -> DEAD
 *    attach            v                        |          reap() makes a DEAD slot FREE with the next sequence number
 *             IN <-> GUEST, around a guest's code: stopped as IN is, at its next poll or kernel entry
 *     FREE          STOPPED                     |
 *
 * The state word is `sequence << 8 | STOP? | where`. Every change is one compare-and-swap on the whole word, so a thread
 * whose slot was stopped, or reaped and given to another, fails its next enter and never touches kernel state again.
 *
 * Invariants:
 *  1. Only the thread itself moves OUT <-> IN <-> PARKED, IN <-> GUEST; only others move to DEAD; STOP is never cleared.
 *  2. A thread that is OUT or PARKED holds no lock and has no transaction.
 *  3. Everything a thread holds while it runs outside the lock (grant, pages under I/O, wait nodes, views) is written in its slot
 *     or linked from it, under the lock, before it is relied upon: reap() finds and releases it.
 */
import {
  ATTENTION,
  PANIC_THREAD_STATE,
  STATE_SEQ_SHIFT,
  STATE_STOP,
  THREAD_BUFFER,
  THREAD_CONTEXT,
  THREAD_DOORBELL,
  THREAD_MAY_BLOCK,
  THREAD_STATE,
  THREADS_MAX,
  WHERE_DEAD,
  WHERE_FREE,
  WHERE_GUEST,
  WHERE_IN,
  WHERE_MASK,
  WHERE_OUT,
  WHERE_PARKED,
  WHERE_STOPPED,
} from './abi'
import { faulted, panicked, stalled, stopped } from './env'
import { PANIC } from './panic'

@unmanaged
export class Thread {
  /** Atomic; see above. */
  state: u32
  /** Atomic: raised to wake the thread from any park. */
  doorbell: u32
  /** Its buffer in kernel memory, BUFFER_BYTES long; kept with the slot. */
  buffer: u32
  flags: u32
  index: u32
  /** First of its wait nodes (wait.ts). */
  waits: u32
  /** First of its host views (view.ts). */
  views: u32
  /** The grant (grant.ts): `grantBytes` is 0 when there is none; cleared by the host with an atomic store. */
  grantBytes: u32
  grantSpace: u32
  grantStart: u32
  grantFrame: u32
  grantWrite: u32
  /** Pages of one object that this thread is filling or writing (pager.ts). */
  ioObject: u32
  ioCount: u32
  ioIndex: u64
  ioKind: u32
  calls: u32
  /** The open description and the inode that this thread uses outside the lock, each held once (hold.ts). */
  file: u32
  inode: u32
  /** A run of frames that this thread fills for a view (gather.ts): first frame, frames left. */
  gatherFrame: u32
  gatherCount: u32
  /** Atomic: pid of the process whose call this is, 0 outside of one. */
  process: u32
  /** An object that this thread keeps alive while the lock is free (io.ts `holdObject`). */
  object: u32
  /** An object without users that this thread is freeing, piece by piece (release.ts). */
  doomed: u32
  /** The robust mutexes it owns (robust.ts): the last taken, and how many. */
  held: u32
  heldCount: u32
  /** The space whose mappings this thread changes (change.ts). */
  changing: u32
  /** Atomic: the guest's context that runs here (GUEST, or IN on its behalf), 0 for none; and the first of those made here (context.ts). */
  context: u32
  contexts: u32
  /** It left a call by the host's exception: what the call was doing is still to be undone (exit.ts `mendCall`). */
  left: u32
}

export const THREAD_BYTES: u32 = 128
export const THREADS: usize = memory.data(32768, 64)
/** Never notified, always 0: where a halted thread sleeps for ever. */
const NOWHERE: usize = memory.data(16, 16)

if (offsetof<Thread>() > THREAD_BYTES) ERROR('Thread outgrew its slot')
if (offsetof<Thread>('state') != THREAD_STATE) ERROR('THREAD_STATE')
if (offsetof<Thread>('doorbell') != THREAD_DOORBELL) ERROR('THREAD_DOORBELL')
if (offsetof<Thread>('buffer') != THREAD_BUFFER) ERROR('THREAD_BUFFER')
if (offsetof<Thread>('context') != THREAD_CONTEXT) ERROR('THREAD_CONTEXT')

/** Atomic: slots below this index were ever used; walks over threads end here. */
const USED: usize = memory.data(16, 16)

/** => slots to look at in a walk over all threads. */
export function threadsUsed(): u32 {
  return atomic.load<u32>(USED)
}

/** How many doorbells this instance has yet to ring, and whose: a byte each. */
export let rungCount: u32 = 0
let rung: u64 = 0
const RUNG_MAX: u32 = 8

if (THREADS_MAX > 256) ERROR('a thread index must fit in a byte of `rung`')

/** This instance's slot, 0 before attach. */
export let self: usize = 0
/** `sequence << STATE_SEQ_SHIFT` of this instance's slot. */
let stamp: u32 = 0

/** => the slot number `index`; the caller has checked the range. */
export function threadAt(index: u32): Thread {
  return changetype<Thread>(THREADS + index * THREAD_BYTES)
}

/** => this thread's slot. */
export function me(): Thread {
  return changetype<Thread>(self)
}

/** => this thread may sleep (a browser's main thread may not). */
export function mayBlock(): bool {
  return (me().flags & THREAD_MAY_BLOCK) != 0
}

/** Takes a free slot for this instance and leaves it IN. => its index, or -1 when all are taken. */
export function claim(flags: u32): i32 {
  for (let i: u32 = 0; i < THREADS_MAX; i++) {
    const at = THREADS + i * THREAD_BYTES
    const old = atomic.load<u32>(at)
    if ((old & WHERE_MASK) != WHERE_FREE) continue
    if (atomic.cmpxchg<u32>(at, old, old | WHERE_IN) != old) continue
    self = at
    stamp = (old >> STATE_SEQ_SHIFT) << STATE_SEQ_SHIFT
    me().flags = flags
    me().index = i
    while (threadsUsed() <= i) atomic.cmpxchg<u32>(USED, i, i + 1)
    return i
  }
  return -1
}

/** => this thread is in no call, and was not stopped. */
export function isOut(): bool {
  return atomic.load<u32>(self) == (stamp | WHERE_OUT)
}

/** First act of every call into the kernel. Throws in the host when the kernel panicked or this thread was stopped. */
export function enter(): void {
  checkWhole()
  if (atomic.cmpxchg<u32>(self, stamp | WHERE_OUT, stamp | WHERE_IN) != (stamp | WHERE_OUT)) halt()
}

function checkWhole(): void {
  if (load<u32>(PANIC) == 0) return
  panicked(load<u32>(PANIC), 0)
  unreachable()
}

/** First act of an entry that a guest's code makes. It never returns in a thread that was stopped. */
export function enterFromGuest(): void {
  checkWhole()
  const running = stamp | WHERE_GUEST
  if (atomic.cmpxchg<u32>(self, running, stamp | WHERE_IN) != running) halt()
}

/** Last act before a guest's code goes on. => no lock held. */
export function leaveToGuest(): void {
  const inside = stamp | WHERE_IN
  if (atomic.cmpxchg<u32>(self, inside, stamp | WHERE_GUEST) != inside) halt()
}

/** The guest's code is left for the host's. => it ran; false when this thread was out of it already. */
export function leaveGuest(): bool {
  const running = stamp | WHERE_GUEST
  if (atomic.cmpxchg<u32>(self, running, stamp | WHERE_OUT) == running) return true
  if ((atomic.load<u32>(self) & WHERE_MASK) == WHERE_GUEST) halt()
  return false
}

/** => the guest's code of thread `index` may be executing now, and using its registers. */
export function runsGuest(index: u32): bool {
  return (atomic.load<u32>(THREADS + index * THREAD_BYTES) & WHERE_MASK) == WHERE_GUEST
}

/** => thread `index` runs a guest and was asked to stop. */
export function isStopping(index: u32): bool {
  const state = atomic.load<u32>(THREADS + index * THREAD_BYTES)
  return (state & WHERE_MASK) == WHERE_GUEST && (state & STATE_STOP) != 0
}

/**
 * Thread `owner` holds what this one needs and does not move. It returns only with proof that it is dead; else this thread leaves its call by the host's
 * exception or, below a guest's code, by a trap (the host has made it OUT).
 */
export function reportStall(owner: u32): void {
  stalled(owner)
  if (isOut()) unreachable()
}

/** Last act of every call into the kernel. => no lock held. */
export function leave(): void {
  if (atomic.cmpxchg<u32>(self, stamp | WHERE_IN, stamp | WHERE_OUT) != (stamp | WHERE_IN)) halt()
}

/** This thread works for process `pid` from now on: its exit waits (exit.ts). */
export function beginCall(pid: u32): void {
  atomic.store<u32>(self + offsetof<Thread>('process'), pid)
}

export function endCall(): void {
  atomic.store<u32>(self + offsetof<Thread>('process'), 0)
}

/** IN -> PARKED, before a sleep. => no lock held, what it waits for is published. */
export function beginPark(): void {
  if (atomic.cmpxchg<u32>(self, stamp | WHERE_IN, stamp | WHERE_PARKED) != (stamp | WHERE_IN))
    halt()
}

/** PARKED -> IN, after a sleep. */
export function endPark(): void {
  if (atomic.cmpxchg<u32>(self, stamp | WHERE_PARKED, stamp | WHERE_IN) != (stamp | WHERE_PARKED))
    halt()
}

/** The host caught an exception thrown through the kernel: this thread is OUT again; its next call begins with mendCall. => no lock is held by it. */
export function recover(): void {
  atomic.store<u32>(self + offsetof<Thread>('left'), 1)
  atomic.cmpxchg<u32>(self, stamp | WHERE_IN, stamp | WHERE_OUT)
  atomic.cmpxchg<u32>(self, stamp | WHERE_PARKED, stamp | WHERE_OUT)
  atomic.store<u32>(self + offsetof<Thread>('context'), 0)
  endCall()
}

/**
 * The host knows that this thread is in no call: its state says so or, when the stack ended in one, is made IN again. => it was in one: abandonCall (exit.ts) takes it out.
 */
export function beginAbandon(): bool {
  const parked = stamp | WHERE_PARKED
  if (atomic.cmpxchg<u32>(self, parked, stamp | WHERE_IN) == parked) return true
  const where = atomic.load<u32>(self)
  return where == (stamp | WHERE_IN) || where == (stamp | STATE_STOP | WHERE_IN)
}

/**
 * Sleeps while the word at `address` is `value`, at most `ns` (negative: for ever).
 *
 * The one wait instruction of the kernel, in a function of its own: V8 11.3 (Node 20) loses locals of the function around it in its
 * baseline code, so a deadline kept in one is garbage. The looks before the sleep are written out because Binaryen inlines whatever is
 * smaller; the build counts the instructions (scripts/build.js).
 */
export function sleepAt(address: usize, value: u32, ns: i64): void {
  if (changed(address, value) || changed(address, value)) return
  atomic.wait<u32>(address, value, ns)
}

/**
 * Lets a moment pass, about a nanosecond for each two `looks`: between two looks at a word that another thread works on, as each look takes the word's
 * cache line away from it. WebAssembly has no pause instruction.
 */
export function linger(looks: u32): void {
  for (let i: u32 = 0; i < looks; i++) atomic.load<u32>(self + offsetof<Thread>('flags'))
}

function changed(address: usize, value: u32): bool {
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  if (atomic.load<u32>(address) != value) return true
  return atomic.load<u32>(address) != value
}

/** This thread was stopped: says so, sleeps for ever where it may, else leaves by the host's exception. */
function halt(): void {
  const guest = me().context != 0 // read while the slot is this thread's
  const state = atomic.load<u32>(self)
  const where = state & WHERE_MASK
  const mine = (state >> STATE_SEQ_SHIFT) << STATE_SEQ_SHIFT == stamp
  if (mine && where == WHERE_GUEST && (state & STATE_STOP) == 0) {
    panicked(PANIC_THREAD_STATE, state) // the host calls below a guest's code without guest_leave
    unreachable()
  }
  const stopping = stamp | STATE_STOP | (where == WHERE_GUEST ? WHERE_GUEST : WHERE_IN)
  if (atomic.cmpxchg<u32>(self, stopping, stamp | STATE_STOP | WHERE_STOPPED) == stopping) {
    atomic.notify(self, -1)
  }
  if (mayBlock()) for (;;) sleepAt(NOWHERE, 0, -1)
  if (guest) faulted(0, 0)
  else stopped()
  unreachable()
}

/** => threads that are in a call and do not sleep. */
export function threadsInside(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const state = atomic.load<u32>(THREADS + i * THREAD_BYTES)
    if ((state & WHERE_MASK) == WHERE_IN) count++
  }
  return count
}

/**
 * Asks thread `index`, if it still has `sequence`, to stop. => 1 when it is DEAD (or gone) and may be reaped, 0 while
 * it is inside: wait on its state word and ask again.
 */
export function stop(index: u32, sequence: u32): u32 {
  const at = THREADS + index * THREAD_BYTES
  const old = atomic.load<u32>(at)
  const where = old & WHERE_MASK
  if (old >> STATE_SEQ_SHIFT != sequence || where == WHERE_FREE || where == WHERE_DEAD) return 1
  const inside = where == WHERE_IN || where == WHERE_GUEST
  const next = (sequence << STATE_SEQ_SHIFT) | STATE_STOP | (inside ? where : WHERE_DEAD)
  if (atomic.cmpxchg<u32>(at, old, next) != old) return stop(index, sequence)
  if (!inside) return 1
  atomic.store<u32>(ATTENTION, 1)
  ring(index)
  return 0
}

/** Marks thread `index` DEAD whatever it was doing. => the host has proof that it executes nothing any more. */
export function declareDead(index: u32, sequence: u32): bool {
  const at = THREADS + index * THREAD_BYTES
  const old = atomic.load<u32>(at)
  if (old >> STATE_SEQ_SHIFT != sequence || (old & WHERE_MASK) == WHERE_FREE) return false
  const next = (sequence << STATE_SEQ_SHIFT) | STATE_STOP | WHERE_DEAD
  return atomic.cmpxchg<u32>(at, old, next) == old || declareDead(index, sequence)
}

/** => this thread was asked to stop: it does not come back from the call that it is in. */
export function isEnding(): bool {
  return (atomic.load<u32>(self) & STATE_STOP) != 0
}

/** The host has proof that thread `index` is dead: it holds no grant and is in no call any more. What else it had, reap (exit.ts) releases. */
export function bury(index: u32): void {
  declareDead(index, sequenceOf(index))
  atomic.store<u32>(THREADS + index * THREAD_BYTES + offsetof<Thread>('grantBytes'), 0)
  atomic.store<u32>(THREADS + index * THREAD_BYTES + offsetof<Thread>('process'), 0)
}

/** => the sequence number of slot `index` now. */
export function sequenceOf(index: u32): u32 {
  return atomic.load<u32>(THREADS + index * THREAD_BYTES) >> STATE_SEQ_SHIFT
}

/** DEAD -> FREE with the next sequence number. => lock held, everything it held is released. */
export function release(index: u32): void {
  const at = THREADS + index * THREAD_BYTES
  const sequence = (atomic.load<u32>(at) >> STATE_SEQ_SHIFT) + 1
  atomic.store<u32>(at, (sequence << STATE_SEQ_SHIFT) | WHERE_FREE)
}

/** Rings the doorbell of thread `index`: it looks again at what it waits for. */
export function ring(index: u32): void {
  const at = THREADS + index * THREAD_BYTES + THREAD_DOORBELL
  atomic.add<u32>(at, 1)
  atomic.notify(at, -1)
}

/**
 * As ring, but done by `ringOut`, which unlock calls: a thread that wakes takes the lock first, and one rung under it would sleep again at
 * once, on the lock. => lock held.
 */
export function ringLater(index: u32): void {
  if (rungCount == RUNG_MAX) ringOut()
  rung = (rung << 8) | index
  rungCount++
}

/** Rings those for whom ringLater was called. A thread that dies before it has is reaped, and then all are rung. */
export function ringOut(): void {
  for (; rungCount > 0; rungCount--) {
    ring(<u32>((rung >> ((<u64>rungCount - 1) << 3)) & 0xff))
  }
}

/** Rings every thread: after a death, whoever the dead one was about to wake wakes and looks for itself. */
export function ringAll(): void {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    if ((atomic.load<u32>(THREADS + i * THREAD_BYTES) & WHERE_MASK) != WHERE_FREE) ring(i)
  }
}
