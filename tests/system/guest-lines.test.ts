/** What a fault says of the source: where rewritten code came from, and the lines of debug information. */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Line, lineAt } from '../../dist/src/guest/lines.js'
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'
import { DROP, EQ } from '../../dist/src/guest/rewrite/code.js'
import { instrument } from '../../dist/src/guest/rewrite/index.js'
import { CODE, decode, sectionsOf } from '../../dist/src/guest/rewrite/module.js'
import { EMPTY, I32 } from '../../dist/src/guest/rewrite/opcodes.js'
import { originOf, stretchesOf, writeOrigins } from '../../dist/src/guest/rewrite/origins.js'
import { ORIGINS } from '../../dist/src/guest/rewrite/seam.js'
import { boot, type Kernel } from '../../dist/src/index.js'
import { effort, seedOf } from '../support/effort.ts'
import { emit } from '../support/guest-emit.ts'
import { moduleOf } from '../support/guest-module.ts'
import { program } from '../support/guest-program.ts'

const BACK_ENDS = ['multi-memory', 'accessors'] as const
const LINE_SECTION = '.debug_line'
/** JavaScriptCore tells no offsets. */
const tellsOffsets = !('Bun' in globalThis)
const hasBoth = !('Deno' in globalThis || 'Bun' in globalThis || 'window' in globalThis)
const FIRST_LINE = 1000

describe('where rewritten code came from', () => {
  test('stretches are read as they were written', () => {
    const stretch = fc.record({
      gap: fc.nat(300),
      from: fc.integer({ min: 50, max: 70_000 }),
      length: fc.nat(300),
    })
    const property = fc.property(fc.array(stretch, { minLength: 1, maxLength: 40 }), (list) => {
      let end = 0
      const stretches = list.flatMap(({ gap, from, length }) => {
        const at = end + gap
        end = at + length
        return [at, from, from + length]
      })
      const section = writeOrigins(stretches, 777, 50).take()
      expect(originOf(section, 776)).toBeUndefined()
      expect(originOf(section, 777 + end)).toBeUndefined()
      for (let i = 0; i < stretches.length; i += 3) {
        const [at, from, to] = stretches.slice(i, i + 3) as [number, number, number]
        for (const byte of to > from ? [0, to - from - 1] : []) {
          expect(originOf(section, 777 + at + byte)).toBe(from - 50 + byte)
        }
        // What was put in behind it belongs to the instruction that follows it in the module.
        const next = stretches[i + 3]
        if (next !== undefined && next > at + to - from && at + to > from) {
          expect(originOf(section, 777 + at + to - from)).toBe(to - 50)
        }
      }
    })
    fc.assert(property, { seed: seedOf(), numRuns: effort(1000) })
  })

  test.each(BACK_ENDS)('the bytes there are those of the module: %s', (backEnd) => {
    const property = fc.property(program, (sample) => {
      const bytes = withCustom(emit(sample, false).bytes, LINE_SECTION, Uint8Array.of(0))
      const made = instrument(bytes, { backEnd, kernelMemory: { initial: 256, maximum: 256 } })
      const section = sectionsOf(made).find(({ name }) => name === ORIGINS)
      const origins = made.subarray(section?.contents, section?.end)
      const { bodies } = decode(bytes)
      const { start } = codeOf(bytes)
      const { end } = codeOf(made)
      const met = new Set<number>()
      for (const [at, from, count] of stretchesOf(origins)) {
        expect(at + count).toBeLessThanOrEqual(end)
        const [there, here] = [made.subarray(at, at + count), bytes.subarray(start + from)]
        expect(there).toEqual(here.subarray(0, count))
        for (let i = 0; i < count; i++) met.add(from + i)
      }
      // The `end` of each body is somewhere.
      const ends = bodies.filter((_, i) => i % 2 === 1).map((end) => end - 1 - start)
      expect(ends.filter((end) => !met.has(end))).toEqual([])
    })
    fc.assert(property, { seed: seedOf(), numRuns: effort(200) })
  })

  test('a module without lines has none of it', () => {
    const bytes = moduleOf({ functions: [{ name: 'f', body: () => {} }] })
    const made = instrument(bytes, { kernelMemory: { initial: 256, maximum: 256 } })
    expect(sectionsOf(made).some(({ name }) => name === ORIGINS)).toBe(false)
  })

  test('a module that brings such a section is refused', () => {
    const bytes = withCustom(moduleOf({ functions: [] }), ORIGINS, Uint8Array.of(0))
    expect(() => instrument(bytes)).toThrow('rewritten already')
  })
})

