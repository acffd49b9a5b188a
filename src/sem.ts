/**
 * The System V semaphores of a process, under their C names.
 *
 * Sources: POSIX.1-2017 semget, semop, semctl; Linux semop(2), semctl(2).
 */
import * as ipc from '../assembly/ipcabi.js'
import {
  checkFlags,
  checkInteger,
  checkObject,
  checkTimeout,
  checkUint32,
  wrongType,
} from './check.js'
import type { Command } from './constants.js'
import type { Instance } from './instance.js'
import { checkKept, type IpcOwner, type IpcPerm, readPerm, readSeconds } from './ipc-perm.js'
import { MsgCalls } from './msg.js'

/** One operation of semop: struct sembuf. */
export interface SemOperation {
  /** Which semaphore of the set. */
  num: number
  /** More than 0: added. Less: taken, once there is as much. 0: waits until the semaphore is 0. */
  op: number
  /** IPC.NOWAIT, SEM.UNDO. */
  flags?: number
}

/** struct semid_ds. Times are seconds since 1970, 0 for never. */
export interface SemidDs {
  readonly perm: IpcPerm
  /** The last semop. */
  readonly otime: number
  /** When it was made, or changed by SETVAL, SETALL or SET. */
  readonly ctime: number
  readonly nsems: number
}

/** struct seminfo; with SEM.INFO `semusz` is how many sets there are and `semaem` how many semaphores. */
export interface SemInfo {
  /** The highest slot in use: SEM.STAT takes slots from 0 to it. */
  readonly last: number
  readonly semmap: number
  readonly semmni: number
  readonly semmns: number
  readonly semmnu: number
  readonly semmsl: number
  readonly semopm: number
  readonly semume: number
  readonly semusz: number
  readonly semvmx: number
  readonly semaem: number
}

/** What semctl takes and gives, by command. */
export type SemArgument = number | ArrayLike<number> | IpcOwner
export type SemResult = number | number[] | SemidDs | SemInfo | undefined

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1
const INT16_MAX = 2 ** 15 - 1
const UINT16_MAX = 2 ** 16 - 1

export abstract class SemCalls extends MsgCalls {
  /** semget(2): finds the set of `key`, or with IPC.CREAT or IPC.PRIVATE makes one of `count` semaphores, all 0. => its id. */
  semget(key: number, count: number, flags = 0): number {
    const { calls } = this
    checkInteger('key', key, INT32_MIN, INT32_MAX)
    checkInteger('count', count, INT32_MIN, INT32_MAX)
    checkFlags('flags', flags)
    return this.done('semget', calls.semget(this.pid, key, count, flags))
  }

  /** semop(2): does all the operations, in order, at once, or sleeps until that is possible. */
  semop(id: number, operations: readonly SemOperation[]): void {
    this.#operate('semop', id, operations, -1)
  }

  /** semtimedop(2): as semop, for `timeoutMs` at most: EAGAIN then. */
  semtimedop(id: number, operations: readonly SemOperation[], timeoutMs?: number): void {
    this.#operate('semtimedop', id, operations, checkTimeout('timeoutMs', timeoutMs))
  }

