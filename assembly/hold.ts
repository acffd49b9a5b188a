/**
 * What a thread keeps hold of while a file call runs outside the kernel lock: one open description,
 * one inode, and the sleeping locks on them. All of it is written in the thread's slot, so that a
 * death lets go of it (releaseHolds).
 *
 * Sleeping locks are words that hold the owner's index + 1: File.position, which makes reads and
 * writes of one description take turns on its offset, and Inode.writer, which makes a file's
 * writes, appends and resizes atomic against each other.
 * Order: position, then writer. Both belong to the description that the thread uses.
 *
 * Invariants:
 *  1. thread.file and thread.inode are each a reference that the thread owns; 0 is none. A thread
 *     has at most one of each.
 *  2. A sleeping lock's owner has the file (and so the inode) in its slot.
 * Guarded by the kernel lock, journalled.
 */
import { PANIC_FILE } from './abi'
import { dropFile, File, useFile } from './file'
import { dropInode, Inode, useInode } from './inode'
import { put } from './journal'
import { check } from './panic'
import { forgetWaiter } from './range'
import { me, Thread, threadAt } from './thread'
import { park, wake } from './wait'

/** This thread uses `file` from now on. => lock held. */
export function holdFile(file: File): void {
  check(me().file == 0, PANIC_FILE)
  useFile(file)
  put(changetype<usize>(me()) + offsetof<Thread>('file'), <u32>changetype<usize>(file))
}

/** As holdFile, for a description just made: its first reference is the thread's. */
export function holdNew(file: File): void {
  check(me().file == 0, PANIC_FILE)
  put(changetype<usize>(me()) + offsetof<Thread>('file'), <u32>changetype<usize>(file))
}

/** => the description that this thread uses. */
export function heldFile(): File {
  return changetype<File>(<usize>me().file)
}

/** This thread holds `inode` from now on. => lock held. */
export function holdInode(inode: Inode): void {
  check(me().inode == 0, PANIC_FILE)
  useInode(inode)
  put(changetype<usize>(me()) + offsetof<Thread>('inode'), <u32>changetype<usize>(inode))
}

/** => the inode that this thread holds. */
export function heldInode(): Inode {
  return changetype<Inode>(<usize>me().inode)
}

/**
 * Takes a sleeping lock. => 0, or -EINTR, -EWOULDBLOCK_PARK. => lock held before and after, free in
 * between.
 */
function acquire(word: usize): i32 {
  while (load<u32>(word) != 0) {
    const result = park(word, -1)
    if (result < 0) return result
  }
  put(word, me().index + 1)
  return 0
}

/** Frees a sleeping lock if thread `index` has it. */
function giveUp(word: usize, index: u32): void {
  if (load<u32>(word) != index + 1) return
  put(word, 0)
  wake(word, 1)
}

function positionOf(file: File): usize {
  return changetype<usize>(file) + offsetof<File>('position')
}

function writerOf(inode: Inode): usize {
  return changetype<usize>(inode) + offsetof<Inode>('writer')
}

/** Takes the turn on the offset of the description in use. => as acquire. */
export function takePosition(): i32 {
  return acquire(positionOf(heldFile()))
}

/** Takes the turn to write or resize the file in use. => as acquire. */
export function takeWriter(): i32 {
  return acquire(writerOf(heldFile().inode!))
}

/** Lets go of the description in use and of its sleeping locks. It may free. => lock held. */
export function letGoFile(): void {
  releaseFile(me().index)
}

/** Lets go of the inode. It may free. => lock held. */
export function letGoInode(): void {
  releaseInode(me().index)
}

function releaseFile(index: u32): void {
  const thread = threadAt(index)
  if (thread.file == 0) return
  const file = changetype<File>(<usize>thread.file)
  const inode = file.inode
  giveUp(positionOf(file), index)
  if (inode != null) giveUp(writerOf(inode), index)
  put(changetype<usize>(thread) + offsetof<Thread>('file'), 0)
  dropFile(file)
}

function releaseInode(index: u32): void {
  const thread = threadAt(index)
  if (thread.inode == 0) return
  const inode = changetype<Inode>(<usize>thread.inode)
  put(changetype<usize>(thread) + offsetof<Thread>('inode'), 0)
  dropInode(inode)
}

/** Thread `index` is dead: lets go of all it held. It may free. => lock held. */
export function releaseHolds(index: u32): void {
  forgetWaiter(index)
  releaseFile(index)
  releaseInode(index)
}
