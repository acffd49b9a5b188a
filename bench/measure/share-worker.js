/** The worker that sees: in its own mapping, spinning or asleep, in bare shared memory, or in a message. It checks the payload's ends. */

import { attach, O } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { ACK, FLAG, PAYLOAD_AT, PAYLOAD_BYTES, SHARE_BYTES, SHARED_PATH } from './share-layout.js'

let kernel, acks, listeners

await serve(
  {
    async attach(handle, sharedAcks, bare) {
      kernel = await attach(handle)
      const process = kernel.process()
      const map = process.mmap({ fd: process.open(SHARED_PATH, O.RDWR), length: SHARE_BYTES })
      acks = sharedAcks
      listeners = {
        spin: listening(map.bytes, () => {}),
        sleep: listening(map.bytes, (_flags, seen) => map.wait(0, seen)),
        bare: listening(bare, (flags, seen) => Atomics.wait(flags, FLAG, seen)),
      }
    },
    idle() {},
    detach: () => kernel.close(),
  },
  (message) => {
    if (message.listen) listeners[message.listen](message.rounds)
    else acknowledge(message.turn, message.bytes, 0)
  },
)

/** => what sees so many turns in `bytes`, waiting for each by `wait`. */
function listening(bytes, wait) {
  const flags = new Int32Array(bytes.buffer, bytes.byteOffset, 1)
  return (rounds) => {
    for (let i = 0; i < rounds; i++) {
      const turn = (Atomics.load(acks, ACK) + 1) | 0
      for (;;) {
        const seen = Atomics.load(flags, FLAG)
        if (seen === turn) break
        wait(flags, seen)
      }
      acknowledge(turn, bytes, PAYLOAD_AT)
    }
  }
}

function acknowledge(turn, payload, at) {
  if (payload[at] !== (turn & 255) || payload[at + PAYLOAD_BYTES - 1] !== (turn & 255)) {
    throw new Error('the payload is not that of the turn')
  }
  Atomics.store(acks, ACK, turn)
}
