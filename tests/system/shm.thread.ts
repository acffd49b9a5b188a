/** A thread that runs processes of its own which share System V segments: shm-threads.test.ts. */

import { attach, type Handle, IPC, type Kernel, type Process, SHM } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096
/** What may be told to one who lost a race with an IPC.RMID or another's IPC.EXCL. */
const LOST = new Set(['ok', 'ENOENT', 'EEXIST', 'EINVAL', 'ENOMEM', 'ENOSPC'])

let kernel: Kernel
let kept: Process | undefined

const wordsOf = (map: { bytes: Uint8Array<SharedArrayBuffer> }) => {
  const { bytes } = map
  return { bytes, words: new Int32Array(bytes.buffer, bytes.byteOffset, 16) }
}

/** A step that may lose a race, and nothing else. */
function attempt(act: () => unknown): boolean {
  const said = outcome(act)
  if (!LOST.has(said)) throw new Error(`a race gave ${said}`)
  return said === 'ok'
}

/** Everything that can be done to the segment of a key, in an order that `seed` says. */
function churn(process: Process, key: number, rounds: number, seed: number): void {
  let state = seed | 1
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let round = 0; round < rounds; round++) {
    const flags = IPC.CREAT | (below(3) === 0 ? IPC.EXCL : 0) | 0o600
    let id = -1
    if (!attempt(() => (id = process.shmget(key, 64 * PAGE, flags)))) continue
    const addr = 0x9000_0000 + below(4) * 32 * PAGE
    const where = [{}, { addr }, { addr, flags: SHM.REMAP }][below(3)] ?? {}
    if (attempt(() => process.shmat(id, where))) {
      attempt(() =>
        process.vmWrite(process.shmat(id).address + below(64) * PAGE, new Uint8Array(9)),
      )
      if (below(2) === 0) attempt(() => process.munmap(addr + below(64) * PAGE, below(8) * PAGE))
    }
    if (below(3) === 0) attempt(() => process.shmctl(id, IPC.RMID))
    while (process.maps().length > below(6)) {
      const map = process.maps()[0]
      if (map) attempt(() => process.munmap(map.start, map.end - map.start))
    }
  }
}

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /** Finds the segment of a key, or makes it, and adds to its first word. => the id that was found. */
  add(key: number, times: number) {
    const process = kernel.process()
    const id = process.shmget(key, PAGE, IPC.CREAT | 0o600)
    const { words, bytes } = wordsOf(process.shmat(id))
    for (let i = 0; i < times; i++) Atomics.add(words, 0, 1)
    process.exit()
    return bytes.length === PAGE ? id : -1
  },
  /** Takes turns with the other side: it is ours while the first word is `side`. => turns taken. */
  takeTurns(key: number, side: number, rounds: number) {
    const process = kernel.process()
    const map = process.shmat(process.shmget(key, PAGE, IPC.CREAT | 0o600))
    const { words } = wordsOf(map)
    for (let round = 0; round < rounds; round++) {
      while (Atomics.load(words, 0) !== side) map.wait(0, 1 - side)
      Atomics.add(words, 1 + side, 1)
      Atomics.store(words, 0, 1 - side)
      map.notify(0)
    }
    const taken = words[1 + side]
    process.exit()
    return taken
  },
  /** Asks for a key exclusively, once all have come to the gate. => what it is told. */
  claim(gate: Int32Array, threads: number, key: number) {
    const process = kernel.process()
    Atomics.add(gate, 0, 1)
    while (Atomics.load(gate, 0) < threads) {}
    const said = outcome(() => process.shmget(key, PAGE, IPC.CREAT | IPC.EXCL | 0o600))
    process.exit()
    return said
  },
  /** Opens a view of each of several new pages, once all have come to its gate. => what it was told. */
  view(gates: Int32Array, threads: number, ids: number[]) {
    const process = kernel.process()
    const said = ids.map((id, at) => {
      const map = process.shmat(id)
      Atomics.add(gates, at, 1)
      while (Atomics.load(gates, at) < threads) {}
      return outcome(() => map.bytes)
    })
    process.exit()
    return said
  },
  /** Attaches, writes and keeps it. => the pid. */
  keep(id: number, pages: number) {
    kept ??= kernel.process()
    kept.shmat(id).write(0, new Uint8Array(pages * PAGE).fill(1))
    return kept.pid
  },
  /** Lets go of all that `keep` attached. */
  drop() {
    kept?.exit()
    kept = undefined
  },
  churn(key: number, rounds: number, seed: number) {
    const process = kernel.process()
    churn(process, key, rounds, seed)
    process.exit()
  },
  /** Goes on until the thread is ended. */
  churnOn(begun: Int32Array, key: number, seed: number) {
    const process = kernel.process()
    Atomics.store(begun, 0, 1)
    for (let round = 0; ; round++) churn(process, key, 20, seed + round)
  },
  async leave() {
    await kernel.close()
  },
})
