/** msg-64, sem-uncontended, shmat-shmdt: calls of System V that nobody else is in the way of. The peers are native/peer.c. */

import { boot, IPC } from '../../dist/src/index.js'
import { nsPerRound } from './clock.js'

const MESSAGE_BYTES = 64
const SEGMENT_BYTES = 65_536

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const rounds = { 'msg-64': message, 'sem-uncontended': semaphore, 'shmat-shmdt': segment }
  const round = rounds[name](process)
  return { ours: () => nsPerRound(count, round), close: () => kernel.close() }
}

function message(process) {
  const id = process.msgget(IPC.PRIVATE, 0o600)
  const bytes = new Uint8Array(MESSAGE_BYTES)
  const options = { into: new Uint8Array(MESSAGE_BYTES) } // as the peer does
  return () => {
    process.msgsnd(id, 1, bytes)
    if (process.msgrcv(id, options).data.length !== MESSAGE_BYTES)
      throw new Error('another message came')
  }
}

function semaphore(process) {
  const id = process.semget(IPC.PRIVATE, 1, 0o600)
  const down = [{ num: 0, op: -1 }]
  const up = [{ num: 0, op: 1 }]
  process.semop(id, up)
  return () => {
    process.semop(id, down)
    process.semop(id, up)
  }
}

function segment(process) {
  const id = process.shmget(IPC.PRIVATE, SEGMENT_BYTES, 0o600)
  return () => process.shmdt(process.shmat(id))
}
