/**
 * Names of POSIX objects, for observers: shared memory, semaphores and message queues, each kind in a flat directory of the kernel's own.
 * Nothing here changes anything.
 */
import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  BUFFER_RESULT,
  EINVAL,
  STAT_NAME_BYTES,
  STAT_NAME_GID,
  STAT_NAME_LENGTH,
  STAT_NAME_MAXMSG,
  STAT_NAME_MESSAGES,
  STAT_NAME_MODE,
  STAT_NAME_MSGSIZE,
  STAT_NAME_SIZE,
  STAT_NAME_UID,
  STAT_NAMES_MQ,
  STAT_NAMES_SHM,
} from './abi'
import { Entry, entryFrom, nameOf } from './dir'
import { Inode } from './inode'
import { lock, unlock } from './lock'
import { K } from './root'
import { me } from './thread'

/** => the directory of a kind (STAT_NAMES_*), null for none. */
function directoryOf(kind: u32): Inode | null {
  let at: u32 = 0
  if (kind == STAT_NAMES_SHM) at = K.shmInode
  if (kind == STAT_NAMES_MQ) at = K.mqInode
  return changetype<Inode | null>(<usize>at)
}

/**
 * Writes a record of STAT_NAME_*, the name behind it, for each object from `cookie` on (0: the first) to BUFFER_DATA. BUFFER_RESULT gets the cookie to go on
 * with, f64, as the records end. => bytes written, 0 at the end; -EINVAL (no such kind).
 */
export function sysStatNames(kind: u32, cookie: u64): i32 {
  const base = <usize>me().buffer + BUFFER_DATA
  let used: u32 = 0
  let next = cookie
  lock()
  const directory = directoryOf(kind)
  let entry: Entry | null = null
  if (directory != null) entry = entryFrom(directory, cookie)
  while (entry != null && used + STAT_NAME_BYTES + entry.nameBytes <= BUFFER_DATA_BYTES) {
    used += writeName(base + used, entry)
    next = entry.end
    entry = entryFrom(directory!, next)
  }
  unlock()
  store<f64>(<usize>me().buffer + BUFFER_RESULT, <f64>next)
  return directory == null ? -EINVAL : <i32>used
}

/** => bytes of the record and its name. */
function writeName(to: usize, entry: Entry): u32 {
  const inode = entry.inode
  const object = inode.object
  store<u32>(to, inode.uid, STAT_NAME_UID)
  store<u32>(to, inode.gid, STAT_NAME_GID)
  store<u32>(to, inode.mode, STAT_NAME_MODE)
  store<u32>(to, entry.nameBytes, STAT_NAME_LENGTH)
  store<f64>(to, object == null ? 0 : <f64>object.size, STAT_NAME_SIZE)
  const queue = inode.queue
  store<u32>(to, queue == null ? 0 : queue.count, STAT_NAME_MESSAGES)
  store<u32>(to, queue == null ? 0 : queue.maxmsg, STAT_NAME_MAXMSG)
  store<u32>(to, queue == null ? 0 : queue.msgsize, STAT_NAME_MSGSIZE)
  memory.copy(to + STAT_NAME_BYTES, nameOf(entry), entry.nameBytes)
  return STAT_NAME_BYTES + entry.nameBytes
}
