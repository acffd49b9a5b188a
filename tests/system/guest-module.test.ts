/** Rewritten modules as wholes: what is kept, what is refused, bulk memory, polls, and registers that forget. */
import { describe, expect, test } from 'vitest'
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'
import { ADD, BRANCH_IF, type Code, DROP, EQZ, LT_U } from '../../dist/src/guest/rewrite/code.js'
import {
  type BackEndName,
  describe as descriptionOf,
  GuestModuleError,
  instrument,
} from '../../dist/src/guest/rewrite/index.js'
import { EMPTY, I32, I64 } from '../../dist/src/guest/rewrite/opcodes.js'
import { FAKE_MEMORY, FakeKernel, PAGE, Segv } from '../support/guest-fake.ts'
import { moduleOf, type TestFunction, type TestModule } from '../support/guest-module.ts'

const WINDOW = 0x8100_0000
const READ = 1
const WRITE = 2
const BACK_ENDS = ['multi-memory', 'accessors'] as const

type Calls = Record<string, (...values: number[]) => number>

function rewritten(wanted: TestModule, backEnd: BackEndName = 'multi-memory') {
  return instrument(moduleOf(wanted), { backEnd, kernelMemory: FAKE_MEMORY })
}

function linked(
  wanted: TestModule,
  backEnd: BackEndName = 'multi-memory',
  imports: WebAssembly.Imports = {},
) {
  const kernel = new FakeKernel()
  const { instance, memory } = kernel.link(rewritten(wanted, backEnd), imports)
  return { kernel, calls: instance.exports as unknown as Calls, memory, instance }
}

const function3 = (name: string, ...opcodes: number[]): TestFunction => ({
  name,
  params: [I32, I32, I32],
  body: (code) =>
    void code
      .get(0)
      .get(1)
      .get(2)
      .op(...opcodes),
})
const LOAD: TestFunction = {
  name: 'load',
  params: [I32],
  results: [I32],
  body: (code) => void code.get(0).op(0x28, 0, 0),
}
const STORE: TestFunction = {
  name: 'store',
  params: [I32, I32],
  body: (code) => void code.get(0).get(1).op(0x36, 0, 0),
}

const bytes = (count: number, first = 1) =>
  Uint8Array.from({ length: count }, (_, i) => (first + i * 7) & 255)

function bulk(backEnd: BackEndName) {
  const made = linked(
    {
      memory: { initial: 2 },
      data: [bytes(9000, 5)],
      functions: [
        function3('copy', 0xfc, 10, 0, 0),
        function3('fill', 0xfc, 11, 0),
        function3('init', 0xfc, 8, 0, 0),
        { name: 'dropData', body: (code) => void code.op(0xfc, 9, 0) },
      ],
    },
    backEnd,
  )
  for (let i = 0; i < 8; i++) made.kernel.map(WINDOW + i * PAGE, READ | WRITE, i % 3 === 2 ? 1 : 0)
  return { ...made, own: new Uint8Array(made.memory.buffer) }
}

