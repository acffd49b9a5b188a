/**
 * What instructions take from the operand stack and leave on it, as counts; and a body as flat arrays of them, for analyses that
 * look at it more than once.
 *
 * Instructions are numbered by `op`: the opcode, or MORE, VECTOR, ATOMIC plus what follows such a prefix.
 */
import { Reader } from './bytes.js'
import { skipValueType } from './module.js'
import * as op from './opcodes.js'

export const MORE = 0x100
export const VECTOR = 0x200
export const ATOMIC = 0x400
const END_OF_OPS = 0x480

/** Of SIMD what is not said here takes two vectors, or a vector and a number. */
const VECTOR_UNARY = [
  15, 22, 24, 25, 27, 27, 29, 29, 31, 31, 33, 33, 77, 77, 83, 83, 94, 100, 103, 106, 116, 117, 122,
  122, 124, 129, 131, 132, 135, 138, 148, 148, 160, 161, 163, 164, 167, 170, 192, 193, 195, 196,
  199, 202, 224, 225, 227, 227, 236, 237, 239, 239, 248, 255, 0x101, 0x104,
]
const VECTOR_TERNARY = [82, 82, 0x105, 0x10c, 0x113, 0x113]

/** Taken << 4 | left; NO_EFFECT for those with a rule of their own, and for what the analyses leave alone. */
export const EFFECTS = effects()
export const NO_EFFECT = 0xff

function effects(): Uint8Array {
  const table = new Uint8Array(END_OF_OPS).fill(0xff)
  const put = (taken: number, left: number, ...ranges: number[]) => {
    for (let i = 0; i < ranges.length; i += 2) {
      table.fill((taken << 4) | left, ranges[i], (ranges[i + 1] as number) + 1)
    }
  }
  put(0, 0, 0x01, 0x01)
  put(1, 0, 0x1a, 0x1a, 0x24, 0x24) // drop, global.set
  put(3, 1, 0x1b, 0x1c) // select
  put(0, 1, 0x20, 0x20, 0x23, 0x23, 0x3f, 0x3f, 0x41, 0x44, 0xd0, 0xd0, 0xd2, 0xd2)
  put(1, 1, 0x25, 0x25, 0x28, 0x35, 0x40, 0x40, 0x45, 0x45, 0x50, 0x50, 0x67, 0x69, 0x79, 0x7b)
  put(1, 1, 0x8b, 0x91, 0x99, 0x9f, 0xa7, 0xc4, 0xd1, 0xd1, 0xd4, 0xd4)
  put(2, 0, 0x26, 0x26, 0x36, 0x3e) // table.set, stores
  put(2, 1, 0x46, 0x4f, 0x51, 0x66, 0x6a, 0x78, 0x7c, 0x8a, 0x92, 0x98, 0xa0, 0xa6, 0xd3, 0xd3)
  more(put)
  vectors(put)
  op.VECTOR_ACCESSES.forEach((access, code) => {
    if (access) effectOf(table, VECTOR + code, access)
  })
  op.ATOMIC_ACCESSES.forEach((access, code) => {
    if (access) effectOf(table, ATOMIC + code, access)
  })
  put(0, 0, ATOMIC + op.ATOMIC_FENCE, ATOMIC + op.ATOMIC_FENCE)
  return table
}

type Put = (taken: number, left: number, ...ranges: number[]) => void

function effectOf(table: Uint8Array, index: number, { operands, result }: op.Access): void {
  table[index] = ((1 + operands.length) << 4) | (result === op.EMPTY ? 0 : 1)
}

function more(put: Put): void {
  const at = (...codes: number[]) => codes.flatMap((code) => [MORE + code, MORE + code])
  put(1, 1, MORE, MORE + 7)
  put(3, 0, ...at(8, 10, 11, 12, 14, 17))
  put(0, 0, ...at(9, 13))
  put(2, 1, ...at(15))
  put(0, 1, ...at(16))
  put(4, 2, ...at(19, 20))
  put(2, 2, ...at(21, 22))
}

function vectors(put: Put): void {
  const shifted = (ranges: number[]) => ranges.map((code) => VECTOR + code)
  put(2, 1, VECTOR, VECTOR + 0x113)
  put(1, 1, ...shifted(VECTOR_UNARY))
  put(3, 1, ...shifted(VECTOR_TERNARY))
  put(0, 1, VECTOR + 12, VECTOR + 12)
}

/** => the access that an instruction makes, undefined for none. */
export function accessOf(code: number): op.Access | undefined {
  if (code < MORE) return op.PLAIN_ACCESSES[code]
  if (code >= ATOMIC) return op.ATOMIC_ACCESSES[code - ATOMIC]
  return code >= VECTOR ? op.VECTOR_ACCESSES[code - VECTOR] : undefined
}

/** What narrow loads give: never more. */
export const BOUNDS = new Map<number, readonly [number, number]>([
  [0x2c, [-128, 127]],
  [0x2d, [0, 255]],
  [0x2e, [-32768, 32767]],
  [0x2f, [0, 65535]],
  [ATOMIC + 0x12, [0, 255]],
  [ATOMIC + 0x13, [0, 65535]],
])

/** => the index of the first of ascending numbers that is above `than`. */
export function firstBehind(numbers: readonly number[], than: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) > than) high = middle
    else low = middle + 1
  }
  return low
}

function isLeaving(code: number): boolean {
  return code <= op.RETURN_CALL_REF || code === 0x40 || (code >= MORE + 8 && code < VECTOR)
}

