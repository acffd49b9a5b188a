/**
 * Random scripts on Isopage against the naive reference: every outcome and every byte after each step, the structure
 * checkers, and at the end nothing left over. A run prints its seed; ISOPAGE_SEED=<seed> repeats it.
 */

import * as fc from 'fast-check'
import { test } from 'vitest'
import { scripts } from '../support/arbitrary.ts'
import { effort, seedOf } from '../support/effort.ts'
import { format, type Step } from '../support/steps.ts'
import { startWorld } from './world.ts'

const SCRIPTS = 4000
const STEPS = 60

for (const kind of ['tmpfs', 'store'] as const) {
  test(`random calls on ${kind} do what the reference does`, async () => {
    await using world = await startWorld(kind)
    const seed = seedOf()
    const numRuns = effort(SCRIPTS)
    console.log(`model: ${kind}: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    const property = fc.asyncProperty(scripts(STEPS), fc.boolean(), (steps, eager) =>
      world.run(steps, eager),
    )
    await fc.assert(property, { seed, numRuns, reporter })
  })
}

/** The shrunk script as text that a pinned test can hold. */
function reporter({
  failed,
  counterexample,
  seed,
  errorInstance,
}: fc.RunDetails<[Step[], boolean]>) {
  if (!failed) return
  const [steps = [], eager] = counterexample ?? []
  const script = steps.map(format).join('\n')
  throw new Error(
    `ISOPAGE_SEED=${seed}${eager ? ', looking after each step' : ''}\n${script}\n${errorInstance}`,
    {
      cause: errorInstance,
    },
  )
}
