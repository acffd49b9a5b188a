/**
 * One function body: every access to memory gets its second arm, loops their polls, calls of imports their look at the
 * generation. What needs nothing is copied in whole stretches.
 *
 *   load     local.tee a   i32.const 0   i32.lt_s   if  <mapped>  else  local.get a  <load>  end
 *   store    local.set v   local.tee a  ...the same
 *
 * Why this is right:
 *  1. The sign of the base decides. An offset below GUARD takes a private base at most into the guard behind 2 GiB, where
 *     the engine traps, for the private memory ends below; and a window's base at most past 4 GiB, where the mapped arm
 *     traps. Larger offsets are added first, in 33 bits.
 *  2. The temporaries are written immediately before they are read, so accesses share them.
 *  3. Code that cannot be reached is rewritten alike: what is inserted takes and leaves what the original does.
 */
import type { BackEnd } from './backend.js'
import { Reader } from './bytes.js'
import { ADD, alignOf, Code, LT_S, LT_U, OR } from './code.js'
import { GuestModuleError } from './error.js'
import { type Decoded, skipValueType } from './module.js'
import * as op from './opcodes.js'
import { type Access, EMPTY, I32 } from './opcodes.js'
import { GUARD } from './seam.js'

/** Frames of the control stack. */
const PLAIN = 0
const LOOPS = 1
/** Something that was thrown lands behind its end. */
const LANDS = 2

/** Temporaries by slot: two addresses, then operands by type. */
const SLOT_TYPES = [I32, I32, I32, I32, op.I64, op.I64, op.F32, op.F64, op.V128]
const ADDRESS = 0
const WHOLE = 1
const OPERAND = new Map([
  [I32, 2],
  [op.I64, 4],
  [op.F32, 6],
  [op.F64, 7],
  [op.V128, 8],
])

/** Branch hints of one function: offsets from its body's start, and whether the branch is likely (1) or not (0), in turn. */
export type Hints = number[]

export interface BodyOptions {
  readonly decoded: Decoded
  readonly back: BackEnd
  readonly polls: boolean
  /** => the function to name instead of an import where a table or a reference holds it. */
  wrapped(index: number): number
  /** => a type that takes nothing and leaves `results`. */
  leaving(results: readonly Uint8Array[]): number
}

/** Rewrites bodies one after the other; `bytes` of `code` are what the last one became. */
export class BodyRewriter {
  private readonly code = new Code(1 << 16)
  private readonly reader: Reader
  private readonly bytes: Uint8Array
  /** All before it is in `code`. */
  private from = 0
  private readonly slots = new Int32Array(SLOT_TYPES.length)
  private temporaries: number[] = []
  private locals = 0
  private frames: number[] = []
  private loopDepth = 0
  private hints: Hints = []
  private guestHints: Hints = []
  private guestHint = 0
  private bodyStart = 0
  private landing = false
  private mustLand = false
  /** Index of the function, whether it calls itself, and whether it polls where it begins: a loop of another kind. */
  private own = 0
  private callsItself = false
  private recursive = false
  /** Behind an `i32.const` of this value, when it is the instruction before. */
  private constantEnd = -1
  private constant = 0

  private readonly options: BodyOptions

  constructor(options: BodyOptions) {
    this.options = options
    this.bytes = options.decoded.bytes
    this.reader = new Reader(this.bytes)
  }

  /** Writes body `index` (of those defined) with its size to `out`. => its branch hints. */
  rewrite(index: number, guestHints: Hints, out: Code): Hints {
    const { bodies, functionTypes, types } = this.options.decoded
    const type = types[functionTypes[index] as number] as Decoded['types'][number]
    const [start, end] = [bodies[index * 2] as number, bodies[index * 2 + 1] as number]
    this.own = this.options.decoded.importedFunctions + index
    this.landing = false
    this.recursive = false
    this.pass(start, end, type.params, type.results, guestHints)
    if (this.mustLand || this.callsItself) {
      this.landing = this.mustLand
      this.recursive = this.callsItself
      this.pass(start, end, type.params, type.results, guestHints)
    }
    return this.finish(start, out)
  }

