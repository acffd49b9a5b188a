/**
 * read, write, pread, pwrite, lseek, fsync, fdatasync.
 *
 * A call holds its description (hold.ts) and runs outside the kernel lock. read and write take
 * turns on the description's offset; writes take turns on the file, so that an append is one step:
 * the end is looked up and written at with no other writer in between. Data stands in the calling
 * thread's buffer.
 * Source: POSIX read, write, lseek, fsync; Linux for SEEK_DATA and SEEK_HOLE, and for clearing
 * set-ID bits.
 */
import {
  EBADF,
  EFAULT,
  EFBIG,
  EINVAL,
  EISDIR,
  ENXIO,
  EOVERFLOW,
  ESPIPE,
  EWOULDBLOCK_PARK,
  O_APPEND,
  O_DSYNC,
  O_PATH,
  O_SYNC,
  OFFSET_MAX,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from './abi'
import { fileAt } from './fd'
import { canRead, canWrite, File, takeFailure } from './file'
import { readObject, writeObject } from './fileio'
import { heldFile, holdFile, takePosition, takeWriter } from './hold'
import { Inode, isDirectory, isFile, touchAccess } from './inode'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { loadPath } from './mounted'
import { scratch, syncDirectory } from './mountfs'
import { canCall } from './pager'
import { inBuffer } from './path'
import { transfer } from './pipeio'
import { Process } from './process'
import { finishCut, seekData, seekHole } from './resize'
import { dropSetIds } from './tmpfs'
import { finishUse } from './truncate'
import { syncObject } from './writeback'

/** "At the description's own offset", which then moves. */
const HERE: u64 = 0xffffffffffffffff
/** What `begin` says of a pipe. */
const PIPE: i32 = 1

/** Begins the use of `fd` for reading or writing a regular file. => 0, PIPE (it is none, and not held) or -errno. => lock held. */
function begin(process: Process, fd: i32, writes: bool): i32 {
  const file = fileAt(process, fd)
  if (file == null || !(writes ? canWrite(file) : canRead(file))) return -EBADF
  if (isDirectory(file.inode!)) return -EISDIR
  if (file.inode!.pipe != null) return PIPE
  if (!isFile(file.inode!)) return -EINVAL
  holdFile(file)
  return 0
}

/**
 * Reads up to `bytes` bytes into `to`, in this thread's buffer. => bytes, 0 at the end of the file,
 * or -errno.
 */
export function sysRead(process: Process, fd: i32, to: usize, bytes: u32): i32 {
  return readAt(process, fd, to, bytes, HERE)
}

/** As sysRead, from `offset` on; the description's offset stays. */
export function sysPread(process: Process, fd: i32, to: usize, bytes: u32, offset: u64): i32 {
  return offset > OFFSET_MAX ? -EINVAL : readAt(process, fd, to, bytes, offset)
}

function readAt(process: Process, fd: i32, to: usize, bytes: u32, offset: u64): i32 {
  if (!inBuffer(to, bytes)) return -EFAULT
  lock()
  let result = begin(process, fd, false)
  if (result == PIPE) result = offset == HERE ? transfer(process, fd, to, bytes, false) : -ESPIPE
  else if (result == 0) return readFile(to, bytes, offset)
  unlock()
  return result
}

/** Reads from the description in use. => lock held before, free after. */
function readFile(to: usize, bytes: u32, offset: u64): i32 {
  let result = 0
  if (offset == HERE) result = takePosition()
  const file = heldFile()
  const from = offset == HERE ? file.offset : offset
  unlock()
  if (result == 0) result = readObject(file.inode!.object!, from, to, bytes)
  if (result > 0) moved(file, from, result, offset == HERE)
  finishUse()
  return result
}

/** After a read of `bytes` bytes. */
function moved(file: File, from: u64, bytes: u32, here: bool): void {
  lock()
  if (here) edit<File>(file).offset = from + bytes
  touchAccess(file.inode!)
  unlock()
}

/**
 * Writes `bytes` bytes at `from`, in this thread's buffer. => bytes written, fewer when room ran
 * out after some, or -errno.
 */
export function sysWrite(process: Process, fd: i32, from: usize, bytes: u32): i32 {
  return writeAt(process, fd, from, bytes, HERE)
}

/**
 * As sysWrite, at `offset`, with O_APPEND too (POSIX; Linux appends); the description's offset
 * stays.
 */
export function sysPwrite(process: Process, fd: i32, from: usize, bytes: u32, offset: u64): i32 {
  return offset > OFFSET_MAX ? -EINVAL : writeAt(process, fd, from, bytes, offset)
}

function writeAt(process: Process, fd: i32, from: usize, bytes: u32, offset: u64): i32 {
  if (!inBuffer(from, bytes)) return -EFAULT
  lock()
  let result = begin(process, fd, true)
  const piped = result == PIPE
  if (piped) result = offset == HERE ? transfer(process, fd, from, bytes, true) : -ESPIPE
  unlock()
  if (result < 0 || piped) return result
  if (bytes != 0) result = writeHeld(process, from, bytes, offset)
  finishUse()
  return result
}

/** Writes to the description in use. => bytes or -errno. => lock not held. */
function writeHeld(process: Process, from: usize, bytes: u32, offset: u64): i32 {
  const file = heldFile()
  const object = file.inode!.object!
  const synced = (file.flags & (O_SYNC | O_DSYNC)) != 0
  if (synced && file.inode!.mount >= 0 && !canCall(file.inode!.mount)) return -EWOULDBLOCK_PARK
  lock()
  let result = offset == HERE ? takePosition() : 0
  if (result == 0) result = takeWriter()
  let at = offset
  if (offset == HERE) at = (file.flags & O_APPEND) != 0 ? object.size : file.offset
  unlock()
  if (result == 0 && object.uncut != 0) result = finishCut(object)
  if (result < 0) return result
  if (at >= OFFSET_MAX) return -EFBIG
  const room = <u32>min<u64>(bytes, OFFSET_MAX - at)
  const written = writeObject(object, at, from, room)
  if (written <= 0) return written
  lock()
  if (offset == HERE) edit<File>(file).offset = at + written
  dropSetIds(process, file.inode!)
  unlock()
  if (!synced) return written
  const durable = syncHeld((file.flags & O_SYNC) == 0)
  return durable < 0 ? durable : written
}

/**
 * Moves the offset of `fd`. => the new offset, or -errno. SEEK_DATA and SEEK_HOLE leave a mount's
 * files one run of data.
 */
export function sysLseek(process: Process, fd: i32, offset: i64, whence: u32): i64 {
  lock()
  const file = fileAt(process, fd)
  let result: i64 = -EBADF
  if (file != null && file.inode!.pipe != null) result = -ESPIPE
  else if (file != null && (file.flags & O_PATH) == 0) {
    holdFile(file)
    result = takePosition()
  }
  unlock()
  if (result == -EBADF || result == -ESPIPE) return result
  if (result == 0) result = target(heldFile(), offset, whence)
  if (result >= 0) {
    lock()
    edit<File>(heldFile()).offset = result
    unlock()
  }
  finishUse()
  return result
}

/** => where lseek goes, or -errno. => lock not held. */
function target(file: File, offset: i64, whence: u32): i64 {
  const object = file.inode!.object
  const size = <i64>(object == null ? 0 : object.size)
  if (whence == SEEK_DATA || whence == SEEK_HOLE) {
    if (object == null) return -EINVAL
    if (offset < 0 || offset >= size) return -ENXIO
    return whence == SEEK_DATA ? seekData(object, offset) : seekHole(object, offset)
  }
  if (whence > SEEK_END) return -EINVAL
  const base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? <i64>file.offset : size
  if (offset > 0 && base > i64.MAX_VALUE - offset) return -EOVERFLOW
  const result = base + offset
  if (result < 0) return -EINVAL
  return result > <i64>OFFSET_MAX ? -EOVERFLOW : result
}

/**
 * Makes a file's bytes (and, unless `dataOnly`, attributes) durable. => 0, or the failure, also one
 * found earlier and not reported.
 */
export function sysFsync(process: Process, fd: i32, dataOnly: bool): i32 {
  lock()
  const file = fileAt(process, fd)
  const usable = file != null && (file.flags & O_PATH) == 0
  if (usable) holdFile(file!)
  unlock()
  if (!usable) return -EBADF
  const result = syncHeld(dataOnly)
  finishUse()
  return result
}

function syncHeld(dataOnly: bool): i32 {
  const file = heldFile()
  const inode = file.inode!
  if (inode.queue != null || inode.pipe != null) return -EINVAL
  if (inode.mount < 0) return 0
  const object = inode.object
  if (object == null) return syncListed(inode)
  const result = syncObject(object, dataOnly)
  if (result == -EWOULDBLOCK_PARK) return result // an earlier failure is told by who does sync
  lock()
  const failure = takeFailure(file)
  unlock()
  return result < 0 ? result : failure
}

/** fsync of a mount's directory; a provider that has no such thing has nothing to lose. */
function syncListed(inode: Inode): i32 {
  lock()
  const bytes = loadPath(inode)
  unlock()
  return bytes < 0 ? 0 : syncDirectory(inode.mount, scratch(), bytes)
}
