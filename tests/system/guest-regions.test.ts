/**
 * Runs of statements that the rewriter copies, made by hand: each is one whose copy for private memory would be entered with an address of the window if what
 * is known of its addresses were wrong.
 */
import { expect, test } from 'vitest'
import { ADD, AND, BRANCH_IF, type Code } from '../../dist/src/guest/rewrite/code.js'
import { instrument } from '../../dist/src/guest/rewrite/index.js'
import { EMPTY, I32 } from '../../dist/src/guest/rewrite/opcodes.js'
import { FAKE_MEMORY, FakeKernel, PAGE } from '../support/guest-fake.ts'
import { moduleOf } from '../support/guest-module.ts'

const WINDOW = 0x8100_0000
const READ = 1
const [A, B, COPY, SUM] = [0, 1, 2, 3]
const BACK_ENDS = ['multi-memory', 'accessors'] as const

/** A function of two pointers that gives `SUM`. Words of private memory are their address, those of the page in the window theirs. */
function sumOf(backEnd: (typeof BACK_ENDS)[number], write: (code: Code) => void) {
  const kernel = new FakeKernel()
  const page = kernel.map(WINDOW, READ)
  const words = new Uint32Array(page.buffer, page.byteOffset, PAGE / 4)
  words.forEach((_, i) => {
    words[i] = WINDOW + i * 4
  })
  const body = (code: Code) => {
    write(code)
    code.get(SUM)
  }
  const shape = { params: [I32, I32], locals: [I32, I32], results: [I32] }
  const bytes = moduleOf({
    memory: { initial: 1 },
    functions: [{ name: 'sum', ...shape, body }],
  })
  const made = instrument(bytes, { backEnd, kernelMemory: FAKE_MEMORY })
  const { instance, memory } = kernel.link(made)
  const own = new Uint32Array(memory.buffer)
  for (let i = 0; i < PAGE / 4; i++) own[i] = i * 4
  const { sum } = instance.exports as unknown as { sum(a: number, b: number): number }
  return { sum: (a: number, b: number) => sum(a, b) >>> 0 }
}

/** Adds the words at `offsets` from a pointer to the sum. */
function add(code: Code, pointer: number, ...offsets: number[]): void {
  for (const offset of offsets) {
    code.get(SUM).get(pointer).op(0x28, 2, offset).one(ADD).set(SUM)
  }
}

/** What lies behind it is another run: statements with a loop are in none. */
function apart(code: Code): void {
  code.loop(EMPTY).const(0).op(BRANCH_IF, 0).end()
}

const total = (base: number, ...offsets: number[]) =>
  offsets.reduce((sum, offset) => (sum + base + offset) >>> 0, 0)
const NEAR = [0, 4, 8, 12]
const TWICE = [...NEAR, ...NEAR]

describeBoth('a pointer is asked about by a local that holds it still', (backEnd) => {
  const { sum } = sumOf(backEnd, (code) => {
    code.get(A).set(COPY).get(B).set(COPY)
    apart(code)
    add(code, A, ...NEAR)
  })
  expect(sum(WINDOW, 64)).toBe(total(WINDOW, ...NEAR))
  expect(sum(64, WINDOW)).toBe(total(64, ...NEAR))
})

describeBoth('a pointer that an arm has set is another one', (backEnd) => {
  const { sum } = sumOf(backEnd, (code) => {
    add(code, A, ...NEAR)
    code.get(B).const(1).op(AND).if(EMPTY).get(B).const(-2).op(AND).set(A).end()
    add(code, A, ...NEAR)
  })
  expect(sum(64, 128)).toBe(total(64, ...TWICE))
  expect(sum(64, 129)).toBe((total(64, ...NEAR) + total(128, ...NEAR)) >>> 0)
  expect(sum(64, WINDOW + 1)).toBe((total(64, ...NEAR) + total(WINDOW, ...NEAR)) >>> 0)
})

describeBoth('a run that is left in its middle goes on where the module does', (backEnd) => {
  const { sum } = sumOf(backEnd, (code) => {
    code.block(EMPTY).block(EMPTY)
    add(code, A, ...NEAR)
    code.get(B).op(BRANCH_IF, 0)
    add(code, A, ...NEAR)
    code.op(0x0c, 1).end().const(7).get(SUM).one(ADD).set(SUM).end()
  })
  for (const base of [64, WINDOW]) {
    expect(sum(base, 0)).toBe(total(base, ...TWICE))
    expect(sum(base, 1)).toBe((total(base, ...NEAR) + 7) >>> 0)
  }
})

describeBoth('what is far from the pointer that was asked about is asked about too', (backEnd) => {
  const { sum } = sumOf(backEnd, (code) => {
    add(code, A, ...NEAR)
    code.get(A).const(WINDOW).one(ADD).set(COPY)
    add(code, COPY, ...NEAR)
  })
  expect(sum(64, 0)).toBe((total(64, ...NEAR) + total(WINDOW + 64, ...NEAR)) >>> 0)
})

describeBoth('of two pointers in one run each may be of the window', (backEnd) => {
  const { sum } = sumOf(backEnd, (code) => {
    for (const offset of NEAR) {
      add(code, A, offset)
      add(code, B, offset)
    }
  })
  for (const [a, b] of [
    [64, 128],
    [64, WINDOW],
    [WINDOW, 64],
    [WINDOW, WINDOW + 64],
  ] as const) {
    expect(sum(a, b)).toBe((total(a, ...NEAR) + total(b, ...NEAR)) >>> 0)
  }
})

function describeBoth(name: string, body: (backEnd: (typeof BACK_ENDS)[number]) => void): void {
  for (const backEnd of BACK_ENDS) test(`${name}, ${backEnd}`, () => body(backEnd))
}
