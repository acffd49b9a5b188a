/**
 * System V message queues. A message is a type, a whole number from 1 to 2^31-1 (`long` of 32 bits), and bytes: at most MSGMAX.
 * Data is copied once in and once out; a call makes nothing but its result, and with `into` only a view.
 *
 * Sources: POSIX.1-2017, Linux msgget(2), msgop(2), msgctl(2).
 */
import { BUFFER_DATA_BYTES } from '../assembly/abi.js'
import * as ipc from '../assembly/ipcabi.js'
import {
  checkBytes,
  checkFlags,
  checkInteger,
  checkObject,
  checkUint32,
  outOfRange,
  wrongType,
} from './check.js'
import type { Command } from './constants.js'
import type { Instance } from './instance.js'
import { checkKept, type IpcOwner, type IpcPerm, readPerm, readSeconds } from './ipc-perm.js'
import { ShmCalls } from './shm.js'

/** struct msqid_ds. Times are seconds since 1970, 0 for never. */
export interface MsqidDs {
  readonly perm: IpcPerm
  readonly stime: number
  readonly rtime: number
  readonly ctime: number
  /** Bytes in the queue. */
  readonly cbytes: number
  /** Messages in the queue. */
  readonly qnum: number
  /** Most bytes, and messages, in the queue. */
  readonly qbytes: number
  /** Who sent last, and who received. */
  readonly lspid: number
  readonly lrpid: number
}

/** struct msginfo, and `last`: the highest slot in use. MSG.INFO: msgpool is queues, msgmap messages, msgtql bytes, of all queues. */
export interface MsgInfo {
  readonly last: number
  readonly msgpool: number
  readonly msgmap: number
  readonly msgmax: number
  readonly msgmnb: number
  readonly msgmni: number
  readonly msgssz: number
  readonly msgtql: number
  readonly msgseg: number
}

export interface MsgrcvOptions {
  /** 0, the default: the first; above 0: the first of that type; below 0: the first of the lowest type up to its amount. */
  type?: number
  /** Most bytes; the length of `into`, or as many as there may be, by default. */
  size?: number
  /** MSG.NOERROR, MSG.EXCEPT, MSG.COPY, IPC.NOWAIT. */
  flags?: number
  /** Where the bytes go, as in C; `data` is then the part of it that they fill. Without it each message gets an array, which can take longer than the call. */
  into?: Uint8Array<ArrayBuffer>
}

export interface ReceivedMessage {
  readonly type: number
  readonly data: Uint8Array<ArrayBuffer>
}

/** What IPC.SET changes of a queue; what is left out stays. */
export interface MsgSet extends IpcOwner {
  qbytes?: number
}

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

const anyMessage: MsgrcvOptions = Object.freeze({})

export abstract class MsgCalls extends ShmCalls {
  /** msgget(2). `flags`: nine mode bits, IPC.CREAT, IPC.EXCL. => the queue's id. */
  msgget(key: number, flags = 0): number {
    checkInteger('key', key, INT32_MIN, INT32_MAX)
    return this.done('msgget', this.calls.msgget(this.pid, key, checkFlags('flags', flags)))
  }

  /** msgsnd(2). `flags`: IPC.NOWAIT, to fail with EAGAIN instead of waiting for room. */
  msgsnd(
    id: number,
    type: number,
    data: Uint8Array | ArrayBufferView | ArrayBufferLike,
    flags = 0,
  ): void {
    const { calls, instance } = this
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkInteger('type', type, INT32_MIN, INT32_MAX)
    checkFlags('flags', flags)
    const bytes = checkBytes('data', data)
    const size = Math.min(bytes.length, INT32_MAX)
    if (size <= BUFFER_DATA_BYTES) instance.bytes.set(bytes, instance.dataAt)
    this.done('msgsnd', calls.msgsnd(this.pid, id, type, size, flags))
  }

