/**
 * What `kernel.ipcs()` gives: every object of interprocess communication with all its fields, the limits, and the sums that `ipcs -u`
 * prints. Plain data: it goes through JSON and structured clones as it is. Names of fields are those of the C structures without their
 * prefix; times are whole seconds since 1970, 0 for never.
 */
import type { MsqidDs } from '../msg.js'
import type { SemidDs } from '../sem.js'
import type { ShmidDs } from '../shm.js'

/** shmid_ds, and the id. */
export interface ShmEntry extends ShmidDs {
  readonly id: number
}

/** msqid_ds, and the id. */
export interface MsgEntry extends MsqidDs {
  readonly id: number
}

/** One semaphore of a set: its value, who changed it last, who waits for it to grow and to be 0. */
export interface Semaphore {
  readonly val: number
  readonly pid: number
  readonly ncnt: number
  readonly zcnt: number
}

/** semid_ds, the id, and the semaphores. */
export interface SemEntry extends SemidDs {
  readonly id: number
  readonly sems: readonly Semaphore[]
}

/** A POSIX object that has a name. */
export interface PosixEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** shm_open: its bytes. */
export interface PosixShmEntry extends PosixEntry {
  readonly size: number
}

/** mq_open: its attributes, and the messages in it. */
export interface PosixMqEntry extends PosixEntry {
  readonly maxmsg: number
  readonly msgsize: number
  readonly curmsgs: number
}

/** sem_open: its value. */
export interface PosixSemEntry extends PosixEntry {
  readonly value: number
}

/** The limits that `ipcs -l` prints. Bytes; shmall in pages. */
export interface IpcLimitValues {
  readonly shmmni: number
  readonly shmmax: number
  readonly shmall: number
  readonly shmmin: number
  readonly msgmni: number
  readonly msgmax: number
  readonly msgmnb: number
  readonly semmni: number
  readonly semmsl: number
  readonly semmns: number
  readonly semopm: number
  readonly semvmx: number
}

export interface Ipcs {
  readonly pageSize: number
  readonly shm: readonly ShmEntry[]
  readonly msg: readonly MsgEntry[]
  readonly sem: readonly SemEntry[]
  readonly posix: {
    readonly shm: readonly PosixShmEntry[]
    readonly mq: readonly PosixMqEntry[]
    readonly sem: readonly PosixSemEntry[]
  }
  readonly limits: IpcLimitValues
  /** Pages of all System V segments: what they may have, what they have in memory. */
  readonly shmPages: { readonly total: number; readonly resident: number }
}
