/**
 * Advisory locks: flock on open descriptions, fcntl's byte ranges on processes.
 *
 * flock: shared and exclusive on the whole file, owned by the description, so shared with dup and
 * fork; kept in a list of the inode (file.ts). A conversion that may not wait and would have to
 * keeps the lock it had (Linux loses it: here a call that fails changes nothing); one that waits
 * gives the old lock up first, as on Linux. fcntl: range.ts.
 * Source: POSIX fcntl; Linux flock(2).
 */
import {
  BUFFER_RESULT,
  EAGAIN,
  EBADF,
  EDEADLK,
  EINVAL,
  EOVERFLOW,
  EWOULDBLOCK_PARK,
  F_GETLK,
  F_RDLCK,
  F_SETLKW,
  F_UNLCK,
  F_WRLCK,
  FLOCK_LENGTH,
  FLOCK_PID,
  FLOCK_START,
  FLOCK_TYPE,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_PATH,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from './abi'
import { fileAt } from './fd'
import { canRead, canWrite, File, keyOfFlocks, lockFile, unlockFile } from './file'
import { heldFile, holdFile } from './hold'
import { Inode } from './inode'
import { abandon, lock, relax, unlock } from './lock'
import { ROOM_FRAMES } from './mounted'
import { Process } from './process'
import {
  findConflict,
  forgetWaiter,
  keyOfRanges,
  noteWaiter,
  RANGE_END,
  setRange,
  wouldDeadlock,
} from './range'
import { makeRoom } from './room'
import { mayBlock, me } from './thread'
import { finishUse } from './truncate'
import { park } from './wait'

/** LOCK_SH, LOCK_EX or LOCK_UN, perhaps with LOCK_NB. => 0, -EAGAIN, -EINTR, -EBADF, -EINVAL, -EWOULDBLOCK_PARK. */
export function sysFlock(process: Process, fd: i32, operation: u32): i32 {
  const kind = operation & ~LOCK_NB
  if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN) return -EINVAL
  lock()
  const file = fileAt(process, fd)
  if (file == null || (file.flags & O_PATH) != 0) {
    unlock()
    return -EBADF
  }
  holdFile(file)
  let result = 0
  if (kind == LOCK_UN) unlockFile(file)
  else if (file.lockKind != kind) result = convert(file, kind, (operation & LOCK_NB) == 0)
  unlock()
  finishUse()
  return result
}

/** => lock held before and after, free in between when it waits. */
function convert(file: File, kind: u32, waits: bool): i32 {
  const inode = file.inode!
  if (isLocked(inode, file, kind)) {
    if (!waits) return -EAGAIN
    if (!mayBlock()) return -EWOULDBLOCK_PARK // before it gives up what it has
    unlockFile(file)
    relax()
    while (isLocked(inode, file, kind)) {
      const result = park(keyOfFlocks(inode), -1)
      if (result < 0) return result
    }
  }
  // A lock of the other kind, or what another thread took through this description meanwhile.
  unlockFile(file)
  lockFile(file, kind)
  return 0
}

/** => another description's flock forbids one of `kind`. */
function isLocked(inode: Inode, file: File, kind: u32): bool {
  let other = changetype<File | null>(<usize>inode.flocks)
  while (other != null) {
    if (other != file && (kind == LOCK_EX || other.lockKind == LOCK_EX)) return true
    other = other.nextLock
  }
  return false
}

/** The range of the call in progress, one a thread. */
@unmanaged
class Wanted {
  start: u64
  end: u64
}

const WANTED: usize = memory.data(4096, 16)

function wanted(): Wanted {
  return changetype<Wanted>(WANTED + ((<usize>me().index) << 4))
}

/**
 * fcntl's F_GETLK, F_SETLK, F_SETLKW with `kind` F_RDLCK, F_WRLCK, F_UNLCK on `length` bytes from
 * `start` (0: to the end; negative: before it), by `whence`. F_GETLK leaves what it found at
 * BUFFER_RESULT (FLOCK_* in abi.ts). => 0, or -errno: EAGAIN, EDEADLK, EINTR, ENOLCK, EBADF,
 * EINVAL, EOVERFLOW.
 */