  #operate(syscall: string, id: number, given: readonly SemOperation[], timeoutMs: number): void {
    const { calls, pid } = this
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    if (!Array.isArray(given)) throw wrongType('operations', 'an array', given)
    const { length } = given as readonly SemOperation[]
    const only = length === 1 ? checkOperation(given[0], 0) : NOTHING
    if (length > 1 && length <= ipc.SEMOPM) this.#stage(given)
    const { num, op, flags = 0 } = only
    this.done(syscall, calls.semop(pid, id, length, timeoutMs, num, op, flags))
  }

  /** Leaves operations for the kernel. */
  #stage(given: readonly SemOperation[]): void {
    const { view, dataAt } = this.instance
    for (let i = 0; i < given.length; i++) {
      const { num, op, flags = 0 } = checkOperation(given[i], i)
      const at = dataAt + i * ipc.SEMBUF_BYTES
      view.setUint16(at + ipc.SEMBUF_NUM, num, true)
      view.setInt16(at + ipc.SEMBUF_OP, op, true)
      view.setUint16(at + ipc.SEMBUF_FLG, flags, true)
    }
  }

  /**
   * semctl(2). `num`: which semaphore, where the command is about one. Of SEM.STAT and SEM.STAT_ANY the id is a slot; IPC.INFO and SEM.INFO take any.
   */
  semctl(id: number, num: number, command: Command<'value'>): number
  semctl(id: number, num: number, command: Command<'values'>): number[]
  semctl(id: number, num: number, command: Command<'set value'>, value: number): void
  semctl(id: number, num: number, command: Command<'set values'>, values: ArrayLike<number>): void
  semctl(id: number, num: number, command: Command<'status'>): SemidDs
  semctl(id: number, num: number, command: Command<'slot'>): SemidDs & { readonly id: number }
  semctl(id: number, num: number, command: Command<'limits' | 'usage'>): SemInfo
  semctl(id: number, num: number, command: Command<'set'>, set: IpcOwner): void
  semctl(id: number, num: number, command: Command<'removed'>): void
  semctl(id: number, num: number, command: number, argument?: SemArgument): SemResult
  semctl(id: number, num: number, command: number, argument?: SemArgument): SemResult {
    const { calls } = this
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkInteger('num', num, INT32_MIN, INT32_MAX)
    checkUint32('command', command)
    const [first, gid, mode] = this.#argument(command, argument)
    const result = calls.semctl(this.pid, id, num, command, first, gid, mode)
    return readResult(this.instance, command, this.done('semctl', result))
  }

  /** => the numbers that the command takes; the values of SETALL are left for the kernel. */
  #argument(command: number, argument: unknown): readonly [number, number, number] {
    if (command === ipc.SEM_SETVAL) {
      return [checkInteger('value', argument, INT32_MIN, INT32_MAX), 0, 0]
    }
    if (command === ipc.SEM_SETALL) return [this.#stageValues(argument), 0, 0]
    if (command !== ipc.IPC_SET) return [0, 0, 0]
    const { uid, gid, mode } = checkObject<IpcOwner>('set', argument)
    return [checkKept('set.uid', uid), checkKept('set.gid', gid), checkKept('set.mode', mode)]
  }

  #stageValues(values: unknown): number {
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
      throw wrongType('values', 'an array of numbers', values)
    }
    const { view, dataAt } = this.instance
    const given = values as ArrayLike<unknown>
    const { length } = given
    for (let i = 0; i < Math.min(length, ipc.IPCMNI); i++) {
      const value = checkInteger('values', given[i], -INT16_MAX - 1, UINT16_MAX)
      view.setUint16(dataAt + 2 * i, value, true)
    }
    return length
  }
}

function readResult(instance: Instance, command: number, result: number): SemResult {
  const { bytes, dataAt } = instance
  switch (command) {
    case ipc.IPC_STAT:
      return readStatus(instance)
    case ipc.SEM_STAT:
    case ipc.SEM_STAT_ANY:
      return { ...readStatus(instance), id: result } as SemidDs
    case ipc.IPC_INFO:
    case ipc.SEM_INFO:
      return readInfo(instance, result)
    case ipc.SEM_GETALL:
      return Array.from(new Uint16Array(bytes.slice(dataAt, dataAt + 2 * result).buffer))
    case ipc.SEM_GETVAL:
    case ipc.SEM_GETPID:
    case ipc.SEM_GETNCNT:
    case ipc.SEM_GETZCNT:
      return result
    default:
      return undefined
  }
}

function readStatus(instance: Instance): SemidDs {
  return {
    perm: readPerm(instance),
    otime: readSeconds(instance, ipc.SEMID_DS_OTIME),
    ctime: readSeconds(instance, ipc.SEMID_DS_CTIME),
    nsems: instance.view.getUint32(instance.resultAt + ipc.SEMID_DS_NSEMS, true),
  }
}

function readInfo({ view, resultAt }: Instance, last: number): SemInfo {
  const word = (field: number) => view.getUint32(resultAt + field, true)
  return {
    last,
    semmap: word(ipc.SEMINFO_SEMMAP),
    semmni: word(ipc.SEMINFO_SEMMNI),
    semmns: word(ipc.SEMINFO_SEMMNS),
    semmnu: word(ipc.SEMINFO_SEMMNU),
    semmsl: word(ipc.SEMINFO_SEMMSL),
    semopm: word(ipc.SEMINFO_SEMOPM),
    semume: word(ipc.SEMINFO_SEMUME),
    semusz: word(ipc.SEMINFO_SEMUSZ),
    semvmx: word(ipc.SEMINFO_SEMVMX),
    semaem: word(ipc.SEMINFO_SEMAEM),
  }
}

const NOTHING: SemOperation = { num: 0, op: 0 }

function checkOperation(operation: unknown, index: number): SemOperation {
  if (typeof operation !== 'object' || operation === null) {
    throw wrongType(`operations[${index}]`, 'of type object', operation)
  }
  const { num, op, flags } = operation as SemOperation
  checkInteger('operations.num', num, 0, UINT16_MAX)
  checkInteger('operations.op', op, -INT16_MAX - 1, INT16_MAX)
  if (flags !== undefined) checkInteger('operations.flags', flags, 0, UINT16_MAX)
  return operation as SemOperation
}
