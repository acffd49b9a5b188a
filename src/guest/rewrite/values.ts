/**
 * Values that a function computes, as far as addresses go: a node and how far the value lies from it.
 *
 *   value = node + d,  low <= d <= high        modulo 2^32; exact when low = high
 *
 *   UNKNOWN    nothing is known
 *   CONSTANT   zero: the value lies in [low, high] as a signed number
 *   leaf       what some local held at some place: one name a value, so equal leaves are equal numbers in one run of the code between
 *   a + b, a - b, a << k, a * k        of nodes; the same operation of the same nodes is the same node
 *
 * Invariants:
 *  1. `latest` of a node is the youngest leaf in it: a node can be computed wherever all of its leaves are held.
 *  2. |low| and |high| stay below RANGE unless the value is exact or CONSTANT; what would leave it is UNKNOWN. So an interval
 *     never wraps.
 */
import { ADD, AND, SHL, SHR_U, SUB } from './code.js'

export const UNKNOWN = 0
export const CONSTANT = 1
const FIRST = 2
const MUL = 0x6c
const REM_U = 0x70

/** How far an interval reaches at most. */
export const RANGE = 1 << 29

export const LEAF = 0
export const SUM = 1
export const DIFFERENCE = 2
export const SHIFT = 3
export const PRODUCT = 4
/** Nodes that are computed of more than so many others are unknown. */
const SIZE_MAX = 6

export class Values {
  kinds: number[] = []
  /** The nodes that a node is computed of; of SHIFT and PRODUCT the second is the number. */
  first: number[] = []
  second: number[] = []
  latest: number[] = []
  private sizes: number[] = []
  private readonly known = new Map<number, number>()

  /** The value that the last operation gave. */
  node = UNKNOWN
  low = 0
  high = 0

  /** Forgets all nodes: another function begins. */
  clear(): void {
    this.kinds = [LEAF, LEAF]
    this.first = [0, 0]
    this.second = [0, 0]
    this.latest = [0, 0]
    this.sizes = [1, 1]
    this.known.clear()
  }

  get count(): number {
    return this.kinds.length
  }

  leaf(): number {
    const node = this.kinds.length
    this.push(LEAF, 0, 0, node, 1)
    return node
  }

  private push(kind: number, first: number, second: number, latest: number, size: number): void {
    this.kinds.push(kind)
    this.first.push(first)
    this.second.push(second)
    this.latest.push(latest)
    this.sizes.push(size)
  }

  /** => the node of an operation; UNKNOWN when it grows too large. `second` is a number of SHIFT and PRODUCT. */
  private operation(kind: number, first: number, second: number): number {
    const unary = kind >= SHIFT
    if (first < FIRST || (!unary && second < FIRST)) return UNKNOWN
    const size = (this.sizes[first] as number) + (unary ? 1 : (this.sizes[second] as number))
    if (size > SIZE_MAX || Math.max(first, second) >= 1 << 23) return UNKNOWN
    const key = (first * 2 ** 23 + second) * 8 + kind
    let node = this.known.get(key)
    if (node === undefined) {
      node = this.kinds.length
      const other = unary ? 0 : (this.latest[second] as number)
      this.push(kind, first, second, Math.max(this.latest[first] as number, other), size)
      this.known.set(key, node)
    }
    return node
  }

  unknown(): void {
    this.node = UNKNOWN
    this.low = 0
    this.high = 0
  }

  /** A number in [low, high], as signed ones. */
  between(low: number, high: number): void {
    this.node = CONSTANT
    this.low = low
    this.high = high
  }

  private result(node: number, low: number, high: number): void {
    const exact = low === high
    const fits = Math.abs(low) < RANGE && Math.abs(high) < RANGE
    if (node === UNKNOWN || !(exact || fits || (node === CONSTANT && fits32(low, high)))) {
      this.unknown()
      return
    }
    this.node = node
    this.low = exact ? low | 0 : low
    this.high = exact ? low | 0 : high
  }

  /** An i32 instruction of two values, each a node and its interval. */
  binary(
    instruction: number,
    a: number,
    aLow: number,
    aHigh: number,
    b: number,
    bLow: number,
    bHigh: number,
  ): void {
    if (instruction === ADD) this.add(a, aLow, aHigh, b, bLow, bHigh)
    else if (instruction === SUB) this.subtract(a, aLow, aHigh, b, bLow, bHigh)
    else if (b === CONSTANT && bLow === bHigh) this.byNumber(instruction, a, aLow, aHigh, bLow)
    else this.unknown()
  }

  private byNumber(instruction: number, a: number, low: number, high: number, by: number): void {
    if (instruction === MUL) this.multiply(a, low, high, by)
    else if (instruction === AND) this.mask(a, low, high, by)
    else if (instruction === SHL) this.shift(a, low, high, by & 31)
    else if (instruction === SHR_U && (by & 31) !== 0) this.between(0, 0xffff_ffff >>> (by & 31))
    else if (instruction === REM_U && by > 0) this.between(0, by - 1)
    else this.unknown()
  }

  private add(
    a: number,
    aLow: number,
    aHigh: number,
    b: number,
    bLow: number,
    bHigh: number,
  ): void {
    const [low, high] = [aLow + bLow, aHigh + bHigh]
    if (a === UNKNOWN || b === UNKNOWN) this.unknown()
    else if (b === CONSTANT) this.result(a, low, high)
    else if (a === CONSTANT) this.result(b, low, high)
    else this.result(this.operation(SUM, Math.min(a, b), Math.max(a, b)), low, high)
  }

  private subtract(
    a: number,
    aLow: number,
    aHigh: number,
    b: number,
    bLow: number,
    bHigh: number,
  ): void {
    const [low, high] = [aLow - bHigh, aHigh - bLow]
    if (a === UNKNOWN || b === UNKNOWN) this.unknown()
    else if (b === CONSTANT) this.result(a, low, high)
    else if (a === b && a >= FIRST) this.result(CONSTANT, low, high)
    else this.result(this.operation(DIFFERENCE, a, b), low, high)
  }

  /** a << by; a * factor, whose shift it is when `factor` is a power of two. */
  private shift(a: number, low: number, high: number, by: number): void {
    if (by > 24) this.unknown()
    else this.scale(a, low, high, 2 ** by, SHIFT, by)
  }

  private multiply(a: number, low: number, high: number, factor: number): void {
    if (factor <= 0 || factor > 1 << 16) this.unknown()
    else this.scale(a, low, high, factor, PRODUCT, factor)
  }

  private scale(a: number, low: number, high: number, by: number, kind: number, k: number): void {
    const node = a === CONSTANT ? a : this.operation(kind, a, k)
    const exact = low === high ? Math.imul(low, by) : undefined
    this.result(node, exact ?? low * by, exact ?? high * by)
  }

  /** a & mask. */
  private mask(a: number, low: number, high: number, mask: number): void {
    if (mask >= 0) this.between(0, a === CONSTANT && low >= 0 ? Math.min(high, mask) : mask)
    else if (a !== UNKNOWN && (~mask & (~mask + 1)) === 0) this.result(a, low + mask + 1, high)
    else this.unknown()
  }

  /** One of two values. */
  either(a: number, aLow: number, aHigh: number, b: number, bLow: number, bHigh: number): void {
    if (a === b) this.result(a, Math.min(aLow, bLow), Math.max(aHigh, bHigh))
    else this.unknown()
  }
}

function fits32(low: number, high: number): boolean {
  return low >= -(2 ** 31) && high < 2 ** 31
}
