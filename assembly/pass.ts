/**
 * Passing an open description to another process: how a process that is started gets its standard streams.
 * Source: what fork and dup2 do together in POSIX.
 */
import { EBADF, EMFILE, ESRCH, FDS_MAX } from './abi'
import { clearFd, fileAt, isReserved, putFd } from './fd'
import { useFile } from './file'
import { abandon, lock, unlock } from './lock'
import { ROOM_FRAMES } from './mounted'
import { findProcess, Process } from './process'
import { makeRoom } from './room'

/** Makes `to` of process `toPid` mean what `fd` of `process` is open on, closing what it was. => `to`; -EBADF, -ESRCH, -EMFILE. */
export function sysShareFd(process: Process, fd: i32, toPid: u32, to: i32): i32 {
  lock()
  makeRoom(ROOM_FRAMES)
  const result = share(process, fd, toPid, to)
  if (result < 0) abandon()
  unlock()
  return result
}

function share(process: Process, fd: i32, toPid: u32, to: i32): i32 {
  const file = fileAt(process, fd)
  if (file == null || <u32>to >= FDS_MAX) return -EBADF
  const other = findProcess(toPid)
  if (other == null || other.exiting != 0) return -ESRCH
  if (isReserved(other, to, null)) return -EBADF
  useFile(file)
  // A number in use has its chunk: then putFd allocates nothing, as it must not after clearFd.
  if (fileAt(other, to) != null) clearFd(other, to)
  return putFd(other, file, to, false) ? to : -EMFILE
}
