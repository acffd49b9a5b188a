/**
 * Operations on a semaphore set: whether they can be done, doing them, and those that sleep until they can.
 *
 * An array of operations is all or nothing: `judge` tries it without touching anything, `apply` does it. A sleeper keeps its array in its wait
 * node, and whoever changes a value completes, under the same lock, every sleeper that can go on: `settle`.
 *
 *   Wait.value   the operation that it waits for: num | op << 16
 *   Wait.extra   pid | ALTERS | UNDOES
 *   Wait.chain   its operations, 0 when it is the one in `value`
 *
 * The order is Linux's do_smart_update: first all who wait for zero, if something is zero; then, first come first served, who alter; after
 * each of them the zeros again, and all from the first again when one that slept before might go on now.
 *
 * Invariants:
 *  1. At the end of every transaction no sleeper can go on, except while OWED names its set: then the transaction was too deep for one, and
 *     who takes the lock next on semaphores settles first.
 *  2. A sleeper with UNDOES has its undo entry.
 */
import { BUFFER_BOUNCE, EAGAIN, ERANGE, PANIC_SEMAPHORE, WHERE_DEAD, WHERE_MASK } from './abi'
import { readChain } from './chain'
import { now } from './env'
import { ipcAt, lastSlot } from './ipc'
import { IPC_NOWAIT, IPC_SEM, SEM_UNDO, SEMAEM, SEMOPM, SEMVMX } from './ipcabi'
import { commit, depth, put, save } from './journal'
import { lock } from './lock'
import { check } from './panic'
import { findProcess } from './process'
import { SemSet, semAt, semValue } from './semset'
import { adjustmentOf, current, findUndo, setAdjustment, Undo } from './semundo'
import { me, THREAD_BYTES, THREADS } from './thread'
import { finish, firstWait, nextWait, Wait } from './wait'

/** One operation, prepared. */
@unmanaged
export class SemOp {
  num: u32
  op: i16
  flags: u16
  /** What earlier operations of the array on the same semaphore add to its value, and take from its adjustment. */
  prior: i32
  undone: i32
}

/** Result of judge: the operations cannot be done now. */
export const BLOCKED: i32 = 1
export const ALTERS: u32 = 0x40000000
export const UNDOES: u32 = 0x80000000
const PID_MASK: u32 = 0x3fffffff
const OP_SHIFT: u32 = 4
const OPS_BYTES_MAX: u32 = SEMOPM << OP_SHIFT
/** A journal this deep is committed between two sleepers. */
const DEEP_BYTES: u32 = 524288
/** The set whose sleepers are still to be looked at, 0 for none. */
const OWED: usize = memory.data(16, 16)

if (offsetof<SemOp>() != 1 << OP_SHIFT) ERROR('OP_SHIFT')

/** After judge said BLOCKED: the index of the operation that cannot be done. */
export let blocking: u32 = 0

/** => operation `index` of an array. */
export function opAt(ops: usize, index: u32): SemOp {
  return changetype<SemOp>(ops + ((<usize>index) << OP_SHIFT))
}

/** => bytes of `count` operations. */
export function opsBytes(count: u32): u32 {
  return count << OP_SHIFT
}

/** => what a sleeper that waits for this operation has in `value`. */
export function packed(op: SemOp): u32 {
  return op.num | ((<u32>op.op) << 16)
}

/** Tries an array. `undo`: current, there when an operation has SEM_UNDO. => 0, BLOCKED, -EAGAIN (so, but IPC_NOWAIT), -ERANGE. => lock held. */
export function judge(set: SemSet, undo: Undo | null, ops: usize, count: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const op = opAt(ops, i)
    const value = semValue(set, op.num) + op.prior
    const result = value + op.op
    if (op.op == 0 ? value != 0 : result < 0) {
      blocking = i
      return (op.flags & IPC_NOWAIT) != 0 ? -EAGAIN : BLOCKED
    }
    if (result > <i32>SEMVMX) return -ERANGE
    if ((op.flags & SEM_UNDO) == 0) continue
    const adjustment = adjustmentOf(undo!, op.num) - op.undone - op.op
    if (adjustment > <i32>SEMAEM || adjustment < -(<i32>SEMAEM) - 1) return -ERANGE
  }
  return 0
}

