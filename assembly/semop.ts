/**
 * semop and semtimedop, and what the exit of a process undoes.
 *
 * Sources: POSIX.1-2017 semop; Linux semop(2), ipc/sem.c.
 */
import { BUFFER_DATA, E2BIG, EAGAIN, EFBIG, EINVAL, ENOMEM, ETIMEDOUT } from './abi'
import { fillChain, newChain } from './chain'
import { now } from './env'
import { limit, mayUse } from './ipc'
import {
  LIMIT_SEMOPM,
  SEM_UNDO,
  SEMBUF_BYTES,
  SEMBUF_FLG,
  SEMBUF_NUM,
  SEMBUF_OP,
  SEMVMX,
} from './ipcabi'
import { save } from './journal'
import { abandon, relax, unlock } from './lock'
import { Process } from './process'
import { findSet, SemSet, semAt } from './semset'
import { adjustmentOf, dropUndo, needUndo, sweepSets, Undo } from './semundo'
import {
  ALTERS,
  apply,
  BLOCKED,
  blocking,
  judge,
  lockSems,
  opAt,
  opsBytes,
  packed,
  SemOp,
  settle,
  settleOwed,
  touchSet,
  UNDOES,
} from './semwait'
import { me } from './thread'
import { enqueue, sleep, Wait } from './wait'

/** Where the prepared operations are, behind the raw ones. */
const OPS: u32 = BUFFER_DATA + 4096
/** What `prepare` found: the highest semaphore, whether one is altered, whether one has SEM_UNDO. */
let highest: u32 = 0
let alters: bool = false
let undoes: bool = false

function fill(op: SemOp, num: u32, change: i32, flags: u32): void {
  op.num = num
  op.op = <i16>change
  op.flags = <u16>flags
  op.prior = 0
  op.undone = 0
  highest = max(highest, num)
  alters = alters || change != 0
  undoes = undoes || (flags & SEM_UNDO) != 0
}

/** Prepares the operations of a call: the single one given, or `count` of SEMBUF_* at BUFFER_DATA. => where they are. */
export function prepare(count: u32, num: u32, change: i32, flags: u32): usize {
  const ops = <usize>me().buffer + OPS
  highest = 0
  alters = false
  undoes = false
  if (count == 1) {
    fill(opAt(ops, 0), num, change, flags)
    return ops
  }
  let seen: u64 = 0
  for (let i: u32 = 0; i < count; i++) {
    const raw = <usize>me().buffer + BUFFER_DATA + i * SEMBUF_BYTES
    const op = opAt(ops, i)
    fill(op, load<u16>(raw, SEMBUF_NUM), load<i16>(raw, SEMBUF_OP), load<u16>(raw, SEMBUF_FLG))
    const mark: u64 = (<u64>1) << (op.num & 63)
    if ((seen & mark) != 0) addEarlier(ops, i)
    seen |= mark
  }
  return ops
}

/** Sums up what the operations before `index` do to the same semaphore: the last of them knows the rest. */
function addEarlier(ops: usize, index: u32): void {
  const op = opAt(ops, index)
  for (let i = <i32>index - 1; i >= 0; i--) {
    const earlier = opAt(ops, i)
    if (earlier.num != op.num) continue
    op.prior = earlier.prior + earlier.op
    op.undone = earlier.undone + ((earlier.flags & SEM_UNDO) != 0 ? earlier.op : 0)
    return
  }
}

