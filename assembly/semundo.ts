/**
 * What SEM_UNDO owes: an entry for each process and set, with an adjustment for each semaphore that the process's exit adds to it.
 *
 *   Process.undos -> Undo -> Undo          by process
 *   SemSet.undos  -> Undo -> Undo          by set
 *
 * An entry is made, whole, before the first operation that needs it, so that nothing can fail at exit.
 *
 * Invariants (checkUndos):
 *  1. An entry is in the list of its process and in that of its set; there is one for the two at most.
 *  2. Its adjustments mean something only while its epoch is its set's: SETALL forgets everyone's by moving the set's. One that is behind is
 *     cleared before it is used again.
 * Guarded by the kernel lock, journalled. Source: Linux ipc/sem.c (struct sem_undo), semop(2) "semadj".
 */
import { PANIC_SEMAPHORE } from './abi'
import { clearArray, freeArray, inArray, newArray } from './array'
import { edit, put, save } from './journal'
import { relax } from './lock'
import { check } from './panic'
import { Process } from './process'
import { firstDying, freeDying, SemSet } from './semset'
import { create, destroy } from './slab'

@unmanaged
export class Undo {
  nextOfProcess: Undo | null
  nextOfSet: Undo | null
  process: Process | null
  set: SemSet | null
  /** Array of i16, one a semaphore. */
  adjustments: u32
  epoch: u32
}

function bytesFor(set: SemSet): u32 {
  return set.count << 1
}

/** => the entry of a process for a set, null when there is none. */
export function findUndo(process: Process, set: SemSet): Undo | null {
  let undo = changetype<Undo | null>(<usize>process.undos)
  while (undo != null && undo.set != set) undo = undo.nextOfProcess
  return undo
}

/** => the entry of a process for a set, made when there is none; null when memory is out: the caller abandons. => lock held. */
export function needUndo(process: Process, set: SemSet): Undo | null {
  const found = findUndo(process, set)
  if (found != null) return current(found)
  const undo = create<Undo>()
  if (changetype<usize>(undo) == 0) return null
  undo.adjustments = newArray(bytesFor(set))
  if (undo.adjustments == 0) return null
  undo.process = process
  undo.set = set
  undo.epoch = set.epoch
  undo.nextOfProcess = changetype<Undo | null>(<usize>process.undos)
  undo.nextOfSet = changetype<Undo | null>(<usize>set.undos)
  edit<Process>(process).undos = <u32>changetype<usize>(undo)
  edit<SemSet>(set).undos = <u32>changetype<usize>(undo)
  return undo
}

/** => the entry, with adjustments that mean something. */
export function current(undo: Undo): Undo {
  const set = undo.set!
  if (undo.epoch == set.epoch) return undo
  clearArray(undo.adjustments, bytesFor(set))
  edit<Undo>(undo).epoch = set.epoch
  return undo
}

/** => what exit would add to a semaphore. => the entry is current. */
export function adjustmentOf(undo: Undo, num: u32): i32 {
  return load<i16>(inArray(undo.adjustments, num << 1))
}

export function setAdjustment(undo: Undo, num: u32, value: i32): void {
  const at = inArray(undo.adjustments, num << 1)
  save(at & ~3, 4)
  store<i16>(at, <i16>value)
}

/** SETVAL: nobody undoes anything to this semaphore any more. */
export function forgetUndo(set: SemSet, num: u32): void {
  let undo = changetype<Undo | null>(<usize>set.undos)
  while (undo != null) {
    if (undo.epoch == set.epoch && adjustmentOf(undo, num) != 0) setAdjustment(undo, num, 0)
    undo = undo.nextOfSet
  }
}

/** SETALL: nor to any of the set. */
export function forgetUndos(set: SemSet): void {
  if (set.undos != 0) edit<SemSet>(set).epoch += 1
}

/** Takes an entry out of both lists and frees it. */
export function dropUndo(undo: Undo): void {
  const process = undo.process!
  const set = undo.set!
  const byProcess = changetype<usize>(process) + offsetof<Process>('undos')
  const bySet = changetype<usize>(set) + offsetof<SemSet>('undos')
  unlink(byProcess, undo, offsetof<Undo>('nextOfProcess'))
  unlink(bySet, undo, offsetof<Undo>('nextOfSet'))
  freeArray(undo.adjustments, bytesFor(set))
  destroy<Undo>(undo)
}

function unlink(head: usize, undo: Undo, link: usize): void {
  let at = head
  while (load<u32>(at) != <u32>changetype<usize>(undo)) {
    check(load<u32>(at) != 0, PANIC_SEMAPHORE)
    at = <usize>load<u32>(at) + link
  }
  put(at, load<u32>(changetype<usize>(undo) + link))
}

/** Gives removed sets back, an entry or a set a transaction: also what a dead thread had begun. => lock held; relaxes. */
export function sweepSets(): void {
  let set = firstDying()
  while (set != null) {
    if (set.undos == 0) freeDying()
    else {
      dropUndo(changetype<Undo>(<usize>set.undos))
      relax()
    }
    set = firstDying()
  }
}

/** Panics when an entry of a process is not one of its set's too. => lock held. */
export function checkUndos(process: Process): void {
  let undo = changetype<Undo | null>(<usize>process.undos)
  while (undo != null) {
    check(undo.process == process && findUndo(process, undo.set!) == undo, PANIC_SEMAPHORE)
    let other = changetype<Undo | null>(<usize>undo.set!.undos)
    while (other != undo) {
      check(other != null, PANIC_SEMAPHORE, undo.set!.id)
      other = other!.nextOfSet
    }
    undo = undo.nextOfProcess
  }
}