  private pass(
    start: number,
    end: number,
    params: number,
    results: readonly Uint8Array[],
    hints: Hints,
  ): void {
    const { reader, code } = this
    code.length = 0
    this.slots.fill(-1)
    this.temporaries = []
    this.frames = [PLAIN]
    this.loopDepth = 0
    this.hints = []
    this.guestHints = hints
    this.guestHint = 0
    this.bodyStart = start
    this.mustLand = false
    this.callsItself = false
    this.constantEnd = -1
    reader.at = start
    this.locals = params
    for (let groups = reader.u32(); groups > 0; groups--) {
      this.locals += reader.u32()
      skipValueType(reader)
    }
    this.from = reader.at
    if (this.landing) this.openBody(results)
    if (this.recursive) this.poll(reader.at)
    while (reader.at < end) this.step(end)
    if (reader.at !== end || this.frames.length > 0) this.outOfStep()
    this.flush(end)
  }

  /** The whole body in a block, behind which lands what the function's own label would catch. */
  private openBody(results: readonly Uint8Array[]): void {
    this.code.byte(op.BLOCK)
    if (results.length === 0) this.code.byte(EMPTY)
    else if (results.length === 1) this.code.op(...(results[0] as Uint8Array))
    else this.code.s32(this.options.leaving(results))
  }

  private finish(start: number, out: Code): Hints {
    const { code, temporaries } = this
    const locals = new Code(64)
    const reader = new Reader(this.bytes, start)
    const groups = reader.u32()
    const groupsAt = reader.at
    for (let i = 0; i < groups; i++) {
      reader.u32()
      skipValueType(reader)
    }
    locals.u32(groups + temporaries.length)
    locals.copy(this.bytes, groupsAt, reader.at)
    for (const type of temporaries) locals.op(1, type)
    out.u32(locals.length + code.length)
    out.write(locals)
    out.write(code)
    for (let i = 0; i < this.hints.length; i += 2) (this.hints[i] as number) += locals.length
    return this.hints
  }

  /** Copies what needs no change, up to `to`. */
  private flush(to: number): void {
    this.code.copy(this.bytes, this.from, to)
    this.from = to
  }

  /** The local of a slot, made when it is first asked for. */
  private slot(index: number): number {
    if ((this.slots[index] as number) < 0) {
      this.slots[index] = this.locals + this.temporaries.length
      this.temporaries.push(SLOT_TYPES[index] as number)
    }
    return this.slots[index] as number
  }

  private unlikely(): void {
    this.hints.push(this.code.length, 0)
  }

  /** One instruction. */
  private step(end: number): void {
    const { reader, bytes } = this
    const at = reader.at
    const opcode = bytes[reader.at++] as number
    const kind = op.OPERANDS[opcode] as number
    if (kind === op.NONE) return
    if (this.guestHint < this.guestHints.length) this.keepHint(at)
    if (kind === op.NUMBER) {
      if (opcode === 0x41) {
        this.constant = reader.s32()
        this.constantEnd = reader.at
      } else while ((bytes[reader.at++] as number) & 0x80);
    } else if (kind === op.MEMARG) this.access(op.PLAIN_ACCESSES[opcode] as Access, at)
    else if (kind === op.BYTES4) reader.at += 4
    else if (kind === op.BYTES8) reader.at += 8
    else if (kind === op.UNKNOWN) this.refuse(opcode)
    else this.special(opcode, at, end)
  }

  /** A hint of the guest's own moves with its instruction. */
  private keepHint(at: number): void {
    const hints = this.guestHints
    while ((hints[this.guestHint] as number) < at - this.bodyStart) this.guestHint += 2
    if (hints[this.guestHint] !== at - this.bodyStart) return
    this.hints.push(this.code.length + at - this.from, hints[this.guestHint + 1] as number)
    this.guestHint += 2
  }

  private refuse(opcode: number, code?: number): never {
    const hex = [opcode, ...(code === undefined ? [] : [code])].map((n) => `0x${n.toString(16)}`)
    throw new GuestModuleError('unsupported', `the module has the instruction ${hex.join(' ')}`)
  }

  /** The engine read the body otherwise than this does: nothing of it may be trusted. */
  private outOfStep(): never {
    const message = `the module's function ${this.own} has instructions that are not known here`
    throw new GuestModuleError('unsupported', message)
  }

