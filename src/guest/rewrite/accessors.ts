/**
 * The back end for engines with one memory per module: every access to the window is a call of the kernel. It holds nothing
 * of the window, so nothing must be dropped.
 *
 * Invariants:
 *  1. The kernel is asked in whole words of 1, 2, 4 or 8 bytes; 16 bytes are checked first and then are two words.
 *  2. memory.init to the window passes each byte through the private memory's first, which is put back at once: between, another
 *     thread of the same guest could see it there, at address 0, which is no object's.
 */

import type { BackEnd, BackEndContext } from './backend.js'
import * as shared from './backend.js'
import { ADD, AND, BR, BRANCH_IF, type Code, DROP, EQZ, LT_S, localsOf, SUB } from './code.js'
import { type Access, ATOMIC_RMW, EMPTY, F32, F64, I32, I64, PREFIX_SIMD } from './opcodes.js'
import * as seam from './seam.js'

const WRAP = 0xa7
const EXTEND_U = 0xad
const EXTENDS_SIGN: Record<number, number> = { 1: 0xc2, 2: 0xc3, 4: 0xc4 }
const EXTENDS_SIGN_32: Record<number, number> = { 1: 0xc0, 2: 0xc1 }
/** By log2 of the width: splat, extract_lane (unsigned), replace_lane. */
const SPLAT = [0x0f, 0x10, 0x11, 0x12]
const EXTRACT = [0x16, 0x19, 0x1b, 0x1d]
const REPLACE = [0x17, 0x1a, 0x1c, 0x1e]
/** What widens the lower half, for v128.load8x8_s and the five after it. */
const WIDEN = [0x87, 0x89, 0xa7, 0xa9, 0xc7, 0xc9]

function simd(code: Code, opcode: number, lane?: number): Code {
  code.byte(PREFIX_SIMD)
  code.u32(opcode)
  if (lane !== undefined) code.byte(lane)
  return code
}

export class Accessors implements BackEnd {
  readonly name = 'accessors'
  private readonly rounds: number
  private readonly known = new Map<Access, number[]>()
  private readonly knownAnywhere = new Map<Access, number[]>()

  private readonly context: BackEndContext

  constructor(context: BackEndContext) {
    this.context = context
    this.rounds = context.appended.global('isopage:rounds')
  }

  outside(): number {
    return shared.outsideOf(this.context)
  }

  inline(): boolean {
    return false
  }

  extent(): undefined {
    return undefined
  }

  settle(): undefined {
    return undefined
  }

  drop(): number {
    return this.context.appended.routine(seam.EXPORT_DROP, [], [], () => localsOf([]).end())
  }

  poll(code: Code, sparse: boolean, again?: number): number {
    code.getGlobal(this.rounds).const(1).op(ADD).setGlobal(this.rounds)
    code
      .getGlobal(this.rounds)
      .const((sparse ? seam.POLL_ROUNDS >> seam.SPARSE_LOG2 : seam.POLL_ROUNDS) - 1)
      .op(AND, EQZ)
    const at = code.length
    const polled = this.context.appended.routine('isopage:poll', [], [], () => {
      const body = localsOf([]).getGlobal(this.context.context)
      return shared.callEntry(body, this.context, seam.ENTRY_POLL).end()
    })
    code.if(EMPTY).call(polled)
    if (again !== undefined) code.op(BR, again)
    code.end()
    return at
  }

  mapped(access: Access, lane: number): number {
    return shared.remembered(this.known, access, lane, () => this.makeMapped(access, lane))
  }

  anywhere(access: Access, lane: number, offset: number): number {
    return shared.remembered(this.knownAnywhere, access, lane * shared.OFFSETS + offset, () =>
      shared.anywhereOf(this.context, access, lane, offset, () => this.mapped(access, lane)),
    )
  }

