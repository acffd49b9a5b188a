/** The worker that sees: in its own mapping, spinning or asleep, or in a message. It checks the payload's ends. */

import { attach, O } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { ACK, FLAG, PAYLOAD_AT, PAYLOAD_BYTES, SHARE_BYTES, SHARED_PATH } from './share-layout.js'

let kernel, map, bytes, flags, acks

await serve(
  {
    async attach(handle, sharedAcks) {
      kernel = await attach(handle)
      const process = kernel.process()
      map = process.mmap({ fd: process.open(SHARED_PATH, O.RDWR), length: SHARE_BYTES })
      bytes = map.bytes
      flags = new Int32Array(bytes.buffer, bytes.byteOffset, 1)
      acks = sharedAcks
    },
    idle() {},
    detach: () => kernel.close(),
  },
  (message) => {
    if (message.listen) listen(message.listen === 'sleep' ? sleep : spin, message.rounds)
    else acknowledge(message.turn, message.bytes, 0)
  },
)

function listen(wait, rounds) {
  for (let i = 0; i < rounds; i++) {
    const turn = (Atomics.load(acks, ACK) + 1) | 0
    wait(turn)
    acknowledge(turn, bytes, PAYLOAD_AT)
  }
}

function spin(turn) {
  while (Atomics.load(flags, FLAG) !== turn);
}

function sleep(turn) {
  for (;;) {
    const seen = Atomics.load(flags, FLAG)
    if (seen === turn) return
    map.wait(0, seen)
  }
}

function acknowledge(turn, payload, at) {
  if (payload[at] !== (turn & 255) || payload[at + PAYLOAD_BYTES - 1] !== (turn & 255)) {
    throw new Error('the payload is not that of the turn')
  }
  Atomics.store(acks, ACK, turn)
}
