/** Writes instructions. `memory` 1 is the kernel's; the private memory is 0. */
import { Writer } from './bytes.js'
import { type Access, BLOCK, CALL, CALL_INDIRECT, ELSE, END, I32, IF, LOOP } from './opcodes.js'

/** A writer that knows the instructions which the rewriter adds. */
export class Code extends Writer {
  get(local: number): this {
    return this.with(0x20, local)
  }

  set(local: number): this {
    return this.with(0x21, local)
  }

  tee(local: number): this {
    return this.with(0x22, local)
  }

  getGlobal(index: number): this {
    return this.with(0x23, index)
  }

  setGlobal(index: number): this {
    return this.with(0x24, index)
  }

  call(index: number): this {
    return this.with(CALL, index)
  }

  callTable(type: number, table: number): this {
    this.with(CALL_INDIRECT, type)
    this.u32(table)
    return this
  }

  const(value: number): this {
    this.byte(0x41)
    this.s32(value)
    return this
  }

  const64(value: bigint): this {
    this.byte(0x42)
    this.s64(value)
    return this
  }

  block(type: number): this {
    return this.two(BLOCK, type)
  }

  loop(type: number): this {
    return this.two(LOOP, type)
  }

  if(type: number): this {
    return this.two(IF, type)
  }

  else(): this {
    return this.one(ELSE)
  }

  end(): this {
    return this.one(END)
  }

  /** One byte, and two: what `op` does, without a list. */
  one(byte: number): this {
    this.byte(byte)
    return this
  }

  two(first: number, second: number): this {
    this.pair(first, second)
    return this
  }

  /** Opcodes, or their operands, of one byte each. */
  op(...bytes: number[]): this {
    for (const byte of bytes) this.byte(byte)
    return this
  }

  /** `i32.load` of the kernel's memory. */
  load(offset = 0): this {
    return this.kernel(0x28, 2, offset)
  }

  /** `i32.atomic.load` of the kernel's memory. */
  loadAtomic(offset: number): this {
    this.byte(0xfe)
    return this.kernel(0x10, 2, offset)
  }

  /** An access without a prefix, of the kernel's memory. */
  kernel(opcode: number, align: number, offset: number): this {
    this.op(opcode, align | 0x40, 1)
    this.u32(offset)
    return this
  }

  /** `access` of a memory, its address and operands being on the stack. */
  access(access: Access, memory: number, offset: number, align: number, lane = 0): this {
    if (access.prefix !== 0) this.byte(access.prefix)
    if (access.prefix !== 0) this.u32(access.code)
    else this.byte(access.code)
    if (memory !== 0) this.op(align | 0x40, memory)
    else this.byte(align)
    this.u32(offset)
    if (access.lane) this.byte(lane)
    return this
  }

  private with(opcode: number, index: number): this {
    if (index < 128) this.pair(opcode, index)
    else {
      this.byte(opcode)
      this.u32(index)
    }
    return this
  }
}

/** i32 instructions without operands, by name. */
export const EQZ = 0x45
export const EQ = 0x46
export const NE = 0x47
export const LT_S = 0x48
export const LT_U = 0x49
export const GT_U = 0x4b
export const LE_U = 0x4d
export const GE_S = 0x4e
export const ADD = 0x6a
export const SUB = 0x6b
export const AND = 0x71
export const OR = 0x72
export const SHL = 0x74
export const SHR_U = 0x76
export const UNREACHABLE = 0x00
export const DROP = 0x1a
export const SELECT = 0x1b
export const BR = 0x0c
export const BRANCH_IF = 0x0d
export const RETURN_OP = 0x0f

/** The log2 of an access's width: its natural alignment. */
export function alignOf(bytes: number): number {
  return 31 - Math.clz32(bytes)
}

/** The declaration of one function: its locals beyond parameters, as a body begins. */
export function localsOf(types: readonly number[]): Code {
  const code = new Code(16)
  code.u32(types.length)
  for (const type of types) code.op(1, type)
  return code
}

export const I32S = (count: number): number[] => new Array<number>(count).fill(I32)
