/** The `isopage` imports for System V and POSIX interprocess communication. imports-def.ts says what each takes. */
import { EINVAL } from '../../assembly/abi.js'
import * as ipc from '../../assembly/ipcabi.js'
import { GUEST_LAYOUTS } from './imports-def.js'
import {
  deadlineMs,
  giveData,
  giveResult,
  notNull,
  putString,
  queueDeadlineMs,
  takeData,
  timeoutMs,
} from './imports-io.js'
import { Errno } from './memory.js'
import { type GuestThread, SIGNAL_MAX } from './thread.js'

const { GUEST_NOTIFY_REMOVE } = GUEST_LAYOUTS

/** Bytes that a command of shmctl, msgctl or semctl leaves. */
const SHMCTL: Readonly<Record<number, number>> = {
  [ipc.IPC_STAT]: ipc.SHMID_DS_BYTES,
  [ipc.SHM_STAT]: ipc.SHMID_DS_BYTES,
  [ipc.SHM_STAT_ANY]: ipc.SHMID_DS_BYTES,
  [ipc.IPC_INFO]: ipc.SHMINFO_BYTES,
  [ipc.SHM_INFO]: ipc.SHM_INFO_BYTES,
}
const MSGCTL: Readonly<Record<number, number>> = {
  [ipc.IPC_STAT]: ipc.MSQID_DS_BYTES,
  [ipc.MSG_STAT]: ipc.MSQID_DS_BYTES,
  [ipc.MSG_STAT_ANY]: ipc.MSQID_DS_BYTES,
  [ipc.IPC_INFO]: ipc.MSGINFO_BYTES,
  [ipc.MSG_INFO]: ipc.MSGINFO_BYTES,
}
const SEMCTL: Readonly<Record<number, number>> = {
  [ipc.IPC_STAT]: ipc.SEMID_DS_BYTES,
  [ipc.SEM_STAT]: ipc.SEMID_DS_BYTES,
  [ipc.SEM_STAT_ANY]: ipc.SEMID_DS_BYTES,
  [ipc.IPC_INFO]: ipc.SEMINFO_BYTES,
  [ipc.SEM_INFO]: ipc.SEMINFO_BYTES,
}

/** What IPC_SET reads of a program's structure. */
function permOf({ memory }: GuestThread, command: number, buf: number): [number, number, number] {
  if (command !== ipc.IPC_SET) return [0, 0, 0]
  const { IPC_PERM_UID, IPC_PERM_GID, IPC_PERM_MODE } = ipc
  return [
    memory.u32(notNull(buf) + IPC_PERM_UID),
    memory.u32(buf + IPC_PERM_GID),
    memory.u32(buf + IPC_PERM_MODE),
  ]
}

/** Gives the program what a command left, if anything. => its result. */
function give(thread: GuestThread, result: number, bytes: number | undefined, buf: number): number {
  const done = thread.done(result)
  if (bytes !== undefined) giveResult(thread, buf, bytes)
  return done
}

/** System V shared memory and message queues. */
export function systemV(thread: GuestThread) {
  const { memory, instance, pid } = thread

  return {
    shmget: (key: number, size: number, flags: number) =>
      thread.done(thread.calls.shmget(pid, key, size, flags)),
    shmat: (id: number, addr: number, flags: number) =>
      thread.address(thread.calls.shmat(pid, id, addr, flags)),
    shmdt: (addr: number) => thread.done(thread.calls.shmdt(pid, addr)),
    shmctl(id: number, command: number, buf: number): number {
      const result = thread.calls.shmctl(pid, id, command, ...permOf(thread, command, buf))
      return give(thread, result, SHMCTL[command], buf)
    },
    msgget: (key: number, flags: number) => thread.done(thread.calls.msgget(pid, key, flags)),
    msgsnd(id: number, message: number, size: number, flags: number): number {
      const type = memory.i32(notNull(message))
      takeData(thread, message + 4, size)
      return thread.done(thread.calls.msgsnd(pid, id, type, size, flags))
    },
    msgrcv(id: number, message: number, size: number, type: number, flags: number): number {
      memory.check(notNull(message), 4, true)
      const bytes = thread.done(thread.calls.msgrcv(pid, id, size | 0, type, flags))
      const got = instance.view.getInt32(instance.resultAt, true)
      giveData(thread, message + 4, bytes)
      memory.setU32(message, got)
      return bytes
    },
    msgctl(id: number, command: number, buf: number): number {
      const set = permOf(thread, command, buf)
      const qbytes = command === ipc.IPC_SET ? memory.u32(buf + ipc.MSQID_DS_QBYTES) : 0
      const result = thread.calls.msgctl(pid, id, command, ...set, qbytes)
      return give(thread, result, MSGCTL[command], buf)
    },
  }
}

