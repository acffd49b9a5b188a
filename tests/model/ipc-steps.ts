/**
 * Scripts of System V and POSIX calls for random tests: steps of one process each, on objects named by the order in which they were made, or in which the
 * process opened them.
 *
 *   <call> <process> <numbers...>          msgsnd 2 0 1 100 7 0
 *
 * Objects that are gone keep their number, so that stale ids are tried too.
 */

export const PROCESSES = 4
/** Two of root, two of users; the first user is in the second's group. */
export const USERS = [
  { uid: 0, gid: 0 },
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 100 },
  { uid: 1001, gid: 100 },
] as const

/** How many numbers follow the process. */
export const IPC_STEP_NUMBERS = {
  /** key, flags */
  msgget: 2,
  /** queue, type, bytes, value, flags */
  msgsnd: 5,
  /** queue, type, bytes, flags */
  msgrcv: 4,
  /** queue */
  msgrmid: 1,
  /** queue, mode, qbytes */
  msgset: 3,
  /** key, count, flags */
  semget: 3,
  /** set, then number, operation and flags of three operations; a number below 0 is no operation */
  semop: 10,
  /** set, number, value */
  setval: 3,
  /** set, value for all */
  setall: 2,
  /** set */
  semrmid: 1,
  /** key, bytes, flags */
  shmget: 3,
  /** segment, flags */
  shmat: 2,
  /** which of the process's attaches */
  shmdt: 1,
  /** which, offset, value */
  store: 3,
  /** which, offset */
  load: 2,
  /** segment */
  shmrmid: 1,
  /** name, how (reference-posix.ts), mode, maxmsg */
  mqopen: 4,
  /** which of the process's descriptors, bytes, value, priority */
  mqsend: 4,
  /** which */
  mqreceive: 1,
  /** which, 1 to register and 0 to take it back */
  mqnotify: 2,
  /** which */
  mqclose: 1,
  /** name */
  mqunlink: 1,
  /** name, how, mode, value */
  semopen: 4,
  /** which of the process's open semaphores */
  semwait: 1,
  semtrywait: 1,
  sempost: 1,
  semclose: 1,
  /** name */
  semunlink: 1,
  /** mutex (reference-mutexes.ts) */
  lock: 1,
  trylock: 1,
  unlock: 1,
  consistent: 1,
  interrupt: 0,
  /** The process ends by itself; if it sleeps its thread is ended. Another takes its place. */
  kill: 0,
} as const

export type IpcStepName = keyof typeof IPC_STEP_NUMBERS
export type IpcStep = readonly [name: IpcStepName, process: number, ...numbers: number[]]

/** A step as a line. */
export function formatIpc(step: IpcStep): string {
  return step.join(' ')
}

/** The steps of a script; lines that are empty are skipped. */
export function parseIpc(script: string): IpcStep[] {
  const lines = script
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  return lines.map((line) => {
    const [name, ...numbers] = line.split(/\s+/)
    if (!name || !(name in IPC_STEP_NUMBERS)) throw new Error(`no such step: ${line}`)
    return [name as IpcStepName, ...numbers.map(Number)] as unknown as IpcStep
  })
}
