/**
 * Modules with changed bytes. An engine refuses one plain, and then the rewriter does so too; or the rewriter refuses it in its own terms; or it is the same module
 * rewritten: valid, with the same results, memory and traps as plain. Nothing is mapped, so that an address past 2 GiB is an address outside of plain memory.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coreBytes } from '../../dist/core-bytes.js'
import { isStackEnd } from '../../dist/src/errors.js'
import {
  describe as descriptionOf,
  GuestModuleError,
  instrument,
} from '../../dist/src/guest/rewrite/index.js'
import { effort, seedOf, soak } from '../support/effort.ts'
import { emit } from '../support/guest-emit.ts'
import { Endless, FAKE_MEMORY, FakeKernel } from '../support/guest-fake.ts'
import { type Program, program } from '../support/guest-program.ts'
import { type Edit, edited } from '../support/mutate.ts'
import { touchingGuest } from '../support/touching-guest.ts'

const BACK_ENDS = ['multi-memory', 'accessors'] as const
const PAGES_MAX = 64
const POLLS_MAX = 2000
const TIME = soak ? 7_200_000 : 600_000

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('byte', 'byte', 'bit', 'near', 'move', 'cut', 'double', 'wide', 'wide'),
  at: fc.nat(1 << 20),
  value: fc.nat(1 << 16),
})
const edits = fc.array(edit, { minLength: 1, maxLength: 3 })

function mutated(source: Uint8Array<ArrayBuffer>, edits: readonly Edit[]): Uint8Array<ArrayBuffer> {
  return edits.reduce<Uint8Array<ArrayBuffer>>(edited, source)
}

/** Whether a module has old and new exception handling: V8 14 refuses that, but says yes once in some thousand times. */
function isMixed(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    new WebAssembly.Module(bytes)
    return false
  } catch (error) {
    return /mix of legacy and new exception/.test(String(error))
  }
}

/** => the module rewritten; undefined when it is refused, by the engine as it is or in the rewriter's terms. */
function rewritten(bytes: Uint8Array<ArrayBuffer>, backEnd: (typeof BACK_ENDS)[number]) {
  const valid = WebAssembly.validate(bytes)
  try {
    const made = instrument(bytes, { backEnd, kernelMemory: FAKE_MEMORY })
    if (!valid && isMixed(bytes)) return undefined
    expect(valid).toBe(true)
    return made
  } catch (error) {
    if (valid ? error instanceof GuestModuleError : error instanceof WebAssembly.CompileError)
      return undefined
    if (isMixed(bytes)) return undefined
    throw error
  }
}

/** What a module does: how each of its functions ends, what its globals are then, what it called. */
interface Outcome {
  readonly ends: string[]
  readonly memory: Uint8Array
  readonly trapped: boolean
}

/** Calls each function once. => undefined when one does not end, or has no stack left */
function outcome(
  { exports }: WebAssembly.Instance,
  events: readonly string[],
  memory: WebAssembly.Memory | undefined,
): Outcome | undefined {
  const own = Object.entries(exports).filter(([name]) => !name.startsWith('isopage:'))
  const ends: string[] = []
  let trapped = false
  for (const [name, value] of own) {
    if (typeof value !== 'function') continue
    try {
      ends.push(`${name} ${value(...new Array(value.length).fill(64))}`)
    } catch (error) {
      if (error instanceof Endless || isStackEnd(error)) return undefined
      trapped = true
      ends.push(`${name} ends by ${error instanceof TypeError ? 'what it was given' : 'a trap'}`)
    }
  }
  for (const [name, value] of own) {
    if (value instanceof WebAssembly.Global) ends.push(`${name} = ${shown(value)}`)
  }
  return {
    ends: [...ends, ...events],
    memory: new Uint8Array(memory?.buffer ?? new ArrayBuffer(0)),
    trapped,
  }
}

/** A vector cannot be looked at from outside. */
function shown(global: WebAssembly.Global): string {
  try {
    return String(global.value)
  } catch {
    return 'a vector'
  }
}

function hostOf(events: string[]) {
  return { event: (...args: unknown[]) => void events.push(args.join()) }
}

/** memory.copy, memory.fill or memory.init may be in it: of no bytes, at an address past 2 GiB, they do nothing where plain memory traps. */
function mayBulk(bytes: Uint8Array): boolean {
  return bytes.some((byte, i) => byte === 0xfc && [8, 10, 11].includes(bytes[i + 1] as number))
}

/** What differs between a module and itself rewritten; undefined for nothing, and for what cannot be run. */
function difference(
  bytes: Uint8Array<ArrayBuffer>,
  made: Uint8Array<ArrayBuffer>,
): string | undefined {
  const { initial = 0, maximum = 0 } = descriptionOf(made)?.private ?? {}
  if (initial > PAGES_MAX || maximum > 1024) return undefined
  const [plainEvents, ownEvents]: [string[], string[]] = [[], []]
  const fake = new FakeKernel()
  fake.pollsMax = POLLS_MAX
  fake.attention(true)
  let linked: ReturnType<FakeKernel['link']>
  try {
    linked = fake.link(made, { host: hostOf(ownEvents) })
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return `is no module any more: ${error.message}`
    return undefined // it wants what it is not given, or its segments do not fit
  }
  const seen = outcome(linked.instance, ownEvents, linked.memory)
  if (!seen) return undefined
  const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    host: hostOf(plainEvents),
  })
  const memory = Object.values(plain.exports).find((value) => value instanceof WebAssembly.Memory)
  const expected = outcome(plain, plainEvents, memory)
  if (!expected || (expected.trapped && mayBulk(bytes))) return undefined
  const at = expected.ends.findIndex((end, i) => end !== seen.ends[i])
  if (at >= 0) return `${seen.ends[at]}, not ${expected.ends[at]}`
  const byte = memory ? expected.memory.findIndex((byte, i) => byte !== seen.memory[i]) : -1
  return byte < 0
    ? undefined
    : `memory at ${byte}: ${seen.memory[byte]}, not ${expected.memory[byte]}`
}

describe.each(BACK_ENDS)('modules with changed bytes, on the %s back end', (backEnd) => {
  const capable = WebAssembly.validate(instrument(touchingGuest(), { backEnd }))

  test(
    'are refused, or do what they do plain',
    () => {
      let kept = 0
      const check = (source: Uint8Array<ArrayBuffer>, changes: readonly Edit[]) => {
        const bytes = mutated(source, changes)
        const made = rewritten(bytes, backEnd)
        if (!made || !capable) return
        kept++
        expect(difference(bytes, made)).toBe(undefined)
      }
      const source = fc.oneof(
        program.map((program: Program) => emit(program, false).bytes),
        fc.constant(touchingGuest()),
      )
      fc.assert(fc.property(source, edits, check), {
        numRuns: soak ? 60_000 : effort(4_000),
        seed: seedOf(),
      })
      if (capable) expect(kept).toBeGreaterThan(0)
    },
    TIME,
  )

  test(
    'are refused, or valid when rewritten: the kernel itself as a guest',
    () => {
      const check = (changes: readonly Edit[]) => {
        const made = rewritten(mutated(coreBytes, changes), backEnd)
        if (made && capable) expect(WebAssembly.validate(made)).toBe(true)
      }
      fc.assert(fc.property(edits, check), { numRuns: effort(600), seed: seedOf() })
    },
    TIME,
  )
})
