/**
 * The random programs of guest-fuzz.test.ts over the kernel itself: anonymous memory shared and private, files of tmpfs, rights that change and mappings that go while a
 * register shows them.
 */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BackEndName, instrument } from '../../dist/src/guest/rewrite/index.js'
import {
  boot,
  type Kernel,
  MAP,
  type Mapping,
  O,
  PROT,
  type Process,
} from '../../dist/src/index.js'
import type { Instance } from '../../dist/src/instance.js'
import { onBun } from '../../dist/src/runtime.js'
import { effort, seedOf, soak } from '../support/effort.ts'
import { emit } from '../support/guest-emit.ts'
import { PAGE, type Program, program, WINDOW } from '../support/guest-program.ts'
import {
  difference,
  fill,
  type Outcome,
  RIGHTS,
  run,
  runModel,
  WRITE,
} from '../support/guest-run.ts'

let kernel: Kernel
let p: Process
let instance: Instance
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
afterAll(() => kernel.close())

const RW = PROT.READ | PROT.WRITE
type Source = 'shared' | 'private' | 'file'

/** Maps the pages of a program, each on its own or all of them as one. */
function mapPages(source: Source): Mapping {
  const fd = source === 'file' ? p.open('/pages', O.CREAT | O.RDWR) : -1
  if (source === 'file') p.ftruncate(fd, RIGHTS.length * PAGE)
  const flags = {
    shared: MAP.SHARED | MAP.ANONYMOUS,
    private: MAP.PRIVATE | MAP.ANONYMOUS,
    file: MAP.SHARED,
  }[source]
  const length = RIGHTS.length * PAGE
  const map = p.mmap({ addr: WINDOW, fd, length, prot: RW, flags: flags | MAP.FIXED })
  RIGHTS.forEach((rights, i) => {
    map.write(i * PAGE, fill(new Uint8Array(PAGE), WINDOW + i * PAGE))
    if (rights === 0) p.munmap(WINDOW + i * PAGE, PAGE)
    else p.mprotect(WINDOW + i * PAGE, PAGE, rights & WRITE ? RW : PROT.READ)
  })
  if (source === 'file') p.close(fd)
  return map
}

function link(
  bytes: Uint8Array<ArrayBuffer>,
  context: number,
  gone: Set<number>,
): [WebAssembly.Instance, WebAssembly.Memory] {
  const { calls } = instance
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 })
  const event = (event: number, page: number) => {
    calls.guest_leave(context)
    const address = WINDOW + page * PAGE
    if (event < 2 && RIGHTS[page] && !gone.has(page))
      p.mprotect(address, PAGE, event === 0 ? PROT.READ : RW)
    if (event === 2 && page !== 0) {
      p.munmap(address, PAGE)
      gone.add(page)
    }
    calls.guest_enter(context)
  }
  const imports = { host: { event }, isopage: { private: memory, memory: instance.memory } }
  const made = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  const table = made.exports['isopage:table'] as WebAssembly.Table
  instance.guestEntries.forEach((entry, i) => {
    table.set(i, entry)
  })
  ;(made.exports['isopage:context'] as WebAssembly.Global).value = context
  return [made, memory]
}

/** The program over the kernel, as a process of its own. */
function runKernel(program: Program, backEnd: BackEndName, source: Source, count: number): Outcome {
  p = kernel.process()
  instance = (p as unknown as { instance: Instance }).instance
  const map = mapPages(source)
  const context = instance.result('guest', instance.calls.guest_create(p.pid))
  const gone = new Set<number>()
  const [made, memory] = link(instrument(emit(program, false).bytes, { backEnd }), context, gone)
  fill(new Uint8Array(memory.buffer), 0)
  const drop = made.exports['isopage:drop'] as () => void
  const steps = run(made, program, (step) => {
    instance.calls.guest_leave(context)
    if (step >= count) return true
    instance.calls.guest_enter(context)
    drop()
    return false
  })
  instance.calls.guest_leave(context)
  const pages = RIGHTS.flatMap((rights, i) => {
    if (!rights || gone.has(i)) return []
    p.mprotect(WINDOW + i * PAGE, PAGE, PROT.READ)
    return [map.read(i * PAGE, PAGE)]
  })
  instance.calls.guest_destroy(context)
  p[Symbol.dispose]()
  return { steps, memory: [new Uint8Array(memory.buffer), ...pages] }
}

describe.each([
  'multi-memory',
  'accessors',
] as const)('random programs over the kernel, %s', (backEnd) => {
  test('have the results, the memory and the traps of a model', () => {
    const source = fc.constantFrom('shared' as const, 'private' as const, 'file' as const)
    fc.assert(
      fc.property(program, source, (program, source) => {
        const expected = runModel(program)
        const seen = runKernel(program, backEnd, source, expected.steps.length)
        expect(difference(expected, seen)).toBe(undefined)
      }),
      { numRuns: effort(onBun && !soak ? 200 : 1200), seed: seedOf() },
    )
    kernel.check()
  })
})
