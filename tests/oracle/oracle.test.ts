/** The same steps on Linux and on Isopage: every outcome is the same. Random scripts, and written ones for what random ones leave out. */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel, type Process } from '../../dist/src/index.js'
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
  })

  test.for(WRITTEN)('$says', ({ script }) => compare(parse(script)))
})

interface Side {
  readonly process: Process
  readonly call: Call
  readonly interpreter: Interpreter
}

function sideOf(process: Process, interpreter: Interpreter): Side {
  const call: Call = (name, ...args) =>
    (process[name] as (...args: unknown[]) => unknown).apply(process, args)
  return { process, call, interpreter }
}

async function outcome(sides: Side[], step: Step): Promise<string> {
  const [name, from, place = 0] = step
  const { process, interpreter, call } = sides[from] as Side
  if (name !== 'fork') return interpreter.run(step, call)
  if (from === place) return 'EINVAL'
  sides[place]?.process.exit()
  sides[place] = sideOf(process.fork(), interpreter.forked())
  return 'ok'
}

/** What Isopage says to each step. */
async function outcomes(kernel: Kernel, steps: readonly Step[]): Promise<string[]> {
  const sides = Array.from({ length: PROCESSES }, () =>
    sideOf(kernel.process(), new Interpreter('/')),
  )
  const said: string[] = []
  for (const step of steps) {
    said.push(await outcome(sides, step))
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
