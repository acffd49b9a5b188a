/**
 * Names of POSIX objects, for observers. Shared memory and message queues are in a flat directory of the kernel's own each, semaphores in chains.
 * Nothing here changes anything.
 */
import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  BUFFER_RESULT,
  EINVAL,
  STAT_NAME_BYTES,
  STAT_NAME_COUNT,
  STAT_NAME_GID,
  STAT_NAME_LENGTH,
  STAT_NAME_MAXMSG,
  STAT_NAME_MODE,
  STAT_NAME_MSGSIZE,
  STAT_NAME_SIZE,
  STAT_NAME_UID,
  STAT_NAMES_MQ,
  STAT_NAMES_SEM,
  STAT_NAMES_SHM,
} from './abi'
import { findPage } from './cache'
import { entryFrom, nameOf } from './dir'
import { frameAddress } from './frame'
import { Inode } from './inode'
import { POSIX_SEM_VALUE } from './ipcabi'
import { lock, unlock } from './lock'
import { BUCKETS, NamedSem, namedSemAt } from './namedsem'
import { K } from './root'
import { me } from './thread'

/**
 * Writes a record of STAT_NAME_*, the name behind it, for each object of a kind (STAT_NAMES_*) from `cookie` on (0: the first) to BUFFER_DATA. BUFFER_RESULT
 * gets the cookie to go on with, f64. => bytes written, 0 at the end; -EINVAL (no such kind).
 */
export function sysStatNames(kind: u32, cookie: u64): i32 {
  lock()
  let used = -EINVAL
  if (kind == STAT_NAMES_SHM) used = list(changetype<Inode>(<usize>K.shmInode), cookie)
  else if (kind == STAT_NAMES_MQ) used = list(changetype<Inode>(<usize>K.mqInode), cookie)
  else if (kind == STAT_NAMES_SEM) used = listSems(cookie)
  unlock()
  return used
}

function dataAt(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function goOnWith(cookie: u64): void {
  store<f64>(<usize>me().buffer + BUFFER_RESULT, <f64>cookie)
}

function fits(used: u32, nameBytes: u32): bool {
  return used + STAT_NAME_BYTES + nameBytes <= BUFFER_DATA_BYTES
}

function list(directory: Inode, cookie: u64): i32 {
  let used: u32 = 0
  let next = cookie
  let entry = entryFrom(directory, next)
  while (entry != null && fits(used, entry.nameBytes)) {
    const to = dataAt() + used
    writeInode(to, entry.inode)
    used += writeName(to, nameOf(entry), entry.nameBytes)
    next = entry.end
    entry = entryFrom(directory, next)
  }
  goOnWith(next)
  return used
}

/** Cookies are chain << 32 and the position in it. */
function listSems(cookie: u64): i32 {
  let used: u32 = 0
  let chain = <u32>(cookie >> 32)
  let position = <u32>cookie
  for (; chain < BUCKETS; chain++) {
    let sem = namedSemAt(chain, position)
    while (sem != null && fits(used, sem.nameBytes)) {
      const to = dataAt() + used
      writeSem(to, sem)
      used += writeName(to, sem.name, sem.nameBytes)
      position++
      sem = sem.next
    }
    if (sem != null) break
    position = 0
  }
  goOnWith(((<u64>chain) << 32) | position)
  return used
}

/** => bytes of the record and its name. */
function writeName(to: usize, name: usize, bytes: u32): u32 {
  store<u32>(to, bytes, STAT_NAME_LENGTH)
  memory.copy(to + STAT_NAME_BYTES, name, bytes)
  return STAT_NAME_BYTES + bytes
}

function writeInode(to: usize, inode: Inode): void {
  const object = inode.object
  const queue = inode.queue
  memory.fill(to, 0, STAT_NAME_BYTES)
  store<u32>(to, inode.uid, STAT_NAME_UID)
  store<u32>(to, inode.gid, STAT_NAME_GID)
  store<u32>(to, inode.mode, STAT_NAME_MODE)
  if (object != null) store<f64>(to, <f64>object.size, STAT_NAME_SIZE)
  if (queue == null) return
  store<u32>(to, queue.count, STAT_NAME_COUNT)
  store<u32>(to, queue.maxmsg, STAT_NAME_MAXMSG)
  store<u32>(to, queue.msgsize, STAT_NAME_MSGSIZE)
}

function writeSem(to: usize, sem: NamedSem): void {
  const frame = findPage(sem.object!, 0)
  memory.fill(to, 0, STAT_NAME_BYTES)
  store<u32>(to, sem.uid, STAT_NAME_UID)
  store<u32>(to, sem.gid, STAT_NAME_GID)
  store<u32>(to, sem.mode, STAT_NAME_MODE)
  if (frame == null) return
  store<u32>(to, atomic.load<u32>(frameAddress(frame), POSIX_SEM_VALUE), STAT_NAME_COUNT)
}
