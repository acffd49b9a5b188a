/**
 * The undo journal: what makes each hold of the kernel lock a transaction.
 *
 *   +--------+----------------+--------+----------------+--------+
 *   | bytes  | address, count | bytes  | address, count |  ...   |      TOP -> first free byte
 *   +--------+----------------+--------+----------------+--------+
 *
 * Before kernel state is changed, its old bytes are pushed here (`save`); unlock forgets them (`commit`). A thread that dies inside
 * (a raw Worker.terminate() can end it between any two instructions) leaves its pushes behind, and whoever proves it dead pops them
 * (`rollback`): the kernel is as it was before the dead thread took the lock. Kernel code therefore never repairs by case.
 *
 * Invariants:
 *  1. Only the owner of the kernel lock pushes; TOP is 0 whenever the lock is free.
 *  2. A store to shared kernel state follows a save of those bytes in the same transaction. Exceptions, each safe to find in either
 *     state: page contents, atomic words (doorbells, thread states), counters of stat.ts, memory that was free before.
 *  3. In one transaction nothing is allocated after something was freed (the freed bytes may be needed by the roll-back); FREED says so.
 *  4. Restoring is idempotent, so a thread may die in rollback too.
 *
 * Specs define a global class TransactionProbe (tests/kernel/support/transactions.ts), which looks at each transaction before a push and at
 * its end: it plays a death there. In the kernel there is no such class, and its calls are not compiled.
 */
import { PANIC_ALLOC_AFTER_FREE, PANIC_JOURNAL_FULL } from './abi'
import { check } from './panic'

export const LOG_BYTES: u32 = 1048576
export const LOG: usize = memory.data(1048576, 16)
export const TOP: usize = memory.data(16, 16)
const FREED: usize = TOP + 4
/** In a record's count: its undo is to clear words (saveZeros), not to restore bytes. */
export const CLEARS: u32 = 0x80000000

/** Pushes `bytes` bytes at `address` (a multiple of 4). => lock held. */
export function save(address: usize, bytes: u32): void {
  if (isDefined(TransactionProbe)) TransactionProbe.saving()
  const top = load<u32>(TOP)
  check(top + bytes + 8 <= LOG_BYTES, PANIC_JOURNAL_FULL, bytes)
  const at = LOG + top
  let i: u32 = 0
  for (; i + 16 <= bytes; i += 16) v128.store(at + i, v128.load(address + i))
  for (; i < bytes; i += 4) store<u32>(at + i, load<u32>(address + i))
  store<u32>(at + bytes, <u32>address)
  store<u32>(at + bytes, bytes, 4)
  store<u32>(TOP, top + bytes + 8)
}

/** Pushes a whole structure, then gives it back for editing. => lock held. */
export function edit<T>(structure: T): T {
  save(changetype<usize>(structure), offsetof<T>())
  return structure
}

/** Journalled store of one word. => lock held. */
export function put(address: usize, value: u32): void {
  if (isDefined(TransactionProbe)) TransactionProbe.saving()
  const top = load<u32>(TOP)
  check(top + 12 <= LOG_BYTES, PANIC_JOURNAL_FULL, 4)
  store<u32>(LOG + top, load<u32>(address))
  store<u32>(LOG + top, <u32>address, 4)
  store<u32>(LOG + top, 4, 8)
  store<u32>(TOP, top + 12)
  store<u32>(address, value)
}

/** Journalled store of one word for who looks without the lock: seen after everything stored before it, and before anything loaded after it. => lock held. */
export function publish(address: usize, value: u32): void {
  save(address, 4)
  atomic.store<u32>(address, value)
}

/**
 * Pushes `count` words that are 0, the first at `address`, `stride` bytes apart: their undo is to clear them. One record however many they are.
 * => lock held.
 */
export function saveZeros(address: usize, stride: u32, count: u32): void {
  if (isDefined(TransactionProbe)) TransactionProbe.saving()
  const top = load<u32>(TOP)
  check(top + 12 <= LOG_BYTES, PANIC_JOURNAL_FULL, count)
  store<u32>(LOG + top, stride)
  store<u32>(LOG + top, <u32>address, 4)
  store<u32>(LOG + top, count | CLEARS, 8)
  store<u32>(TOP, top + 12)
}

/** Forgets the old bytes: the transaction stands. */
export function commit(): void {
  if (isDefined(TransactionProbe)) TransactionProbe.ending()
  store<u32>(TOP, 0)
  store<u32>(FREED, 0)
}

/** Restores the bytes of the transaction in reverse. => the caller owns the lock (took it over from the dead). */
export function rollback(): void {
  let top = load<u32>(TOP)
  while (top != 0) {
    const count = load<u32>(LOG + top - 4)
    const address = <usize>load<u32>(LOG + top - 8)
    const bytes = (count & CLEARS) != 0 ? 4 : count
    const at = LOG + top - 8 - bytes
    if ((count & CLEARS) != 0) clearWords(address, load<u32>(at), count & ~CLEARS)
    else restore(address, at, bytes)
    top = <u32>(at - LOG)
    store<u32>(TOP, top)
  }
  store<u32>(FREED, 0)
}

function restore(address: usize, from: usize, bytes: u32): void {
  let i: u32 = 0
  for (; i + 8 <= bytes; i += 8) store<u64>(address + i, load<u64>(from + i))
  if (i < bytes) store<u32>(address + i, load<u32>(from + i))
}

function clearWords(address: usize, stride: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(address + i * stride, 0)
}

/** Bytes pushed and not yet forgotten: long loops relax when this grows. */
export function depth(): u32 {
  return load<u32>(TOP)
}

/** Notes that this transaction freed memory (invariant 3). */
export function noteFree(): void {
  store<u32>(FREED, 1)
}

/** => nothing was freed in this transaction. */
export function checkMayAllocate(): void {
  check(load<u32>(FREED) == 0, PANIC_ALLOC_AFTER_FREE)
}
