/**
 * The end of the stack, at every kind of place where a guest leaves its own code: the kernel's entries, its imports, an import of the host. Wherever it ends, the process
 * ends by SIGSEGV, the kernel goes on, and a thread that had begun a call has not half done it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Code, DROP } from '../../dist/src/guest/rewrite/code.js'
import { I32, I64 } from '../../dist/src/guest/rewrite/opcodes.js'
import { boot, type Kernel, MAP, PROT } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort, soak } from '../support/effort.ts'
import { moduleOf, type TestModule } from '../support/guest-module.ts'

const WINDOW = 0x8123_0000
const BACK_ENDS = ['multi-memory', 'accessors'] as const
/** The program's imports, by index. */
const IMPORTS: NonNullable<TestModule['imports']> = [
  { name: 'isopage.mmap', params: [I32, I32, I32, I32, I32, I64], results: [I32] },
  { name: 'isopage.munmap', params: [I32, I32], results: [I32] },
  { name: 'isopage.msgget', params: [I32, I32], results: [I32] },
  { name: 'isopage.msgsnd', params: [I32, I32, I32, I32], results: [I32] },
  { name: 'isopage.msgrcv', params: [I32, I32, I32, I32, I32], results: [I32] },
  { name: 'wasi_snapshot_preview1.random_get', params: [I32, I32], results: [I32] },
  { name: 'isopage.openat', params: [I32, I32, I32, I32], results: [I32] },
  { name: 'isopage.mprotect', params: [I32, I32, I32], results: [I32] },
]
const SHARED = MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED
const RW = PROT.READ | PROT.WRITE

function map(code: Code, at: number): Code {
  return code.const(at).const(8192).const(RW).const(SHARED).const(-1).const64(0n).call(0).op(DROP)
}

/** What is done at each depth; each leaves nothing. */
const PLACES: Record<string, (code: Code) => void> = {
  guest_fill: (code) => code.const(WINDOW).const(1).const(100).op(0xfc, 11, 0),
  guest_copy: (code) =>
    code
      .const(WINDOW)
      .const(WINDOW + 4000)
      .const(200)
      .op(0xfc, 10, 0, 0),
  'memory.copy to it': (code) => code.const(WINDOW).const(0).const(5000).op(0xfc, 10, 0, 0),
  guest_load: (code) => code.const(WINDOW + 4094).op(0x28, 0, 0, DROP),
  guest_store: (code) =>
    code
      .const(WINDOW + 4093)
      .const(1)
      .op(0x36, 0, 0),
  'guest_fault after mprotect': (code) => {
    code.const(WINDOW).const(4096).const(RW).call(7).op(DROP)
    code.const(WINDOW).const(1).op(0x36, 0, 0)
  },
  guest_notify: (code) => code.const(WINDOW).const(1).op(0xfe, 0, 2, 0, DROP),
  guest_wait: (code) => code.const(WINDOW).const(99).const64(0n).op(0xfe, 1, 2, 0, DROP),
  'a vector': (code) =>
    code
      .const(WINDOW + 4090)
      .const(WINDOW)
      .op(0xfd, 0, 0, 0, 0xfd, 11, 0, 0),
  'mmap and munmap': (code) => {
    map(code, WINDOW + 65536)
      .const(WINDOW + 65536)
      .const(8192)
      .call(1)
      .op(DROP)
  },
  'a message': (code) => {
    code.getGlobal(0).const(64).const(100).const(0x800).call(3).op(DROP)
    code.getGlobal(0).const(64).const(100).const(0).const(0x800).call(4).op(DROP)
  },
  'random_get to the window': (code) =>
    code
      .const(WINDOW + 4090)
      .const(16)
      .call(5)
      .op(DROP),
  openat: (code) => code.const(-2).const(WINDOW).const(0).const(0).call(6).op(DROP),
}

