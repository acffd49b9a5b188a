/**
 * Sizes: ftruncate, truncate, fallocate. A resize takes its turn with the file's writers (hold.ts).
 *
 * Source: POSIX ftruncate, truncate, posix_fallocate; Linux fallocate for FALLOC_FL_KEEP_SIZE and
 * FALLOC_FL_PUNCH_HOLE.
 */
import {
  EBADF,
  EFBIG,
  EINVAL,
  ENODEV,
  ENOTSUP,
  ESPIPE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_PATH,
  OFFSET_MAX,
} from './abi'
import { fileAt } from './fd'
import { canWrite } from './file'
import { emptyHoles, fillHole } from './fileio'
import { heldFile, holdFile, letGoFile, takeWriter } from './hold'
import { Inode, isFile } from './inode'
import { lock, unlock } from './lock'
import { MemObject } from './object'
import { Process } from './process'
import { punchObject, setObjectSize } from './resize'
import { K, nextNote } from './root'
import { dropSetIds } from './tmpfs'

/**
 * Sets the size of the file in use. => 0 or -errno. => lock not held; letGoFile gives the turn
 * back.
 */
export function resizeHeld(process: Process, size: u64): i32 {
  const inode = heldFile().inode!
  lock()
  const turn = takeWriter()
  unlock()
  const result = turn < 0 ? turn : setObjectSize(inode.object!, size)
  if (result < 0) return result
  lock()
  dropSetIds(process, inode)
  unlock()
  return 0
}

/** Ends the use of a description that a call began. => lock not held. */
export function finishUse(): void {
  lock()
  letGoFile()
  unlock()
}

/**
 * Begins the use of `fd`, which must be a regular file open for writing, else `wrong`. => 0 or
 * -errno.
 */
function beginResize(process: Process, fd: i32, wrong: i32): i32 {
  lock()
  const file = fileAt(process, fd)
  let result = 0
  if (file == null || (file.flags & O_PATH) != 0) result = -EBADF
  else if (!canWrite(file)) result = -wrong
  else if (file.inode!.pipe != null) result = wrong == EINVAL ? -EINVAL : -ESPIPE
  else if (!isFile(file.inode!)) result = wrong == EINVAL ? -EINVAL : -ENODEV
  else holdFile(file)
  unlock()
  return result
}

/** ftruncate. => 0 or -errno, EINVAL for a descriptor that is not open for writing (Linux). */
export function sysFtruncate(process: Process, fd: i32, size: u64): i32 {
  const result = beginResize(process, fd, EINVAL)
  if (result < 0) return result
  const resized = size > OFFSET_MAX ? -EFBIG : resizeHeld(process, size)
  finishUse()
  return resized
}

/**
 * Allocates [offset, offset + length), extending the file (mode 0: posix_fallocate) or not
 * (FALLOC_FL_KEEP_SIZE), or punches a hole (FALLOC_FL_PUNCH_HOLE with KEEP_SIZE). In a mount only
 * mode 0, which extends the file; the provider decides about space.
 */
export function sysFallocate(process: Process, fd: i32, mode: u32, offset: u64, length: u64): i32 {
  lock()
  const open = fileAt(process, fd) != null
  unlock()
  if (!open) return -EBADF // before the arguments, as on Linux
  if (length == 0 || offset > OFFSET_MAX + 1 || length > OFFSET_MAX + 1) return -EINVAL
  if (offset + length > OFFSET_MAX) return -EFBIG
  const punches = mode == (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)
  if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE && !punches) return -ENOTSUP
  const result = beginResize(process, fd, EBADF)
  if (result < 0) return result
  const inode = heldFile().inode!
  let done: i32
  if (mode != 0 && inode.mount >= 0) done = -ENOTSUP
  else if (punches) done = punchHeld(inode, offset, offset + length)
  else done = allocateHeld(inode, offset, offset + length, mode == 0)
  finishUse()
  return done
}

function punchHeld(inode: Inode, from: u64, to: u64): i32 {
  lock()
  const turn = takeWriter()
  unlock()
  return turn < 0 ? turn : punchObject(inode.object!, from, to)
}

/** => 0 or -errno; size and pages are as before when there is no room. */
function allocateHeld(inode: Inode, from: u64, to: u64, mayExtend: bool): i32 {
  const object = inode.object!
  lock()
  let result = takeWriter()
  const size = object.size
  const mark = <u32>nextNote()
  unlock()
  const extended = mayExtend && size < to
  if (result == 0 && extended) result = setObjectSize(object, to)
  if (result < 0 || inode.mount >= 0) return result
  result = fillHoles(object, from, min(to, object.size), mark)
  if (result < 0 && extended) setObjectSize(object, size)
  return result
}

/** Makes every page of [from, to) present. => 0, or -errno and those that were not are so no more. => lock not held. */
function fillHoles(object: MemObject, from: u64, to: u64, mark: u32): i32 {
  const first = from >> K.pageShift
  const end = (to + K.pageBytes - 1) >> K.pageShift
  let result = 0
  for (let index = first; result == 0 && index < end; index++) {
    result = fillHole(object, index, mark)
  }
  if (result < 0) emptyHoles(object, first, end, mark)
  return result
}
