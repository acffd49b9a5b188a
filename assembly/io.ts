/**
 * What a thread is doing to an object's pages outside the lock, written in its slot: if it dies there, exit.ts knows what to undo.
 *
 * One at a time: a thread that fills, writes or resizes does nothing else in between.
 */
import { PANIC_OBJECT_REFS } from './abi'
import { put, save } from './journal'
import { MemObject, retain } from './object'
import { check } from './panic'
import { releaseObject } from './release'
import { me, Thread, threadAt } from './thread'

/** What a thread's slot says of its I/O. */
export const IO_NONE: u32 = 0
export const IO_FILL: u32 = 1
export const IO_WRITE: u32 = 2
export const IO_RESIZE: u32 = 3

/** Writes into this thread's slot what it is about to do outside the lock, and keeps the object alive. => lock held. */
export function beginIo(kind: u32, object: MemObject, index: u64, count: u32): void {
  retain(object)
  const thread = me()
  save(changetype<usize>(thread) + offsetof<Thread>('ioObject'), 20)
  thread.ioKind = kind
  thread.ioObject = <u32>changetype<usize>(object)
  thread.ioIndex = index
  thread.ioCount = count
}

/** Keeps an object alive while the lock is free; one at a time. => lock held. */
export function holdObject(object: MemObject): void {
  const at = changetype<usize>(me()) + offsetof<Thread>('object')
  check(load<u32>(at) == 0, PANIC_OBJECT_REFS)
  retain(object)
  put(at, <u32>changetype<usize>(object))
}

/** Lets go of what thread `index` (this one, or a dead one) holds. => lock held; relaxes when it was the last user. */
export function letGoObject(index: u32): void {
  const at = changetype<usize>(threadAt(index)) + offsetof<Thread>('object')
  const object = load<u32>(at)
  if (object == 0) return
  put(at, 0)
  releaseObject(changetype<MemObject>(<usize>object))
}

/** Clears it and lets go of the object. => lock held; relaxes. */
export function endIo(object: MemObject): void {
  put(changetype<usize>(me()) + offsetof<Thread>('ioKind'), IO_NONE)
  releaseObject(object)
}