/** System V semaphores. */
export function semaphores(thread: GuestThread) {
  const { memory, instance, pid } = thread

  /** SETALL takes as many values as there are semaphores: none of a set that has taken the place of the one asked for. */
  function putValues(id: number, from: number): number {
    const slot = id % ipc.IPCMNI
    if (thread.done(thread.calls.semctl(pid, slot, 0, ipc.SEM_STAT_ANY, 0, 0, 0)) !== id) return 0
    const count = instance.view.getUint32(instance.resultAt + ipc.SEMID_DS_NSEMS, true)
    takeData(thread, from, 2 * count)
    return count
  }

  function semctl(id: number, num: number, command: number, argument: number): number {
    const { calls } = thread
    if (command === ipc.SEM_SETALL) {
      const count = id < 0 ? 0 : putValues(id, argument)
      return thread.done(calls.semctl(pid, id, num, command, count, 0, 0))
    }
    const values =
      command === ipc.SEM_SETVAL
        ? ([argument | 0, 0, 0] as const)
        : permOf(thread, command, argument)
    const result = thread.done(calls.semctl(pid, id, num, command, ...values))
    if (command !== ipc.SEM_GETALL) return give(thread, result, SEMCTL[command], argument)
    giveData(thread, argument, 2 * result)
    return 0
  }

  return {
    semget: (key: number, count: number, flags: number) =>
      thread.done(thread.calls.semget(pid, key, count, flags)),
    semtimedop(id: number, operations: number, count: number, timeout: number): number {
      const limit = timeoutMs(thread, timeout)
      if (count !== 1) {
        if (count > 0 && count <= ipc.SEMOPM) takeData(thread, operations, count * ipc.SEMBUF_BYTES)
        return thread.done(thread.calls.semop(pid, id, count, limit, 0, 0, 0))
      }
      const num = memory.u16(notNull(operations) + ipc.SEMBUF_NUM)
      const change = (memory.u16(operations + ipc.SEMBUF_OP) << 16) >> 16
      const flags = memory.u16(operations + ipc.SEMBUF_FLG)
      return thread.done(thread.calls.semop(pid, id, 1, limit, num, change, flags))
    },
    semctl,
  }
}

export function posixIpc(thread: GuestThread) {
  const { memory, instance, pid } = thread

  function attributes(mqd: number, flags: number, old: number): number {
    const result = thread.done(thread.calls.mq_attributes(pid, mqd, flags))
    if (old !== 0) giveResult(thread, old, ipc.MQ_ATTR_BYTES)
    return result
  }

  return {
    sem_init: (sem: number, _shared: number, value: number) =>
      thread.done(thread.calls.sem_init(pid, sem, value)),
    sem_destroy: (sem: number) => thread.done(thread.calls.sem_destroy(pid, sem)),
    sem_open(name: number, flags: number, mode: number, value: number): number {
      const path = putString(thread, name)
      return thread.address(thread.calls.sem_open(pid, ...path, flags, mode, value))
    },
    sem_close: (sem: number) => thread.done(thread.calls.sem_close(pid, sem)),
    sem_unlink: (name: number) =>
      thread.done(thread.calls.sem_unlink(pid, ...putString(thread, name))),
    sem_wait: (sem: number, deadline: number) =>
      thread.done(thread.calls.sem_wait(pid, sem, deadlineMs(thread, deadline)), 'sem_wait'),
    sem_trywait: (sem: number) => thread.done(thread.calls.sem_trywait(pid, sem)),
    sem_post: (sem: number) => thread.done(thread.calls.sem_post(pid, sem)),
    sem_settle: (sem: number) => thread.done(thread.calls.sem_settle(pid, sem)),
    sem_getvalue: (sem: number) => thread.done(thread.calls.sem_getvalue(pid, sem)),
    mq_open(name: number, flags: number, mode: number, attr: number): number {
      const field = (offset: number) => (attr === 0 ? Number.NaN : memory.i32(attr + offset))
      const most = [field(ipc.MQ_ATTR_MAXMSG), field(ipc.MQ_ATTR_MSGSIZE)] as const
      return thread.done(
        thread.calls.mq_open(pid, ...putString(thread, name), flags, mode, ...most),
      )
    },
    mq_close: (mqd: number) => thread.done(thread.calls.mq_close(pid, mqd)),
    mq_unlink: (name: number) =>
      thread.done(thread.calls.mq_unlink(pid, ...putString(thread, name))),
    mq_send(mqd: number, data: number, size: number, priority: number, deadline: number): number {
      const until = queueDeadlineMs(thread, deadline)
      takeData(thread, data, size)
      return thread.done(thread.calls.mq_send(pid, mqd, size, priority, until), 'mq_send')
    },
    mq_receive(
      mqd: number,
      data: number,
      size: number,
      priority: number,
      deadline: number,
    ): number {
      const until = queueDeadlineMs(thread, deadline)
      const bytes = thread.done(thread.calls.mq_receive(pid, mqd, size, until), 'mq_receive')
      const level = instance.view.getInt32(instance.resultAt, true)
      giveData(thread, data, bytes)
      if (priority !== 0) memory.setU32(priority, level)
      return bytes
    },
    mq_getattr: (mqd: number, attr: number) => attributes(mqd, Number.NaN, attr),
    mq_setattr: (mqd: number, attr: number, old: number) =>
      attributes(mqd, memory.u32(notNull(attr) + ipc.MQ_ATTR_FLAGS), old),
    mq_notify(mqd: number, notify: number, signal: number): number {
      if (notify === GUEST_NOTIFY_REMOVE) return thread.done(thread.calls.mq_notify(pid, mqd, 0))
      const sends = notify === GUEST_LAYOUTS.GUEST_NOTIFY_SIGNAL
      if (sends && (signal < 0 || signal > SIGNAL_MAX)) throw new Errno(EINVAL)
      thread.notify(sends ? signal : 0, (cookie) => {
        thread.done(thread.calls.mq_notify(pid, mqd, cookie))
      })
      return 0
    },
  }
}

