/**
 * Names of POSIX message queues: mq_open, mq_close, mq_unlink.
 *
 * As on Linux a queue is an inode, of no file type, in a directory of the kernel's own (K.mqInode), root's and of mode 01777; a mqd_t is a
 * descriptor with FD_CLOEXEC. So dup, fork, exit, F_SETFL, fstat and fchmod are those of any descriptor, and a queue lives until it has no name
 * and no descriptor. It cannot be read, written, mapped or resized.
 * Guarded by the kernel lock, journalled.
 * Sources: POSIX.1-2017 mq_open, mq_close, mq_unlink; Linux mq_overview(7), ipc/mqueue.c, glibc's mq_open.c and mq_unlink.c.
 */
import {
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  NAME_MAX,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from './abi'
import { findEntry, isDot, isDotDot, removeEntry } from './dir'
import { fileAt } from './fd'
import { attach } from './file'
import { heldFile } from './hold'
import { dropLink, Inode } from './inode'
import { limit } from './ipc'
import {
  LIMIT_MQ_MSG,
  LIMIT_MQ_MSGSIZE,
  LIMIT_MQ_QUEUES,
  MESSAGE_BYTES_MAX,
  MQ_MAXMSG_DEFAULT,
  MQ_MAXMSG_MAX,
  MQ_MSGSIZE_DEFAULT,
} from './ipcabi'
import { abandon, lock, unlock } from './lock'
import { beginOpen, finishOpen, sysClose } from './open'
import { inBuffer, mayUse } from './path'
import { newPosixQueue, posixQueues } from './posixqueue'
import { Process } from './process'
import { K } from './root'
import { makeNode, mayRemove } from './tmpfs'

const SLASH: u32 = 0x2f

function directory(): Inode {
  return changetype<Inode>(<usize>K.mqInode)
}

/** => 0 when `bytes` bytes at `path`, in this thread's buffer, name a queue; else what Linux and its library say. */
function checkName(path: usize, bytes: u32): i32 {
  if (!inBuffer(path, bytes)) return -EFAULT
  if (bytes == 0 || load<u8>(path) != SLASH) return -EINVAL
  if (bytes == 1) return -ENOENT
  const name = path + 1
  if (isDot(name, bytes - 1) || isDotDot(name, bytes - 1)) return -EACCES
  for (let i: u32 = 1; i < bytes; i++) {
    const byte: u32 = load<u8>(path + i)
    if (byte == SLASH || byte == 0) return -EACCES
  }
  return bytes - 1 > NAME_MAX ? -ENAMETOOLONG : 0
}

/**
 * Opens, and perhaps makes, a queue. Flags: O_RDONLY, O_WRONLY or O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK. Of a new one `mode` is its permissions, less
 * umask; `maxmsg` and `msgsize` say what it holds, NaN for the default. => the descriptor; -EINVAL (the name, no access mode, attributes of 0 and less,
 * past the limits, or for root past MQ_MAXMSG_MAX and MESSAGE_BYTES_MAX), -ENOENT, -EACCES, -ENAMETOOLONG, -EEXIST, -EMFILE, -ENFILE, -ENOSPC.
 */
export function sysMqOpen(
  process: Process,
  path: usize,
  bytes: u32,
  flags: u32,
  mode: u32,
  maxmsg: f64,
  msgsize: f64,
): i32 {
  const named = checkName(path, bytes)
  if (named < 0) return named
  if ((flags & O_ACCMODE) == 0) return -EINVAL
  const how = (flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC
  const fd = beginOpen(process, how)
  if (fd < 0) return fd
  lock()
  const entry = findEntry(directory(), path + 1, bytes - 1)
  let result: i32
  if (entry != null) result = openQueue(process, entry.inode, flags)
  else if ((flags & O_CREAT) == 0) result = -ENOENT
  else result = makeQueue(process, path + 1, bytes - 1, mode, maxmsg, msgsize)
  if (result < 0) abandon()
  unlock()
  return finishOpen(process, fd, result, how)
}

/** Opens a queue that is there, for the description in use. */
function openQueue(process: Process, inode: Inode, flags: u32): i32 {
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST
  const want: u32 = ((flags & O_RDONLY) != 0 ? 4 : 0) | ((flags & O_WRONLY) != 0 ? 2 : 0)
  if (!mayUse(process, inode, want)) return -EACCES
  attach(heldFile(), inode)
  return 0
}

/** Makes a queue for the description in use. => 0, -EINVAL, -ENOSPC; the caller abandons. */
function makeQueue(
  process: Process,
  name: usize,
  bytes: u32,
  mode: u32,
  maxmsg: f64,
  msgsize: f64,
): i32 {
  const isRoot = process.euid == 0
  if (!isRoot && posixQueues() >= limit(LIMIT_MQ_QUEUES)) return -ENOSPC
  const mostMessages = isRoot ? MQ_MAXMSG_MAX : limit(LIMIT_MQ_MSG)
  const mostBytes = isRoot ? MESSAGE_BYTES_MAX : limit(LIMIT_MQ_MSGSIZE)
  const messages = isNaN(maxmsg) ? <f64>min(limit(LIMIT_MQ_MSG), MQ_MAXMSG_DEFAULT) : maxmsg
  const size = isNaN(msgsize) ? <f64>min(limit(LIMIT_MQ_MSGSIZE), MQ_MSGSIZE_DEFAULT) : msgsize
  if (!(messages >= 1 && messages <= mostMessages)) return -EINVAL
  if (!(size >= 1 && size <= mostBytes)) return -EINVAL
  const bits = mode & 0o777 & ~process.umask
  const inode = makeNode(process, directory(), name, bytes, bits)
  if (inode == null) return -ENOSPC
  inode.queue = newPosixQueue(<u32>messages, <u32>size)
  if (inode.queue == null) return -ENOSPC
  attach(heldFile(), inode)
  return 0
}

/** As close, for a descriptor of a queue. => 0, -EBADF. */
export function sysMqClose(process: Process, mqd: i32): i32 {
  lock()
  const file = fileAt(process, mqd)
  const isQueue = file != null && file.inode!.queue != null
  unlock()
  return isQueue ? sysClose(process, mqd) : -EBADF
}

/** Takes a name away; the queue stays while it is open. => 0; -EACCES (only its owner and root may: the directory is sticky), -ENOENT, or as the name says. */
export function sysMqUnlink(process: Process, path: usize, bytes: u32): i32 {
  const named = checkName(path, bytes)
  if (named < 0) return named
  lock()
  const entry = findEntry(directory(), path + 1, bytes - 1)
  let result = entry == null ? -ENOENT : 0
  if (entry != null && mayRemove(process, directory(), entry.inode) < 0) result = -EACCES
  if (entry != null && result == 0) {
    const inode = entry.inode
    removeEntry(directory(), entry)
    dropLink(inode)
  }
  unlock()
  return result
}