  /** msgrcv(2). */
  msgrcv(id: number, options: MsgrcvOptions = anyMessage): ReceivedMessage {
    const { calls, instance } = this
    const { type = 0, flags = 0, into, size } = checkObject<MsgrcvOptions>('options', options)
    const most = into === undefined ? (size ?? BUFFER_DATA_BYTES) : roomIn(into, size)
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkInteger('options.type', type, INT32_MIN, INT32_MAX)
    checkInteger('options.size', most, INT32_MIN, INT32_MAX)
    checkFlags('options.flags', flags)
    const count = this.done('msgrcv', calls.msgrcv(this.pid, id, most, type, flags))
    const { bytes, dataAt, resultAt } = instance
    const taken = instance.view.getInt32(resultAt, true)
    if (into === undefined) {
      return { type: taken, data: bytes.slice(dataAt, dataAt + count) as Uint8Array<ArrayBuffer> }
    }
    into.set(bytes.subarray(dataAt, dataAt + count))
    return { type: taken, data: into.subarray(0, count) }
  }

  /**
   * msgctl(2). IPC.STAT; IPC.SET, with what to set; IPC.RMID; IPC.INFO, MSG.INFO (any id), MSG.STAT and MSG.STAT_ANY, whose id is a slot.
   */
  msgctl(id: number, command: Command<'status'>): MsqidDs
  msgctl(id: number, command: Command<'slot'>): MsqidDs & { readonly id: number }
  msgctl(id: number, command: Command<'limits' | 'usage'>): MsgInfo
  msgctl(id: number, command: Command<'set'>, set: MsgSet): void
  msgctl(id: number, command: Command<'removed'>): void
  msgctl(id: number, command: number, set?: MsgSet): MsqidDs | MsgInfo | undefined
  msgctl(id: number, command: number, set?: MsgSet): MsqidDs | MsgInfo | undefined {
    const { calls, instance } = this
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkUint32('command', command)
    const { uid, gid, mode, qbytes } = checkObject<MsgSet>('set', set)
    const values = [
      checkKept('set.uid', uid),
      checkKept('set.gid', gid),
      checkKept('set.mode', mode),
      checkKept('set.qbytes', qbytes),
    ] as const
    const result = this.done('msgctl', calls.msgctl(this.pid, id, command, ...values))
    if (command === ipc.IPC_STAT) return readStatus(instance)
    if (command === ipc.MSG_STAT || command === ipc.MSG_STAT_ANY) {
      return { ...readStatus(instance), id: result } as MsqidDs
    }
    const informs = command === ipc.IPC_INFO || command === ipc.MSG_INFO
    return informs ? readInfo(instance, result) : undefined
  }
}

/** => how many bytes to receive at most, where `into` is given. @internal */
export function roomIn(into: unknown, size: number | undefined): number {
  if (!(into instanceof Uint8Array)) throw wrongType('options.into', 'a Uint8Array', into)
  const { length } = checkBytes('options.into', into)
  if (size === undefined || size <= length) return size ?? length
  throw outOfRange('options.size', 'at most the length of options.into', size)
}

function readStatus(instance: Instance): MsqidDs {
  const word = (field: number) => instance.view.getUint32(instance.resultAt + field, true)
  return {
    perm: readPerm(instance),
    stime: readSeconds(instance, ipc.MSQID_DS_STIME),
    rtime: readSeconds(instance, ipc.MSQID_DS_RTIME),
    ctime: readSeconds(instance, ipc.MSQID_DS_CTIME),
    cbytes: word(ipc.MSQID_DS_CBYTES),
    qnum: word(ipc.MSQID_DS_QNUM),
    qbytes: word(ipc.MSQID_DS_QBYTES),
    lspid: word(ipc.MSQID_DS_LSPID),
    lrpid: word(ipc.MSQID_DS_LRPID),
  }
}

function readInfo({ view, resultAt }: Instance, last: number): MsgInfo {
  const word = (field: number) => view.getUint32(resultAt + field, true)
  return {
    last,
    msgpool: word(ipc.MSGINFO_MSGPOOL),
    msgmap: word(ipc.MSGINFO_MSGMAP),
    msgmax: word(ipc.MSGINFO_MSGMAX),
    msgmnb: word(ipc.MSGINFO_MSGMNB),
    msgmni: word(ipc.MSGINFO_MSGMNI),
    msgssz: word(ipc.MSGINFO_MSGSSZ),
    msgtql: word(ipc.MSGINFO_MSGTQL),
    msgseg: word(ipc.MSGINFO_MSGSEG),
  }
}
