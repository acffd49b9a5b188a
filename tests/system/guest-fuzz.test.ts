/**
 * Random programs, rewritten and run over a page table, against the same programs with a model of memory in place of each access: result, memory and whether
 * they end in a trap are equal.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BackEndName } from '../../dist/src/guest/rewrite/index.js'
import { onBun } from '../../dist/src/runtime.js'
import { effort, seedOf, soak } from '../support/effort.ts'
import { FakeKernel } from '../support/guest-fake.ts'
import { program } from '../support/guest-program.ts'
import { difference, runModel, runRewritten } from '../support/guest-run.ts'

describe.each([
  'multi-memory',
  'accessors',
] as const)('random programs on the %s back end', (backEnd: BackEndName) => {
  test('have the results, the memory and the traps of a model that knows nothing of rewriting', () => {
    const kernel = new FakeKernel()
    kernel.moves = true
    const endings = new Set<string>()
    fc.assert(
      fc.property(program, fc.boolean(), fc.constantFrom(0, 0, 2, 5), (program, polls, movesAt) => {
        kernel.movesAt = movesAt
        const expected = runModel(program)
        for (const step of expected.steps) endings.add(step.split(' ')[0] as string)
        const seen = runRewritten(program, kernel, { backEnd, polls }, expected.steps.length)
        expect(difference(expected, seen)).toBe(undefined)
      }),
      { numRuns: effort(onBun && !soak ? 200 : 1200), seed: seedOf() },
    )
    expect(endings.size).toBe(2)
  })
})