/** The instructions of one body; arrays that are used again for the next. */
export class Instructions {
  count = 0
  ops = new Uint16Array(1 << 12)
  /** Where each stands in the module's bytes. */
  at = new Int32Array(1 << 12)
  /** The index, constant, label, offset or type that follows; of BR_TABLE where its labels begin in `labels`. */
  values = new Int32Array(1 << 12)
  /** Of what opens a block the number of its `end`, of `else` and `end` the opener's. */
  match = new Int32Array(1 << 12)
  /** Of each BR_TABLE how many there are, then they. */
  labels: number[] = []
  /** Numbers of the instructions that are loops, and of those that set locals. */
  loops: number[] = []
  sets: number[] = []
  /** And of those that take long or enter the kernel: calls, memory.grow, bulk memory. */
  leaving: number[] = []
  private open: number[] = []

  private readonly reader: Reader

  constructor(bytes: Uint8Array) {
    this.reader = new Reader(bytes)
  }

  /** Reads [start, end), a body behind its locals. => false when it has what the analyses leave alone: handlers of exceptions, calls by reference */
  read(start: number, end: number): boolean {
    const { reader } = this
    this.count = 0
    this.labels = []
    this.loops = []
    this.sets = []
    this.leaving = []
    this.open = [-1]
    reader.at = start
    while (reader.at < end) {
      if (!this.one()) return false
      const code = this.ops[this.count - 1] as number
      if (code >= op.CALL && isLeaving(code)) this.leaving.push(this.count - 1)
    }
    return reader.at === end && this.open.length === 0
  }

  private grow(): void {
    const wider = <T extends Uint16Array | Int32Array>(from: T, to: T) => {
      to.set(from)
      return to
    }
    const room = this.count * 2
    this.ops = wider(this.ops, new Uint16Array(room))
    this.at = wider(this.at, new Int32Array(room))
    this.values = wider(this.values, new Int32Array(room))
    this.match = wider(this.match, new Int32Array(room))
  }

  private one(): boolean {
    const { reader } = this
    if (this.count === this.ops.length) this.grow()
    const i = this.count++
    this.at[i] = reader.at
    const opcode = reader.byte()
    this.ops[i] = opcode
    const kind = op.OPERANDS[opcode] as number
    if (kind === op.NONE) return true
    if (kind === op.NUMBER) {
      if (opcode === 0x42) reader.skipNumber()
      else this.values[i] = opcode === 0x41 ? reader.s32() : reader.u32()
      if (opcode === 0x21 || opcode === 0x22) this.sets.push(i)
      return true
    }
    if (kind === op.MEMARG) return this.memory(i)
    if (kind === op.BYTES4) reader.at += 4
    else if (kind === op.BYTES8) reader.at += 8
    else return kind === op.SPECIAL && this.special(opcode, i)
    return true
  }

  private memory(i: number): boolean {
    if (this.reader.u32() & 0x40) this.reader.skipNumber()
    this.values[i] = this.reader.u32()
    return true
  }

  private special(opcode: number, i: number): boolean {
    const { reader } = this
    switch (opcode) {
      case op.BLOCK:
      case op.LOOP:
      case op.IF:
        this.values[i] = reader.s32()
        if (opcode === op.LOOP) this.loops.push(i)
        this.open.push(i)
        return true
      case op.ELSE:
        this.match[i] = this.open[this.open.length - 1] as number
        return true
      case op.END: {
        const opener = this.open.pop() as number
        this.match[i] = opener
        if (opener >= 0) this.match[opener] = i
        return true
      }
      case op.BR_TABLE:
        this.values[i] = this.labels.length
        this.table()
        return true
      case op.CALL:
      case op.RETURN_CALL:
      case op.REF_FUNC:
        this.values[i] = reader.u32()
        return true
      case op.CALL_INDIRECT:
      case op.RETURN_CALL_INDIRECT:
        this.values[i] = reader.u32()
        reader.skipNumber()
        return true
      case op.SELECT_TYPES:
        for (let types = reader.u32(); types > 0; types--) skipValueType(reader)
        return true
      default:
        return this.prefixed(opcode, i)
    }
  }

  private table(): void {
    const count = this.reader.u32() + 1
    this.labels.push(count)
    for (let i = 0; i < count; i++) this.labels.push(this.reader.u32())
  }

  private prefixed(opcode: number, i: number): boolean {
    const { reader } = this
    if (opcode < op.PREFIX_MORE) return false
    const code = reader.u32()
    if (opcode === op.PREFIX_MORE) return this.more(code, i)
    if (opcode === op.PREFIX_ATOMIC) {
      this.ops[i] = ATOMIC + code
      if (op.ATOMIC_ACCESSES[code]) return this.memory(i)
      reader.at++
      return code === op.ATOMIC_FENCE
    }
    this.ops[i] = VECTOR + code
    const kind = op.simdOperands(code)
    if (kind === op.MEMARG) this.memory(i)
    if (kind === op.BYTES16) reader.at += 16
    if (kind === op.LANE || op.VECTOR_ACCESSES[code]?.lane) reader.at++
    return kind !== op.UNKNOWN
  }

  private more(code: number, i: number): boolean {
    const { reader } = this
    this.ops[i] = MORE + code
    const kind = op.moreOperands(code)
    if (kind === op.NUMBERS || (kind === op.SPECIAL && code !== op.MEMORY_FILL)) {
      reader.skipNumber()
    }
    if (kind !== op.NONE) reader.skipNumber()
    return kind !== op.UNKNOWN
  }
}