/**
 * semtimedop(2); without a limit (`timeoutMs` negative) semop(2). A single operation comes as `num`, `change`, `flags`, several at BUFFER_DATA.
 * => 0; -EINVAL (no operation, no such set, a limit that is none), -E2BIG, -EFBIG, -EACCES, -EAGAIN (IPC_NOWAIT, or the time is over), -ERANGE, -EIDRM, -EINTR,
 * -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysSemop(
  process: Process,
  id: i32,
  count: u32,
  timeoutMs: f64,
  num: u32,
  change: i32,
  flags: u32,
): i32 {
  if (id < 0 || count == 0) return -EINVAL
  if (count > limit(LIMIT_SEMOPM)) return -E2BIG
  if (isNaN(timeoutMs)) return -EINVAL
  const ops = prepare(count, num, change, flags)
  lockSems()
  const result = operate(process, findSet(id), ops, count, timeoutMs)
  unlock()
  return result
}

/** Does the operations or sleeps until they are done. An undo entry stays when they fail, as on Linux: its exit is one of the set's times. => as sysSemop. */
function operate(
  process: Process,
  found: SemSet | null,
  ops: usize,
  count: u32,
  timeoutMs: f64,
): i32 {
  if (found == null) return -EINVAL
  const set = found
  let undo: Undo | null = null
  if (undoes) undo = needUndo(process, set)
  if (undoes && undo == null) return noMemory()
  if (highest >= set.count) return -EFBIG
  const denied = mayUse(process, set, alters ? 2 : 4)
  if (denied != 0) return denied
  const result = judge(set, undo, ops, count)
  if (result == BLOCKED) return sleepFor(process, set, ops, count, timeoutMs)
  if (result != 0) return result
  const timeMs = now(1)
  apply(set, undo, ops, count, process.pid, timeMs)
  if (alters) settle(set, ops, count, timeMs)
  return 0
}

function noMemory(): i32 {
  abandon()
  return -ENOMEM
}

/** Sleeps until somebody made the operations possible, and did them. => lock held before and after, free in between. */
function sleepFor(process: Process, set: SemSet, ops: usize, count: u32, timeoutMs: f64): i32 {
  const wait = queueFor(process, set, ops, count)
  if (wait == null) return noMemory()
  const result = sleep(wait, timeoutMs)
  return result == -ETIMEDOUT ? -EAGAIN : result
}

/** Queues the operations that `prepare` left and `judge` found BLOCKED. => null when memory is out: the caller abandons. => lock held. */
export function queueFor(process: Process, set: SemSet, ops: usize, count: u32): Wait | null {
  const wait = enqueue(changetype<usize>(set))
  if (wait == null) return null
  wait.value = packed(opAt(ops, blocking))
  wait.extra = process.pid | (alters ? ALTERS : 0) | (undoes ? UNDOES : 0)
  if (count == 1) return wait
  wait.chain = newChain(opsBytes(count))
  if (wait.chain == 0) return null
  wait.chainBytes = opsBytes(count)
  fillChain(wait.chain, wait.chainBytes, ops)
  return wait
}

/** The process ends: what its SEM_UNDO operations did is undone. => no other thread is in a call of it; lock held; relaxes. */
export function exitSems(process: Process): void {
  settleOwed()
  while (process.undos != 0) {
    undoAll(changetype<Undo>(<usize>process.undos))
    relax()
  }
}

/** Adds an entry's adjustments to the values, kept within 0 and SEMVMX, and frees it. Never fails, never waits. */
function undoAll(undo: Undo): void {
  const set = undo.set!
  const process = undo.process!
  const isThere = findSet(set.id) == set
  if (isThere && undo.epoch == set.epoch) {
    for (let num: u32 = 0; num < set.count; num++) {
      const adjustment = adjustmentOf(undo, num)
      if (adjustment != 0) adjust(semAt(set, num), adjustment, process.pid)
    }
  }
  dropUndo(undo)
  if (!isThere) return
  const timeMs = now(1)
  touchSet(set, timeMs)
  settle(set, 0, 0, timeMs)
}

function adjust(at: usize, adjustment: i32, pid: u32): void {
  save(at, 8)
  store<i32>(at, max(min(load<i32>(at) + adjustment, <i32>SEMVMX), 0))
  store<u32>(at, pid, 4)
}

/** Finishes what dead threads had begun on semaphores. => lock held; relaxes. */
export function mendSems(): void {
  settleOwed()
  relax()
  sweepSets()
}