describe.each(BACK_ENDS)('bulk memory of the %s back end', (backEnd) => {
  test('copies from private memory to the window, within it and back', () => {
    const { calls, kernel, own } = bulk(backEnd)
    own.set(bytes(9001), 77)
    calls.copy?.(WINDOW + 4090, 77, 9001)
    expect(kernel.read(WINDOW + 4090, 9001)).toEqual(bytes(9001))
    calls.copy?.(WINDOW + 5000, WINDOW + 4090, 9001)
    expect(kernel.read(WINDOW + 5000, 9001)).toEqual(bytes(9001))
    calls.copy?.(30000, WINDOW + 5000, 9001)
    expect(own.slice(30000, 39001)).toEqual(bytes(9001))
    calls.copy?.(31000, 30000, 9001)
    expect(own.slice(31000, 40001)).toEqual(bytes(9001))
  })

  test('fills the window and private memory', () => {
    const { calls, kernel, own } = bulk(backEnd)
    calls.fill?.(WINDOW + 1, 0x1a5, 9000)
    expect(kernel.read(WINDOW, 9003)).toEqual(Uint8Array.of(0, ...new Array(9000).fill(0xa5), 0, 0))
    calls.fill?.(100, 7, 3)
    expect(own.slice(99, 104)).toEqual(Uint8Array.of(0, 7, 7, 7, 0))
  })

  test('initialises the window from a segment, which keeps its length and its end', () => {
    const { calls, kernel, own } = bulk(backEnd)
    const before = own.slice()
    calls.init?.(WINDOW + 4000, 10, 8990)
    expect(kernel.read(WINDOW + 4000, 8990)).toEqual(bytes(9000, 5).slice(10))
    expect(own).toEqual(before)
    expect(() => calls.init?.(WINDOW, 11, 8990)).toThrow(WebAssembly.RuntimeError)
    expect(() => calls.init?.(WINDOW, -1, 2)).toThrow(WebAssembly.RuntimeError)
    calls.dropData?.()
    expect(() => calls.init?.(WINDOW, 0, 1)).toThrow(WebAssembly.RuntimeError)
    calls.init?.(WINDOW, 0, 0)
  })

  test("traps before the first byte when the private end is out of bounds, or the window's past 4 GiB", () => {
    const { calls, kernel } = bulk(backEnd)
    for (const [to, from, count] of [
      [WINDOW, 2 * 65536 - 8, 9],
      [WINDOW, 2 * 65536 + 1, 0],
      [WINDOW, 0x7fff_ffff, 1],
      [2 * 65536 - 8, WINDOW, 9],
      [0xffff_fff0, 0, 17],
      [0, 0xffff_fff0, 17],
      [WINDOW, 0, 0xffff_ffff],
    ] as const) {
      expect(() => calls.copy?.(to, from, count), `${to} ${from} ${count}`).toThrow(
        WebAssembly.RuntimeError,
      )
    }
    expect(() => calls.fill?.(0xffff_fff0, 0, 17)).toThrow(WebAssembly.RuntimeError)
    expect(() => calls.fill?.(2 * 65536 - 1, 0, 2)).toThrow(WebAssembly.RuntimeError)
    expect(kernel.read(WINDOW, 16)).toEqual(new Uint8Array(16))
  })

  test('ends at a page that is not mapped', () => {
    const { calls } = bulk(backEnd)
    expect(() => calls.copy?.(WINDOW + 8 * PAGE - 4, 0, 8)).toThrow(Segv)
    expect(() => calls.copy?.(0, WINDOW + 8 * PAGE - 4, 8)).toThrow(Segv)
    expect(() => calls.fill?.(WINDOW + 8 * PAGE - 4, 0, 8)).toThrow(Segv)
  })
})

describe('the private memory', () => {
  const size: TestFunction = { name: 'size', results: [I32], body: (code) => void code.op(0x3f, 0) }
  const grow: TestFunction = {
    name: 'grow',
    params: [I32],
    results: [I32],
    body: (code) => void code.get(0).op(0x40, 0),
  }

  test('grows to below 2 GiB and no further, whatever the module declared', () => {
    const wanted = { memory: { initial: 1, maximum: 65536 }, functions: [size, grow] }
    expect(descriptionOf(rewritten(wanted))?.private).toEqual({
      module: 'isopage',
      name: 'private',
      initial: 1,
      maximum: 32767,
      shared: false,
    })
    const { calls } = linked(wanted)
    expect(calls.grow?.(1)).toBe(1)
    expect(calls.size?.()).toBe(2)
    expect(calls.grow?.(32767)).toBe(-1)
  })

  test('stays imported under its own name, with the lower maximum', () => {
    const bytes = rewritten({
      memory: { initial: 1, maximum: 65536, shared: true, from: 'env.heap' },
      functions: [size],
    })
    expect(descriptionOf(bytes)?.private).toMatchObject({
      module: 'env',
      name: 'heap',
      maximum: 32767,
    })
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([
      expect.objectContaining({ module: 'env', name: 'heap' }),
      expect.objectContaining({ module: 'isopage', name: 'memory' }),
    ])
  })

  test('is empty where the module has none', () => {
    const seven: TestFunction = {
      name: 'seven',
      results: [I32],
      body: (code) => void code.const(7),
    }
    const { calls, memory } = linked({ functions: [seven] })
    expect(calls.seven?.()).toBe(7)
    expect(memory.buffer.byteLength).toBe(0)
  })
})

