/**
 * System V semaphore sets: the structure, its semaphores, and its end.
 *
 *   Set -> array of semaphores:   | value | pid of the last change |   8 bytes each
 *       -> list of what processes would undo (semundo.ts)
 *   sleepers: wait nodes whose key is the set's address (semwait.ts)
 *
 * Invariants (checkSets):
 *  1. Every value is 0 to SEMVMX; the sets' counts add up to SEMS.
 *  2. A removed set is in the list DYING, with no id and no sleeper, until its undo entries and its semaphores are given back, in as many
 *     transactions as that takes; whoever comes by goes on with it.
 * Guarded by the kernel lock, journalled. Source: Linux ipc/sem.c.
 */
import { EIDRM, ENOMEM, PANIC_SEMAPHORE } from './abi'
import { freeArray, inArray, newArray, saveArray } from './array'
import { now } from './env'
import { addIpc, findIpc, Ipc, ipcAt, lastSlot, limit, removeIpc } from './ipc'
import { IPC_SEM, LIMIT_SEMMNS, SEMVMX } from './ipcabi'
import { edit, put } from './journal'
import { relax } from './lock'
import { check } from './panic'
import { Process } from './process'
import { create, destroy } from './slab'
import { finishAll, firstWait } from './wait'

@unmanaged
export class SemSet extends Ipc {
  /** Semaphores, and the array of them. */
  count: u32
  sems: u32
  /** First of the undo entries. */
  undos: u32
  /** Moves when the undo entries of all processes are forgotten at once. */
  epoch: u32
  /** Next of the list DYING. */
  nextDying: SemSet | null
  pad: u32
  /** Last operation and last change, ms since 1970; 0: never. */
  otimeMs: f64
  ctimeMs: f64
}

const SEM_BYTES: u32 = 8
/** Semaphores in all sets. */
const SEMS: usize = memory.data(16, 16)
/** First set that is removed and not yet given back. */
const DYING: usize = memory.data(16, 16)

/** => address of a semaphore: its value, then the pid. => num < set.count. */
export function semAt(set: SemSet, num: u32): usize {
  return inArray(set.sems, num << 3)
}

/** => the value of a semaphore. */
export function semValue(set: SemSet, num: u32): i32 {
  return load<i32>(semAt(set, num))
}

/** Before all semaphores of a set are stored to. */
export function saveSems(set: SemSet): void {
  saveArray(set.sems, set.count * SEM_BYTES)
}

/** => the set of an id, null when it is stale or never was. */
export function findSet(id: i32): SemSet | null {
  return id < 0 ? null : changetype<SemSet | null>(findIpc(IPC_SEM, id))
}

/** => semaphores in all sets. */
export function semsInUse(): u32 {
  return load<u32>(SEMS)
}

/** => a set of `count` semaphores would be more than SEMMNS allows. */
export function isOverLimit(count: u32): bool {
  return <u64>load<u32>(SEMS) + count > <u64>limit(LIMIT_SEMMNS)
}

/** A new set, all 0. => its id; -ENOMEM or -ENOSPC when memory is out: the caller abandons. => 0 < count; lock held. */
export function newSet(process: Process, key: i32, count: u32, flags: u32): i32 {
  const set = create<SemSet>()
  if (changetype<usize>(set) == 0) return -ENOMEM
  set.count = count
  set.sems = newArray(count * SEM_BYTES)
  if (set.sems == 0) return -ENOMEM
  set.ctimeMs = now(1)
  put(SEMS, load<u32>(SEMS) + count)
  return addIpc(set, process, IPC_SEM, key, flags)
}

/** IPC_RMID: the id is gone, sleepers end with EIDRM. sweepSets gives the rest back. => lock held. */
export function removeSet(set: SemSet): void {
  finishAll(changetype<usize>(set), 0, -EIDRM)
  removeIpc(set)
  edit<SemSet>(set).nextDying = firstDying()
  put(DYING, <u32>changetype<usize>(set))
  put(SEMS, load<u32>(SEMS) - set.count)
}

/** => a removed set that is not yet given back, null when there is none. */
export function firstDying(): SemSet | null {
  return changetype<SemSet | null>(<usize>load<u32>(DYING))
}

/** Gives the first of the dying sets back. => it has no undo entry any more; lock held; relaxes. */
export function freeDying(): void {
  const set = firstDying()!
  put(DYING, <u32>changetype<usize>(set.nextDying))
  freeArray(set.sems, set.count * SEM_BYTES)
  destroy<SemSet>(set)
  relax()
}

/** Panics at the first broken invariant. => lock held. */
export function checkSets(): void {
  let sems: u32 = 0
  for (let slot = 0; slot <= lastSlot(IPC_SEM); slot++) {
    const object = ipcAt(IPC_SEM, slot)
    if (object == null) continue
    const set = changetype<SemSet>(object)
    sems += set.count
    for (let num: u32 = 0; num < set.count; num++) {
      check(<u32>semValue(set, num) <= SEMVMX, PANIC_SEMAPHORE, set.id)
    }
  }
  check(sems == load<u32>(SEMS), PANIC_SEMAPHORE, sems)
  let dying = firstDying()
  while (dying != null) {
    check(firstWait(changetype<usize>(dying)) == null, PANIC_SEMAPHORE, dying.id)
    dying = dying.nextDying
  }
}
