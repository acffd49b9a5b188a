/**
 * msgctl: what observers see of System V message queues, and what their owners change.
 *
 * IPC_SET may let senders in (a larger msg_qbytes), and shut sleepers out: a receiver without read permission is told EACCES at once, a sender
 * without write permission when room comes for it. Linux wakes them all to find that out for themselves; who may stay keeps its place here.
 * Guarded by the kernel lock, journalled.
 * Sources: POSIX.1-2017 msgctl; Linux msgctl(2), ipc/msg.c.
 */
import { BUFFER_RESULT, EACCES, EINVAL, EPERM, ESRCH } from './abi'
import { now } from './env'
import {
  findIpc,
  ipcAt,
  ipcCount,
  lastSlot,
  limit,
  mayOwn,
  mayUse,
  orElse,
  seconds,
  setIpc,
  writePerm,
} from './ipc'
import {
  IPC_INFO,
  IPC_MSG,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  IPCMNI,
  LIMIT_MSGMAX,
  LIMIT_MSGMNB,
  LIMIT_MSGMNI,
  MSG_INFO,
  MSG_STAT,
  MSG_STAT_ANY,
  MSGINFO_MSGMAP,
  MSGINFO_MSGMAX,
  MSGINFO_MSGMNB,
  MSGINFO_MSGMNI,
  MSGINFO_MSGPOOL,
  MSGINFO_MSGSEG,
  MSGINFO_MSGSSZ,
  MSGINFO_MSGTQL,
  MSGMNB,
  MSGMNI,
  MSQID_DS_CBYTES,
  MSQID_DS_CTIME,
  MSQID_DS_LRPID,
  MSQID_DS_LSPID,
  MSQID_DS_QBYTES,
  MSQID_DS_QNUM,
  MSQID_DS_RTIME,
  MSQID_DS_STIME,
} from './ipcabi'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { completeSenders, endQueue, Queue, queueOf, refuseReceivers } from './msg'
import { Process } from './process'
import { me } from './thread'

/** Constants of Linux's uapi/linux/msg.h that only IPC_INFO tells. */
const MSGSSZ: u32 = 16
const MSGSEG_MAX: u32 = 0xffff

/**
 * IPC_STAT, MSG_STAT, MSG_STAT_ANY: the queue's msqid_ds to BUFFER_RESULT (`id`: its slot for the latter two). => 0 for IPC_STAT, else its id.
 * IPC_INFO, MSG_INFO: a msginfo there. => the highest slot in use, 0 when none is. IPC_SET: owner, group, mode, qbytes; NaN leaves one as
 * it is. IPC_RMID. => 0; -EINVAL (the id, the command, an owner that is none), -EACCES (no read permission for a STAT), -EPERM.
 */
export function sysMsgctl(
  process: Process,
  id: i32,
  command: u32,
  uid: f64,
  gid: f64,
  mode: f64,
  qbytes: f64,
): i32 {
  if (id < 0) return -EINVAL
  lock()
  let result: i32
  if (command == IPC_INFO || command == MSG_INFO) result = putInfo(command == MSG_INFO)
  else if (command == IPC_SET) result = change(process, id, uid, gid, mode, qbytes)
  else if (command == IPC_RMID) result = remove(process, id)
  else result = status(process, id, command)
  unlock()
  return result
}

/** What observers ask, without a process: IPC_INFO, MSG_INFO, MSG_STAT_ANY. => as sysMsgctl; -ESRCH for any other command. */
export function sysMsgObserve(id: i32, command: u32): i32 {
  const informs = command == IPC_INFO || command == MSG_INFO
  if (!informs && command != MSG_STAT_ANY) return -ESRCH
  if (id < 0) return -EINVAL
  lock()
  const result = informs ? putInfo(command == MSG_INFO) : status(null, id, command)
  unlock()
  return result
}

