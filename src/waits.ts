/** Which calls may wait without bound: those get a service worker of their own. */
import {
  F_SETLKW,
  LOCK_NB,
  LOCK_UN,
  O_ACCMODE,
  O_DIRECTORY,
  O_NONBLOCK,
  O_PATH,
  S_IFIFO,
  S_IFMT,
} from '../assembly/abi.js'
import { IPC_NOWAIT } from '../assembly/ipcabi.js'
import type { Process } from './process.js'
import type { ServiceCall } from './protocol.js'

const WAITS: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
  flock: ([, operation]) =>
    typeof operation === 'number' && (operation & (LOCK_NB | LOCK_UN)) === 0,
  fcntl: ([, command]) => command === F_SETLKW,
  futexWait: () => true,
  pthread_mutex_lock: () => true,
  pthread_mutex_timedlock: () => true,
  pthread_mutex_clocklock: () => true,
  pthread_cond_wait: () => true,
  pthread_cond_timedwait: () => true,
  pthread_cond_clockwait: () => true,
  pthread_barrier_wait: () => true,
  pthread_rwlock_rdlock: () => true,
  pthread_rwlock_timedrdlock: () => true,
  pthread_rwlock_wrlock: () => true,
  pthread_rwlock_timedwrlock: () => true,
  rwlock_clocklock: () => true,
  mq_send: () => true,
  mq_timedsend: () => true,
  mq_receive: () => true,
  mq_timedreceive: () => true,
  msgsnd: ([, , , flags]) => waitsWith(flags),
  msgrcv: ([, options]) => waitsWith((options as { flags?: unknown } | undefined)?.flags),
  poll: ([, timeoutMs]) => timeoutMs !== 0,
  sem_wait: () => true,
  sem_timedwait: () => true,
  semop: ([, operations]) => maySleep(operations),
  semtimedop: ([, operations]) => maySleep(operations),
}

/** => the flags of a System V call let it wait. */
function waitsWith(flags: unknown): boolean {
  return typeof flags !== 'number' || (flags & IPC_NOWAIT) === 0
}

/** => the call may wait until another thread does something. */
export function mayWaitLong({ name, args, long }: ServiceCall): boolean {
  return long || (WAITS[name]?.(args) ?? false)
}

/** => one of the operations of a semop may have to wait. */
function maySleep(operations: unknown): boolean {
  if (!Array.isArray(operations)) return false
  return operations.some((operation) => waitsWith(operation?.flags ?? 0) && !(operation?.op > 0))
}

/**
 * => the call opens one side of a FIFO, and may wait for the other. For the worker that is to make it: only a look at the file tells, and its path may
 * lead through a mount.
 */
export function opensFifo(process: Process, { name, args }: ServiceCall): boolean {
  const [path, flags] = args
  if (name !== 'open' || typeof path !== 'string' || typeof flags !== 'number') return false
  if ((flags & (O_NONBLOCK | O_PATH | O_DIRECTORY)) !== 0) return false
  if ((flags & O_ACCMODE) === O_ACCMODE) return false
  try {
    return (process.stat(path).mode & S_IFMT) === S_IFIFO
  } catch {
    return false // what is wrong with the path, open says
  }
}