describe('lines of debug information', () => {
  const rows = [
    { address: 10, line: 5 },
    { address: 11, line: 7 },
    { address: 300, line: 3 },
    { address: 70_000, line: 900 },
  ]
  const lines: [address: number, line: Line | undefined][] = [
    [9, undefined],
    [10, { file: 'main.c', line: 5 }],
    [299, { file: 'main.c', line: 7 }],
    [300, { file: 'main.c', line: 3 }],
    [70_009, { file: 'main.c', line: 900 }],
    [70_010, undefined],
  ]
  test.each([2, 3, 4, 5])('version %i', (version) => {
    const table = lineTable(version, ['main.c'], [{ rows, end: 70_010 }])
    for (const [address, line] of lines) {
      expect(lineAt(sectionsWith(table), address), `at ${address}`).toEqual(line)
    }
  })

  test('several units, sequences in any order, files in directories', () => {
    const first = lineTable(4, ['one.c'], [{ rows: [{ address: 500, line: 1 }], end: 510 }])
    const second = lineTable(
      4,
      ['two.c', 'include/three.h'],
      [
        { rows: [{ address: 90, line: 20, file: 2 }], end: 99 },
        { rows: [{ address: 20, line: 8 }], end: 90 },
      ],
    )
    const both = sectionsWith(Uint8Array.of(...first, ...second))
    expect(lineAt(both, 505)).toEqual({ file: 'one.c', line: 1 })
    expect(lineAt(both, 95)).toEqual({ file: 'include/three.h', line: 20 })
    expect(lineAt(both, 89)).toEqual({ file: 'two.c', line: 8 })
    expect(lineAt(both, 99)).toBeUndefined()
  })

  test('line 0 is of no line', () => {
    const table = lineTable(4, ['a.c'], [{ rows: [{ address: 5, line: 0 }], end: 9 }])
    expect(lineAt(sectionsWith(table), 5)).toBeUndefined()
  })

  test('what is malformed has no line, and takes no time and no room', () => {
    const whole = lineTable(5, ['main.c'], [{ rows, end: 70_010 }])
    const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) })
    const property = fc.property(
      fc.array(change, { maxLength: 6 }),
      fc.nat(whole.length),
      fc.uint8Array({ maxLength: 200 }),
      (changes, cut, rest) => {
        const bytes = whole.slice()
        for (const { at, to } of changes) bytes[at] = to
        const found = lineAt(sectionsWith(Uint8Array.of(...bytes.subarray(0, cut), ...rest)), 300)
        if (found) expect(found.line).toBeGreaterThan(0)
      },
    )
    fc.assert(property, { seed: seedOf(), numRuns: effort(20_000) })
    // Four billion entries of no bytes each, or of the same long string.
    const many = new Writer()
    many.list([5, 0, 4, 0, 0xff, 0, 0, 0, 1, 1, 1, 0xfb, 14, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f])
    const unit = Uint8Array.of(many.length, 0, 0, 0, ...many.take())
    expect(lineAt(sectionsWith(unit), 300)).toBeUndefined()
  })
})

/** What fails. */
const LOAD = [0x28, 2, 16]
/** => a module with lines whose export `entry` fails. */
const faulting = (entry: string) => withLines(faultingFunctions(entry))
const faultingFunctions = (entry: string) =>
  moduleOf({
    memory: { initial: 1 },
    functions: [
      {
        params: [I32],
        results: [I32],
        // Comes back to itself, so that it polls before its first instruction.
        body: (code) =>
          void code
            .get(0)
            .const(64)
            .op(EQ)
            .if(EMPTY)
            .const(80)
            .call(0)
            .op(DROP)
            .end()
            .get(0)
            .op(...LOAD),
      },
      {
        name: entry,
        locals: [I32],
        // Loads of private memory first, so that what is tried has something around it.
        body: (code) =>
          void code
            .const(64)
            .call(0)
            .set(0)
            .const(0x9000_0000 | 0)
            .call(0)
            .set(0),
      },
    ],
  })

/** => how a text ends that names the line of LOAD in `bytes`. */
const lineOfLoad = (bytes: Uint8Array) => {
  const { start } = codeOf(bytes)
  const at = bytes.findIndex((_, i) => i >= start && LOAD.every((byte, j) => bytes[i + j] === byte))
  return ` at every/byte.c:${FIRST_LINE + at - start}`
}

describe('a fault names the line', () => {
  let kernel: Kernel
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
  })
  afterAll(async () => {
    kernel.check()
    await kernel.close()
  })

  test.each(BACK_ENDS)('of a program: %s', async (backEnd) => {
    const bytes = faulting('_start')
    let err = ''
    const guest = await kernel.run(bytes, {
      args: ['test'],
      ...(hasBoth ? { backEnd } : {}),
      cache: false,
      stderr: (chunk: Uint8Array) => {
        err += new TextDecoder().decode(chunk.slice())
      },
    })
    expect(await guest.exited).toEqual({ status: 139, signal: 'SIGSEGV' })
    expect(err).toContain('isopage: test: SIGSEGV at 0x90000010, not mapped')
    if (tellsOffsets) expect(err.trimEnd().endsWith(lineOfLoad(bytes))).toBe(true)
  })

  test.each(
    BACK_ENDS,
  )('without names and lines, by the number of the function: %s', async (back) => {
    const how = hasBoth ? { backEnd: back } : {}
    using plugin = await kernel.load(faultingFunctions('go'), { cache: false, ...how })
    const error = thrownBy(() => plugin.exports.go?.())
    const where = tellsOffsets ? ', in function 0' : ''
    expect(error.message).toBe(`SIGSEGV: an access failed${where}`)
  })

  test.each(BACK_ENDS)('of a plugin: %s', async (backEnd) => {
    const bytes = faulting('go')
    const process = kernel.process()
    const how = hasBoth ? { backEnd } : {}
    using plugin = await kernel.load(bytes, { process, cache: false, ...how })
    const error = thrownBy(() => plugin.exports.go?.())
    expect(error).toMatchObject({ code: 'SIGSEGV', address: 0x9000_0010 })
    if (tellsOffsets) expect(error.message.endsWith(lineOfLoad(bytes))).toBe(true)
    process.exit()
  })
})

