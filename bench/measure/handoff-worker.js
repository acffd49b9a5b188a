/** The worker that sums what it is handed: in the segment, or transferred. */

import { attach } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { DONE, expected, FULL, HANDED_BYTES, sum } from './handoff-layout.js'

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
      const handed = bytes.subarray(0, HANDED_BYTES)
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
    const bytes = new Uint8Array(buffer)
    if (touches) check(bytes, bytes[0])
    post({ buffer }, [buffer])
  },
)

function check(bytes, value) {
  if (sum(bytes) !== expected(value, bytes.length)) throw new Error('the sum is another')
}
