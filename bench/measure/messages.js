/**
 * msg-pingpong-sleep, msg-pingpong-spin: 64 bytes to another worker and back. Who waits in msgrcv looks for a moment before it sleeps: without a rest
 * that is enough (spin); with a rest of both before each message, not counted, whoever waits is asleep (sleep).
 * msg-stream: messages of 256 bytes to another worker as fast as it takes them. The peers are the same by postMessage.
 */

import { boot, IPC } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import { BALL_BYTES, PING, PONG, rest, STREAM_BYTES } from './messages-layout.js'

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const id = process.msgget(IPC.PRIVATE, 0o600)
  const other = await startThread(new URL('./messages-worker.js', import.meta.url))
  await other.call('attach', kernel.handle, id)
  const sides = {
    'msg-pingpong-sleep': [pingPong(process, id, true), postedPingPong(true)],
    'msg-pingpong-spin': [pingPong(process, id, false), postedPingPong(false)],
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

function pingPong(process, id, rests) {
  const ball = new Uint8Array(BALL_BYTES)
  const round = () => {
    const restedMs = rests ? rest() : 0
    process.msgsnd(id, PING, ball)
    const { data } = process.msgrcv(id, { type: PONG })
    if (data.length !== BALL_BYTES) throw new Error('another message came back')
    return restedMs
  }
  return async (other, count) => {
    const done = other.call('return', rests, count + 1)
    round() // until it listens
    let restedMs = 0
    const startMs = performance.now()
    for (let i = 0; i < count; i++) restedMs += round()
    const endMs = performance.now()
    restedMs += ((await done) * count) / (count + 1)
    return ((endMs - startMs - restedMs) * 1e6) / count
  }
}

function postedPingPong(rests) {
  const ball = new Uint8Array(BALL_BYTES)
  return async (other, count) => {
    const { promise, resolve } = Promise.withResolvers()
    let left = count
    let restedMs = 0
    const hit = () => {
      if (rests) restedMs += rest()
      other.post({ ball, rests })
    }
    other.onPost((answer) => {
      restedMs += answer.restedMs
      if (--left === 0) resolve()
      else hit()
    })
    const startMs = performance.now()
    hit()
    await promise
    return ((performance.now() - startMs - restedMs) * 1e6) / count
  }
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
