/**
 * What a descriptor offers to mmap: the object, and which rights the open description has.
 */
import { EBADF, ENODEV, O_PATH, O_RDONLY, O_WRONLY } from './abi'
import { fileAt } from './fd'
import { isFile } from './inode'
import { MemObject } from './object'
import { Process } from './process'
import { me } from './thread'

/** Filled by sourceOf and noSource; one a thread, read before the lock is let go. */
@unmanaged
export class Source {
  object: MemObject | null
  inode: u32
  /** errno that comes before every other check: EBADF. */
  error: i32
  /** errno when rights were fine: ENODEV for what is no regular file. */
  unmappable: i32
  readable: bool
  writable: bool
  pad0: u16
  /** Which shmat it is for (vma.ts), 0 for none. */
  attach: u32
}

const SOURCE_BYTES: u32 = 32

const SOURCES: usize = memory.data(8192, 16)

function fresh(): Source {
  const at = SOURCES + <usize>me().index * SOURCE_BYTES
  memory.fill(at, 0, SOURCE_BYTES)
  return changetype<Source>(at)
}

/** => the source of anonymous memory. */
export function noSource(): Source {
  return fresh()
}

/** => what `fd` of the process offers. => lock held. */
export function sourceOf(process: Process, fd: i32): Source {
  const source = fresh()
  const file = fileAt(process, fd)
  if (file == null || (file.flags & O_PATH) != 0) {
    source.error = EBADF
    return source
  }
  const inode = file.inode!
  source.readable = (file.flags & O_RDONLY) != 0
  source.writable = (file.flags & O_WRONLY) != 0
  source.inode = <u32>changetype<usize>(inode)
  source.object = inode.object
  if (!isFile(inode)) source.unmappable = ENODEV
  return source
}