  private special(opcode: number, at: number, end: number): void {
    const { reader } = this
    switch (opcode) {
      case op.BLOCK:
      case op.IF:
      case op.TRY:
        reader.skipNumber()
        this.frames.push(PLAIN)
        return
      case op.LOOP:
        this.loop()
        return
      case op.TRY_TABLE:
        this.tryTable()
        return
      case op.CATCH:
        reader.skipNumber()
        this.settle()
        return
      case op.CATCH_ALL:
        this.settle()
        return
      case op.ELSE:
        return
      case op.DELEGATE:
        reader.skipNumber()
        this.frames.pop()
        return
      case op.END:
        this.end(at, end)
        return
      case op.BR_TABLE:
        for (let labels = reader.u32() + 1; labels > 0; labels--) reader.skipNumber()
        return
      case op.SELECT_TYPES:
        for (let types = reader.u32(); types > 0; types--) skipValueType(reader)
        return
      case op.REF_FUNC:
        this.reference(at)
        return
      case op.PREFIX_MORE:
        this.more(at)
        return
      case op.PREFIX_SIMD:
        this.vector(at)
        return
      case op.PREFIX_ATOMIC:
        this.atomic(at)
        return
      default:
        this.calls(opcode, at)
    }
  }

  /** Looks at the generation, when there is anything to drop. */
  private settle(): void {
    const settle = this.options.back.settle()
    if (settle === undefined) return
    this.flush(this.reader.at)
    this.code.call(settle)
  }

  private poll(at: number): void {
    if (!this.options.polls) return
    this.flush(at)
    this.hints.push(this.options.back.poll(this.code), 0)
  }

  private loop(): void {
    this.reader.skipNumber()
    this.frames.push(LOOPS)
    this.loopDepth++
    if (this.landing) this.settle()
    this.poll(this.reader.at)
  }

  private end(at: number, end: number): void {
    const frame = this.frames.pop() as number
    if (frame & LOOPS) this.loopDepth--
    if (frame & LANDS) this.settle()
    if (this.reader.at !== end || !this.landing) return
    this.flush(at)
    this.code.end()
    const settle = this.options.back.settle()
    if (settle !== undefined) this.code.call(settle)
  }

  /** Marks the frames in which a catch clause lands; a loop's head and the function's end need the second pass. */
  private tryTable(): void {
    const { reader, frames } = this
    reader.skipNumber()
    for (let clauses = reader.u32(); clauses > 0; clauses--) {
      if (reader.byte() < 2) reader.skipNumber()
      const target = frames.length - 1 - reader.u32()
      if (target === 0 || (frames[target] as number) & LOOPS) {
        this.mustLand = this.options.back.settle() !== undefined
      } else (frames[target] as number) |= LANDS
    }
    frames.push(PLAIN)
  }

  private calls(opcode: number, at: number): void {
    const { reader } = this
    const { decoded } = this.options
    if (opcode === op.CALL) {
      const callee = reader.u32()
      if (callee === this.own) this.callsItself = true
      if (callee >= decoded.importedFunctions) return
    }
    let foreign = decoded.openTables.size > 0
    if (opcode === op.CALL) foreign = true
    else if (opcode === op.RETURN_CALL) foreign = reader.u32() < decoded.importedFunctions
    else if (opcode === op.RETURN_CALL_REF) reader.skipNumber()
    else {
      reader.skipNumber()
      foreign = decoded.openTables.has(reader.u32())
    }
    foreign &&= this.options.back.settle() !== undefined
    const tail = opcode !== op.CALL && opcode !== op.CALL_INDIRECT
    if (foreign && tail) this.untail(opcode, at)
    else if (foreign) this.settle()
    else if (tail) this.poll(at)
  }

  /** A tail call of what may come from elsewhere is a call and a return: the generation is looked at between. */
  private untail(opcode: number, at: number): void {
    this.flush(at)
    this.code.byte(opcode === op.RETURN_CALL_REF ? opcode - 1 : opcode - 2)
    this.from = at + 1
    this.settle()
    this.code.byte(op.RETURN)
  }

  private reference(at: number): void {
    const index = this.reader.u32()
    const wrapped = this.options.wrapped(index)
    if (wrapped === index) return
    this.flush(at)
    this.code.op(op.REF_FUNC).u32(wrapped)
    this.from = this.reader.at
  }

  private more(at: number): void {
    const { reader } = this
    const code = reader.u32()
    const kind = op.moreOperands(code)
    if (kind === op.UNKNOWN) this.refuse(op.PREFIX_MORE, code)
    if (kind === op.NUMBERS) reader.skipNumber()
    if (kind === op.NUMBER || kind === op.NUMBERS) reader.skipNumber()
    if (kind === op.SPECIAL) this.bulk(code, at)
  }

  private vector(at: number): void {
    const { reader } = this
    const code = reader.u32()
    const kind = op.simdOperands(code)
    if (kind === op.UNKNOWN) this.refuse(op.PREFIX_SIMD, code)
    if (kind === op.BYTES16) reader.at += 16
    if (kind === op.LANE) reader.at++
    if (kind === op.MEMARG) this.access(op.VECTOR_ACCESSES[code] as Access, at)
  }