  private makeMapped(access: Access, lane: number): number {
    if (access.atomic && access.code < 3) {
      return shared.waitOrNotify(this.context, access, 0, undefined)
    }
    const name = `isopage:${access.name}${access.lane ? lane : ''}`
    const results = access.result === EMPTY ? [] : [access.result]
    return this.context.appended.routine(name, [I32, ...access.operands], results, () => {
      const code = localsOf([I64])
      if (access.atomic) shared.refuseUnaligned(code, access, 0)
      shared.refuseWrapped(code, 0, this.outside())
      if (access.atomic) this.atomic(code, access)
      else if (access.prefix === PREFIX_SIMD) this.vector(code, access, lane)
      else if (access.write) this.store(code, access)
      else this.load(code, access)
      return code.end()
    })
  }

  private entry(code: Code, index: number, push: () => void): Code {
    code.getGlobal(this.context.context).get(0)
    push()
    return shared.callEntry(code, this.context, index)
  }

  /** Leaves `bytes` of local 0 as an i32, above 4 bytes as an i64. */
  private read(code: Code, bytes: number): Code {
    if (bytes === 8) return this.entry(code, seam.ENTRY_READ64, () => {})
    return this.entry(code, seam.ENTRY_READ32, () => code.const(bytes))
  }

  private write(code: Code, bytes: number, push: () => void): Code {
    if (bytes === 8) return this.entry(code, seam.ENTRY_WRITE64, push)
    return this.entry(code, seam.ENTRY_WRITE32, () => {
      code.const(bytes)
      push()
    })
  }

  private load(code: Code, { name, bytes, result }: Access): void {
    this.read(code, bytes)
    if (result === F32) code.op(0xbe)
    if (result === F64) code.op(0xbf)
    const wide = result === I64 && bytes < 8
    if (wide) code.op(EXTEND_U)
    if (!name.endsWith('_s')) return
    code.op((wide ? EXTENDS_SIGN : EXTENDS_SIGN_32)[bytes] as number)
  }

  private store(code: Code, { bytes, operands }: Access): void {
    this.write(code, bytes, () => {
      code.get(1)
      if (operands[0] === F32) code.op(0xbc)
      if (operands[0] === F64) code.op(0xbd)
      if (operands[0] === I64 && bytes < 8) code.op(WRAP)
    })
  }

  private vector(code: Code, access: Access, lane: number): void {
    const size = 31 - Math.clz32(access.bytes)
    if (access.bytes === 16) this.whole(code, access)
    else if (access.write) {
      this.write(code, access.bytes, () => simd(code.get(1), EXTRACT[size] as number, lane))
    } else if (access.lane) {
      code.get(1)
      simd(this.read(code, access.bytes), REPLACE[size] as number, lane)
    } else if (access.code >= 92) {
      simd(code, 12).op(...new Array<number>(16).fill(0))
      simd(this.read(code, access.bytes), REPLACE[size] as number, 0)
    } else {
      simd(this.read(code, access.bytes), SPLAT[size] as number)
      if (access.code <= 6) simd(code, WIDEN[access.code - 1] as number)
    }
  }

  /** Sixteen bytes: both words are accessible before either is touched. */
  private whole(code: Code, { write }: Access): void {
    this.entry(code, seam.ENTRY_CHECK, () => code.const(16).const(write ? 1 : 0))
    const next = () => code.get(0).const(8).op(ADD).set(0)
    if (write) {
      this.write(code, 8, () => simd(code.get(1), EXTRACT[3] as number, 0))
      next()
      this.write(code, 8, () => simd(code.get(1), EXTRACT[3] as number, 1))
      return
    }
    simd(this.read(code, 8), SPLAT[3] as number)
    next()
    simd(this.read(code, 8), REPLACE[3] as number, 1)
  }

