/**
 * share-write-spin, share-write-sleep: this worker stores 4 KiB into its mapping of a file, another worker sees it in its own mapping
 * of that file and says so in a shared word, for which this one spins. The peer is the same with the bytes in a message.
 * Before each round of share-write-sleep both rest, so that the one that sleeps is asleep.
 */

import { boot, O } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import { ACK, FLAG, PAYLOAD_AT, PAYLOAD_BYTES, SHARE_BYTES, SHARED_PATH } from './share-layout.js'

const REST_MS = 0.05
const ACK_TIMEOUT_MS = 5000

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const fd = process.open(SHARED_PATH, O.CREAT | O.RDWR)
  process.ftruncate(fd, SHARE_BYTES)
  const map = process.mmap({ fd, length: SHARE_BYTES })
  const acks = new Int32Array(new SharedArrayBuffer(64))
  const other = await startThread(new URL('./share-worker.js', import.meta.url))
  const sleeps = name === 'share-write-sleep'
  await other.call('attach', kernel.handle, acks)
  const hand = sleeps ? sleeping(map) : spinning(map)
  const between = sleeps ? rest : () => {}
  return {
    async ours() {
      other.post({ listen: sleeps ? 'sleep' : 'spin', rounds: count + 1 })
      rounds(1, acks, hand, rest) // until it listens
      const ns = rounds(count, acks, hand, between)
      await other.call('idle')
      return ns
    },
    peer: () => rounds(count, acks, messaging(other), between),
    async close() {
      await other.call('detach')
      await other.end()
      await kernel.close()
    },
  }
}

/** => nanoseconds from a hand-over to its acknowledgement, with `between` called before each. */
function rounds(count, acks, hand, between) {
  let restedMs = 0
  const beginMs = performance.now()
  for (let i = 0; i < count; i++) {
    const turn = (Atomics.load(acks, ACK) + 1) | 0
    const restMs = performance.now()
    between()
    const startMs = performance.now()
    restedMs += startMs - restMs
    hand(turn)
    awaitAck(acks, turn, startMs)
  }
  return ((performance.now() - beginMs - restedMs) * 1e6) / count
}

function rest() {
  const untilMs = performance.now() + REST_MS
  while (performance.now() < untilMs);
}

function awaitAck(acks, turn, startMs) {
  for (let looks = 1; Atomics.load(acks, ACK) !== turn; looks++) {
    if (looks % 65_536 === 0 && performance.now() - startMs > ACK_TIMEOUT_MS) {
      throw new Error('the other worker did not answer within 5 s')
    }
  }
}

function payload() {
  return new Uint8Array(PAYLOAD_BYTES)
}

function spinning(map) {
  const { bytes } = map
  const flags = new Int32Array(bytes.buffer, bytes.byteOffset, 1)
  const from = payload()
  return (turn) => {
    from.fill(turn)
    bytes.set(from, PAYLOAD_AT)
    Atomics.store(flags, FLAG, turn)
  }
}

function sleeping(map) {
  const spin = spinning(map)
  return (turn) => {
    spin(turn)
    map.notify(0)
  }
}

function messaging(other) {
  const from = payload()
  return (turn) => {
    from.fill(turn)
    other.post({ turn, bytes: from })
  }
}