export function sysLockRange(
  process: Process,
  fd: i32,
  command: u32,
  kind: u32,
  whence: u32,
  start: i64,
  length: i64,
): i32 {
  if (command < F_GETLK || command > F_SETLKW || kind > F_UNLCK) return -EINVAL
  lock()
  makeRoom(ROOM_FRAMES)
  const file = fileAt(process, fd)
  let result = 0
  if (file == null || (file.flags & O_PATH) != 0) result = -EBADF
  else if (command == F_GETLK && kind == F_UNLCK) result = -EINVAL
  else result = chooseRange(file, whence, start, length)
  if (result == 0 && command != F_GETLK) result = checkRights(file!, kind)
  if (result < 0) {
    unlock()
    return result
  }
  holdFile(file!)
  if (command == F_GETLK) report(process, file!.inode!, kind)
  else result = place(process, fd, kind, command == F_SETLKW)
  unlock()
  finishUse()
  return result
}

function checkRights(file: File, kind: u32): i32 {
  if (kind == F_RDLCK && !canRead(file)) return -EBADF
  return kind == F_WRLCK && !canWrite(file) ? -EBADF : 0
}

/** Puts the range that the arguments mean in wanted(). => 0, -EINVAL, -EOVERFLOW. */
function chooseRange(file: File, whence: u32, start: i64, length: i64): i32 {
  let base: i64 = 0
  const object = file.inode!.object
  if (whence == SEEK_CUR) base = file.offset
  else if (whence == SEEK_END) base = object == null ? 0 : <i64>object.size
  else if (whence != SEEK_SET) return -EINVAL
  if (start > 0 && base > i64.MAX_VALUE - start) return -EOVERFLOW
  let from = base + start
  if (from < 0) return -EINVAL
  let end = <i64>RANGE_END
  if (length > 0) {
    if (from > <i64>RANGE_END - length) return -EOVERFLOW
    end = from + length
  } else if (length < 0) {
    end = from
    from += length
    if (from < 0) return -EINVAL
  }
  if (from >= end) return -EINVAL
  wanted().start = from
  wanted().end = end
  return 0
}

/** F_GETLK. */
function report(process: Process, inode: Inode, kind: u32): void {
  const at = <usize>me().buffer + BUFFER_RESULT
  const found = findConflict(inode, process.pid, wanted().start, wanted().end, kind)
  store<u32>(at, found == null ? F_UNLCK : found.kind, FLOCK_TYPE)
  store<u32>(at, found == null ? 0 : found.pid, FLOCK_PID)
  store<u64>(at, found == null ? wanted().start : found.start, FLOCK_START)
  store<u64>(
    at,
    found == null ? lengthOf(wanted().start, wanted().end) : lengthOf(found.start, found.end),
    FLOCK_LENGTH,
  )
}

function lengthOf(start: u64, end: u64): u64 {
  return end == RANGE_END ? 0 : end - start
}

/** F_SETLK, F_SETLKW on the description in use. => 0 or -errno. => lock held before and after. */
function place(process: Process, fd: i32, kind: u32, waits: bool): i32 {
  const file = heldFile()
  const inode = file.inode!
  relax() // the hold stands, whatever is abandoned below
  let result = kind == F_UNLCK ? 0 : awaitRange(process.pid, inode, kind, waits)
  if (result < 0) return result
  // Closed by another thread meanwhile: the lock would outlive every descriptor of the file.
  if (fileAt(process, fd) != file) return -EBADF
  result = setRange(inode, process.pid, wanted().start, wanted().end, kind)
  if (result < 0) abandon()
  return result
}

/** Waits until no other process's lock is in the way. => 0, -EAGAIN, -EDEADLK, or as park. */
function awaitRange(pid: u32, inode: Inode, kind: u32, waits: bool): i32 {
  let result = 0
  while (result == 0) {
    const conflict = findConflict(inode, pid, wanted().start, wanted().end, kind)
    if (conflict == null) return 0
    if (!waits) return -EAGAIN
    if (wouldDeadlock(pid, conflict.pid)) return -EDEADLK
    noteWaiter(inode, pid, conflict.pid)
    result = park(keyOfRanges(inode), -1)
    forgetWaiter(me().index)
    relax()
  }
  return result
}
