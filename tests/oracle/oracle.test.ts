/** The same steps on Linux and on Isopage: every outcome is the same. Random scripts, and written ones for what random ones leave out. */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { scripts } from '../support/arbitrary.ts'
import { effort, seedOf } from '../support/effort.ts'
import { type Call, Interpreter } from '../support/interpreter.ts'
import { format, PROCESSES, parse, type Step } from '../support/steps.ts'
import { comparable } from './differences.ts'
import { WRITTEN } from './scripts.ts'

const SCRIPTS = 6000
const STEPS = 50

const native = inBrowser ? undefined : await import('./native.ts')
const absence = native ? native.absence() : 'a browser has no C compiler'

describe.skipIf(absence)(`against Linux${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let kernel: Kernel
  let oracle: import('./native.ts').Oracle
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
    oracle = new (native as typeof import('./native.ts')).Oracle()
  })
  afterAll(async () => {
    oracle?.[Symbol.dispose]()
    await kernel?.close()
  })

  async function compare(steps: readonly Step[]): Promise<void> {
    const expected = oracle.run(steps)
    const found = await outcomes(kernel, steps)
    const lines = (said: string[]) => steps.map((step, i) => `${format(step)} => ${said[i]}`)
    expect(lines(found)).toEqual(lines(expected))
  }

  test('random scripts have the same outcomes', async () => {
    const seed = seedOf()
    const numRuns = effort(SCRIPTS)
    console.log(`oracle: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    const comparables = scripts(STEPS).map(comparable)
    await fc.assert(
      fc.asyncProperty(comparables, (steps) => compare(steps)),
      { seed, numRuns, reporter },
    )
  }, 3_600_000)

  test.for(WRITTEN)('$says', ({ script }) => compare(parse(script)))
})

/** What Isopage says to each step. */
async function outcomes(kernel: Kernel, steps: readonly Step[]): Promise<string[]> {
  const sides = Array.from({ length: PROCESSES }, () => {
    const process = kernel.process()
    const call: Call = (name, ...args) =>
      (process[name] as (...args: unknown[]) => unknown).apply(process, args)
    return { process, call, interpreter: new Interpreter('/') }
  })
  const said: string[] = []
  for (const step of steps) {
    const { interpreter, call } = sides[step[1]] as (typeof sides)[number]
    said.push(await interpreter.run(step, call))
  }
  for (const { process } of sides) process.exit()
  const last = kernel.process()
  for (const { name } of last.readdir(last.open('/', 0x04000000))) last.unlink(`/${name}`)
  last.exit()
  kernel.check()
  return said
}

function reporter({ failed, counterexample, seed, errorInstance }: fc.RunDetails<[Step[]]>) {
  if (!failed) return
  const [steps = []] = counterexample ?? []
  throw new Error(`ISOPAGE_SEED=${seed}\n${steps.map(format).join('\n')}\n${errorInstance}`, {
    cause: errorInstance,
  })
}
