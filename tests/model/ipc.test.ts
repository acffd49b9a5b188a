/**
 * Random scripts of calls of interprocess communication by several processes, each in a thread of its own, that sleep, are woken, interrupted and killed, against the naive
 * reference: every outcome, every counter after each step, and nothing left at the end. A run prints its seed; ISOPAGE_SEED=<seed> repeats it.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { effort, seedOf } from '../support/effort.ts'
import { posixScripts, systemVScripts } from './ipc-arbitrary.ts'
import { formatIpc, type IpcStep } from './ipc-steps.ts'
import { type IpcWorld, startIpcWorld } from './ipc-world.ts'

const STEPS = 40
const KINDS = [
  { says: 'System V', scripts: systemVScripts(STEPS), count: 2000 },
  { says: 'POSIX', scripts: posixScripts(STEPS), count: 1500 },
]

let world: IpcWorld

beforeAll(async () => {
  world = await startIpcWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

for (const { says, scripts, count } of KINDS) {
  test(`random ${says} calls of several processes do what the reference does`, async () => {
    const seed = seedOf()
    const numRuns = effort(count)
    console.log(`model: ${says}: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    const property = fc.asyncProperty(scripts, (steps) => world.run(steps))
    await fc.assert(property, { seed, numRuns, reporter })
  })
}

/** The shrunk script as text that a pinned test can hold. */
function reporter({ failed, counterexample, seed, errorInstance }: fc.RunDetails<[IpcStep[]]>) {
  if (!failed) return
  const script = (counterexample?.[0] ?? []).map(formatIpc).join('\n')
  throw new Error(`ISOPAGE_SEED=${seed}\n${script}\n${errorInstance}`, { cause: errorInstance })
}
