/** One random program, run by a model, over a page table of a test's own, or over the kernel; and what differs between two runs. */
import { type InstrumentOptions, instrument } from '../../dist/src/guest/rewrite/index.js'
import { emit } from './guest-emit.ts'
import { FAKE_MEMORY, type FakeKernel, Segv } from './guest-fake.ts'
import { Model, Refused } from './guest-model.ts'
import { PAGE, type Program, WINDOW } from './guest-program.ts'

export const READ = 1
export const WRITE = 2
/** Rights of the window's first pages, and which are not behind the page before in memory; page 3 is none. */
export const RIGHTS = [READ | WRITE, READ | WRITE, READ | WRITE, 0, READ, READ | WRITE]
const GAPS = [0, 0, 2, 0, 0, 0]

const byte = (address: number) => (Math.imul(address, 2654435761) >>> 11) & 0xff

export function fill(view: Uint8Array, address: number): Uint8Array {
  for (let i = 0; i < view.length; i++) view[i] = byte(address + i)
  return view
}

export interface Outcome {
  /** Of each step how it ended, and what was in the globals then. */
  steps: string[]
  memory: Uint8Array[]
}

/** Runs the steps of an instance until `over`. => how each ended */
export function run(
  instance: WebAssembly.Instance,
  program: Program,
  over: (step: number) => boolean,
): string[] {
  const { exports } = instance as unknown as { exports: Record<string, never> }
  const globals = ['low', 'high', ...program.pointers.map((_, i) => `pointer${i}`)].map(
    (name) => exports[name] as unknown as WebAssembly.Global,
  )
  const steps: string[] = []
  for (let i = 0; i < program.steps.length && !over(i); i++) {
    program.pointers.forEach((pointer, i) => {
      ;(globals[2 + i] as WebAssembly.Global).value = pointer
    })
    const ended = once(exports[`step${i}`] as unknown as () => void)
    steps.push(`${ended} ${globals.map(({ value }) => value).join()}`)
  }
  return steps
}

function once(step: () => void): string {
  try {
    step()
    return 'returned'
  } catch (error) {
    const trap =
      error instanceof WebAssembly.RuntimeError || error instanceof Segv || error instanceof Refused
    if (!trap || /stack/.test(String(error))) throw error
    return 'trapped'
  }
}

export function runModel(program: Program): Outcome {
  const { bytes, sites } = emit(program, true)
  const model = new Model(fill(new Uint8Array(65536), 0))
  RIGHTS.forEach((rights, i) => {
    if (rights) model.pages.set(i, { bytes: fill(new Uint8Array(PAGE), WINDOW + i * PAGE), rights })
  })
  const host = {
    event: (event: number, page: number) => {
      const known = model.pages.get(page)
      if (known && event < 2) known.rights = event === 0 ? READ : READ | WRITE
      if (event === 2 && page !== 0) model.pages.delete(page)
    },
    do: (site: number, at: number, low: bigint, high: bigint) =>
      model.do(sites[site] as (typeof sites)[0], at, low, high),
    high: () => model.high(),
    copy: model.copy.bind(model),
    fill: model.fill.bind(model),
    init: model.init.bind(model),
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host })
  const steps = run(instance, program, () => model.partial)
  const pages = [...model.pages].sort(([a], [b]) => a - b).map(([, { bytes }]) => bytes)
  return { steps, memory: model.partial ? [] : [model.own, ...pages] }
}

export function runRewritten(
  program: Program,
  kernel: FakeKernel,
  options: InstrumentOptions,
  count: number,
): Outcome {
  const pages = new Set<number>()
  kernel.forget()
  RIGHTS.forEach((rights, i) => {
    const address = WINDOW + i * PAGE
    if (!rights) return
    pages.add(i)
    fill(kernel.map(address, rights, GAPS[i] as number), address)
  })
  const host = {
    event: (event: number, page: number) => {
      const address = WINDOW + page * PAGE
      if (event < 2) kernel.protect(address, event === 0 ? READ : READ | WRITE)
      if (event === 2 && page !== 0) {
        kernel.unmap(address)
        pages.delete(page)
      }
      if (event === 3) kernel.attention(page % 2 === 0)
    },
  }
  const bytes = instrument(emit(program, false).bytes, { ...options, kernelMemory: FAKE_MEMORY })
  const { instance, memory } = kernel.link(bytes, { host })
  fill(new Uint8Array(memory.buffer), 0)
  const drop = instance.exports['isopage:drop'] as () => void
  const steps = run(instance, program, (step) => {
    // A fault that ended the step before may have moved pages.
    if (kernel.movesAt > 0) drop()
    return step >= count
  })
  return {
    steps,
    memory: [
      new Uint8Array(memory.buffer),
      ...[...pages].sort((a, b) => a - b).map((page) => kernel.bytes(WINDOW + page * PAGE)),
    ],
  }
}

/** => what two runs of one program differ in, undefined for nothing. After a bulk operation that was refused in its middle memory is nobody's business. */
export function difference(expected: Outcome, seen: Outcome): string | undefined {
  for (const [i, step] of expected.steps.entries()) {
    if (seen.steps[i] !== step) return `step ${i} ${seen.steps[i]}, not ${step}`
  }
  for (const [i, bytes] of expected.memory.entries()) {
    const other = seen.memory[i] as Uint8Array
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== other[at]) return `memory ${i} at ${at}: ${other[at]}, not ${bytes[at]}`
    }
  }
  return undefined
}