describe('a module', () => {
  const plain: TestModule = { memory: { initial: 1 }, functions: [LOAD] }

  test('that is malformed has the error of the engine', () => {
    const wrong = moduleOf(plain)
    wrong[wrong.length - 3] = 0xff
    expect(() => instrument(wrong)).toThrow(WebAssembly.CompileError)
    expect(() => instrument(new Uint8Array(3))).toThrow(WebAssembly.CompileError)
  })

  test('that would call what the rewriter appends is no valid module', () => {
    const source = moduleOf({ functions: [{ name: 'f', body: (code) => void code.call(1) }] })
    expect(() => instrument(source)).toThrow(WebAssembly.CompileError)
  })

  test('is rewritten once', () => {
    expect(() => instrument(rewritten(plain, 'accessors'))).toThrow(GuestModuleError)
    expect(() => instrument(rewritten(plain, 'accessors'))).toThrow('rewritten already')
  })

  test("may not take or give what is the kernel's", () => {
    const memory = { memory: { initial: 1, from: 'isopage.memory' }, functions: [LOAD] }
    expect(() => rewritten(memory)).toThrow('only functions come from there')
    const exported = { memory: { initial: 1 }, functions: [{ ...LOAD, name: 'isopage:table' }] }
    expect(() => rewritten(exported)).toThrow('reserved')
  })

  test('larger than 2 GiB from the start is refused', () => {
    const huge = { memory: { initial: 32768, maximum: 65536 }, functions: [LOAD] }
    expect(() => rewritten(huge)).toThrow('at most 32767')
  })

  test('keeps its custom sections, and the names of its functions get those of what was appended', () => {
    const names = new Writer()
    names.list([1, 7, 1, 0, 4, ...new TextEncoder().encode('load')])
    const note = Uint8Array.of(1, 2, 3)
    const custom = [
      { name: 'name', contents: names.take() },
      { name: 'note', contents: note, first: true },
    ]
    const module = new WebAssembly.Module(rewritten({ ...plain, custom }))
    expect([
      ...new Uint8Array(WebAssembly.Module.customSections(module, 'note')[0] as ArrayBuffer),
    ]).toEqual([1, 2, 3])
    const section = WebAssembly.Module.customSections(module, 'name')[0] as ArrayBuffer
    const text = new TextDecoder().decode(section)
    expect(text).toContain('load')
    expect(text).toContain('isopage:translate.load')
  })

  test('has its start function left to the host', () => {
    const start: TestFunction = { body: (code) => void code.const(4).const(9).op(0x36, 0, 0) }
    const { memory, calls } = linked({ ...plain, functions: [start], start: 0 })
    expect(new Uint8Array(memory.buffer)[4]).toBe(0)
    calls['isopage:start']?.()
    expect(new Uint8Array(memory.buffer)[4]).toBe(9)
  })

  test('keeps its own branch hints, at their new offsets, between those of its accesses', () => {
    const custom = [
      { name: 'metadata.code.branch_hint', contents: Uint8Array.of(1, 0, 1, 8, 1, 1), first: true },
    ]
    const body = (code: Code) => void code.get(0).op(0x28, 0, 0).op(DROP).if(EMPTY).end()
    const hinted: TestFunction = {
      name: 'f',
      params: [I32],
      body: (code) => body(code.get(0)),
    }
    // locals 1 byte, local.get 2, local.get 2, load 3, drop 1: the `if` stands at 9.
    ;(custom[0] as { contents: Uint8Array }).contents[3] = 9
    const module = new WebAssembly.Module(rewritten({ ...plain, functions: [hinted], custom }))
    const section = WebAssembly.Module.customSections(module, 'metadata.code.branch_hint')[0]
    const list = [...new Uint8Array(section as ArrayBuffer)]
    expect(list.slice(0, 3)).toEqual([1, 0, 2])
    expect([list[5], list[8]]).toEqual([0, 1])
  })
})

