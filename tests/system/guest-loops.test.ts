/**
 * Loops that the rewriter copies, made by hand: each is one whose copy for mapped memory would leave its extent if what is known of its addresses were wrong by a round.
 * Pages lie apart in memory, and whatever is read there besides them is not what the loop should see.
 */
import { expect, test } from 'vitest'
import {
  ADD,
  AND,
  BRANCH_IF,
  type Code,
  EQZ,
  LT_U,
  SHL,
} from '../../dist/src/guest/rewrite/code.js'
import { instrument } from '../../dist/src/guest/rewrite/index.js'
import { EMPTY, I32 } from '../../dist/src/guest/rewrite/opcodes.js'
import { FAKE_MEMORY, FakeKernel, PAGE } from '../support/guest-fake.ts'
import { moduleOf } from '../support/guest-module.ts'

const WINDOW = 0x8100_0000
const READ = 1
const PAGES = 6
const WORDS = (PAGES * PAGE) / 4
const MUL = 0x6c
/** Locals of a loop: where it begins, its rounds, the sum that it gives, the round, the address, and one for its own use. */
const [FIRST, ROUNDS, SUM, ROUND, AT, COUNT] = [0, 1, 2, 3, 4, 5]

/** Adds up words. `tail` is where a round goes on: inside of the loop, whose label is 0 there. */
function walkOf(tail: (code: Code) => void) {
  const kernel = new FakeKernel()
  const words = new Uint32Array(WORDS)
  for (let page = 0; page < PAGES; page++) {
    const bytes = kernel.map(WINDOW + page * PAGE, READ, page)
    const there = new Uint32Array(bytes.buffer, bytes.byteOffset, PAGE / 4)
    for (let i = 0; i < there.length; i++) {
      const value = Math.imul(page * 1024 + i + 1, 2654435761) >>> 0
      words[page * 1024 + i] = value
      there[i] = value
    }
  }
  const body = (code: Code) => {
    code.get(FIRST).set(AT).loop(EMPTY)
    code.get(SUM).get(AT).op(0x28, 2, 0).op(ADD).set(SUM)
    code.get(ROUND).const(1).op(ADD).set(ROUND)
    tail(code)
    code.end().get(SUM)
  }
  const touch = (code: Code) => void code.get(0).op(0x28, 2, 0)
  const bytes = moduleOf({
    memory: { initial: 1 },
    functions: [
      { name: 'walk', params: [I32, I32], locals: [I32, I32, I32, I32], results: [I32], body },
      { name: 'touch', params: [I32], results: [I32], body: touch },
    ],
  })
  const options = { backEnd: 'multi-memory', kernelMemory: FAKE_MEMORY } as const
  const { instance } = kernel.link(instrument(bytes, options))
  const calls = instance.exports as Record<string, (...values: number[]) => number>
  // Copies are entered on pages that are there already.
  for (let page = 0; page < PAGES; page++) calls.touch?.(WINDOW + page * PAGE)
  return {
    kernel,
    words,
    walk: (rounds: number, start = 0) => (calls.walk?.(WINDOW + start, rounds) ?? 0) >>> 0,
  }
}

/** => the sum of the words at the byte offsets from `start` on that `next` gives. */
function sumOf(
  words: Uint32Array,
  rounds: number,
  next: (round: number, at: number) => number,
  start = 0,
) {
  let [sum, at] = [0, start]
  for (let round = 1; round <= rounds; round++) {
    sum = (sum + (words[at >> 2] as number)) >>> 0
    at = next(round, at)
  }
  return sum
}

const again = (code: Code) => void code.get(ROUND).get(ROUNDS).op(LT_U, BRANCH_IF, 0)
const move = (code: Code, by: number) => void code.get(AT).const(by).op(ADD).set(AT)
const nothing = () => {}

for (const stride of [4, 12, 1028, -4]) {
  test(`a stride of ${stride} that leaves each extent in turn sees every page`, () => {
    const { words, walk } = walkOf((code) => {
      move(code, stride)
      again(code)
    })
    const start = stride < 0 ? PAGES * PAGE - 4 : 0
    const rounds = Math.floor((PAGES * PAGE - 4) / Math.abs(stride)) + 1
    expect(walk(rounds, start)).toBe(sumOf(words, rounds, (_, at) => at + stride, start))
  })
}

