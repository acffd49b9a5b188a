/**
 * One access with both of its arms.
 *
 *   load     local.tee a   i32.const 0   i32.lt_s   if  <mapped>  else  local.get a  <load>  end
 *   store    local.set v   local.tee a  ...the same
 *
 * The tee is left out where the address was in a local before.
 *
 * The sign of the base decides. An offset below GUARD takes a private base at most into the guard behind 2 GiB, where
 * the engine traps, for the private memory ends below; and a window's base at most past 4 GiB, where the mapped arm
 * traps. Larger offsets are added first, in 33 bits.
 */
import { type BackEnd, OFFSETS } from './backend.js'
import { ADD, alignOf, LT_S, LT_U, OR } from './code.js'
import * as op from './opcodes.js'
import { type Access, EMPTY } from './opcodes.js'
import { GUARD } from './seam.js'
import { ADDRESS, OPERAND, WHOLE, type Writing } from './writing.js'

/** Where an access stands in the module: [at, end), and what follows its opcode. */
export interface Place {
  at: number
  end: number
  offset: number
  lane: number
  /** The local that holds the address, when the instruction before is what took it from there. */
  local?: number | undefined
}

export class AccessWriter {
  private readonly writing: Writing
  private readonly back: BackEnd
  private readonly bytes: Uint8Array

  constructor(writing: Writing, back: BackEnd, bytes: Uint8Array) {
    this.writing = writing
    this.back = back
    this.bytes = bytes
  }

  /** Writes an access; `inline` when the mapped arm shall try the register itself. */
  write(access: Access, place: Place, inline: boolean): void {
    const operands = this.takeOperands(access)
    if (place.offset >= GUARD) this.far(access, place, operands, inline)
    else this.near(access, place, operands, inline)
  }

  /** Writes an access as a call of what does it wherever it is. */
  called(access: Access, place: Place): void {
    const { offset, lane } = place
    if (access.atomic || offset >= OFFSETS) this.write(access, place, false)
    else this.writing.code.call(this.back.anywhere(access, lane, offset))
  }

  /** An access of the kernel's memory, `delta` a local that leads there from its address. */
  translated(access: Access, { offset, lane }: Place, delta: number): void {
    const { code } = this.writing
    const operands = this.takeOperands(access)
    code.get(delta).op(ADD)
    for (const local of operands) code.get(local)
    code.access(access, 1, offset, 0, lane)
  }

  /** Takes what is above the address into temporaries. => their locals; two operands of an access are of one type but for wait's */
  private takeOperands({ operands }: Access): number[] {
    const locals: number[] = []
    for (let i = 0; i < operands.length; i++) {
      const type = operands[i] as number
      const nth = i === 1 && type === operands[0] ? 1 : 0
      locals.push(this.writing.slot((OPERAND.get(type) as number) + nth))
    }
    for (let i = locals.length - 1; i >= 0; i--) this.writing.code.set(locals[i] as number)
    return locals
  }

  private near(access: Access, place: Place, operands: number[], inline: boolean): void {
    const { code } = this.writing
    const { offset, lane, local } = place
    const held = operands.length === 0 ? local : undefined
    const address = held ?? this.writing.slot(ADDRESS)
    if (held === undefined) code.tee(address)
    code.two(0x41, 0).one(LT_S)
    this.writing.unlikely()
    code.if(access.result).get(address)
    if (!inline && !access.atomic && offset > 0 && offset < OFFSETS) {
      for (const local of operands) code.get(local)
      code.call(this.back.anywhere(access, lane, offset))
    } else {
      if (offset > 0) code.const(offset).one(ADD)
      this.mapped(access, lane, operands, inline)
    }
    code.else().get(address)
    for (let i = 0; i < operands.length; i++) code.get(operands[i] as number)
    code.copy(this.bytes, place.at, place.end)
    code.end()
  }

  /** The address and the offset make the whole address first; where that does not fit, it is outside of everything. */
  private far(access: Access, { offset, lane }: Place, operands: number[], inline: boolean): void {
    const { code } = this.writing
    const [address, whole] = [this.writing.slot(ADDRESS), this.writing.slot(WHOLE)]
    code.tee(address).const(offset).op(ADD).tee(whole).get(address).op(LT_U)
    this.writing.unlikely()
    code.if(EMPTY).call(this.back.outside()).end()
    code.get(whole).const(0).op(LT_S)
    this.writing.unlikely()
    code.if(access.result).get(whole)
    this.mapped(access, lane, operands, inline)
    code.else().get(whole)
    for (const local of operands) code.get(local)
    code.access(access, 0, 0, access.atomic ? alignOf(access.bytes) : 0, lane).end()
  }

  /** The mapped arm: the whole address is on the stack. */
  private mapped(access: Access, lane: number, operands: number[], inline: boolean): void {
    const { code, hints } = this.writing
    if (inline && this.back.name === 'multi-memory' && !access.atomic) {
      const address = this.writing.slot(WHOLE)
      this.back.inline(code.set(address), access, lane, { address, operands, hints })
      return
    }
    for (const local of operands) code.get(local)
    code.call(this.back.mapped(access, lane))
  }

  /** memory.copy, memory.fill and memory.init at [at, end): to the back end's function when an end lies in the window. */
  bulk(instruction: number, segment: number, at: number, end: number): void {
    const { writing, back } = this
    const { code } = writing
    const locals = [writing.slot(ADDRESS), writing.slot(2), writing.slot(3)] as const
    code.set(locals[2]).set(locals[1]).tee(locals[0])
    if (instruction === op.MEMORY_COPY) code.get(locals[1]).op(OR)
    code.const(0).op(LT_S)
    writing.unlikely()
    code.if(EMPTY)
    for (const local of locals) code.get(local)
    if (instruction === op.MEMORY_COPY) code.call(back.copy())
    else code.call(instruction === op.MEMORY_FILL ? back.fill() : back.init(segment))
    code.else()
    for (const local of locals) code.get(local)
    code.copy(this.bytes, at, end)
    code.end()
  }
}
