/** Messages between a thread that runs guests and the worker in which one runs: run -> ended, run -> ended, ... */
import type { ErrorRecord } from '../errors.js'
import type { Handle } from '../protocol.js'
import type { Program } from './execute.js'

export interface RunMessage {
  readonly type: 'run'
  readonly handle: Handle
  /** Slot of the thread that started the worker. */
  readonly parent: number
  readonly pid: number
  readonly program: Program
}

export type FromGuest =
  /** The program begins: the slot of its thread, and where the memory says what that does. */
  | { readonly type: 'began'; readonly slot: number; readonly stateWord: number }
  | { readonly type: 'ended'; readonly status: number; readonly signal: number }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