/** `process` null: nobody in particular. */
function status(process: Process | null, id: i32, command: u32): i32 {
  if (command != IPC_STAT && command != MSG_STAT && command != MSG_STAT_ANY) return -EINVAL
  const found = command == IPC_STAT ? findIpc(IPC_MSG, id) : ipcAt(IPC_MSG, <u32>id % IPCMNI)
  if (found == null) return -EINVAL
  const asks = process != null && command != MSG_STAT_ANY
  if (asks && mayUse(process!, found, 4) != 0) return -EACCES
  putStatus(changetype<Queue>(found), <usize>me().buffer + BUFFER_RESULT)
  return command == IPC_STAT ? 0 : <i32>found.id
}

function putStatus(queue: Queue, at: usize): void {
  writePerm(queue, at)
  store<i64>(at + MSQID_DS_STIME, seconds(queue.stime))
  store<i64>(at + MSQID_DS_RTIME, seconds(queue.rtime))
  store<i64>(at + MSQID_DS_CTIME, seconds(queue.ctime))
  store<u32>(at + MSQID_DS_CBYTES, queue.cbytes)
  store<u32>(at + MSQID_DS_QNUM, queue.qnum)
  store<u32>(at + MSQID_DS_QBYTES, queue.qbytes)
  store<u32>(at + MSQID_DS_LSPID, queue.lspid)
  store<u32>(at + MSQID_DS_LRPID, queue.lrpid)
}

/** A msginfo: with `used` (MSG_INFO) what queues hold in three of its fields, else what Linux calls the sizes of a pool. */
function putInfo(used: bool): i32 {
  const at = <usize>me().buffer + BUFFER_RESULT
  const last = lastSlot(IPC_MSG)
  let messages: u32 = 0
  let bytes: u32 = 0
  for (let slot = 0; used && slot <= last; slot++) {
    const queue = changetype<Queue | null>(ipcAt(IPC_MSG, slot))
    messages += queue == null ? 0 : queue.qnum
    bytes += queue == null ? 0 : queue.cbytes
  }
  const pool = <u32>((<u64>MSGMNI * MSGMNB) / 1024)
  store<u32>(at + MSGINFO_MSGPOOL, used ? ipcCount(IPC_MSG) : pool)
  store<u32>(at + MSGINFO_MSGMAP, used ? messages : MSGMNB)
  store<u32>(at + MSGINFO_MSGMAX, limit(LIMIT_MSGMAX))
  store<u32>(at + MSGINFO_MSGMNB, limit(LIMIT_MSGMNB))
  store<u32>(at + MSGINFO_MSGMNI, limit(LIMIT_MSGMNI))
  store<u32>(at + MSGINFO_MSGSSZ, MSGSSZ)
  store<u32>(at + MSGINFO_MSGTQL, used ? bytes : MSGMNB)
  store<u32>(at + MSGINFO_MSGSEG, min((pool * 1024) / MSGSSZ, MSGSEG_MAX))
  return max(last, 0)
}

function change(process: Process, id: i32, uid: f64, gid: f64, mode: f64, qbytes: f64): i32 {
  const queue = queueOf(id)
  if (queue == null) return -EINVAL
  if (mayOwn(process, queue) != 0) return -EPERM
  const room = orElse(qbytes, queue.qbytes)
  const isRaised = !isNaN(qbytes) && room > limit(LIMIT_MSGMNB)
  if (isRaised && process.euid != 0) return -EPERM
  const owner = orElse(uid, queue.uid)
  const result = setIpc(queue, owner, orElse(gid, queue.gid), orElse(mode, queue.mode))
  if (result != 0) return result
  edit<Queue>(queue).qbytes = room
  queue.ctime = now(1)
  refuseReceivers(queue)
  completeSenders(queue)
  return 0
}

function remove(process: Process, id: i32): i32 {
  const queue = queueOf(id)
  if (queue == null) return -EINVAL
  if (mayOwn(process, queue) != 0) return -EPERM
  endQueue(queue)
  return 0
}