const TWICE: TestFunction = {
  name: 'twice',
  params: [I32],
  results: [I32],
  body: (code) => void code.get(0).op(0x28, 0, 0).call(0).get(0).op(0x28, 0, 0).op(ADD),
}

describe('registers', () => {
  test('spare the kernel all but the first access to an extent', () => {
    const { kernel, calls } = linked({ memory: { initial: 1 }, functions: [LOAD, STORE] })
    for (let i = 0; i < 4; i++) kernel.map(WINDOW + i * PAGE, READ | WRITE)
    for (let i = 0; i < 4 * PAGE; i += 4) calls.load?.(WINDOW + i)
    for (let i = 0; i < 4 * PAGE; i += 4) calls.store?.(WINDOW + i, i)
    expect(kernel.faults).toBe(2)
    expect(calls.load?.(WINDOW + 3 * PAGE)).toBe(3 * PAGE)
  })

  test('are for loads or for stores', () => {
    const { kernel, calls } = linked({ memory: { initial: 1 }, functions: [LOAD, STORE] })
    kernel.map(WINDOW, READ)
    calls.load?.(WINDOW)
    expect(() => calls.store?.(WINDOW, 1)).toThrow(Segv)
  })
})

describe('registers forget', () => {
  test.each([
    'call',
    'table',
    'reference',
    'tail',
  ] as const)('when an import took the page away, reached by a %s', (by) => {
    const call: TestFunction = {
      name: 'call',
      body: (code) => {
        if (by === 'call') code.call(0)
        if (by === 'table') code.const(0).callTable(0, 0)
        if (by === 'tail') code.op(0x12, 0)
        if (by === 'reference') code.const(1).op(0xd2, 0, 0x26, 0).const(1).callTable(0, 0)
      },
    }
    const user: TestFunction = {
      name: 'user',
      params: [I32],
      results: [I32],
      body: (code) => void code.get(0).op(0x28, 0, 0).call(2).get(0).op(0x28, 0, 0).op(ADD),
    }
    let kernel: FakeKernel | undefined
    const imports = { host: { unmap: () => kernel?.unmap(WINDOW) } }
    const made = linked(
      {
        imports: [{ name: 'host.unmap' }],
        memory: { initial: 1 },
        functions: [LOAD, call, user],
        table: [0, 1],
      },
      'multi-memory',
      imports,
    )
    kernel = made.kernel
    kernel.map(WINDOW, READ)
    expect(() => made.calls.user?.(WINDOW)).toThrow(Segv)
  })
})

describe('registers are empty again', () => {
  test('behind a catch of what an import threw', () => {
    const caught: TestFunction = {
      name: 'caught',
      params: [I32],
      results: [I32],
      body: (code) => {
        code.get(0).op(0x28, 0, 0, DROP).op(0x06, EMPTY).call(0).op(0x19).end()
        code.get(0).op(0x28, 0, 0)
      },
    }
    const source: TestModule = {
      imports: [{ name: 'host.unmap' }],
      memory: { initial: 1 },
      functions: [caught],
    }
    if (!WebAssembly.validate(moduleOf(source))) return
    let kernel: FakeKernel | undefined
    const unmap = () => {
      kernel?.unmap(WINDOW)
      throw new Error('thrown by the host')
    }
    const made = linked(source, 'multi-memory', { host: { unmap } })
    kernel = made.kernel
    kernel.map(WINDOW, READ)
    expect(() => made.calls.caught?.(WINDOW)).toThrow(Segv)
  })

  test('behind a poll', () => {
    const loop: TestFunction = {
      name: 'loop',
      params: [I32],
      results: [I32],
      locals: [I32],
      body: (code) => {
        code.loop(EMPTY).get(1).const(1).op(ADD).tee(1).const(200).op(LT_U, BRANCH_IF, 0).end()
        code.get(0).op(0x28, 0, 0)
      },
    }
    const { kernel, calls } = linked({ memory: { initial: 1 }, functions: [LOAD, loop] })
    kernel.map(WINDOW, READ)
    calls.load?.(WINDOW)
    expect(kernel.polls).toBe(0)
    kernel.unmap(WINDOW)
    kernel.attention(true)
    expect(() => calls.loop?.(WINDOW)).toThrow(Segv)
    expect(kernel.polls).toBe(1)
  })

  test('not behind an import that left the generation as it was', () => {
    const made = linked(
      { imports: [{ name: 'host.nothing' }], memory: { initial: 1 }, functions: [TWICE] },
      'multi-memory',
      { host: { nothing: () => {} } },
    )
    made.kernel.map(WINDOW, READ)
    made.calls.twice?.(WINDOW)
    expect(made.kernel.faults).toBe(1)
  })
})

