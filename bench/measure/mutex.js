/**
 * mutex-contended: four workers add one to a word, each time under one lock: a mutex in a mapped page, against a lock of bare Atomics.wait and
 * notify in shared memory (Drepper, "Futexes Are Tricky", mutex2).
 */

import { boot, O } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import { BARE_TOTAL, LOCK_BYTES, LOCK_PATH, TOTAL } from './mutex-layout.js'

const WORKERS = 4

/** @param {import('../rows.js').Row} row */
export async function open({ count }) {
  const kernel = await boot()
  const process = kernel.process()
  const fd = process.open(LOCK_PATH, O.CREAT | O.RDWR)
  process.ftruncate(fd, LOCK_BYTES)
  const map = process.mmap({ fd, length: LOCK_BYTES })
  const { bytes } = map
  const words = new Int32Array(bytes.buffer, bytes.byteOffset)
  const bare = new Int32Array(new SharedArrayBuffer(4096))
  const url = new URL('./mutex-worker.js', import.meta.url)
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => startThread(url)))
  await Promise.all(workers.map((worker) => worker.call('attach', kernel.handle, bare)))
  const sample = (kind, array, at) => async () => {
    const before = array[at]
    const startMs = performance.now()
    await Promise.all(workers.map((worker) => worker.call('add', kind, count / WORKERS)))
    const ns = ((performance.now() - startMs) * 1e6) / count
    if (array[at] - before !== count)
      throw new Error(`${array[at] - before} of ${count} were added`)
    return ns
  }
  return {
    ours: sample('mutex', words, TOTAL),
    peer: sample('bare', bare, BARE_TOTAL),
    async close() {
      await Promise.all(workers.map((worker) => worker.call('detach')))
      await Promise.all(workers.map((worker) => worker.end()))
      await kernel.close()
    },
  }
}
