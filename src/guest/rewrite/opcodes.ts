/**
 * The instructions of Wasm: what follows each opcode, and which of them touch memory.
 *
 * Invariant: an opcode that is not here stops the rewriter with `unsupported`; nothing is ever copied whose
 * length was guessed.
 */

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
export const EMPTY = 0x40

/** What follows an opcode. */
export const NONE = 0
export const NUMBER = 1
export const NUMBERS = 2
export const BYTES4 = 3
export const BYTES8 = 4
export const BYTES16 = 5
export const LANE = 6
export const MEMARG = 7
/** Read by its own case. */
export const SPECIAL = 8
export const UNKNOWN = 9

export const BLOCK = 0x02
export const LOOP = 0x03
export const IF = 0x04
export const ELSE = 0x05
export const TRY = 0x06
export const CATCH = 0x07
export const END = 0x0b
export const BR_IF = 0x0d
export const BR_TABLE = 0x0e
export const RETURN = 0x0f
export const CALL = 0x10
export const CALL_INDIRECT = 0x11
export const RETURN_CALL = 0x12
export const RETURN_CALL_INDIRECT = 0x13
export const CALL_REF = 0x14
export const RETURN_CALL_REF = 0x15
export const DELEGATE = 0x18
export const CATCH_ALL = 0x19
export const SELECT_TYPES = 0x1c
export const TRY_TABLE = 0x1f
export const REF_FUNC = 0xd2
export const PREFIX_GC = 0xfb
export const PREFIX_MORE = 0xfc
export const PREFIX_SIMD = 0xfd
export const PREFIX_ATOMIC = 0xfe

export const MEMORY_INIT = 8
export const MEMORY_COPY = 10
export const MEMORY_FILL = 11

/** Operands of the opcodes without a prefix. */
export const OPERANDS = plainOperands()

function fill(table: Uint8Array, from: number, to: number, kind: number): void {
  table.fill(kind, from, to + 1)
}

function plainOperands(): Uint8Array {
  const table = new Uint8Array(256).fill(UNKNOWN)
  fill(table, 0x00, 0x01, NONE)
  fill(table, BLOCK, CATCH, SPECIAL)
  fill(table, 0x08, 0x09, NUMBER) // throw, rethrow
  table[0x0a] = NONE // throw_ref
  table[END] = SPECIAL
  fill(table, 0x0c, BR_IF, NUMBER)
  table[BR_TABLE] = SPECIAL
  table[RETURN] = NONE
  fill(table, CALL, RETURN_CALL_INDIRECT, SPECIAL)
  table[CALL_REF] = NUMBER
  fill(table, RETURN_CALL_REF, RETURN_CALL_REF, SPECIAL)
  fill(table, DELEGATE, CATCH_ALL, SPECIAL)
  fill(table, 0x1a, 0x1b, NONE) // drop, select
  table[SELECT_TYPES] = SPECIAL
  table[TRY_TABLE] = SPECIAL
  fill(table, 0x20, 0x26, NUMBER) // locals, globals, table.get, table.set
  fill(table, 0x28, 0x3e, MEMARG)
  fill(table, 0x3f, 0x42, NUMBER) // memory.size, memory.grow, i32.const, i64.const
  table[0x43] = BYTES4
  table[0x44] = BYTES8
  fill(table, 0x45, 0xc4, NONE)
  table[0xd0] = NUMBER // ref.null
  table[0xd1] = NONE // ref.is_null
  table[REF_FUNC] = SPECIAL
  fill(table, 0xd3, 0xd4, NONE) // ref.eq, ref.as_non_null
  fill(table, 0xd5, 0xd6, NUMBER) // br_on_null, br_on_non_null
  fill(table, PREFIX_MORE, PREFIX_ATOMIC, SPECIAL)
  return table
}

/** Operands of what follows PREFIX_MORE: saturating conversion, bulk memory, tables, wide arithmetic. */
export function moreOperands(code: number): number {
  if (code <= 7) return NONE
  if (code === MEMORY_INIT || code === MEMORY_COPY || code === MEMORY_FILL) return SPECIAL
  if (code === 9 || code === 13) return NUMBER // data.drop, elem.drop
  if (code === 12 || code === 14) return NUMBERS // table.init, table.copy
  if (code >= 15 && code <= 17) return NUMBER // table.grow, table.size, table.fill
  return code >= 19 && code <= 22 ? NONE : UNKNOWN
}

/** Operands of what follows PREFIX_SIMD, relaxed SIMD included. */
export function simdOperands(code: number): number {
  if (code <= 11 || (code >= 84 && code <= 93)) return MEMARG
  if (code === 12 || code === 13) return BYTES16 // v128.const, i8x16.shuffle
  if (code >= 21 && code <= 34) return LANE
  return code <= 0x113 ? NONE : UNKNOWN
}

/** One instruction that loads, stores or both: what it takes above its address, and what it leaves. */
export interface Access {
  /** PREFIX_SIMD, PREFIX_ATOMIC, 0 for none. */
  readonly prefix: number
  readonly code: number
  /** Its name in the text format. */
  readonly name: string
  /** How many bytes it touches. */
  readonly bytes: number
  /** Value types above the address. */
  readonly operands: readonly number[]
  /** The type of what it leaves, EMPTY for nothing. */
  readonly result: number
  readonly write: boolean
  readonly atomic: boolean
  /** A lane number follows its memarg. */
  readonly lane: boolean
}

type Row = readonly [name: string, bytes: number, type: number]