/** One function, a frame each: bytes with a line of its own for each byte of the code. */
function withLines(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { start, end } = codeOf(bytes)
  const rows = Array.from({ length: end - start }, (_, i) => ({ address: i, line: FIRST_LINE + i }))
  return withCustom(
    bytes,
    LINE_SECTION,
    lineTable(4, ['every/byte.c'], [{ rows, end: end - start }]),
  )
}

function thrownBy(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** => where the contents of the code section stand. */
function codeOf(bytes: Uint8Array): { start: number; end: number } {
  return sectionsOf(bytes).find(({ id }) => id === CODE) as { start: number; end: number }
}

function withCustom(
  bytes: Uint8Array,
  name: string,
  contents: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const inner = new Writer()
  inner.name(name)
  inner.copy(contents, 0, contents.length)
  const out = new Writer()
  out.copy(bytes, 0, bytes.length)
  out.byte(0)
  out.u32(inner.length)
  out.write(inner)
  return out.take()
}

const STRINGS = new TextEncoder().encode('compiled/in\0')

function sectionsWith(line: Uint8Array) {
  return { line, strings: new Uint8Array(), lineStrings: STRINGS }
}

interface Sequence {
  readonly rows: readonly { address: number; line: number; file?: number }[]
  readonly end: number
}

const OPCODE_BASE = 13
const LINE_BASE = -5
const LINE_RANGE = 14

/** => one unit of `.debug_line`. `files`: paths, at most one directory deep. */
function lineTable(
  version: number,
  files: readonly string[],
  sequences: readonly Sequence[],
): Uint8Array<ArrayBuffer> {
  const header = new Writer()
  header.list([1, ...(version >= 4 ? [1] : []), 1, LINE_BASE & 255, LINE_RANGE, OPCODE_BASE])
  header.list([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
  const split = files.map((path) => path.split('/').reverse() as [name: string, directory?: string])
  const directories = [...new Set(split.flatMap(([, directory]) => directory ?? []))]
  const number = (directory?: string) => (directory ? directories.indexOf(directory) + 1 : 0)
  const text = (words: string) => header.list([...new TextEncoder().encode(words), 0])
  if (version < 5) {
    for (const directory of directories) text(directory)
    header.byte(0)
    for (const [name, directory] of split) {
      text(name)
      header.list([number(directory), 0, 0])
    }
    header.byte(0)
  } else {
    // Directories by .debug_line_str, then in place; files with a checksum. File 0 is the unit's own, as clang writes it.
    header.list([1, 1, 0x1f, 1, 0, 0, 0, 0])
    header.list([3, 1, 0x08, 2, 0x0b, 5, 0x1e, files.length + 1])
    for (const [name] of [['unit.c'], ...split] as [string][]) {
      text(name)
      header.list([0, ...new Array<number>(16).fill(7)])
    }
  }
  const rows = new Writer()
  for (const sequence of sequences) writeSequence(rows, sequence)
  const unit = new Writer()
  unit.list([version, 0, ...(version === 5 ? [4, 0] : [])])
  word(unit, header.length)
  unit.write(header)
  unit.write(rows)
  const out = new Writer()
  word(out, unit.length)
  out.write(unit)
  return out.take()
}

function word(out: Writer, value: number): void {
  out.list([value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255])
}

/** Rows by special opcodes where they can, by the standard ones elsewhere. */
function writeSequence(out: Writer, { rows, end }: Sequence): void {
  let [address, line] = [rows[0]?.address ?? 0, 1]
  out.list([0, 5, 2])
  word(out, address)
  for (const row of rows) {
    if (row.file !== undefined) out.list([4, row.file])
    const [steps, lines] = [row.address - address, row.line - line]
    const special = lines - LINE_BASE + LINE_RANGE * steps + OPCODE_BASE
    const isSpecial = lines >= LINE_BASE && lines < LINE_BASE + LINE_RANGE && special <= 255
    if (isSpecial) out.byte(special)
    else {
      // A column, a statement's begin and an address by const_add_pc must not matter.
      out.list([5, 3, 6])
      out.byte(2)
      out.u32(steps)
      out.byte(3)
      out.s32(lines)
      out.byte(1)
    }
    ;[address, line] = [row.address, row.line]
  }
  out.byte(2)
  out.u32(end - address)
  out.list([0, 1, 1])
}