/** Does an array for process `pid`. => judge said 0. */
export function apply(
  set: SemSet,
  undo: Undo | null,
  ops: usize,
  count: u32,
  pid: u32,
  timeMs: f64,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const op = opAt(ops, i)
    const at = semAt(set, op.num)
    save(at, 8)
    store<i32>(at, load<i32>(at) + op.op)
    store<u32>(at, pid, 4)
    if ((op.flags & SEM_UNDO) == 0 || op.op == 0) continue
    setAdjustment(undo!, op.num, adjustmentOf(undo!, op.num) - op.op)
  }
  touchSet(set, timeMs)
}

/** The set was operated on now. */
export function touchSet(set: SemSet, timeMs: f64): void {
  save(changetype<usize>(set) + offsetof<SemSet>('otimeMs'), 8)
  set.otimeMs = timeMs
}

/** Takes the lock, and does first what a dead thread still owed to the sleepers of a set. */
export function lockSems(): void {
  lock()
  settleOwed()
}

/** The part of lockSems for who has the lock. */
export function settleOwed(): void {
  const owed = load<u32>(OWED)
  if (owed != 0) settle(changetype<SemSet>(<usize>owed), 0, 0, now(1))
}

/** => the set whose sleepers are still to be looked at, null for none. */
export function owedSet(): SemSet | null {
  return changetype<SemSet | null>(<usize>load<u32>(OWED))
}

/** In loops over sleepers, where the state is whole but for those that come: commits, without letting go of the lock. */
function commitIfDeep(set: SemSet): void {
  if (depth() < DEEP_BYTES) return
  owe(set)
  commit()
}

/** From here on whoever comes next looks at the sleepers of the set. */
export function owe(set: SemSet): void {
  put(OWED, <u32>changetype<usize>(set))
}

/** Room for the operations of a sleeper: who alters (0) and who waits for zero (1) are looked at in turn. */
function scratch(which: u32): usize {
  return <usize>me().buffer + BUFFER_BOUNCE + <usize>which * OPS_BYTES_MAX
}

/** Copies a sleeper's operations. => how many. */
function opsOf(wait: Wait, to: usize): u32 {
  if (wait.chain != 0) {
    readChain(wait.chain, wait.chainBytes, to)
    return wait.chainBytes >> OP_SHIFT
  }
  const op = opAt(to, 0)
  op.num = wait.value & 0xffff
  op.op = <i16>(wait.value >> 16)
  op.flags = (wait.extra & UNDOES) != 0 ? <u16>SEM_UNDO : 0
  op.prior = 0
  op.undone = 0
  return 1
}

function undoOf(wait: Wait, set: SemSet): Undo | null {
  const process = findProcess(wait.extra & PID_MASK)
  if (process == null) return null
  const undo = findUndo(process, set)
  if (undo != null) current(undo)
  return undo
}

/** A thread that died in its sleep gets nothing any more; the reaper takes its node. */
function isDead(wait: Wait): bool {
  const state = atomic.load<u32>(THREADS + wait.thread * THREAD_BYTES)
  return (state & WHERE_MASK) == WHERE_DEAD
}

/** Does what a sleeper wants, if that is possible. => as judge; 0: done. Its operations stay at `to`. */
function attempt(set: SemSet, wait: Wait, to: usize, timeMs: f64): i32 {
  const undoes = (wait.extra & UNDOES) != 0
  let undo: Undo | null = null
  if (undoes) undo = undoOf(wait, set)
  if (isDead(wait) || (undoes && undo == null)) return BLOCKED
  const count = opsOf(wait, to)
  const result = judge(set, undo, to, count)
  if (result == 0) apply(set, undo, to, count, wait.extra & PID_MASK, timeMs)
  if (result != BLOCKED) return result
  const waitsFor = packed(opAt(to, blocking))
  if (wait.value != waitsFor) put(changetype<usize>(wait) + offsetof<Wait>('value'), waitsFor)
  return BLOCKED
}

