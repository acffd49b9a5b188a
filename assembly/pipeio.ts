/**
 * Pipes and descriptors: pipe, and read and write on what is open on a pipe (pipe.ts has the bytes).
 *
 * A call holds its description (hold.ts) while it sleeps, so that the pipe stays.
 * Guarded by the kernel lock, journalled. Source: POSIX pipe, read, write; Linux pipe2(2).
 */
import {
  BUFFER_RESULT,
  EBADF,
  EINVAL,
  ENFILE,
  ENOMEM,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  OPEN_FILES_MAX,
  S_IFIFO,
} from './abi'
import { fileAt, takeFd } from './fd'
import { attach, canRead, canWrite, newFile, openFiles } from './file'
import { holdFile, letGoFile } from './hold'
import { Inode, newInode, touchAccess, touchEntries } from './inode'
import { abandon, lock, unlock } from './lock'
import { PIPE_FRAMES, readPipe, writePipe } from './pipe'
import { Process } from './process'
import { makeRoom } from './room'
import { me } from './thread'

/** Makes a pipe. `flags`: O_CLOEXEC, O_NONBLOCK. => 0, at BUFFER_RESULT the read end and the write end; -EINVAL, -EMFILE, -ENFILE, -ENOMEM. */
export function sysPipe(process: Process, flags: u32): i32 {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return -EINVAL
  lock()
  makeRoom(PIPE_FRAMES)
  const result = makePipe(process, flags)
  if (result < 0) abandon()
  unlock()
  return result
}

function makePipe(process: Process, flags: u32): i32 {
  if (openFiles() + 2 > OPEN_FILES_MAX) return -ENFILE
  const inode = newInode(S_IFIFO | 0o600, process.euid, process.egid)
  if (inode == null) return -ENOMEM
  const reads = addEnd(process, inode, flags | O_RDONLY)
  if (reads < 0) return reads
  const writes = addEnd(process, inode, flags | O_WRONLY)
  if (writes < 0) return writes
  store<i32>(<usize>me().buffer + BUFFER_RESULT, reads)
  store<i32>(<usize>me().buffer + BUFFER_RESULT, writes, 4)
  return 0
}

function addEnd(process: Process, inode: Inode, flags: u32): i32 {
  const file = newFile(flags & ~O_CLOEXEC)
  if (file == null) return -ENOMEM
  attach(file, inode)
  return takeFd(process, file, 0, (flags & O_CLOEXEC) != 0)
}

/** => `fd` is open on a pipe. => lock not held. */
export function isPipe(process: Process, fd: i32): bool {
  lock()
  const file = fileAt(process, fd)
  const is = file != null && file.inode!.pipe != null
  unlock()
  return is
}

/** => bytes that wait in the pipe that `fd` is open on, -EBADF when it is on none. => lock not held. */
export function sysPipeBytes(process: Process, fd: i32): i32 {
  lock()
  const file = fileAt(process, fd)
  let result = -EBADF
  if (file != null) {
    const pipe = file.inode!.pipe
    if (pipe != null) result = <i32>pipe.count
  }
  unlock()
  return result
}

/**
 * Reads or writes `bytes` bytes at `address`, in this thread's buffer. => bytes, or as readPipe and writePipe; -EBADF. => lock held before and after,
 * free in between.
 */
export function transfer(process: Process, fd: i32, address: usize, bytes: u32, writes: bool): i32 {
  let result = attempt(process, fd, address, bytes, writes)
  if (result != -ENOMEM) return result
  abandon()
  makeRoom(PIPE_FRAMES)
  result = attempt(process, fd, address, bytes, writes)
  if (result == -ENOMEM) abandon()
  return result
}

function attempt(process: Process, fd: i32, address: usize, bytes: u32, writes: bool): i32 {
  const file = fileAt(process, fd)
  if (file == null || !(writes ? canWrite(file) : canRead(file))) return -EBADF
  const inode = file.inode!
  const pipe = inode.pipe
  if (pipe == null) return -EBADF
  holdFile(file)
  const nonblocking = (file.flags & O_NONBLOCK) != 0
  let result: i32
  if (writes) result = writePipe(pipe, address, bytes, nonblocking)
  else result = readPipe(pipe, address, bytes, nonblocking)
  if (result == -ENOMEM) return result
  if (result > 0 && writes) touchEntries(inode)
  else if (result > 0) touchAccess(inode)
  letGoFile()
  return result
}