describe.each(BACK_ENDS)('waits and polls of the %s back end', (backEnd) => {
  const functions: TestFunction[] = [
    {
      name: 'wait',
      params: [I32, I32],
      results: [I32],
      body: (code) => void code.get(0).get(1).const64(0n).op(0xfe, 1, 2, 0),
    },
    {
      name: 'notify',
      params: [I32],
      results: [I32],
      body: (code) => void code.get(0).const(1).op(0xfe, 0, 2, 0),
    },
    {
      name: 'rounds',
      params: [I32],
      locals: [I64],
      body: (code) =>
        void code.loop(EMPTY).get(0).const(-1).op(ADD).tee(0).op(EQZ, EQZ, 0x0d, 0).end(),
    },
  ]

  test('the futex of the kernel answers in the window', () => {
    const { kernel, calls } = linked({ memory: { initial: 1, shared: true }, functions }, backEnd)
    kernel.map(WINDOW, READ | WRITE)
    expect(calls.wait?.(WINDOW, 0)).toBe(2)
    expect(calls.wait?.(WINDOW, 1)).toBe(1)
    expect(calls.notify?.(WINDOW)).toBe(0)
    expect(calls.notify?.(0)).toBe(0)
    expect(() => calls.wait?.(WINDOW + 2, 1)).toThrow(WebAssembly.RuntimeError)
  })

  test('a loop comes by the kernel', () => {
    const { kernel, calls } = linked({ memory: { initial: 1, shared: true }, functions }, backEnd)
    kernel.attention(true)
    calls.rounds?.(10_000)
    expect(kernel.polls).toBeGreaterThanOrEqual(2)
  })
})

describe.each(BACK_ENDS)('recursion on the %s back end', (backEnd) => {
  test('a function that calls itself comes by the kernel', () => {
    const deep: TestFunction = {
      name: 'deep',
      params: [I32],
      body: (code) => void code.get(0).if(EMPTY).get(0).const(-1).op(ADD).call(0).end(),
    }
    const { kernel, calls } = linked({ memory: { initial: 1 }, functions: [deep] }, backEnd)
    kernel.attention(true)
    for (let i = 0; i < 10; i++) calls.deep?.(1000)
    expect(kernel.polls).toBeGreaterThanOrEqual(2)
  })

  test.each([
    ['each other', [[1], [2], [0]]],
    ['each other backwards', [[2], [0], [1]]],
  ])('functions that call %s come by the kernel', (_, called) => {
    const functions = called.map(
      (callees, i): TestFunction => ({
        name: `f${i}`,
        params: [I32],
        body(code) {
          code.get(0).if(EMPTY)
          for (const callee of callees) code.get(0).const(-1).op(ADD).call(callee)
          code.end()
        },
      }),
    )
    const { kernel, calls } = linked({ memory: { initial: 1 }, functions }, backEnd)
    kernel.attention(true)
    for (let i = 0; i < 40; i++) calls[`f${called.length - 1}`]?.(1000)
    expect(kernel.polls).toBeGreaterThanOrEqual(2)
  })

  test('a function that finds itself in a table comes by the kernel', () => {
    const deep: TestFunction = {
      name: 'deep',
      params: [I32],
      body(code) {
        code.get(0).if(EMPTY).get(0).const(-1).op(ADD)
        code.const(0).op(0x11, 0, 0).end()
      },
    }
    const wanted = { memory: { initial: 1 }, functions: [deep], table: [0] }
    const { kernel, calls } = linked(wanted, backEnd)
    kernel.attention(true)
    for (let i = 0; i < 10; i++) calls.deep?.(1000)
    expect(kernel.polls).toBeGreaterThanOrEqual(2)
  })
})
