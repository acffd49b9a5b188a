/**
 * read and write on an object's pages: the same frames that mappings show.
 *
 * One page a transaction; the copy is made under the lock, so a page is never seen half written by another call. `from` and `to` are in the
 * calling thread's buffer (the host copies in or out), never user memory: nothing here can fault.
 */
import { EFBIG, ENOSPC, EWOULDBLOCK_PARK, OFFSET_MAX } from './abi'
import {
  findPage,
  isDirty,
  markDirty,
  nextPage,
  PAGE_BUSY,
  PAGE_REFERENCED,
  removePage,
} from './cache'
import { balance } from './fault'
import { addCleared, clearTail, makePresent, RETRY } from './fill'
import { Frame, frameAddress } from './frame'
import { isAwaited } from './grace'
import { holderOfFrame } from './grant'
import { edit, put } from './journal'
import { lock, relax, unlock } from './lock'
import { keyOf, MemObject, OBJECT_FILE, touchTimes } from './object'
import { K, pageRound } from './root'
import { park } from './wait'

/** Pages read ahead of a sequential reader. */
const AHEAD: u32 = 64

function pieceAt(offset: u64, bytes: u32): u32 {
  return min<u32>(bytes, K.pageBytes - <u32>(offset & (K.pageBytes - 1)))
}

/** Reads up to `bytes` at `offset` to `to`. => bytes read, short only at the end of file; or -errno when none was. => lock not held. */
export function readObject(object: MemObject, offset: u64, to: usize, bytes: u32): i32 {
  let done: u32 = 0
  while (done < bytes) {
    lock()
    const got = readPiece(object, offset + done, to + done, bytes - done)
    unlock()
    if (got < 0) return done > 0 ? <i32>done : got
    if (got == 0) break
    done += got
  }
  return done
}

/** One page's worth. => bytes, 0 at the end of file, -errno. => lock held; may be free in between. */
function readPiece(object: MemObject, offset: u64, to: usize, bytes: u32): i32 {
  const index = offset >> K.pageShift
  let result = RETRY
  while (result == RETRY) {
    if (offset >= object.size) return 0
    const count = <u32>min<u64>(pieceAt(offset, bytes), object.size - offset)
    const frame = findPage(object, index)
    if (frame != null && (frame.flags & PAGE_BUSY) == 0) {
      memory.copy(to, frameAddress(frame) + <usize>(offset & (K.pageBytes - 1)), count)
      put(changetype<usize>(frame) + offsetof<Frame>('flags'), frame.flags | PAGE_REFERENCED)
      return count
    }
    if (frame == null && object.kind != OBJECT_FILE) {
      memory.fill(to, 0, count)
      return count
    }
    result = makePresent(object, index, readAhead(object, index, bytes))
  }
  return result
}

/** => pages to read at a miss: what this call wants, and more when the file is read in sequence. */
function readAhead(object: MemObject, index: u64, bytes: u32): u32 {
  const sequential = <u32>index == object.nextRead && index != 0
  const run = max<u32>((bytes + K.pageBytes - 1) >> K.pageShift, sequential ? AHEAD : 1)
  put(changetype<usize>(object) + offsetof<MemObject>('nextRead'), <u32>index + run)
  return run
}

/**
 * Writes `bytes` from `from` at `offset`; the object grows as it goes. => bytes written (fewer when memory or the store is full), or
 * -EFBIG, -ENOSPC, the provider's errno, when none was. => lock not held.
 */
export function writeObject(object: MemObject, offset: u64, from: usize, bytes: u32): i32 {
  let done: u32 = 0
  while (done < bytes) {
    lock()
    const put = writePiece(object, offset + done, from + done, bytes - done)
    unlock()
    if (put < 0) return done > 0 ? <i32>done : put
    done += put
  }
  return done
}

function writePiece(object: MemObject, offset: u64, from: usize, bytes: u32): i32 {
  let result = RETRY
  while (result == RETRY) {
    if (offset >= OFFSET_MAX) return -EFBIG
    const count = <u32>min<u64>(pieceAt(offset, bytes), OFFSET_MAX - offset)
    if (object.resizing != 0) {
      result = park(keyOf(object), -1) == -EWOULDBLOCK_PARK ? -EWOULDBLOCK_PARK : RETRY
      continue
    }
    const index = offset >> K.pageShift
    const frame = findPage(object, index)
    // Before a page of zeros is added, which only the store makes true.
    if (
      K.dirtyPages >= K.dirtyPagesMax &&
      object.kind == OBJECT_FILE &&
      (frame == null || !isDirty(frame))
    ) {
      result = balance()
      continue
    }
    if (frame == null || (frame.flags & PAGE_BUSY) != 0) {
      result =
        frame == null && isWhole(object, offset, count)
          ? addCleared(object, index, <u32>(pageRound(bytes) >> K.pageShift))
          : makePresent(object, index, 1)
      continue
    }
    storePiece(object, offset, from, count, frame)
    return count
  }
  return result
}

/** => what the page holds now does not matter: it is written whole, or lies past the end. */
function isWhole(object: MemObject, offset: u64, count: u32): bool {
  const start = offset & ~(<u64>K.pageBytes - 1)
  if (start >= pageRound(object.size)) return true
  return offset == start && (count == K.pageBytes || offset + count >= object.size)
}

function storePiece(object: MemObject, offset: u64, from: usize, count: u32, frame: Frame): void {
  if (offset + count > object.size) grow(object, offset + count)
  memory.copy(frameAddress(frame) + <usize>(offset & (K.pageBytes - 1)), from, count)
  markDirty(frame)
  touchTimes(object)
}

/** Moves the end outwards: what mappings stored past the old end is cleared first (POSIX mmap, "beyond the end of the object"). => lock held. */
export function grow(object: MemObject, size: u64): void {
  const index = object.size >> K.pageShift
  const last = findPage(object, index)
  if (last != null && (last.flags & PAGE_BUSY) == 0) clearTail(object, index, last)
  edit<MemObject>(object).size = size
}

/** Makes page `index` present: posix_fallocate's piece. One that was not gets `mark`, for emptyHoles. => 0 or -ENOSPC. => lock not held. */
export function fillHole(object: MemObject, index: u64, mark: u32): i32 {
  lock()
  let result = RETRY
  while (result == RETRY && findPage(object, index) == null) {
    result = addCleared(object, index)
    const frame = findPage(object, index)
    if (frame != null) put(changetype<usize>(frame) + offsetof<Frame>('dirtySince'), mark)
  }
  unlock()
  return result < 0 ? -ENOSPC : 0
}

/** Takes out those of the pages [from, to) that fillHole gave `mark`, and that nobody has used since. => lock not held; the caller keeps the object alive. */
export function emptyHoles(object: MemObject, from: u64, to: u64, mark: u32): void {
  lock()
  let index = nextPage(object, from, false)
  while (index < to) {
    const frame = findPage(object, index)!
    if (frame.dirtySince == mark && isUnused(frame)) removePage(frame)
    relax()
    index = nextPage(object, index + 1, false)
  }
  unlock()
}

/** => a page of an object without backing that nobody sees, or has stored to. */
function isUnused(frame: Frame): bool {
  if (frame.mapped != 0 || frame.pins != 0) return false
  if (holderOfFrame(frame, false) >= 0 || isAwaited(frame)) return false
  const at = frameAddress(frame)
  for (let i: u32 = 0; i < K.pageBytes; i += 8) if (load<u64>(at + i) != 0) return false
  return true
}
