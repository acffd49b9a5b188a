/** What the System V kinds of the reference (ipc-reference.ts) share: keys, numbers, permissions. */

import { USERS } from './ipc-steps.ts'

/** What a call says: 'ok' and its value, or the errno's name; ASLEEP when it has said nothing yet. */
export type Outcome = string
export const ASLEEP = 'asleep'

/** Who has outcomes after a step: the caller, and whoever it woke. */
export type Outcomes = Map<number, Outcome>

const IPC_CREAT = 0x200
const IPC_EXCL = 0x400

export interface Perm {
  key: number
  uid: number
  gid: number
  cuid: number
  cgid: number
  mode: number
  removed: boolean
}

/** The rules that the three kinds share. */
export class Table<T extends Perm> {
  /** By number: the order in which they were made. */
  readonly objects: T[] = []

  /** => an object that is there, by its number. */
  at(number: number): T | undefined {
    const object = this.objects[number]
    return object?.removed ? undefined : object
  }

  /** Every *get: => the object's number, or an errno. `suits` is the kind's own check of an object that exists. */
  open(
    process: number,
    key: number,
    flags: number,
    suits: (object: T) => Outcome | undefined,
    make: (perm: Perm) => T | Outcome,
  ): Outcome {
    const found = key === 0 ? -1 : this.objects.findIndex((one) => one.key === key)
    if (found >= 0) {
      const object = this.objects[found] as T
      if (flags & IPC_CREAT && flags & IPC_EXCL) return 'EEXIST'
      const wrong = suits(object)
      if (wrong) return wrong
      if (!may(process, object, ((flags >> 6) | (flags >> 3) | flags) & 6)) return 'EACCES'
      return `ok ${found}`
    }
    if (key !== 0 && !(flags & IPC_CREAT)) return 'ENOENT'
    const { uid, gid } = USERS[process] as (typeof USERS)[number]
    const mode = flags & 0o777
    const made = make({ key, uid, gid, cuid: uid, cgid: gid, mode, removed: false })
    if (typeof made === 'string') return made
    this.objects.push(made)
    return `ok ${this.objects.length - 1}`
  }
}

/** => the process has `want` (4 read, 2 write) on the object. */
export function may(process: number, object: Perm, want: number): boolean {
  const { uid, gid } = USERS[process] as (typeof USERS)[number]
  if (uid === 0) return true
  let bits = object.mode
  if (uid === object.uid || uid === object.cuid) bits >>= 6
  else if (gid === object.gid || gid === object.cgid) bits >>= 3
  return (bits & want) === want
}

/** => the process may remove and change the object. */
export function owns(process: number, object: Perm): boolean {
  const { uid } = USERS[process] as (typeof USERS)[number]
  return uid === 0 || uid === object.uid || uid === object.cuid
}