/** => one of the semaphores that an array names (0: of the set) is 0. */
function reachedZero(set: SemSet, ops: usize, count: u32): bool {
  const all = ops == 0
  const end = all ? set.count : count
  for (let i: u32 = 0; i < end; i++) {
    if (semValue(set, all ? i : opAt(ops, i).num) == 0) return true
  }
  return false
}

/** Completes who waits for zero and can go on now. => whether there was one. */
function settleZeros(set: SemSet, ops: usize, count: u32, timeMs: f64): bool {
  if (!reachedZero(set, ops, count)) return false
  let completed = false
  let wait = firstWait(changetype<usize>(set))
  while (wait != null) {
    const next = nextWait(wait)
    const result = (wait.extra & ALTERS) != 0 ? BLOCKED : attempt(set, wait, scratch(1), timeMs)
    if (result != BLOCKED) {
      finish(wait, result)
      completed = true
    }
    commitIfDeep(set)
    wait = next
  }
  return completed
}

/**
 * Values were changed by the `count` operations at `ops` (0: any may have changed): completes every sleeper that can go on. => lock held;
 * the state is whole but for that. Nothing is allocated.
 */
export function settle(set: SemSet, ops: usize, count: u32, timeMs: f64): void {
  const key = <u64>changetype<usize>(set)
  let wait = firstWait(key)
  if (wait != null && settleZeros(set, ops, count, timeMs)) wait = firstWait(key)
  let passedArray = false
  while (wait != null) {
    commitIfDeep(set)
    const next = nextWait(wait)
    const alters = (wait.extra & ALTERS) != 0
    const isArray = wait.chain != 0
    const result = alters ? attempt(set, wait, scratch(0), timeMs) : BLOCKED
    if (result == BLOCKED) {
      if (alters && isArray) passedArray = true
      wait = next
      continue
    }
    const done = isArray ? wait.chainBytes >> OP_SHIFT : 1
    finish(wait, result)
    const zeros = result == 0 && settleZeros(set, scratch(0), done, timeMs)
    const again = zeros || (result == 0 && (isArray || passedArray))
    wait = again ? firstWait(key) : next
    if (again) passedArray = false
  }
  if (load<u32>(OWED) != 0) put(OWED, 0)
}

/** => sleepers that wait for a semaphore to become 0 (`zero`), or to grow. */
export function countSleepers(set: SemSet, num: u32, zero: bool): u32 {
  let count: u32 = 0
  let wait = firstWait(changetype<usize>(set))
  while (wait != null) {
    const isZero = wait.value >> 16 == 0
    if ((wait.value & 0xffff) == num && isZero == zero) count++
    wait = nextWait(wait)
  }
  return count
}

/** Panics when a sleeper could go on. => lock held. */
export function checkSemWaits(): void {
  for (let slot = 0; slot <= lastSlot(IPC_SEM); slot++) {
    const set = changetype<SemSet | null>(ipcAt(IPC_SEM, slot))
    if (set == null || set == owedSet()) continue
    let wait = firstWait(changetype<usize>(set))
    while (wait != null) {
      check(isDead(wait) || !mayGoOn(set, wait), PANIC_SEMAPHORE, set.id)
      wait = nextWait(wait)
    }
  }
}

function mayGoOn(set: SemSet, wait: Wait): bool {
  let undo: Undo | null = null
  const undoes = (wait.extra & UNDOES) != 0
  if (undoes) undo = undoOf(wait, set)
  if (undoes && undo == null) return false
  const count = opsOf(wait, scratch(0))
  return judge(set, undo, scratch(0), count) != BLOCKED
}
