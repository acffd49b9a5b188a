/** Threads that die in the middle of fork, by `kernel.terminate(worker)` and by a raw terminate: no half child, no lost page, frame or promise; the parent goes on. */

import { expect, test } from 'vitest'
import { boot, type Kernel, MAP } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { seedOf, soak } from '../support/effort.ts'
import { Hammers } from '../support/hammers.ts'
import { pause } from '../support/pause.ts'
import { untilReaped } from '../support/reaped.ts'

const PAGE = 4096
const PAGES = 96
/** Chromium lets a busy worker run for two more seconds after terminate(). */
const ROUNDS = soak ? (inBrowser ? 200 : inNode ? 2000 : 500) : inBrowser ? 3 : 10
/** Of 100 raw terminates: a runtime may not be able to prove a death. */
const REPAIRED_MIN = 99

for (const kind of ['kernel.terminate()', 'a raw terminate'] as const) {
  test(`${kind} inside fork leaves nothing behind`, async () => {
    const seed = seedOf()
    await using kernel = await boot({ memory: '64MiB', stallMs: 10_000 })
    const keeper = startKeeper(kernel)
    const before = kernel.stats()
    const storms = stormsOf(kernel, keeper, seed)
    let repaired = 0
    for (let round = 0; round < ROUNDS; round++) {
      const victim = await storms.take()
      await pause((round * 7 + seed) % 9)
      if (kind === 'kernel.terminate()') await kernel.terminate(victim.worker)
      else await victim.end()
      if (kind === 'kernel.terminate()' || (await untilReaped(kernel, victim))) repaired++
      kernel.check()
      await keeper.step(round)
    }
    await Promise.all(storms.disband().map(({ worker }) => kernel.terminate(worker)))
    kernel.check()
    console.log(`fork-kill: ${kind}: ISOPAGE_SEED=${seed}, ${ROUNDS} rounds, ${repaired} repaired`)
    expect(repaired * 100).toBeGreaterThanOrEqual(ROUNDS * REPAIRED_MIN)
    expectNothingLeft(kernel, keeper, before)
  }, 3_600_000)
}

type Keeper = ReturnType<typeof startKeeper>

/** The process that is forked: private pages that the workers store to, one that only this thread does, and shared ones. */
function startKeeper(kernel: Kernel) {
  const p = kernel.process()
  const map = p.mmap({ length: PAGES * PAGE })
  map.write(0, new Uint8Array(PAGES * PAGE).fill(1))
  const own = p.mmap({ length: PAGE })
  const shared = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
  return {
    process: p,
    map,
    /** Stores, as soon as no fork is under way, to the page that nobody else touches; it has what was stored last. A child of its own has it too, and nothing after it. */
    async step(round: number) {
      const last = round === 0 ? 0 : (round - 1) % 256
      expect(own.read(0, 1)).toEqual(Uint8Array.of(last))
      await p.promises.vmWrite(own.address, Uint8Array.of(round % 256))
      const child = await p.promises.fork()
      await p.promises.vmWrite(own.address + 1, Uint8Array.of(round % 256))
      const into = new Uint8Array(1)
      child.vmRead(own.address, into)
      expect(into[0]).toBe(round % 256)
      child.vmWrite(own.address, Uint8Array.of(0xee))
      child.vmWrite(shared.address, Uint8Array.of(round % 256))
      child.exit()
      expect(shared.read(0, 1)).toEqual(Uint8Array.of(round % 256))
    },
  }
}

function stormsOf(kernel: Kernel, { process, map }: Keeper, seed: number): Hammers {
  return new Hammers({
    kernel,
    module: new URL('./fork.thread.ts', import.meta.url),
    most: Math.min(ROUNDS + 1, 4),
    least: 1,
    acts: 20,
    args: (number) => [process.pid, map.address, PAGES, seed + number],
  })
}

/** Only the keeper is left. What the workers mapped in it goes with it, and then nothing is. */
function expectNothingLeft(
  kernel: Kernel,
  { process, map }: Keeper,
  before: ReturnType<Kernel['stats']>,
): void {
  expect(kernel.stats()).toMatchObject({ processes: 1, orphanFrames: 0, sleepers: 0 })
  map.write(0, new Uint8Array(PAGES * PAGE).fill(9))
  process.unlink('/storm')
  process.exit()
  kernel.check()
  const { framesCommitted, framesFree, ...rest } = kernel.stats()
  expect(rest).toMatchObject({ processes: 0, mappings: 0, objects: 0 })
  expect(framesFree).toBeGreaterThanOrEqual(before.framesFree)
  expect(framesCommitted).toBeLessThanOrEqual(before.framesCommitted)
}
