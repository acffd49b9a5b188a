/**
 * A function body as it is written: its code, the temporaries that it needs beyond its own locals, its branch hints.
 *
 * Invariant: a temporary is written immediately before it is read, so accesses share them; those of mapped copies (EXTENT, ROUNDS) live as
 * long as the loop that they are of, and loops that have them do not lie in each other; TURNS counts for as long as the function runs.
 */
import { Code } from './code.js'
import { F32, F64, I32, I64, V128 } from './opcodes.js'
import type { Stretches } from './origins.js'

/** Temporaries by slot: two addresses, then operands by type, then the extents of two addresses and a count of rounds. */
const SLOT_TYPES = [
  I32,
  I32,
  I32,
  I32,
  I64,
  I64,
  F32,
  F64,
  V128,
  I32,
  I32,
  I32,
  I32,
  I32,
  I32,
  I32,
  I32,
]
export const ADDRESS = 0
export const WHOLE = 1
/** The first slot of operands of a type. */
export const OPERAND = new Map([
  [I32, 2],
  [I64, 4],
  [F32, 6],
  [F64, 7],
  [V128, 8],
])
/** Start, room and delta of the first address, then those of the second. */
export const EXTENT = 9
export const ROUNDS = 15
/** Rounds of all loops that have no count of their own, since the function began. */
export const TURNS = 16

/** Branch hints of one function: offsets from its body's start, and whether the branch is likely (1) or not (0), in turn. */
export type Hints = number[]

export class Writing {
  readonly code = new Code(1 << 16)
  hints: Hints = []
  /** What was copied of the module, where somebody wants to know (origins.ts). */
  origins: Stretches = []
  temporaries: number[] = []
  private readonly slots = new Int32Array(SLOT_TYPES.length)
  private locals = 0
  private readonly keepsOrigins: boolean

  constructor(keepsOrigins: boolean) {
    this.keepsOrigins = keepsOrigins
  }

  /** Begins a body of so many locals, parameters included, whose code stands at `from` of the module. */
  begin(locals: number, from: number): void {
    this.code.length = 0
    this.slots.fill(-1)
    this.temporaries = []
    this.hints = []
    this.origins = this.keepsOrigins ? [0, from, from] : []
    this.locals = locals
  }

  /** Copies [from, to) of the module. */
  copy(module: Uint8Array, from: number, to: number): void {
    if (this.keepsOrigins && to > from) this.origins.push(this.code.length, from, to)
    this.code.copy(module, from, to)
  }

  /** The local of a slot, made when it is first asked for. */
  slot(index: number): number {
    if ((this.slots[index] as number) < 0) {
      this.slots[index] = this.locals + this.temporaries.length
      this.temporaries.push(SLOT_TYPES[index] as number)
    }
    return this.slots[index] as number
  }

  /** The branch that is written next is hardly ever taken. */
  unlikely(): void {
    this.hints.push(this.code.length, 0)
  }
}
