/** The public API of Isopage: everything that `import ... from 'isopage'` gives. */

import { ABI_VERSION } from '../assembly/abi.js'

export type { BootOptions, ByteSize, Limits } from './boot.js'
export {
  F,
  FALLOC_FL,
  FD,
  IPC,
  LOCK,
  MADV,
  MAP,
  MCL,
  MREMAP,
  MS,
  MSG,
  O,
  PAGE,
  POLL,
  POSIX_MADV,
  PROT,
  RLIMIT,
  S,
  SEEK,
  SEM,
  SHM,
} from './constants.js'
export { coreModule } from './core.js'
export { AbortError, IsopageError, IsopageRangeError, IsopageTypeError } from './errors.js'
export type { FileTimes, LockRequest } from './files.js'
export type { Exit, Guest, LoadOptions, ModuleSource, Plugin, RunOptions } from './guest/index.js'
export type {
  IpcLimitValues,
  Ipcs,
  MsgEntry,
  PosixEntry,
  PosixMqEntry,
  PosixSemEntry,
  PosixShmEntry,
  Semaphore,
  SemEntry,
  ShmEntry,
} from './inspect/ipcs.js'
export type { ProcessEntry } from './inspect/processes.js'
export type { IpcOwner, IpcPerm } from './ipc-perm.js'
export { attach, boot, type Kernel, type ProcessOptions } from './kernel.js'
export type { ClockName, ConditionOptions, MutexOptions } from './lockkinds.js'
export type { Barrier, Condition, Guard, LockOptions, Mutex, PromisedLockOptions } from './locks.js'
export type {
  Mapping,
  Range,
  RemapOptions,
  Segment,
  SyncOptions,
  WaitOptions,
  WaitResult,
} from './mapping.js'
export type { MapEntry } from './maps.js'
export type { MmapOptions } from './memory.js'
export type { Mountable } from './mounts.js'
export type { MqAttr, MqMessage, MqOpenOptions } from './mq.js'
export type { MsgInfo, MsgrcvOptions, MsgSet, MsqidDs, ReceivedMessage } from './msg.js'
export type { PollRequest, PollResult } from './pipes.js'
export type { CallOptions, Process, ProcessPromises } from './process.js'
export type { Handle } from './protocol.js'
export type { Provider, ProviderFactory, ProviderSpec } from './providers/provider.js'
export { custom, type DiskOptions, disk, opfs } from './providers/specs.js'
export { wasmer } from './providers/wasmer.js'
export type { RwLock } from './rwlock.js'
export type { SemArgument, SemInfo, SemidDs, SemOperation, SemResult } from './sem.js'
export type { ShmatOptions, ShmidDs, ShmLimits, ShmUsage } from './shm.js'
export type { Entry, EntryType, HeldLock, Stat } from './stat.js'
export type { KernelStats, Sleeper } from './stats.js'

/** The version of the kernel's ABI that this package speaks; `core.wasm` exports the same number. */
export const abiVersion: number = ABI_VERSION
