/**
 * Threads that die at random moments of random calls, by `kernel.terminate(worker)` and by a raw terminate: the kernel is whole after each,
 * what was acknowledged as synced is there, and the survivors go on.
 */

import { expect, test } from 'vitest'
import { boot, type Kernel, MAP, O } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort, seedOf, soak } from '../support/effort.ts'
import { Hammers } from '../support/hammers.ts'
import { pause } from '../support/pause.ts'
import { randomOf } from '../support/random.ts'
import { untilReaped } from '../support/reaped.ts'
import { Store } from '../support/store.ts'

const PAGE = 4096
/** Chromium lets a busy worker run for two more seconds after terminate(), Firefox takes one to start and end it: thousands of rounds would take hours there. */
const IN_BROWSER = soak ? ('chrome' in globalThis ? 100 : 300) : 5
const ROUNDS = inBrowser ? IN_BROWSER : effort(2000)
/** How often the structures are looked at while threads change them and nobody dies. */
const LOOKS = effort(2000)
/** Of 100 raw terminates. */
const REPAIRED_MIN = 99

for (const kind of ['kernel.terminate()', 'a raw terminate'] as const) {
  test(`${kind} at a random moment leaves the kernel whole and what was synced there`, async () => {
    const seed = seedOf()
    const random = randomOf(seed)
    const store = new Store()
    await using kernel = await boot({ memory: '32MiB', mounts: { '/m': store }, stallMs: 10_000 })
    const keeper = startKeeper(kernel, store)
    const hammers = hammersOf(kernel, keeper.pid, seed)
    let repaired = 0
    for (let round = 0; round < ROUNDS; round++) {
      const victim = await hammers.take()
      await pause(random(8))
      if (kind === 'kernel.terminate()') await kernel.terminate(victim.worker)
      else await victim.end()
      if (await untilReaped(kernel, victim)) repaired++
      kernel.check()
      await keeper.step(round)
    }
    await Promise.all(hammers.disband().map(({ worker }) => kernel.terminate(worker)))
    kernel.check()
    keeper.exit()
    kernel.check()
    console.log(`kill: ${kind}: ISOPAGE_SEED=${seed}, ${ROUNDS} rounds, ${repaired} repaired`)
    expect(repaired * 100).toBeGreaterThanOrEqual(ROUNDS * REPAIRED_MIN)
    expect(kernel.stats().processes).toBe(0)
  })
}

/** It saw a large munmap of one thread take what another had just mapped there, within some twenty looks. */
test('threads that map and unmap at the same places of one process leave the kernel whole', async () => {
  const seed = seedOf()
  await using kernel = await boot({ memory: '32MiB', stallMs: 10_000 })
  const p = kernel.process()
  const hammers = hammersOf(kernel, p.pid, seed, 8)
  await hammers.muster()
  for (let look = 0; look < LOOKS; look++) {
    await hammers.move()
    kernel.check()
  }
  await Promise.all(hammers.disband().map(({ worker }) => kernel.terminate(worker)))
  p.exit()
  kernel.check()
  expect(kernel.stats().processes).toBe(0)
})

function hammersOf(kernel: Kernel, pid: number, seed: number, most = 6): Hammers {
  return new Hammers({
    kernel,
    module: new URL('./kill.thread.ts', import.meta.url),
    most: Math.min(ROUNDS + 1, most),
    least: 1,
    args: (number) => [pid, seed + number],
  })
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
