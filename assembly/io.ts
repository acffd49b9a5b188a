/**
 * What a thread is doing to an object's pages outside the lock, written in its slot: if it dies there, exit.ts knows what to undo.
 *
 * One at a time: a thread that fills, writes or resizes does nothing else in between.
 */
import { put, save } from './journal'
import { MemObject, retain } from './object'
import { releaseObject } from './release'
import { me, Thread } from './thread'

/** What a thread's slot says of its I/O. */
export const IO_NONE: u32 = 0
export const IO_FILL: u32 = 1
export const IO_WRITE: u32 = 2
export const IO_RESIZE: u32 = 3

/** Writes into this thread's slot what it is about to do outside the lock, and keeps the object alive. => lock held. */
export function beginIo(kind: u32, object: MemObject, index: u64, count: u32): void {
  retain(object)
  const thread = me()
  save(changetype<usize>(thread) + offsetof<Thread>('ioObject'), 24)
  thread.ioKind = kind
  thread.ioObject = <u32>changetype<usize>(object)
  thread.ioIndex = index
  thread.ioCount = count
}

/** Clears it and lets go of the object. => lock held; relaxes. */
export function endIo(object: MemObject): void {
  put(changetype<usize>(me()) + offsetof<Thread>('ioKind'), IO_NONE)
  releaseObject(object)
}
