/** The limits of interprocess communication that boot may set; where it says nothing they are those of Linux on 32 bits. */
import * as ipc from '../assembly/ipcabi.js'
import { checkInteger } from './check.js'

export interface IpcLimits {
  /** System V shared memory: segments, bytes of one, pages of all. */
  shmmni?: number
  shmmax?: number
  shmall?: number
  /** System V message queues: queues, bytes of one message, bytes in one queue. */
  msgmni?: number
  msgmax?: number
  msgmnb?: number
  /** System V semaphores: sets, semaphores of one set, of all, operations of one call. */
  semmni?: number
  semmsl?: number
  semmns?: number
  semopm?: number
  /** POSIX message queues: queues, messages of one, bytes of a message; they bind all but root. */
  mqQueues?: number
  mqMsg?: number
  mqMsgsize?: number
}

const UINT32_MAX = 2 ** 32 - 1

/** By option: which limit of the kernel, and the most that it may be. */
const LIMITS: Readonly<Record<keyof IpcLimits, readonly [limit: number, most: number]>> = {
  shmmni: [ipc.LIMIT_SHMMNI, ipc.IPCMNI],
  shmmax: [ipc.LIMIT_SHMMAX, UINT32_MAX],
  shmall: [ipc.LIMIT_SHMALL, UINT32_MAX],
  msgmni: [ipc.LIMIT_MSGMNI, ipc.IPCMNI],
  msgmax: [ipc.LIMIT_MSGMAX, ipc.MESSAGE_BYTES_MAX],
  msgmnb: [ipc.LIMIT_MSGMNB, UINT32_MAX],
  semmni: [ipc.LIMIT_SEMMNI, ipc.IPCMNI],
  semmsl: [ipc.LIMIT_SEMMSL, ipc.IPCMNI],
  semmns: [ipc.LIMIT_SEMMNS, UINT32_MAX],
  semopm: [ipc.LIMIT_SEMOPM, ipc.SEMOPM],
  mqQueues: [ipc.LIMIT_MQ_QUEUES, UINT32_MAX],
  mqMsg: [ipc.LIMIT_MQ_MSG, UINT32_MAX],
  mqMsgsize: [ipc.LIMIT_MQ_MSGSIZE, ipc.MESSAGE_BYTES_MAX],
}

/** => what was given, as pairs for the kernel. */
export function checkIpcLimits(given: IpcLimits): (readonly [limit: number, value: number])[] {
  const names = Object.keys(LIMITS) as (keyof IpcLimits)[]
  return names.flatMap((name) => {
    const value = given[name]
    const [limit, most] = LIMITS[name]
    return value === undefined
      ? []
      : [[limit, checkInteger(`options.limits.${name}`, value, 0, most)]]
  })
}
