/**
 * share-write-spin, share-write-sleep: this worker stores 4 KiB into its mapping of a file, another worker sees it in its own mapping
 * of that file and says so in a shared word, for which this one spins. The peer is the same with the bytes in a message.
 * share-wake, bare-wake: the same against, and by, a bare Atomics.wait and notify: what a runtime's own wake-up takes.
 * Before each round but those of share-write-spin both rest, so that the one that sleeps is asleep.
 */

import { boot, O } from '../../dist/src/index.js'
import { startThread } from '../threads.js'
import {
  ACK,
  FLAG,
  HANDS,
  PAYLOAD_AT,
  PAYLOAD_BYTES,
  SHARE_BYTES,
  SHARED_PATH,
} from './share-layout.js'

/** Longer than a sleeper watches before it sleeps (assembly/wait.ts). */
const REST_MS = 0.25
const ACK_TIMEOUT_MS = 5000

/** @param {import('../rows.js').Row} row */
export async function open({ name, count }) {
  const kernel = await boot()
  const process = kernel.process()
  const fd = process.open(SHARED_PATH, O.CREAT | O.RDWR)
  process.ftruncate(fd, SHARE_BYTES)
  const map = process.mmap({ fd, length: SHARE_BYTES })
  const acks = new Int32Array(new SharedArrayBuffer(64))
  const bare = new Uint8Array(new SharedArrayBuffer(SHARE_BYTES))
  const other = await startThread(new URL('./share-worker.js', import.meta.url))
  await other.call('attach', kernel.handle, acks, bare)
  const hands = {
    spin: storing(map.bytes, () => {}),
    sleep: storing(map.bytes, () => map.notify(0)),
    bare: storing(bare, (flags) => Atomics.notify(flags, FLAG)),
    message: messaging(other),
  }
  const between = name === 'share-write-spin' ? () => {} : rest
  const sample = (kind) => async () => {
    if (kind === 'message') return rounds(count, acks, hands.message, between)
    other.post({ listen: kind, rounds: count + 1 })
    rounds(1, acks, hands[kind], rest) // until it listens
    const ns = rounds(count, acks, hands[kind], between)
    await other.call('idle')
    return ns
  }
  const { ours, peer } = HANDS[name]
  return {
    ours: sample(ours),
    peer: sample(peer),
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

/** => what stores a payload and its turn into `bytes`, then wakes who sleeps there. */
function storing(bytes, wake) {
  const flags = new Int32Array(bytes.buffer, bytes.byteOffset, 1)
  const from = new Uint8Array(PAYLOAD_BYTES)
  return (turn) => {
    from.fill(turn)
    bytes.set(from, PAYLOAD_AT)
    Atomics.store(flags, FLAG, turn)
    wake(flags)
  }
}

function messaging(other) {
  const from = new Uint8Array(PAYLOAD_BYTES)
  return (turn) => {
    from.fill(turn)
    other.post({ turn, bytes: from })
  }
}
