/**
 * A guest made by hand: what a rewritten module does to reach the window, and no more. Its one memory is the kernel's, so it runs in every engine.
 *
 *   stir(base, bytes, seed, rounds) => 0, or the address of a word that was neither 0 nor its own address + 1: loads and stores such words at random,
 *                                     polls once in 8192
 *   count(base, bytes, rounds)         stores the round to each eighth word, round by round; polls once in 512 stores, to be caught between two
 *
 * An access looks at its extent register, then at the page table (but for one in 4096), then it faults.
 */
import * as abi from '../../dist/assembly/abi.js'

const I32 = 0x7f
const EMPTY = 0x40
const GET = 0x20
const SET = 0x21
const TEE = 0x22
const GLOBAL = 0x23
const SET_GLOBAL = 0x24
const LOAD = 0x28
const STORE = 0x36
const CONST = 0x41
const EQ = 0x46
const NE = 0x47
const LT_U = 0x49
const ADD = 0x6a
const SUB = 0x6b
const MUL = 0x6c
const AND = 0x71
const OR = 0x72
const SHL = 0x74
const SHR_U = 0x76
const IF = 0x04
const LOOP = 0x03
const BLOCK = 0x02
const END = 0x0b
const BR = 0x0c
const BR_IF = 0x0d
const CALL = 0x10
const RETURN = 0x0f
const EQZ = 0x45

/** Functions: two that are imported, then these. */
const FAULT = 0
const POLL = 1
const DROP = 2
const PLACE = 3
/** Globals: the context, the generation that is remembered, a tick; a register for loads and one for stores (start, length, delta). */
const CONTEXT = 0
const GENERATION = 1
const TICK = 2
const LOADS = 3
const STORES = 6

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let left = value >>> 0
  do {
    bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>>= 7
  } while (left !== 0)
  return bytes
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let left = value | 0
  for (;;) {
    const byte = left & 0x7f
    left >>= 7
    if ((left === 0 && (byte & 0x40) === 0) || (left === -1 && (byte & 0x40) !== 0)) {
      return [...bytes, byte]
    }
    bytes.push(byte | 0x80)
  }
}

const text = (value: string) => [value.length, ...[...value].map((c) => c.charCodeAt(0))]
const vector = (items: number[][]) => [...unsigned(items.length), ...items.flat()]
const section = (id: number, items: number[][]) => {
  const body = vector(items)
  return [id, ...unsigned(body.length), ...body]
}
const num = (value: number) => [CONST, ...signed(value)]
const load = (offset = 0) => [LOAD, 2, ...unsigned(offset)]
const fromContext = (offset: number) => [GLOBAL, CONTEXT, ...load(offset)]

/** Both registers hold nothing, and the generation is the context's. */
const drop = [
  ...[LOADS + 1, STORES + 1].flatMap((length) => [...num(0), SET_GLOBAL, length]),
  ...fromContext(abi.CONTEXT_GENERATION),
  SET_GLOBAL,
  GENERATION,
]

/** (address, write) => kernel address; local 2: a table, an entry. */
function placeBody(): number[] {
  const hit = (register: number) => [
    ...[GET, 0, GLOBAL, register, SUB, GLOBAL, register + 1, LT_U, IF, EMPTY],
    ...[GET, 0, GLOBAL, register + 2, ADD, RETURN, END],
  ]
  const fill = (register: number) =>
    [abi.CONTEXT_START, abi.CONTEXT_LENGTH, abi.CONTEXT_DELTA].flatMap((offset, i) => [
      ...fromContext(offset),
      ...[SET_GLOBAL, register + i],
    ])
  const slot = (shift: number) => [
    ...[GET, 0, ...num(shift), SHR_U, ...num(1023), AND],
    ...[...num(2), SHL, GET, 2, ADD, ...load(), TEE, 2],
  ]
  return [
    ...[GET, 1, IF, EMPTY, ...hit(STORES), 0x05, ...hit(LOADS), END],
    ...[GLOBAL, TICK, ...num(1), ADD, SET_GLOBAL, TICK],
    ...[BLOCK, EMPTY, GLOBAL, TICK, ...num(4095), AND, EQZ, BR_IF, 0],
    ...[...fromContext(abi.CONTEXT_DIRECTORY), TEE, 2, EQZ, BR_IF, 0],
    ...[...slot(22), EQZ, BR_IF, 0, ...slot(12)],
    ...[...num(1), GET, 1, ADD, AND, EQZ, BR_IF, 0],
    ...[GET, 2, ...num(-4096), AND, GET, 0, ...num(4095), AND, OR, RETURN, END],
    ...[GLOBAL, CONTEXT, GET, 0, ...num(4), GET, 1, CALL, FAULT, SET, 2],
    ...[...fromContext(abi.CONTEXT_GENERATION), GLOBAL, GENERATION, NE, IF, EMPTY, CALL, DROP, END],
    ...[GET, 1, IF, EMPTY, ...fill(STORES), 0x05, ...fill(LOADS), END],
    ...[GET, 2],
  ]
}