test('two words of a round may lie on either side of a border', () => {
  const { words, walk } = walkOf((code) => {
    code.get(SUM).get(AT).op(0x28, 2, 8).op(ADD).set(SUM)
    move(code, 4)
    again(code)
  })
  const rounds = WORDS - 2
  const next = (_: number, at: number) => at + 4
  const sum = sumOf(words, rounds, next) + sumOf(words, rounds, next, 8)
  expect(walk(rounds)).toBe(sum >>> 0)
})

test('a loop with two ways back, of different strides, goes by neither alone', () => {
  const { words, walk } = walkOf((code) => {
    move(code, 4)
    code.get(ROUND).const(1).op(AND, BRANCH_IF, 0)
    move(code, 2048)
    again(code)
  })
  const next = (round: number, at: number) => at + (round & 1 ? 4 : 2052)
  expect(walk(20)).toBe(sumOf(words, 20, next))
})

const inFourth = (code: Code) => code.get(ROUND).const(3).op(AND, EQZ)
for (const [way, moves] of [
  [
    'an arm',
    (code: Code) => {
      inFourth(code).if(EMPTY)
      move(code, 2052)
    },
  ],
  [
    'what leaves a block early',
    (code: Code) => {
      move(code.block(EMPTY), 2052)
      inFourth(code).op(BRANCH_IF, 0)
      move(code, -2052)
    },
  ],
] as const) {
  test(`a stride that only ${way} makes is not taken for that of every round`, () => {
    const { words, walk } = walkOf((code) => {
      moves(code)
      again(code.end())
    })
    const next = (round: number, at: number) => at + (round & 3 ? 0 : 2052)
    expect(walk(40)).toBe(sumOf(words, 40, next))
  })
}

for (const [by, stride] of [
  [0x0010_0000, 0],
  [0x0010_0001, 4096],
  [-0x000f_ffff, 4096],
] as const) {
  test(`an address that each round moves by ${by} << 12 moves by ${stride}`, () => {
    const { words, walk } = walkOf((code) => {
      code.get(SUM).get(FIRST).get(COUNT).const(12).op(SHL, ADD, 0x28, 2, 0, ADD).set(SUM)
      code.get(COUNT).const(by).op(ADD).set(COUNT)
      again(code)
    })
    const rounds = stride === 0 ? 20 : PAGES
    const sum = sumOf(words, rounds, (_, at) => at + stride) + rounds * (words[0] as number)
    expect(walk(rounds)).toBe(sum >>> 0)
  })
}

test('a stride is exact where a product of it is larger than a double tells', () => {
  // 1001743172 * 65529 * 65529 is 4, modulo 2^32.
  const { words, walk } = walkOf((code) => {
    code.get(SUM).get(FIRST).get(COUNT).const(65529).one(MUL).const(65529).one(MUL)
    code.op(ADD, 0x28, 2, 0, ADD).set(SUM)
    code.get(COUNT).const(1001743172).op(ADD).set(COUNT)
    again(code)
  })
  const rounds = WORDS - 1
  const sum = sumOf(words, rounds, (_, at) => at + 4) + rounds * (words[0] as number)
  expect(walk(rounds)).toBe(Number(BigInt.asUintN(32, BigInt(sum))))
})

test('an address that jumps is compared in each round', () => {
  const { words, walk } = walkOf((code) => {
    code.get(FIRST).get(ROUND).const(5).op(AND).const(12).op(SHL, ADD)
    code.get(ROUND).const(63).op(AND).const(2).op(SHL, ADD).set(AT)
    again(code)
  })
  const next = (round: number) => ((round & 5) << 12) + ((round & 63) << 2)
  expect(walk(500)).toBe(sumOf(words, 500, next))
})

/** What a round does to its address: a name, the next one, the code. */
const MOVES = [
  [
    'jumps in a page',
    (round: number) => (round & 63) << 2,
    (code: Code) => void code.get(FIRST).get(ROUND).const(63).op(AND).const(2).op(SHL, ADD).set(AT),
  ],
  ['stays', (_: number, at: number) => at, nothing],
  ['moves on', (_: number, at: number) => at + 4, (code: Code) => move(code, 4)],
] as const

