/**
 * shm-handoff: this worker fills 1 MiB, another one sums it up and says so; in a System V segment that both have attached, told and answered by
 * map.notify, against an ArrayBuffer that is transferred there and back. Both fill and sum by words: V8 fills shared memory an element at a time. shm-handoff-alone: the same, nothing filled and nothing summed.
 */

import { boot, IPC } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import { DONE, FULL, HANDED_BYTES, SEGMENT_BYTES, sum } from './handoff-layout.js'

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const id = process.shmget(IPC.PRIVATE, SEGMENT_BYTES, 0o600)
  const map = process.shmat(id)
  const touches = name === 'shm-handoff'
  const other = await startThread(new URL('./handoff-worker.js', import.meta.url))
  await other.call('attach', kernel.handle, id)
  const ours = handOver(map, touches)
  const peer = transfer(touches)
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

function handOver(map, touches) {
  const { bytes } = map
  const words = new Int32Array(bytes.buffer, bytes.byteOffset)
  const handed = words.subarray(0, HANDED_BYTES / 4)
  const round = () => {
    const turn = (words[FULL] + 1) | 0
    if (touches) handed.fill(turn)
    Atomics.store(words, FULL, turn)
    map.notify(4 * FULL)
    for (let seen = turn - 1; seen !== turn; ) {
      seen = Atomics.load(words, DONE)
      if (seen !== turn) map.wait(4 * DONE, seen)
    }
  }
  return async (other, count) => {
    const done = other.call('sum', touches, count + 1)
    round() // until it listens
    const startMs = performance.now()
    for (let i = 0; i < count; i++) round()
    const ns = nsEach(count, startMs)
    await done
    return ns
  }
}

function transfer(touches) {
  return async (other, count) => {
    const { promise, resolve } = Promise.withResolvers()
    let left = count
    const hand = (buffer) => {
      if (touches) new Int32Array(buffer).fill(left)
      other.post({ touches, buffer }, [buffer])
    }
    other.onPost(({ buffer }) => {
      if (--left === 0) resolve()
      else hand(buffer)
    })
    const buffer = new ArrayBuffer(HANDED_BYTES)
    sum(new Int32Array(buffer)) // its pages are there
    const startMs = performance.now()
    hand(buffer)
    await promise
    return nsEach(count, startMs)
  }
}
