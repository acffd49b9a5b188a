/**
 * Threads that die at random moments of random calls, by `kernel.terminate(worker)` and by a raw terminate: the kernel is whole after each,
 * what was acknowledged as synced is there, and the survivors go on.
 */

import { expect, test } from 'vitest'
import { boot, type Kernel, MAP, O } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { effort, seedOf } from '../support/effort.ts'
import { randomOf } from '../support/random.ts'
import { untilReaped } from '../support/reaped.ts'
import { Store } from '../support/store.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
/** Chromium lets a busy worker run for two more seconds after terminate(), Firefox takes one to start and end it: thousands of rounds would take hours there. */
const ROUNDS = effort(inBrowser ? ('chrome' in globalThis ? 100 : 300) : inNode ? 2000 : 1000)
const WORKERS = 2
/** Of 100 raw terminates. */
const REPAIRED_MIN = 99

for (const kind of ['kernel.terminate()', 'a raw terminate'] as const) {
  test(`${kind} at a random moment leaves the kernel whole and what was synced there`, async () => {
    const seed = seedOf()
    const random = randomOf(seed)
    const store = new Store()
    await using kernel = await boot({ memory: '32MiB', mounts: { '/m': store }, stallMs: 10_000 })
    const keeper = startKeeper(kernel, store)
    const hammers = await Promise.all(
      Array.from({ length: WORKERS }, (_, i) => startHammer(kernel, keeper.pid, seed + i)),
    )
    let repaired = 0
    for (let round = 0; round < ROUNDS; round++) {
      await pause(random(8))
      const victim = hammers[round % WORKERS] as Thread
      if (kind === 'kernel.terminate()') await kernel.terminate(victim.worker)
      else await victim.end()
      if (await untilReaped(kernel, victim)) repaired++
      kernel.check()
      await keeper.step(round)
      hammers[round % WORKERS] = await startHammer(kernel, keeper.pid, seed + WORKERS + round)
    }
    for (const { worker } of hammers) await kernel.terminate(worker)
    kernel.check()
    keeper.exit()
    kernel.check()
    console.log(`kill: ${kind}: ISOPAGE_SEED=${seed}, ${ROUNDS} rounds, ${repaired} repaired`)
    expect(repaired * 100).toBeGreaterThanOrEqual(ROUNDS * REPAIRED_MIN)
    expect(kernel.stats().processes).toBe(0)
  }, 3_600_000)
}

/** Starts a worker and waits until it is at it. */
async function startHammer(kernel: Kernel, pid: number, seed: number): Promise<Thread> {
  const thread = await startThread(new URL('./kill.thread.ts', import.meta.url))
  const handle = kernel.handleFor(thread.worker)
  await thread.call('attach', handle)
  const beat = new Int32Array(new SharedArrayBuffer(4))
  let failure: unknown
  thread.call('hammer', pid, seed, beat.buffer).catch((error) => {
    failure = error
  })
  while (Atomics.load(beat, 0) === 0) {
    if (failure) throw failure
    await pause(1)
  }
  return thread
}

/** A process of this thread with a mapped file of its own: writes it, syncs it, and finds it as it was synced ever after. */
function startKeeper(kernel: Kernel, store: Store) {
  const p = kernel.process()
  const fd = p.open('/m/kept', O.CREAT | O.RDWR)
  p.ftruncate(fd, 4 * PAGE)
  const map = p.mmap({ fd, length: 4 * PAGE, flags: MAP.SHARED })
  return {
    pid: p.pid,
    exit: () => p.exit(),
    async step(round: number) {
      const page = round % 4
      map.write(page * PAGE, new Uint8Array(PAGE).fill(round % 256))
      await map.promises.sync({ offset: page * PAGE, length: PAGE })
      const durable = store.durable('kept') as Uint8Array
      const expected = new Uint8Array(PAGE).fill(round % 256)
      expect(durable.subarray(page * PAGE, (page + 1) * PAGE)).toEqual(expected)
      expect(map.read(page * PAGE, PAGE)).toEqual(expected)
    },
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