  private atomic(code: Code, access: Access): void {
    const operation = access.code >= ATOMIC_RMW ? Math.floor((access.code - ATOMIC_RMW) / 7) : -1
    const op = operation >= 0 ? operation : access.write ? seam.RMW_XCHG : seam.RMW_LOAD
    const type = access.operands[0] ?? access.result
    const narrow = access.bytes < 8
    const index = narrow ? seam.ENTRY_RMW32 : seam.ENTRY_RMW64
    /** Of a compare and exchange the expected value comes first. */
    const [operand, expected] = access.operands.length === 2 ? [2, 1] : [1, 0]
    this.entry(code, index, () => {
      if (narrow) code.const(access.bytes)
      code.const(op)
      this.operand(code, access, type, access.operands.length > 0 ? operand : 0)
      this.operand(code, access, type, expected)
    })
    if (access.result === EMPTY) code.op(DROP)
    else if (type === I64 && narrow) code.op(EXTEND_U)
  }

  /** Local `index` as the entry takes it: no wider than the access, 0 for none. */
  private operand(code: Code, { bytes }: Access, type: number, index: number): void {
    if (index === 0) {
      if (bytes === 8) code.const64(0n)
      else code.const(0)
      return
    }
    code.get(index)
    if (type === I64 && bytes < 8) code.op(WRAP)
    if (bytes < 4) code.const((1 << (bytes * 8)) - 1).op(AND)
  }

  fill(): number {
    return shared.fillOf(this.context, undefined)
  }

  copy(): number {
    return this.context.appended.routine('isopage:memory.copy', [I32, I32, I32], [], () => {
      const code = localsOf([I32])
      const outside = this.outside()
      shared.copyInWindow(code, this.context, undefined)
      code.get(0).const(0).op(LT_S).if(EMPTY)
      shared.refuseOutside(code, 1, 2, 3, outside)
      shared.refuseOverflow(code, 0, 2, outside)
      this.steps(code, 8, () => this.write(code, 8, () => code.get(1).op(0x29, 0, 0)))
      this.steps(code, 1, () => this.write(code, 1, () => code.get(1).op(0x2d, 0, 0)))
      code.else()
      shared.refuseOutside(code, 0, 2, 3, outside)
      shared.refuseOverflow(code, 1, 2, outside)
      this.steps(code, 8, () => this.readTo(code, 8, 0x37))
      this.steps(code, 1, () => this.readTo(code, 1, 0x3a))
      return code.end().end()
    })
  }

  /** Stores what lies at local 1 of the window to local 0 of the private memory. */
  private readTo(code: Code, bytes: number, store: number): Code {
    code.get(0).getGlobal(this.context.context).get(1)
    if (bytes < 8) code.const(bytes)
    const index = bytes === 8 ? seam.ENTRY_READ64 : seam.ENTRY_READ32
    return shared.callEntry(code, this.context, index).op(store, 0, 0)
  }

  /** A loop over locals 0, 1, 2 (to, from, bytes) in steps of `width`, as long as so much is left. */
  private steps(code: Code, width: number, step: () => void): void {
    code.block(EMPTY).loop(EMPTY).get(2).const(width).op(0x49, BRANCH_IF, 1)
    step()
    for (const local of [0, 1]) code.get(local).const(width).op(ADD).set(local)
    code.get(2).const(width).op(SUB).set(2)
    this.poll(code, false)
    code.op(BR, 0).end().end()
  }

  init(segment: number): number {
    const name = `isopage:memory.init${segment}`
    return this.context.appended.routine(name, [I32, I32, I32], [], () => {
      const code = shared.refuseOverflow(localsOf([I32, I32]), 1, 2, this.outside())
      const init = () => {
        code.op(0xfc, 8)
        code.u32(segment)
        code.op(0)
      }
      code.const(0).get(1).get(2).op(ADD).const(0)
      init()
      shared.refuseOverflow(code, 0, 2, this.outside())
      this.steps(code, 1, () => {
        code.const(0).op(0x2d, 0, 0).set(3).const(0).get(1).const(1)
        init()
        code.const(0).op(0x2d, 0, 0).set(4).const(0).get(3).op(0x3a, 0, 0)
        this.write(code, 1, () => code.get(4))
      })
      return code.end()
    })
  }
}