for (const [name, next, tail] of MOVES) {
  test(`an address that ${name} is looked up anew behind a poll that called the kernel`, () => {
    const { kernel, words, walk } = walkOf((code) => {
      tail(code)
      again(code)
    })
    kernel.moves = true
    kernel.attention(true)
    kernel.pollsMax = 100_000
    expect(walk(6000)).toBe(sumOf(words, 6000, next))
    expect(kernel.polls).toBeGreaterThan(1)
  })

  test(`a loop whose address ${name} goes on while the kernel wants every poll`, () => {
    const { kernel, words, walk } = walkOf((code) => {
      tail(code)
      again(code)
    })
    kernel.attention(true)
    kernel.pollsMax = 100_000
    expect(walk(6000)).toBe(sumOf(words, 6000, next))
  })
}

const XOR = 0x73
const KEY = 0x5a5a_0000 | 0
/** The word that comes behind word `at`: any page follows any, and few are beside each other. */
const behind = (at: number) => (at * 1733 + 7) % WORDS

/** Follows pointers that the words are, from one to the next, two a round, or words that are a pointer under KEY. */
function chaseOf(hidden: boolean) {
  const kernel = new FakeKernel()
  for (let page = 0; page < PAGES; page++) {
    const bytes = kernel.map(WINDOW + page * PAGE, READ, page === 3 ? 1 : 0)
    const there = new Int32Array(bytes.buffer, bytes.byteOffset, PAGE / 4)
    for (let i = 0; i < there.length; i++) {
      there[i] = (WINDOW + behind(page * 1024 + i) * 4) ^ (hidden ? KEY : 0)
    }
  }
  const body = (code: Code) => {
    code.get(FIRST).set(AT).loop(EMPTY)
    for (let i = 0; i < 2; i++) {
      code.get(AT)
      if (hidden) code.const(KEY).one(XOR)
      code.op(0x28, 2, 0).set(AT).get(SUM).get(AT).op(ADD).set(SUM)
    }
    code.get(ROUND).const(1).op(ADD).set(ROUND)
    again(code)
    code.end().get(SUM)
  }
  const walk = {
    name: 'walk',
    params: [I32, I32],
    locals: [I32, I32, I32, I32],
    results: [I32],
    body,
  }
  const bytes = moduleOf({ memory: { initial: 1 }, functions: [walk] })
  const options = { backEnd: 'multi-memory', kernelMemory: FAKE_MEMORY } as const
  const { instance } = kernel.link(instrument(bytes, options))
  const call = instance.exports.walk as (first: number, rounds: number) => number
  const key = hidden ? KEY : 0
  const expected = (rounds: number) => {
    let [sum, at] = [0, 0]
    for (let step = 0; step < rounds * 2; step++) {
      at = behind(at)
      sum = (sum + ((WINDOW + at * 4) ^ key)) >>> 0
    }
    return sum
  }
  return { kernel, expected, chase: (rounds: number) => call(WINDOW ^ key, rounds) >>> 0 }
}

for (const [name, hidden] of [
  ['pointers', false],
  ['pointers under a key', true],
] as const) {
  test(`${name} are followed from page to page`, () => {
    const { kernel, expected, chase } = chaseOf(hidden)
    for (const rounds of [1, 255, 3000]) expect(chase(rounds)).toBe(expected(rounds))
    expect(kernel.faults).toBeLessThan(600)
  })

  test(`${name} are followed behind polls that called the kernel`, () => {
    const { kernel, expected, chase } = chaseOf(hidden)
    kernel.moves = true
    kernel.attention(true)
    kernel.pollsMax = 100_000
    expect(chase(6000)).toBe(expected(6000))
    expect(kernel.polls).toBeGreaterThan(1)
  })

  test(`${name} are followed behind faults in which pages moved`, () => {
    const { kernel, expected, chase } = chaseOf(hidden)
    for (const movesAt of [1, 2, 7]) {
      kernel.movesAt = movesAt
      expect(chase(3000)).toBe(expected(3000))
    }
  })
}
