/** A worker that adds under a lock. */

import { attach, O } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { BARE_LOCK, BARE_TOTAL, LOCK_BYTES, LOCK_PATH, TOTAL } from './mutex-layout.js'

let kernel, adders

await serve({
  async attach(handle, bare) {
    kernel = await attach(handle)
    const process = kernel.process()
    const map = process.mmap({ fd: process.open(LOCK_PATH, O.RDWR), length: LOCK_BYTES })
    const { bytes } = map
    const words = new Int32Array(bytes.buffer, bytes.byteOffset)
    const mutex = map.mutex(0)
    adders = {
      mutex(count) {
        for (let i = 0; i < count; i++) {
          mutex.lock()
          words[TOTAL]++
          mutex.unlock()
        }
      },
      bare(count) {
        for (let i = 0; i < count; i++) {
          lock(bare)
          bare[BARE_TOTAL]++
          unlock(bare)
        }
      },
    }
  },
  add: (kind, count) => adders[kind](count),
  detach: () => kernel.close(),
})

/** 0 free, 1 locked, 2 locked and somebody may sleep. */
function lock(words) {
  let word = Atomics.compareExchange(words, BARE_LOCK, 0, 1)
  if (word === 0) return
  if (word !== 2) word = Atomics.exchange(words, BARE_LOCK, 2)
  while (word !== 0) {
    Atomics.wait(words, BARE_LOCK, 2)
    word = Atomics.exchange(words, BARE_LOCK, 2)
  }
}

function unlock(words) {
  if (Atomics.sub(words, BARE_LOCK, 1) === 1) return
  Atomics.store(words, BARE_LOCK, 0)
  Atomics.notify(words, BARE_LOCK, 1)
}
