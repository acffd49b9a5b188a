/** What both workers of the msg rows know. */

import { IPC } from '../../dist/src/index.js'

export const BALL_BYTES = 64
export const STREAM_BYTES = 256
/** Types of the messages there and back. */
export const PING = 1
export const PONG = 2

/** Receives a message of a type without sleeping. */
export function poll(process, id, type) {
  const options = { type, flags: IPC.NOWAIT }
  for (;;) {
    try {
      return process.msgrcv(id, options)
    } catch (error) {
      if (error.code !== 'ENOMSG') throw error
    }
  }
}