const poll = [
  ...[...num(abi.ATTENTION), ...load(), IF, EMPTY],
  ...[GLOBAL, CONTEXT, CALL, POLL, CALL, DROP, END],
]

/** (base, bytes, seed, rounds); locals 4: address, 5: value. */
const stir = [
  ...[CALL, DROP, LOOP, EMPTY],
  ...[GET, 2, ...num(1664525), MUL, ...num(1013904223), ADD, SET, 2],
  ...[GET, 2, ...num(8), SHR_U, GET, 1, ...num(1), SUB, AND, ...num(-4), AND],
  ...[GET, 0, ADD, SET, 4],
  ...[GET, 4, ...num(0), CALL, PLACE, ...load(), TEE, 5],
  ...[IF, EMPTY, GET, 5, GET, 4, ...num(1), ADD, NE, IF, EMPTY, GET, 4, RETURN, END, END],
  ...[GET, 4, ...num(1), CALL, PLACE, GET, 4, ...num(1), ADD, STORE, 2, 0],
  ...[GET, 3, ...num(8191), AND, EQZ, IF, EMPTY, ...poll, END],
  ...[GET, 3, ...num(1), SUB, TEE, 3, BR_IF, 0, END, ...num(0)],
]

/** (base, bytes, rounds); locals 3: round, 4: offset. */
const count = [
  ...[CALL, DROP, ...num(1), SET, 3, LOOP, EMPTY, ...num(0), SET, 4, LOOP, EMPTY],
  ...[GET, 0, GET, 4, ADD, ...num(1), CALL, PLACE, GET, 3, STORE, 2, 0],
  ...[GET, 4, ...num(16383), AND, EQZ, IF, EMPTY, ...poll, END],
  ...[GET, 4, ...num(32), ADD, TEE, 4, GET, 1, LT_U, BR_IF, 0, END],
  ...[GET, 3, GET, 2, EQ, EQZ, IF, EMPTY, GET, 3, ...num(1), ADD, SET, 3, BR, 1, END, END],
]

const body = (locals: number, code: number[]) => {
  const bytes = [...(locals ? [1, locals, I32] : [0]), ...code, END]
  return [...unsigned(bytes.length), ...bytes]
}

/** => the module's bytes; it imports `k.memory` of so many pages, `k.guest_fault`, `k.guest_poll`, and exports `stir`, `count`, `context`. */
export function handMadeGuest(memoryPages: number): Uint8Array<ArrayBuffer> {
  const type = (params: number, results: number) => [
    ...[0x60, params, ...Array<number>(params).fill(I32)],
    ...[results, ...Array<number>(results).fill(I32)],
  ]
  const memory = [...text('k'), ...text('memory'), 2, 3, ...unsigned(memoryPages)]
  const kernel = (name: string, index: number) => [...text('k'), ...text(name), 0, index]
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type(4, 1), type(1, 0), type(0, 0), type(2, 1), type(4, 1), type(3, 0)]),
    ...section(2, [
      [...memory, ...unsigned(memoryPages)],
      kernel('guest_fault', 0),
      kernel('guest_poll', 1),
    ]),
    ...section(3, [[2], [3], [4], [5]]),
    ...section(
      6,
      Array.from({ length: 9 }, () => [I32, 1, CONST, 0, END]),
    ),
    ...section(7, [
      [...text('stir'), 0, 4],
      [...text('count'), 0, 5],
      [...text('context'), 3, CONTEXT],
    ]),
    ...section(10, [body(0, drop), body(1, placeBody()), body(2, stir), body(2, count)]),
  ])
}