const LOADS: readonly Row[] = [
  ['i32.load', 4, I32],
  ['i64.load', 8, I64],
  ['f32.load', 4, F32],
  ['f64.load', 8, F64],
  ['i32.load8_s', 1, I32],
  ['i32.load8_u', 1, I32],
  ['i32.load16_s', 2, I32],
  ['i32.load16_u', 2, I32],
  ['i64.load8_s', 1, I64],
  ['i64.load8_u', 1, I64],
  ['i64.load16_s', 2, I64],
  ['i64.load16_u', 2, I64],
  ['i64.load32_s', 4, I64],
  ['i64.load32_u', 4, I64],
]
const STORES: readonly Row[] = [
  ['i32.store', 4, I32],
  ['i64.store', 8, I64],
  ['f32.store', 4, F32],
  ['f64.store', 8, F64],
  ['i32.store8', 1, I32],
  ['i32.store16', 2, I32],
  ['i64.store8', 1, I64],
  ['i64.store16', 2, I64],
  ['i64.store32', 4, I64],
]
const VECTOR_LOADS: readonly (readonly [string, number])[] = [
  ['v128.load', 16],
  ['v128.load8x8_s', 8],
  ['v128.load8x8_u', 8],
  ['v128.load16x4_s', 8],
  ['v128.load16x4_u', 8],
  ['v128.load32x2_s', 8],
  ['v128.load32x2_u', 8],
  ['v128.load8_splat', 1],
  ['v128.load16_splat', 2],
  ['v128.load32_splat', 4],
  ['v128.load64_splat', 8],
]
/** The seven widths of each atomic: what comes before and after the operation's name. */
const WIDTHS: readonly (readonly [before: string, after: string, bytes: number, type: number])[] = [
  ['i32.atomic.', '', 4, I32],
  ['i64.atomic.', '', 8, I64],
  ['i32.atomic.', '8_u', 1, I32],
  ['i32.atomic.', '16_u', 2, I32],
  ['i64.atomic.', '8_u', 1, I64],
  ['i64.atomic.', '16_u', 2, I64],
  ['i64.atomic.', '32_u', 4, I64],
]
const RMW_NAMES = ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg']

const plain = { prefix: 0, atomic: false, lane: false }

/** Accesses without a prefix, by opcode. */
export const PLAIN_ACCESSES: readonly (Access | undefined)[] = plainAccesses()

function plainAccesses(): (Access | undefined)[] {
  const table: (Access | undefined)[] = []
  LOADS.forEach(([name, bytes, result], i) => {
    table[0x28 + i] = { ...plain, code: 0x28 + i, name, bytes, operands: [], result, write: false }
  })
  STORES.forEach(([name, bytes, type], i) => {
    const code = 0x36 + i
    table[code] = { ...plain, code, name, bytes, operands: [type], result: EMPTY, write: true }
  })
  return table
}

/** Accesses behind PREFIX_SIMD, by opcode. */
export const VECTOR_ACCESSES: readonly (Access | undefined)[] = vectorAccesses()

function vectorAccesses(): (Access | undefined)[] {
  const simd = { ...plain, prefix: PREFIX_SIMD }
  const table: (Access | undefined)[] = []
  const load = (code: number, name: string, bytes: number) => {
    table[code] = { ...simd, code, name, bytes, operands: [], result: V128, write: false }
  }
  VECTOR_LOADS.forEach(([name, bytes], code) => {
    load(code, name, bytes)
  })
  load(92, 'v128.load32_zero', 4)
  load(93, 'v128.load64_zero', 8)
  const store = { ...simd, operands: [V128], result: EMPTY, write: true }
  table[11] = { ...store, code: 11, name: 'v128.store', bytes: 16 }
  for (let i = 0; i < 4; i++) {
    const [bytes, lane] = [1 << i, true]
    const name = `${8 << i}_lane`
    const load = { ...simd, operands: [V128], result: V128, write: false }
    table[84 + i] = { ...load, code: 84 + i, name: `v128.load${name}`, bytes, lane }
    table[88 + i] = { ...store, code: 88 + i, name: `v128.store${name}`, bytes, lane }
  }
  return table
}

export const ATOMIC_NOTIFY = 0
export const ATOMIC_WAIT32 = 1
export const ATOMIC_WAIT64 = 2
export const ATOMIC_FENCE = 3
/** The first atomic read-modify-write; seven of each operation follow in the order of RMW. */
export const ATOMIC_RMW = 0x1e

/** Accesses behind PREFIX_ATOMIC, by opcode; wait and notify included. */
export const ATOMIC_ACCESSES: readonly (Access | undefined)[] = atomicAccesses()

function atomicAccesses(): (Access | undefined)[] {
  const base = { prefix: PREFIX_ATOMIC, atomic: true, lane: false, write: true }
  const table: (Access | undefined)[] = []
  const add = (code: number, name: string, bytes: number, operands: number[], result: number) => {
    table[code] = { ...base, code, name, bytes, operands, result }
  }
  add(ATOMIC_NOTIFY, 'memory.atomic.notify', 4, [I32], I32)
  add(ATOMIC_WAIT32, 'memory.atomic.wait32', 4, [I32, I64], I32)
  add(ATOMIC_WAIT64, 'memory.atomic.wait64', 8, [I64, I64], I32)
  WIDTHS.forEach(([before, after, bytes, type], i) => {
    add(0x10 + i, `${before}load${after}`, bytes, [], type)
    table[0x10 + i] = { ...(table[0x10 + i] as Access), write: false }
    add(0x17 + i, `${before}store${after.replace('_u', '')}`, bytes, [type], EMPTY)
    RMW_NAMES.forEach((operation, at) => {
      const operands = operation === 'cmpxchg' ? [type, type] : [type]
      const dotted = after === '' ? 'rmw' : `rmw${after.replace('_u', '')}`
      const name = `${before}${dotted}.${operation}${after === '' ? '' : '_u'}`
      add(ATOMIC_RMW + at * 7 + i, name, bytes, operands, type)
    })
  })
  return table
}