  private atomic(at: number): void {
    const { reader } = this
    const code = reader.u32()
    const access = op.ATOMIC_ACCESSES[code]
    if (access) this.access(access, at)
    else if (code === op.ATOMIC_FENCE) reader.at++
    else this.refuse(op.PREFIX_ATOMIC, code)
  }

  /** memory.copy, memory.fill and memory.init: to the back end's function when an end lies in the window. */
  private bulk(instruction: number, at: number): void {
    const { reader, code } = this
    const { back } = this.options
    const segment = reader.u32()
    if (instruction !== op.MEMORY_FILL) reader.u32()
    this.flush(at)
    const locals = [this.slot(ADDRESS), this.slot(2), this.slot(3)] as const
    code.set(locals[2]).set(locals[1]).tee(locals[0])
    if (instruction === op.MEMORY_COPY) code.get(locals[1]).op(OR)
    code.const(0).op(LT_S)
    this.unlikely()
    code.if(EMPTY)
    for (const local of locals) code.get(local)
    if (instruction === op.MEMORY_COPY) code.call(back.copy())
    else code.call(instruction === op.MEMORY_FILL ? back.fill() : back.init(segment))
    code.else()
    for (const local of locals) code.get(local)
    this.flush(reader.at)
    code.end()
  }

  private access(access: Access, at: number): void {
    const { reader } = this
    const plain = this.constantEnd === at ? this.constant : -1
    // Bit 6: the memory is named, which is the only one.
    if (reader.u32() & 0x40) reader.skipNumber()
    const offset = reader.u32()
    const lane = access.lane ? reader.byte() : 0
    const known = plain >= 0 && access.operands.length === 0 && plain + offset < 0x8000_0000
    if (known) return
    this.flush(at)
    const operands = this.takeOperands(access)
    if (offset >= GUARD) this.far(access, offset, lane, operands)
    else this.near(access, offset, lane, operands, at)
    this.from = reader.at
  }

  /** Takes what is above the address into temporaries. => their locals; two operands of an access are of one type but for wait's */
  private takeOperands({ operands }: Access): number[] {
    const locals: number[] = []
    for (let i = 0; i < operands.length; i++) {
      const type = operands[i] as number
      const nth = i === 1 && type === operands[0] ? 1 : 0
      locals.push(this.slot((OPERAND.get(type) as number) + nth))
    }
    for (let i = locals.length - 1; i >= 0; i--) this.code.set(locals[i] as number)
    return locals
  }

  private near(access: Access, offset: number, lane: number, operands: number[], at: number): void {
    const { code, reader } = this
    const address = this.slot(ADDRESS)
    code.tee(address).two(0x41, 0).one(LT_S)
    this.unlikely()
    code.if(access.result).get(address)
    if (offset > 0) code.const(offset).one(ADD)
    this.mapped(access, lane, operands)
    code.else().get(address)
    for (let i = 0; i < operands.length; i++) code.get(operands[i] as number)
    code.copy(this.bytes, at, reader.at)
    code.end()
  }

  /** The address and the offset make the whole address first; where that does not fit, it is outside of everything. */
  private far(access: Access, offset: number, lane: number, operands: number[]): void {
    const { code } = this
    const [address, whole] = [this.slot(ADDRESS), this.slot(WHOLE)]
    code.tee(address).const(offset).op(ADD).tee(whole).get(address).op(LT_U)
    this.unlikely()
    code.if(EMPTY).call(this.options.back.outside()).end()
    code.get(whole).const(0).op(LT_S)
    this.unlikely()
    code.if(access.result).get(whole)
    this.mapped(access, lane, operands)
    code.else().get(whole)
    for (const local of operands) code.get(local)
    code.access(access, 0, 0, access.atomic ? alignOf(access.bytes) : 0, lane).end()
  }

  /** The mapped arm: the whole address is on the stack. Outside of loops it only calls. */
  private mapped(access: Access, lane: number, operands: number[]): void {
    const { code } = this
    const { back } = this.options
    if (this.loopDepth > 0 && back.name === 'multi-memory' && !access.atomic) {
      const address = this.slot(WHOLE)
      back.inline(code.set(address), access, lane, { address, operands, hints: this.hints })
      return
    }
    for (const local of operands) code.get(local)
    code.call(back.mapped(access, lane))
  }
}
