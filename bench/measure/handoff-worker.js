/** The worker that sums what it is handed: in the segment, or transferred. */

import { attach } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { DONE, FULL, HANDED_BYTES, sum } from './handoff-layout.js'

let kernel, map

await serve(
  {
    async attach(handle, id) {
      kernel = await attach(handle)
      map = kernel.process().shmat(id)
    },
    sum(touches, rounds) {
      const { bytes } = map
      const words = new Int32Array(bytes.buffer, bytes.byteOffset)
      const handed = words.subarray(0, HANDED_BYTES / 4)
      for (let i = 0; i < rounds; i++) {
        const before = Atomics.load(words, DONE)
        while (Atomics.load(words, FULL) === before) map.wait(4 * FULL, before)
        const turn = Atomics.load(words, FULL)
        if (touches) check(handed, turn)
        Atomics.store(words, DONE, turn)
        map.notify(4 * DONE)
      }
    },
    detach: () => kernel.close(),
  },
  ({ touches, buffer }, post) => {
    const words = new Int32Array(buffer)
    if (touches) check(words, words[0])
    post({ buffer }, [buffer])
  },
)

function check(words, value) {
  if (sum(words) !== Math.imul(value, words.length)) throw new Error('the sum is another')
}
