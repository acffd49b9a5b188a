/** System V semaphores in specs: every call is followed by all checkers. */
import { BUFFER_DATA, BUFFER_RESULT } from '../../../assembly/abi'
import {
  IPC_PRIVATE,
  IPC_RMID,
  SEM_GETALL,
  SEM_SETALL,
  SEM_UNDO,
  SEMBUF_BYTES,
  SEMBUF_FLG,
  SEMBUF_NUM,
  SEMBUF_OP,
} from '../../../assembly/ipcabi'
import { lock, unlock } from '../../../assembly/lock'
import { Process } from '../../../assembly/process'
import { sysSemctl, sysSemget } from '../../../assembly/sem'
import { prepare, queueFor, sysSemop } from '../../../assembly/semop'
import { findSet } from '../../../assembly/semset'
import { findUndo, needUndo } from '../../../assembly/semundo'
import { BLOCKED, judge } from '../../../assembly/semwait'
import { me } from '../../../assembly/thread'
import { sleep, Wait } from '../../../assembly/wait'
import { checkAll } from './boot'
import { expectUndone } from './transactions'

export const data = (): usize => <usize>me().buffer + BUFFER_DATA
export const result = (): usize => <usize>me().buffer + BUFFER_RESULT

export function checked(value: i32): i32 {
  expectUndone()
  checkAll()
  return value
}

export function get(process: Process, key: i32, count: i32, flags: u32 = 0o600): i32 {
  return checked(sysSemget(process, key, count, flags))
}

export function make(process: Process, count: i32): i32 {
  return get(process, IPC_PRIVATE, count)
}

export function control(process: Process, id: i32, num: i32, command: u32, value: f64 = 0): i32 {
  return checked(sysSemctl(process, id, num, command, value, 0, 0))
}

/** One operation; 0 ms at most. */
export function op(process: Process, id: i32, num: u32, change: i32, flags: u32 = 0): i32 {
  return checked(sysSemop(process, id, 1, 0, num, change, flags))
}

/** Writes operations as triples of num, op, flags. => how many. */
export function stage(triples: StaticArray<i32>): u32 {
  const count = triples.length / 3
  for (let i = 0; i < count; i++) {
    const at = data() + i * SEMBUF_BYTES
    store<u16>(at, <u16>triples[3 * i], SEMBUF_NUM)
    store<i16>(at, <i16>triples[3 * i + 1], SEMBUF_OP)
    store<u16>(at, <u16>triples[3 * i + 2], SEMBUF_FLG)
  }
  return count
}

export function ops(process: Process, id: i32, triples: StaticArray<i32>): i32 {
  return checked(sysSemop(process, id, stage(triples), 0, 0, 0, 0))
}

/** Parks operations that cannot be done, as a thread that may sleep would. */
export function park(process: Process, id: i32, triples: StaticArray<i32>): Wait {
  const count = stage(triples)
  const prepared = prepare(count, triples[0], triples[1], triples[2])
  let undo = false
  for (let i: u32 = 0; i < count; i++) undo = undo || (triples[3 * i + 2] & SEM_UNDO) != 0
  lock()
  const set = findSet(id)!
  const entry = undo ? needUndo(process, set) : findUndo(process, set)
  const judged = judge(set, entry, prepared, count)
  const wait = queueFor(process, set, prepared, count)
  unlock()
  assert(judged == BLOCKED, 'it could go on')
  checked(0)
  return wait!
}

/** Ends a sleep. => its result, -ETIMEDOUT when nobody has completed it. */
export function end(wait: Wait): i32 {
  lock()
  const ended = sleep(wait, 0)
  unlock()
  return checked(ended)
}

export function values(process: Process, id: i32): string {
  const count = control(process, id, 0, SEM_GETALL)
  let text = ''
  for (let i = 0; i < count; i++) text += `${load<u16>(data() + 2 * i)} `
  return text.trimEnd()
}

export function setAll(process: Process, id: i32, to: StaticArray<i32>): i32 {
  for (let i = 0; i < to.length; i++) store<u16>(data() + 2 * i, <u16>to[i])
  return control(process, id, 0, SEM_SETALL, to.length)
}

export function remove(process: Process, id: i32): void {
  assert(control(process, id, 0, IPC_RMID) == 0, 'rmid')
}
