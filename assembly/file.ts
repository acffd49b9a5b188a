/**
 * Open file descriptions: what open made, shared by dup and fork.
 *
 * Invariants (checkFile):
 *  1. `refs` counts descriptor table entries and threads that use it outside the lock
 *     (thread.file).
 *  2. It holds its inode; without one it is still being opened and its descriptor is EBADF.
 *  3. `position` is the thread (index + 1) whose read or write moves the offset; that thread uses
 *     the file.
 *  4. A description with a flock (`lockKind`) is in its inode's list, once.
 * Guarded by the kernel lock, journalled.
 */
import { O_RDONLY, O_WRONLY, PANIC_FILE, PANIC_FLOCK } from './abi'
import { dropInode, Inode, useInode } from './inode'
import { edit, put } from './journal'
import { relaxIfDeep } from './lock'
import { check } from './panic'
import { checkPipe, closeEnd, openEnd } from './pipe'
import { create, destroy } from './slab'
import { freePiece, Text } from './text'
import { wake } from './wait'

@unmanaged
export class File {
  inode: Inode | null
  /** Access mode and status flags: O_* of wasi-libc. */
  flags: u32
  refs: u32
  position: u32
  offset: u64
  /** Write-back failures of the object that this description has reported or was opened after. */
  failuresSeen: u32
  /** flock: 0, LOCK_SH or LOCK_EX; next description with a flock on the inode. */
  lockKind: u32
  nextLock: File | null
  /** Directory of a mount: what the readdir that began at cookie 0 saw (readdir.ts). */
  listing: Text | null
  /** In the list of descriptions whose listing is to be freed. */
  nextClosing: u32
}

/** Open descriptions in the machine; the first whose listing is to be freed. */
const COUNT: usize = memory.data(16, 16)
const CLOSING: usize = COUNT + 4

/**
 * => a description without inode and with one user, null when memory is out. => openFiles() <
 * OPEN_FILES_MAX, lock held.
 */
export function newFile(flags: u32): File | null {
  const file = create<File>()
  if (changetype<usize>(file) == 0) return null
  file.flags = flags
  file.refs = 1
  put(COUNT, load<u32>(COUNT) + 1)
  return file
}

/** Gives a description its inode. */
export function attach(file: File, inode: Inode): void {
  edit<File>(file).inode = inode
  useInode(inode)
  const object = inode.object
  if (object != null) file.failuresSeen = object.failures
  const pipe = inode.pipe
  if (pipe != null) openEnd(pipe, canRead(file), canWrite(file))
}

export function canRead(file: File): bool {
  return (file.flags & O_RDONLY) != 0
}

export function canWrite(file: File): bool {
  return (file.flags & O_WRONLY) != 0
}

/** => open descriptions in the machine. */
export function openFiles(): u32 {
  return load<u32>(COUNT)
}

/** One user more. */
export function useFile(file: File): void {
  edit<File>(file).refs += 1
}

/**
 * One user less; the last one ends it. It may free: nothing is allocated afterwards in this
 * transaction.
 */
export function dropFile(file: File): void {
  check(file.refs > 0, PANIC_FILE)
  edit<File>(file).refs -= 1
  if (file.refs != 0) return
  unlockFile(file)
  if (file.listing != null) {
    file.nextClosing = load<u32>(CLOSING)
    put(CLOSING, <u32>changetype<usize>(file))
  } else endFile(file)
}

function endFile(file: File): void {
  const inode = file.inode
  if (inode != null) {
    const pipe = inode.pipe
    if (pipe != null) closeEnd(pipe, canRead(file), canWrite(file))
  }
  destroy<File>(file)
  put(COUNT, load<u32>(COUNT) - 1)
  if (inode != null) dropInode(inode)
}

/** Frees a description's listing, piece by piece. => lock held, it may relax. */
export function dropListing(file: File): void {
  while (file.listing != null) {
    edit<File>(file).listing = freePiece(file.listing!)
    relaxIfDeep()
  }
}

/** => descriptions wait for endClosing. Read without the lock: a hint. */
export function hasClosing(): bool {
  return load<u32>(CLOSING) != 0
}

/**
 * Goes on with ending descriptions that had a listing, piece by piece. => false when none is left.
 * => lock held.
 */
export function endClosing(): bool {
  const first = load<u32>(CLOSING)
  if (first == 0) return false
  const file = changetype<File>(<usize>first)
  const listing = file.listing
  if (listing != null) edit<File>(file).listing = freePiece(listing)
  else {
    put(CLOSING, file.nextClosing)
    endFile(file)
  }
  return true
}

/**
 * => a failure of write-back that this description has not reported yet as -errno, else 0; it
 * counts as reported.
 */
export function takeFailure(file: File): i32 {
  const object = file.inode!.object
  if (object == null || object.failures == file.failuresSeen) return 0
  edit<File>(file).failuresSeen = object.failures
  return -object.failure
}

/** => the key that waiters for a flock of the inode use. */
export function keyOfFlocks(inode: Inode): u64 {
  return changetype<usize>(inode) + offsetof<Inode>('flocks')
}

/** Puts a flock on the description. => it has none. */
export function lockFile(file: File, kind: u32): void {
  const inode = edit<Inode>(file.inode!)
  edit<File>(file).lockKind = kind
  file.nextLock = changetype<File | null>(<usize>inode.flocks)
  inode.flocks = <u32>changetype<usize>(file)
}

/** Takes the description's flock away and wakes who waits. */
export function unlockFile(file: File): void {
  if (file.lockKind == 0) return
  const inode = file.inode!
  let at = changetype<usize>(inode) + offsetof<Inode>('flocks')
  while (load<u32>(at) != <u32>changetype<usize>(file)) {
    check(load<u32>(at) != 0, PANIC_FLOCK)
    at = <usize>load<u32>(at) + offsetof<File>('nextLock')
  }
  put(at, <u32>changetype<usize>(file.nextLock))
  edit<File>(file).lockKind = 0
  file.nextLock = null
  wake(keyOfFlocks(inode), 0x7fffffff)
}

/** Panics at the first broken invariant of one description. => lock held. */
export function checkFile(file: File): void {
  check(file.refs > 0, PANIC_FILE)
  const inode = file.inode
  check(file.position == 0 || inode != null, PANIC_FILE)
  if (inode == null) return
  check(inode.refs > 0, PANIC_FILE)
  const pipe = inode.pipe
  if (pipe != null) checkPipe(pipe)
  let listed: u32 = 0
  let other = changetype<File | null>(<usize>inode.flocks)
  while (other != null) {
    check(other.lockKind != 0 && other.inode == inode, PANIC_FLOCK)
    if (other == file) listed++
    other = other.nextLock
  }
  check(listed == (file.lockKind != 0 ? <u32>1 : <u32>0), PANIC_FLOCK)
}