/** Locks in mapped pages. */
export function sync(thread: GuestThread) {
  const { pid } = thread
  let known = 0
  const owner = () => (known ||= thread.done(thread.calls.sync_owner(pid)))
  const until = (deadline: number) => deadlineMs(thread, deadline)
  const { done } = thread
  const told = (result: number) => done.call(thread, result, 'pthread')
  return {
    sync_owner: owner,
    mutex_init: (mutex: number, kind: number) => told(thread.calls.mutex_init(pid, mutex, kind)),
    mutex_destroy: (mutex: number) => told(thread.calls.mutex_destroy(pid, mutex)),
    mutex_lock: (mutex: number, deadline: number, clock: number) =>
      told(thread.calls.mutex_lock(pid, owner(), mutex, until(deadline), clock, 0)),
    mutex_trylock: (mutex: number) => told(thread.calls.mutex_trylock(pid, owner(), mutex)),
    mutex_unlock: (mutex: number) => told(thread.calls.mutex_unlock(pid, owner(), mutex)),
    mutex_consistent: (mutex: number) => told(thread.calls.mutex_consistent(pid, owner(), mutex)),
    cond_init: (cond: number, clock: number) => told(thread.calls.cond_init(pid, cond, clock)),
    cond_destroy: (cond: number) => told(thread.calls.cond_destroy(pid, cond)),
    cond_wait: (cond: number, mutex: number, deadline: number, clock: number) =>
      told(thread.calls.cond_wait(pid, owner(), cond, mutex, until(deadline), clock)),
    cond_wake: (cond: number, count: number) => {
      told(thread.calls.cond_wake(pid, cond, count))
      return 0
    },
    barrier_init: (barrier: number, count: number) =>
      told(thread.calls.barrier_init(pid, barrier, count)),
    barrier_destroy: (barrier: number) => told(thread.calls.barrier_destroy(pid, barrier)),
    barrier_wait: (barrier: number) => told(thread.calls.barrier_wait(pid, barrier)),
    rwlock_init: (rwlock: number) => told(thread.calls.rwlock_init(pid, rwlock)),
    rwlock_destroy: (rwlock: number) => told(thread.calls.rwlock_destroy(pid, rwlock)),
    rwlock_lock: (rwlock: number, write: number, deadline: number, clock: number) =>
      told(thread.calls.rwlock_lock(pid, owner(), rwlock, write, until(deadline), clock)),
    rwlock_trylock: (rwlock: number, write: number) =>
      told(thread.calls.rwlock_trylock(pid, owner(), rwlock, write)),
    rwlock_unlock: (rwlock: number) => told(thread.calls.rwlock_unlock(pid, owner(), rwlock)),
  }
}
