/**
 * msg-pingpong-sleep, msg-pingpong-spin: 64 bytes to another worker and back, by blocking msgrcv and by msgrcv with IPC.NOWAIT again and again.
 * msg-stream: messages of 256 bytes to another worker as fast as it takes them. The peers are the same by postMessage.
 */

import { boot, IPC } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import { BALL_BYTES, PING, PONG, poll, STREAM_BYTES } from './messages-layout.js'

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const id = process.msgget(IPC.PRIVATE, 0o600)
  const other = await startThread(new URL('./messages-worker.js', import.meta.url))
  await other.call('attach', kernel.handle, id)
  const sides = {
    'msg-pingpong-sleep': [pingPong(process, id, 'sleep'), postedPingPong],
    'msg-pingpong-spin': [pingPong(process, id, 'spin'), postedPingPong],
    'msg-stream': [stream(process, id), postedStream],
  }
  const [ours, peer] = sides[name]
  return {
    ours: () => ours(other, count),
    peer: () => peer(other, count),
    async close() {
      await other.call('detach')
      await other.end()
      await kernel.close()
    },
  }
}

function nsEach(count, startMs) {
  return ((performance.now() - startMs) * 1e6) / count
}

function pingPong(process, id, kind) {
  const ball = new Uint8Array(BALL_BYTES)
  const receive =
    kind === 'spin' ? () => poll(process, id, PONG) : () => process.msgrcv(id, { type: PONG })
  const round = () => {
    process.msgsnd(id, PING, ball)
    if (receive().data.length !== BALL_BYTES) throw new Error('another message came back')
  }
  return async (other, count) => {
    const done = other.call('return', kind, count + 1)
    round() // until it listens
    const startMs = performance.now()
    for (let i = 0; i < count; i++) round()
    const ns = nsEach(count, startMs)
    await done
    return ns
  }
}

async function postedPingPong(other, count) {
  const ball = new Uint8Array(BALL_BYTES)
  const { promise, resolve } = Promise.withResolvers()
  let left = count
  other.onPost(() => {
    if (--left === 0) resolve()
    else other.post({ ball })
  })
  const startMs = performance.now()
  other.post({ ball })
  await promise
  return nsEach(count, startMs)
}

function stream(process, id) {
  const bytes = new Uint8Array(STREAM_BYTES)
  return async (other, count) => {
    const done = other.call('take', count + 1)
    process.msgsnd(id, PING, bytes)
    process.msgrcv(id, { type: PONG }) // it listens
    const startMs = performance.now()
    for (let i = 0; i < count; i++) process.msgsnd(id, PING, bytes)
    process.msgrcv(id, { type: PONG })
    const ns = nsEach(count, startMs)
    await done
    return ns
  }
}

async function postedStream(other, count) {
  const bytes = new Uint8Array(STREAM_BYTES)
  const { promise, resolve } = Promise.withResolvers()
  other.onPost(resolve)
  const startMs = performance.now()
  for (let i = 0; i < count; i++) other.post({ left: count - 1 - i, bytes })
  await promise
  return nsEach(count, startMs)
}
