/**
 * Modules made to be mistaken: that say they were rewritten, that take the names of what the rewriter adds or of what JavaScript objects inherit, whose bytes are read
 * one way by the engine and could be read another way by the rewriter, and whose custom sections lie.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { alignOf } from '../../dist/src/guest/rewrite/code.js'
import {
  type BackEndName,
  GuestModuleError,
  instrument,
} from '../../dist/src/guest/rewrite/index.js'
import { EMPTY, F32, F64, I32, I64, V128 } from '../../dist/src/guest/rewrite/opcodes.js'
import { boot, type Kernel } from '../../dist/src/index.js'
import { ACCESSES } from '../support/guest-access.ts'
import { FAKE_MEMORY, FakeKernel } from '../support/guest-fake.ts'
import { moduleOf } from '../support/guest-module.ts'
import { body, bytesOf, custom, module, type Part, section, wide } from '../support/raw-module.ts'

const WINDOW = 0x8100_0000
const BACK_ENDS = ['multi-memory', 'accessors'] as const
const NOTHING = [0x60, 0, 0]
/** i32 => i32. */
const ONE = [0x60, 1, I32, 1, I32]

let kernel: Kernel
beforeAll(async () => {
  kernel = await boot({ memory: '16MiB' })
})
afterAll(async () => {
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

type Calls = Record<string, (...values: number[]) => number>

/** Runs a module as a program. => what it ends with, or the error that says why it does not begin. */
async function ended(source: Uint8Array<ArrayBuffer> | WebAssembly.Module, options = {}) {
  try {
    const guest = await kernel.run(source, { cache: false, stderr: 'ignore', ...options })
    return await guest.exited
  } catch (error) {
    return error as Error & { code?: string; rule?: string }
  }
}

/** A program that reads the kernel's memory at 0 as its own; it says that it was rewritten. */
const FORGED = module(
  section(1, NOTHING),
  section(2, ['isopage', 'memory', 2, 3, 1, wide(65536)]),
  section(3, 0),
  section(4, [0x70, 1, 16, 16]),
  section(6, [I32, 1, 0x41, 0, 0x0b]),
  section(
    7,
    ['_start', 0, 0],
    ['isopage:table', 1, 0],
    ['isopage:context', 3, 0],
    ['isopage:drop', 0, 0],
  ),
  section(10, body([], 0x41, 0, 0x28, 2, 0, 0x1a)),
  custom(
    'isopage',
    new TextEncoder().encode(
      JSON.stringify({
        version: 1,
        backEnd: 'multi-memory',
        polls: true,
        private: { module: 'isopage', name: 'private', initial: 0, maximum: 0, shared: false },
        start: false,
      }),
    ),
  ),
)

describe("the kernel's memory", () => {
  test('is not given to a module that says it was rewritten', async () => {
    expect(WebAssembly.validate(FORGED)).toBe(true)
    expect(await ended(FORGED)).toMatchObject({ name: 'GuestModuleError', rule: 'rewritten' })
    const compiled = await WebAssembly.compile(FORGED)
    expect(await ended(compiled)).toMatchObject({ code: 'ERR_GUEST_IMPORT' })
    expect(await ended(FORGED, { inPlace: true })).toMatchObject({ rule: 'rewritten' })
  })

  test('is given to one that its caller says was rewritten', async () => {
    const bytes = moduleOf({
      memory: { initial: 1 },
      functions: [{ name: '_start', body: () => {} }],
    })
    const made = instrument(bytes)
    if (WebAssembly.validate(made))
      expect(await ended(made, { rewritten: true })).toEqual({ status: 0 })
    const other = instrument(bytes, { backEnd: 'accessors' })
    expect(await ended(other, { rewritten: true })).toEqual({ status: 0 })
  })

  test.each([
    'memory',
    'table',
    'global',
    'tag',
  ] as const)('is not imported by our names as a %s', (kind) => {
    const limits = {
      memory: [2, 3, 1, 1],
      table: [1, 0x70, 0, 1],
      global: [3, I32, 1],
      tag: [4, 0, 0],
    }
    for (const name of ['memory', 'private', 'isopage:table', '']) {
      const source = module(section(1, NOTHING), section(2, ['isopage', name, ...limits[kind]]))
      expect(() => instrument(source)).toThrow(/only functions come from there/)
    }
  })

  test('is not reached by exports of our names', () => {
    for (const name of ['isopage:table', 'isopage:context', 'isopage:', 'isopage:more']) {
      const source = module(
        section(1, NOTHING),
        section(3, 0),
        section(7, [name, 0, 0]),
        section(10, body([])),
      )
      expect(() => instrument(source)).toThrow(/reserved/)
    }
  })
})

describe('what JavaScript objects inherit', () => {
  const functions = [
    'constructor.assign',
    'constructor.constructor',
    '__proto__.toString',
    'toString.call',
  ]
  test.each([
    ...functions,
    'isopage.constructor',
    'isopage.__defineGetter__',
    'wasi_snapshot_preview1.toString',
    'wasi_snapshot_preview1.hasOwnProperty',
    'hasOwnProperty.call',
  ])('is no import: %s', async (path) => {
    const [from, name] = path.split('.') as [string, string]
    const source = module(
      section(1, NOTHING),
      section(2, [from, name, 0, 0]),
      section(3, 0),
      section(7, ['_start', 0, 1]),
      section(10, body([])),
    )
    const error = await ended(source)
    expect(error).toMatchObject({ code: 'ERR_GUEST_IMPORT' })
    await expect(kernel.load(source, { cache: false })).rejects.toMatchObject({
      code: 'ERR_GUEST_IMPORT',
    })
  })

  test('is not changed by the names of imports', async () => {
    const source = module(
      section(1, NOTHING),
      section(2, ['__proto__', 'polluted', 2, 0, 1]),
      section(3, 0),
      section(7, ['_start', 0, 0]),
      section(10, body([])),
    )
    expect(await ended(source, { inPlace: true })).toEqual({ status: 0 })
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
  })
})

describe('a program that declares an import otherwise than it is', () => {
  const call = (type: Part[], ...args: Part[]) =>
    module(
      section(1, NOTHING, type),
      section(2, ['isopage', 'getpid', 0, 1]),
      section(3, 0),
      section(7, ['_start', 0, 1]),
      section(10, body([], ...args, 0x10, 0, 0x1a)),
    )

  test.each([
    ['a result of 64 bits', call([0x60, 0, 1, I64])],
    ['an argument of 64 bits', call([0x60, 1, I64, 1, I32], 0x42, 1)],
    ['a reference', call([0x60, 1, 0x6f, 1, I32], 0xd0, 0x6f)],
    ['a reference as its result', call([0x60, 0, 1, 0x6f])],
  ])('ends in its own terms: %s', async (_, source) => {
    const end = await ended(source)
    if (end instanceof Error) expect(end).toMatchObject({ code: 'ERR_GUEST_IMPORT' })
    else expect(end).toEqual({ status: 0 })
  })

  test('or that throws what it does not catch aborts', async () => {
    const source = module(
      section(1, NOTHING),
      section(3, 0),
      section(13, [0, 0]),
      section(7, ['_start', 0, 0]),
      section(10, body([], 0x08, 0)),
    )
    expect(await ended(source)).toEqual({ status: 134, signal: 'SIGABRT' })
  })

  test('or whose start is no function does not run', async () => {
    const source = module(section(6, [I32, 0, 0x41, 0, 0x0b]), section(7, ['_start', 3, 0]))
    expect(await ended(source)).toMatchObject({ message: expect.stringContaining('no _start') })
  })
})

/** The operand of a type, from nothing. */
const ZERO: Record<number, readonly number[]> = {
  [I32]: [0x41, 7],
  [I64]: [0x42, 7],
  [F32]: [0x43, 0, 0, 0x80, 0x3f],
  [F64]: [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
  [V128]: [0xfd, 12, ...new Array<number>(16).fill(3)],
}

describe.each(
  BACK_ENDS,
)('an access that names its memory, on the %s back end', (backEnd: BackEndName) => {
  /** `offset` in two bytes, the second of which begins an instruction for who reads on too early. */
  function source(access: (typeof ACCESSES)[number], named: boolean): Uint8Array<ArrayBuffer> {
    const align = alignOf(access.bytes)
    const code = access.prefix === 0 ? [access.code] : [access.prefix, ...leb(access.code)]
    const memarg = named ? [align | 0x40, 0x80, 0, 0xc0, 0] : [align, 0xc0, 0]
    const operands = access.operands.flatMap((type) => ZERO[type] as number[])
    const drop = access.result === EMPTY ? [] : [0x1a]
    return module(
      section(1, [0x60, 1, I32, 0]),
      section(3, 0),
      section(5, [3, 1, 1]),
      section(7, ['run', 0, 0]),
      section(
        10,
        body([], 0x20, 0, ...operands, ...code, ...memarg, ...(access.lane ? [0] : []), ...drop),
      ),
    )
  }

  test('does what it does without', () => {
    let seen = 0
    const fake = new FakeKernel()
    for (const access of ACCESSES) {
      const named = source(access, true)
      if (!WebAssembly.validate(named)) continue
      seen++
      const [one, two] = [named, source(access, false)].map((bytes) => {
        fake.forget()
        fake.map(WINDOW, 3)
        const made = fake.link(instrument(bytes, { backEnd, kernelMemory: FAKE_MEMORY }))
        const { run } = made.instance.exports as unknown as Calls
        run?.(0)
        run?.(WINDOW)
        return [...new Uint8Array(made.memory.buffer.slice(0, 256)), ...fake.read(WINDOW, 256)]
      })
      expect(one, access.name).toEqual(two)
    }
    expect(seen === 0 || seen === ACCESSES.length).toBe(true)
  })
})

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >>> 7]
}

describe('what stands in the index spaces', () => {
  /** Two tables and a global of its own, segments of each kind, and calls through all of them. */
  const source = module(
    section(1, ONE, NOTHING),
    section(2, ['host', 'add', 0, 0], ['host', 'mul', 0, 0]),
    section(3, 0, 0, 0, 1),
    section(4, [0x70, 0, 4], [0x70, 0, 8]),
    section(5, [1, 1, 2]),
    section(6, [I32, 1, 0x41, 5, 0x0b], [0x70, 1, 0xd2, 1, 0x0b]),
    section(7, ['run', 0, 3], ['host', 0, 0], ['start', 0, 5], ['last', 3, 0]),
    bytesOf(8, 1, 5),
    section(
      9,
      [0, 0x41, 0, 0x0b, 2, 0, 1],
      [1, 0, 2, 2, 0],
      [3, 0, 1, 1],
      [2, 1, 0x41, 6, 0x0b, 0, 2, 1, 2],
    ),
    section(
      10,
      body([], 0x20, 0, 0x41, 1, 0x6a),
      // table.init 1, table.copy, table.grow and table.set of the second table, then a call through each entry and the global's.
      body(
        [],
        ...[0x41, 0, 0x41, 0, 0x41, 2, 0xfc, 12, 1, 1],
        ...[0x41, 2, 0x41, 0, 0x41, 2, 0xfc, 14, 1, 0],
        ...[0xd2, 0, 0x41, 3, 0xfc, 15, 1, 0x1a],
        ...[0x41, 10, 0x23, 1, 0x26, 1],
        ...[0, 1, 2, 3, 6, 7, 8, 9, 10].flatMap((i) => [0x20, 0, 0x41, i, 0x11, 0, 1, 0x21, 0]),
        ...[0x20, 0, 0x41, 0, 0x11, 0, 0, 0x41, 1, 0x11, 0, 0],
        ...[0x23, 0, 0x6a, 0x24, 0, 0x23, 0],
      ),
      body([], 0x20, 0),
      body([]),
    ),
  )

  test.each(
    BACK_ENDS,
  )('stays the module’s own: tables, segments, globals, on the %s back end', (backEnd) => {
    const host = { add: (value: number) => value + 3, mul: (value: number) => value * 3 }
    expect(WebAssembly.validate(source)).toBe(true)
    const plain = new WebAssembly.Instance(new WebAssembly.Module(source), { host })
    const fake = new FakeKernel()
    const made = fake.link(instrument(source, { backEnd, kernelMemory: FAKE_MEMORY }), { host })
    const results = [plain, made.instance].map(({ exports }) => {
      const { run, host, last } = exports as unknown as Calls & { last: WebAssembly.Global }
      return [run?.(1), run?.(2), host?.(4), last.value]
    })
    expect(results[1]).toEqual(results[0])
    expect((made.instance.exports['isopage:context'] as WebAssembly.Global).value).toBe(0x2000)
    expect((made.instance.exports['isopage:table'] as WebAssembly.Table).length).toBe(16)
  })

  test('cannot name what the rewriter appends', () => {
    const wrong = [
      [0x41, 0, 0x11, 1, 0], // call_indirect of a table that the module does not have
      [0x23, 0, 0x1a], // a global
      [0x10, 1], // a function
      [0x3f, 1, 0x1a], // a memory
      [0x41, 0, 0x28, 0x42, 1, 0, 0x1a], // a load of memory 1
      [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 1, 0], // a copy to memory 1
    ]
    for (const code of wrong) {
      const source = module(
        section(1, ONE, NOTHING),
        section(3, 1),
        section(5, [1, 1, 1]),
        section(10, body([], ...code)),
      )
      expect(() => instrument(source), code.join()).toThrow(WebAssembly.CompileError)
    }
  })
})

describe('numbers in sections that no engine reads', () => {
  const plain = (...sections: Part[]) =>
    module(
      section(1, ONE),
      section(3, 0),
      section(5, [1, 1, 1]),
      section(7, ['run', 0, 0]),
      ...sections,
      section(10, body([], 0x20, 0, 0x28, 2, 0)),
    )
  const huge = wide(0xffff_ffff)

  test.each([
    ['names of 4 GiB', custom('name', 1, huge, 1, 0, 'f')],
    ['4,294,967,295 names', custom('name', 1, 6, huge, 0)],
    ['names that end in their middle', custom('name', 1, 2, 0xff, 0xff)],
    ['a part without its size', custom('name', 1)],
    [
      '4,294,967,295 functions with hints',
      custom('metadata.code.branch_hint', huge, 0, 1, 0, 1, 1),
    ],
    ['4,294,967,295 hints', custom('metadata.code.branch_hint', 1, 0, huge, 0, 1, 1)],
    ['hints of other sizes', custom('metadata.code.branch_hint', 1, 0, 1, 2, huge, 1)],
    ['hints that go backwards', custom('metadata.code.branch_hint', 1, 0, 2, 9, 1, 1, 2, 1, 7)],
    ['hints for functions there are not', custom('metadata.code.branch_hint', 1, huge, 1, 2, 1, 1)],
  ])('make nothing as large as they are: %s', (_, lie) => {
    const source = plain(lie)
    expect(WebAssembly.validate(source)).toBe(true)
    const made = instrument(source, { kernelMemory: FAKE_MEMORY, backEnd: 'accessors' })
    expect(made.length).toBeLessThan(4096)
    const { instance } = new FakeKernel().link(made)
    expect((instance.exports as unknown as Calls).run?.(0)).toBe(0)
  })

  test('are refused by the engine where it reads them', () => {
    for (const id of [1, 2, 3, 4, 6, 7, 9, 10, 11]) {
      const source = module(bytesOf(id, 6, huge, 0))
      expect(() => instrument(source)).toThrow(WebAssembly.CompileError)
    }
  })

  test('are refused in our own terms where only the rewritten module is too large', async () => {
    // An access whose address is in no local needs one more than an engine lets a function have.
    const source = module(
      section(1, NOTHING),
      section(3, 0),
      section(5, [1, 1, 1]),
      section(7, ['_start', 0, 0]),
      section(10, body([[0xd0, 0x86, 3, I32]], 0x20, 0, 0x20, 0, 0x6a, 0x28, 2, 0, 0x1a)),
    )
    expect(WebAssembly.validate(source)).toBe(true)
    const end = await ended(source)
    expect(end).toBeInstanceOf(GuestModuleError)
    expect(end).toMatchObject({ rule: 'too-large' })
  })
})

test('what a program is run from may change while it is prepared: what runs is what was hashed', async () => {
  const bytes = moduleOf({
    memory: { initial: 1 },
    functions: [{ name: '_start', body: () => {} }],
  })
  const digest = crypto.subtle.digest.bind(crypto.subtle)
  const hashed = vi.spyOn(crypto.subtle, 'digest').mockImplementation((...args) => {
    const made = digest(...args)
    bytes.fill(0)
    return made
  })
  expect(await ended(bytes)).toEqual({ status: 0 })
  expect(hashed).toHaveBeenCalledOnce()
  hashed.mockRestore()
})