/** A program that goes as deep as it can, `wide` locals a step, and does the same at each depth. */
function deep(place: (code: Code) => void, wide: number): Uint8Array<ArrayBuffer> {
  const locals = new Array<number>(wide).fill(I64)
  return moduleOf({
    imports: IMPORTS,
    memory: { initial: 1, shared: true },
    globals: [{ name: 'queue', type: I32 }],
    functions: [
      {
        params: [I32],
        results: [I32],
        locals,
        body(code) {
          place(code)
          code.get(0).const(1).op(0x6a).call(IMPORTS.length)
          for (let i = 0; i < wide; i++)
            code
              .get(0)
              .op(0xad)
              .set(1 + i)
          for (let i = 0; i < wide; i++) code.get(1 + i).op(0xa7, 0x6a)
        },
      },
      {
        name: '_start',
        body(code) {
          map(code, WINDOW)
          code.const(64).const(1).op(0x36, 2, 0)
          code.const(0).const(0o600).call(2).setGlobal(0)
          code.const(0).call(IMPORTS.length).op(DROP)
        },
      },
    ],
  })
}

/** In pages the kernel's entries alone: below an import the stack is mostly the page's own, with what its tools put there. */
const ENTRIES = /^(guest_(?!fault)|memory|a vector)/
const IN_WORKERS = new Set(['guest_fill', 'guest_store', 'a message'])

let kernel: Kernel
beforeAll(async () => {
  kernel = await boot({ memory: '16MiB' })
})
afterAll(async () => {
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

/** The kernel does what it does for another process, and is whole. */
function works(): void {
  const p = kernel.process()
  const mapping = p.mmap({ length: 8192, flags: MAP.SHARED | MAP.ANONYMOUS })
  mapping.write(4000, new Uint8Array(200).fill(7))
  expect(mapping.read(4000, 200)).toEqual(new Uint8Array(200).fill(7))
  p.exit()
  kernel.check()
}

describe.each(BACK_ENDS)('the stack ends, on the %s back end', (backEnd) => {
  test.each(
    Object.keys(PLACES).filter((name) => !inBrowser || ENTRIES.test(name)),
  )('in %s: a fault, and nothing is left half done', async (name) => {
    const place = PLACES[name] as (code: Code) => void
    const turns = effort(20)
    // Worker by worker takes its time: of a plain run only some go there.
    const workers = soak ? turns : IN_WORKERS.has(name) ? 1 : 0
    for (let turn = 0; turn < turns + workers; turn++) {
      const inPlace = turn < turns
      const options = {
        backEnd,
        inPlace,
        cache: false,
        stdout: 'ignore',
        stderr: 'ignore',
      } as const
      const guest = await kernel.run(deep(place, 1 + turn * 3), options)
      expect(await guest.exited).toEqual({ status: 139, signal: 'SIGSEGV' })
      works()
    }
  })
})

test('the end of the stack in a call of this thread undoes the call, and the next one works', () => {
  const p = kernel.process()
  const mapping = p.mmap({ length: 65536, flags: MAP.SHARED | MAP.ANONYMOUS })
  let depth = 0
  const dive = (padding: number): number => {
    depth++
    p.mprotect(mapping.address, 8192, depth % 2 ? PROT.READ : RW)
    mapping.read(4050, 100)
    return dive(padding + 1) + padding
  }
  for (let turn = 0; turn < 5; turn++) {
    expect(() => dive(turn)).toThrow(/stack|recursion/i)
    works()
  }
  p.exit()
})

/** (number of a test) => 1 when a catch_all caught it. */
const CATCHES = moduleOf({
  imports: [{ name: 'host.throws' }],
  functions: [
    { body: (code) => void code.call(0).call(1) },
    {
      name: 'run',
      results: [I32],
      body: (code) => void code.op(0x06, I32).call(1).const(0).op(0x19).const(1).end(),
    },
  ],
})

test('no catch_all catches the end of the stack, wherever it was: what a guest does after it would be with pages that are gone', () => {
  if (!WebAssembly.validate(CATCHES)) return
  const run = (throws: () => void) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(CATCHES), {
      host: { throws },
    })
    return (exports as unknown as { run(): number }).run()
  }
  const dive = (): number => dive() + 1
  expect(() => run(() => {})).toThrow(/stack|recursion/i)
  expect(() => run(() => void dive())).toThrow(/stack|recursion/i)
  expect(
    run(() => {
      throw new Error('caught')
    }),
  ).toBe(1)
})
