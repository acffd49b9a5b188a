/**
 * Random scripts of System V calls by several processes, each in a thread of its own, that sleep, are woken, interrupted and killed, against the naive
 * reference: every outcome, every counter after each step, and nothing left at the end. A run prints its seed; ISOPAGE_SEED=<seed> repeats it.
 */

import * as fc from 'fast-check'
import { test } from 'vitest'
import { effort, seedOf } from '../support/effort.ts'
import { ipcScripts } from './ipc-arbitrary.ts'
import { formatIpc, type IpcStep } from './ipc-steps.ts'
import { startIpcWorld } from './ipc-world.ts'

const SCRIPTS = 2000
const STEPS = 40

test('random System V calls of several processes do what the reference does', async () => {
  await using world = await startIpcWorld()
  const seed = seedOf()
  const numRuns = effort(SCRIPTS)
  console.log(`model: System V: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
  const property = fc.asyncProperty(ipcScripts(STEPS), (steps) => world.run(steps))
  await fc.assert(property, { seed, numRuns, reporter })
}, 3_600_000)

/** The shrunk script as text that a pinned test can hold. */
function reporter({ failed, counterexample, seed, errorInstance }: fc.RunDetails<[IpcStep[]]>) {
  if (!failed) return
  const script = (counterexample?.[0] ?? []).map(formatIpc).join('\n')
  throw new Error(`ISOPAGE_SEED=${seed}\n${script}\n${errorInstance}`, { cause: errorInstance })
}
