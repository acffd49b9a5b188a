/**
 * The calls of interprocess communication, System V and POSIX, as the host makes them: names are (address, bytes) in the calling thread's buffer, data goes through
 * BUFFER_DATA, structures come at BUFFER_RESULT. What each does and which errors it gives stands at the sys function it names.
 */
import { ESRCH } from './abi'
import { begin, done, end, whole } from './call'
import { sysIpcNext } from './ipc'
import { sysMqAttributes, sysMqNotify, sysMqReceive, sysMqSend } from './mq'
import { sysMqClose, sysMqOpen, sysMqUnlink } from './mqopen'
import { sysMsgget, sysMsgrcv, sysMsgsnd } from './msg'
import { sysMsgctl, sysMsgObserve } from './msgctl'
import { sysSemClose, sysSemOpen, sysSemUnlink } from './namedsem'
import { takeNotice } from './notice'
import {
  sysSemDestroy,
  sysSemGetvalue,
  sysSemInit,
  sysSemPost,
  sysSemSettle,
  sysSemTrywait,
  sysSemWait,
} from './posixsem'
import { sysShmOpen, sysShmUnlink } from './posixshm'
import { sysSemctl, sysSemget, sysSemObserve } from './sem'
import { sysSemop } from './semop'
import { sysFtok, sysShmat, sysShmctl, sysShmdt, sysShmget, sysShmObserve } from './shm'
import { enter } from './thread'

/** => the first slot in use from `slot` on of a kind of System V objects (IPC_SHM, IPC_MSG, IPC_SEM), -1 for none. No process is needed. */
export function ipc_next(kind: u32, slot: u32): i32 {
  enter()
  return done(sysIpcNext(kind, slot))
}

// ---- System V shared memory ----

export function ftok(pid: u32, path: u32, bytes: u32, projectId: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFtok(process, path, bytes, projectId))
}

export function shmget(pid: u32, key: i32, size: f64, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShmget(process, key, whole(size), flags))
}

export function shmat(pid: u32, id: u32, address: f64, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShmat(process, id, whole(address), flags))
}

export function shmdt(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShmdt(process, whole(address)))
}

/** With `pid` 0, for observers: IPC_INFO, SHM_INFO and SHM_STAT_ANY. */
export function shmctl(pid: u32, id: u32, command: u32, uid: f64, gid: f64, mode: f64): i32 {
  const process = begin(pid)
  if (process != null) return end(sysShmctl(process, id, command, uid, gid, mode))
  return end(pid == 0 ? sysShmObserve(id, command) : -ESRCH)
}

// ---- System V message queues ----

export function msgget(pid: u32, key: i32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMsgget(process, key, flags))
}

export function msgsnd(pid: u32, id: i32, type: i32, bytes: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMsgsnd(process, id, type, bytes, flags))
}

export function msgrcv(pid: u32, id: i32, bytes: i32, type: i32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMsgrcv(process, id, bytes, type, flags))
}

/** With `pid` 0, for observers: IPC_INFO, MSG_INFO and MSG_STAT_ANY. */
export function msgctl(
  pid: u32,
  id: i32,
  command: u32,
  uid: f64,
  gid: f64,
  mode: f64,
  qbytes: f64,
): i32 {
  const process = begin(pid)
  if (process != null) return end(sysMsgctl(process, id, command, uid, gid, mode, qbytes))
  return end(pid == 0 ? sysMsgObserve(id, command) : -ESRCH)
}

// ---- POSIX shared memory ----

export function shm_open(pid: u32, path: u32, bytes: u32, flags: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShmOpen(process, path, bytes, flags, mode))
}

export function shm_unlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysShmUnlink(process, path, bytes))
}

// ---- System V semaphores ----

export function semget(pid: u32, key: i32, count: i32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemget(process, key, count, flags))
}

/** One operation comes as numbers, several at BUFFER_DATA. */
export function semop(
  pid: u32,
  id: i32,
  count: u32,
  timeoutMs: f64,
  num: u32,
  change: i32,
  flags: u32,
): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemop(process, id, count, timeoutMs, num, change, flags))
}

/** With `pid` 0, for observers: IPC_INFO, SEM_INFO, SEM_STAT_ANY, GETALL, GETVAL, GETPID, GETNCNT and GETZCNT. */
export function semctl(
  pid: u32,
  id: i32,
  num: i32,
  command: u32,
  first: f64,
  gid: f64,
  mode: f64,
): i32 {
  const process = begin(pid)
  if (process != null) return end(sysSemctl(process, id, num, command, first, gid, mode))
  return end(pid == 0 ? sysSemObserve(id, num, command) : -ESRCH)
}

// ---- POSIX message queues ----

export function mq_open(
  pid: u32,
  path: u32,
  bytes: u32,
  flags: u32,
  mode: u32,
  maxmsg: f64,
  msgsize: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysMqOpen(process, path, bytes, flags, mode, maxmsg, msgsize),
  )
}

export function mq_close(pid: u32, mqd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqClose(process, mqd))
}

export function mq_unlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqUnlink(process, path, bytes))
}

export function mq_send(pid: u32, mqd: i32, bytes: u32, priority: u32, deadline: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqSend(process, mqd, bytes, priority, deadline))
}

export function mq_receive(pid: u32, mqd: i32, bytes: u32, deadline: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqReceive(process, mqd, bytes, deadline))
}

export function mq_notify(pid: u32, mqd: i32, cookie: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqNotify(process, mqd, cookie))
}

/** mq_getattr (`flags` is NaN) and mq_setattr. */
export function mq_attributes(pid: u32, mqd: i32, flags: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMqAttributes(process, mqd, flags))
}

/** The next registration of this thread that ended, at BUFFER_RESULT (NOTICE_*). => 1, or 0 when there is none. */
export function mq_noticed(): i32 {
  enter()
  return done(takeNotice())
}

// ---- POSIX semaphores ----

export function sem_open(pid: u32, path: u32, bytes: u32, flags: u32, mode: u32, value: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemOpen(process, path, bytes, flags, mode, value))
}

export function sem_close(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemClose(process, whole(address)))
}

export function sem_unlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemUnlink(process, path, bytes))
}

export function sem_init(pid: u32, address: f64, value: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemInit(process, whole(address), value))
}

export function sem_destroy(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemDestroy(process, whole(address)))
}

export function sem_trywait(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemTrywait(process, whole(address)))
}

export function sem_post(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemPost(process, whole(address)))
}

export function sem_settle(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemSettle(process, whole(address)))
}

export function sem_getvalue(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemGetvalue(process, whole(address)))
}

export function sem_wait(pid: u32, address: f64, deadline: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSemWait(process, whole(address), deadline))
}
