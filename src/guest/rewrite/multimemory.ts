/**
 * The back end for engines with more than one memory per module: memory 1 is the kernel's.
 *
 *   register (one for loads, one for stores):   start | length | delta        three globals
 *   an address inside start..start+length lies at address + delta in memory 1
 *   not inside: page table, then guest_fault, which fills the register
 *
 * Invariants:
 *  1. A register holds an extent only while the global `generation` is the context's, as it was before the fault that gave
 *     it: whatever takes pages away raises the context's, and waits for a poll or a kernel entry, after which registers are
 *     empty.
 *  2. An empty register is the extent NO_EXTENT, in which no mapped address lies; so a hit is one comparison.
 *  3. A physical address is used once, before anything else may enter the kernel.
 */

import type { BackEnd, BackEndContext, ExtentCall, InlineLocals, Register } from './backend.js'
import * as shared from './backend.js'
import {
  ADD,
  AND,
  alignOf,
  BR,
  BRANCH_IF,
  type Code,
  EQ,
  EQZ,
  GE_S,
  LE_U,
  LT_U,
  localsOf,
  NE,
  OR,
  RETURN_OP,
  SELECT,
  SHL,
  SHR_U,
  SUB,
} from './code.js'
import { type Access, EMPTY, I32 } from './opcodes.js'
import * as seam from './seam.js'

/** Copies between the memories go in steps of at most so many bytes, with a poll after each. */
const CHUNK = 1 << 20
/** An access so near to an extent's end goes on from it. */
const BESIDE = 64
/** So often a register is missed before the kernel is asked for the extent in which it was: a power of two. */
const MISSES = 1024

export class MultiMemory implements BackEnd {
  readonly name = 'multi-memory'
  private readonly generation: number
  private readonly misses: number
  private readonly known = new Map<Access, number[]>()
  private settles: number | undefined
  private polls: number | undefined
  /** What an ExtentCall found. */
  private readonly found: Register
  private readonly loads: Register
  private readonly stores: Register

  private readonly context: BackEndContext

  constructor(context: BackEndContext) {
    this.context = context
    this.generation = context.appended.global('isopage:generation')
    this.loads = this.makeRegister('load')
    this.stores = this.makeRegister('store')
    this.found = this.makeRegister('found')
    this.misses = context.appended.global('isopage:misses')
  }

  private makeRegister(name: string): Register {
    const { appended } = this.context
    return {
      start: appended.global(`isopage:${name}.start`, seam.NO_EXTENT),
      length: appended.global(`isopage:${name}.length`, seam.NO_EXTENT_BYTES),
      delta: appended.global(`isopage:${name}.delta`),
    }
  }

  private register(write: boolean): Register {
    return write ? this.stores : this.loads
  }

  extent(write: boolean): ExtentCall {
    const found = this.found
    const name = `isopage:extent.${write ? 'store' : 'load'}`
    const call = this.context.appended.routine(name, [I32, I32], [I32], () => {
      const code = localsOf([I32, I32])
      code.get(0).const(0).op(GE_S).if(EMPTY).const(0).op(RETURN_OP).end()
      this.takeRegister(code, this.register(write), found)
      this.takePage(code, write, found)
      return code.const(0).end()
    })
    return { call, found }
  }

  /** Returns 1 when a register holds [local 0, + local 1); an empty one holds no address of the window. */
  private takeRegister(code: Code, register: Register, found: Register): void {
    code.get(1).getGlobal(register.length).op(LE_U).if(EMPTY)
    this.hit(code, register, 0, (to) => to.get(1)).if(EMPTY)
    for (const part of ['start', 'length', 'delta'] as const) {
      code.getGlobal(register[part]).setGlobal(found[part])
    }
    code.const(1).op(RETURN_OP).end().end()
  }

  /** Returns 1 when the page table has a settled page that holds them, but not when it is time to ask for more: the access itself will.  Locals: 2 entry, 3 shift, then the page's bytes. */
  private takePage(code: Code, write: boolean, found: Register): void {
    code.getGlobal(this.context.context).load(seam.CONTEXT_PAGE_SHIFT).set(3)
    code.block(EMPTY)
    this.entry(code, write)
    if (!write) this.isSettled(code).op(EQZ, BRANCH_IF, 0)
    this.missedOften(code).op(BRANCH_IF, 0)
    code.getGlobal(this.misses).const(1).op(ADD).setGlobal(this.misses)
    code.const(1).get(3).op(SHL).tee(3).setGlobal(found.length)
    code.get(0).const(0).get(3).op(SUB, AND).setGlobal(found.start)
    code.get(2).const(~seam.PTE_FLAGS).op(AND).getGlobal(found.start).op(SUB)
    code.setGlobal(found.delta).const(1).op(RETURN_OP).end()
  }

  outside(): number {
    return shared.outsideOf(this.context)
  }

  drop(): number {
    return this.context.appended.routine(seam.EXPORT_DROP, [], [], () => {
      const code = localsOf([])
      for (const { start, length } of [this.loads, this.stores]) {
        code.const(seam.NO_EXTENT).setGlobal(start)
        code.const(seam.NO_EXTENT_BYTES).setGlobal(length)
      }
      return code.end()
    })
  }

  settle(): number {
    this.settles ??= this.makeSettle()
    return this.settles
  }

  private makeSettle(): number {
    return this.context.appended.routine('isopage:settle', [], [], () => {
      const code = localsOf([I32]).getGlobal(this.context.context)
      code.loadAtomic(seam.CONTEXT_GENERATION).tee(0).getGlobal(this.generation).op(NE).if(EMPTY)
      return code.get(0).setGlobal(this.generation).call(this.drop()).end().end()
    })
  }

  poll(code: Code, _sparse: boolean, again?: number): number {
    code.const(seam.ATTENTION).load()
    const at = code.length
    this.polls ??= this.polled()
    code.if(EMPTY).call(this.polls)
    if (again !== undefined) code.op(BR, again)
    code.end()
    return at
  }

  /** What a poll calls when the attention word is not 0. */
  private polled(): number {
    return this.context.appended.routine('isopage:poll', [], [], () => {
      const code = localsOf([]).getGlobal(this.context.context)
      shared.callEntry(code, this.context, seam.ENTRY_POLL).call(this.drop())
      code.getGlobal(this.context.context).loadAtomic(seam.CONTEXT_GENERATION)
      return code.setGlobal(this.generation).end()
    })
  }

  /** Leaves on the stack whether the register holds all of [local 0 of `at`, + bytes): one comparison. */
  private hit(code: Code, register: Register, at: number, bytes: (code: Code) => void): Code {
    code.get(at).getGlobal(register.start).one(SUB).getGlobal(register.length)
    bytes(code)
    return code.two(SUB, LE_U)
  }

  inline(code: Code, access: Access, lane: number, locals: InlineLocals): boolean {
    if (access.atomic) return false
    const { operands, address, hints } = locals
    const register = this.register(access.write)
    code.get(address).getGlobal(register.start).one(SUB).getGlobal(register.length)
    code.const(access.bytes).two(SUB, LE_U)
    hints.push(code.length, 1)
    code.if(access.result).get(address).getGlobal(register.delta).one(ADD)
    for (let i = 0; i < operands.length; i++) code.get(operands[i] as number)
    code.access(access, 1, 0, 0, lane).else().get(address)
    for (let i = 0; i < operands.length; i++) code.get(operands[i] as number)
    code.call(this.mapped(access, lane)).end()
    return true
  }

  mapped(access: Access, lane: number): number {
    return shared.remembered(this.known, access, lane, () => this.makeMapped(access, lane))
  }

  private makeMapped(access: Access, lane: number): number {
    const { appended } = this.context
    if (access.atomic && access.code < 3) {
      return shared.waitOrNotify(this.context, access, 1, this.settle())
    }
    const name = `isopage:${access.name}${access.lane ? lane : ''}`
    const results = access.result === EMPTY ? [] : [access.result]
    return appended.routine(name, [I32, ...access.operands], results, () => {
      const physical = 1 + access.operands.length
      const code = localsOf([I32])
      if (access.atomic) shared.refuseUnaligned(code, access, 1)
      code.get(0).const(access.bytes).call(this.translate(access.write)).set(physical)
      if (access.write && !access.atomic && access.bytes > 1) {
        this.storeAcross(code, access, lane, physical)
      }
      return this.perform(code, access, lane, physical).end()
    })
  }

  private perform(code: Code, access: Access, lane: number, physical: number): Code {
    code.get(physical)
    access.operands.forEach((_, i) => {
      code.get(1 + i)
    })
    return code.access(access, 1, 0, access.atomic ? alignOf(access.bytes) : 0, lane)
  }

  /** A store to two extents: the bytes go to the bounce buffer, and the kernel takes them from there. */
  private storeAcross(code: Code, access: Access, lane: number, physical: number): void {
    const { context } = this.context
    code.get(physical).op(EQZ).if(EMPTY)
    code.getGlobal(context).const(seam.CONTEXT_BOUNCE).op(ADD).set(physical)
    this.perform(code, access, lane, physical)
    code.getGlobal(context).get(0).const(access.bytes)
    shared.callEntry(code, this.context, seam.ENTRY_STORE).call(this.settle()).op(RETURN_OP).end()
  }

  /**
   * The function (address, bytes) => where [address, +bytes) lies in memory 1; of a load across two extents where its bytes
   * were copied to, of such a store 0.
   */
  private translate(write: boolean): number {
    const name = `isopage:translate.${write ? 'store' : 'load'}`
    return this.context.appended.routine(name, [I32, I32], [I32], () => {
      const register = write ? this.stores : this.loads
      const code = localsOf([I32, I32])
      this.hit(code, register, 0, (to) => to.get(1)).if(EMPTY)
      code.get(0).getGlobal(register.delta).op(ADD, RETURN_OP).end()
      shared.refuseWrapped(code, 0, this.outside())
      this.walk(code, write, register)
      return this.fault(code, write, register).end()
    })
  }

  /**
   * Returns from `translate` when the page table has an entry with the right and the access stays in its page, unless the register had
   * better be filled: it is empty, or the access comes right behind or before its extent. Locals: 2 entry, 3 shift.
   */
  private walk(code: Code, write: boolean, register: Register): Code {
    code.getGlobal(this.context.context).load(seam.CONTEXT_PAGE_SHIFT).set(3)
    code.block(EMPTY)
    this.entry(code, write)
    this.wantsExtent(code, register)
    if (!write) this.isSettled(code).op(AND)
    code.op(BRANCH_IF, 0)
    code.get(2).const(~seam.PTE_FLAGS).op(AND)
    this.offset(code)
    return code.op(OR, RETURN_OP).end()
  }

  private offset(code: Code): Code {
    return code.get(0).const(1).get(3).op(SHL).const(1).op(SUB, AND)
  }

  /** Local 2 = the page table's entry for [local 0, + local 1), local 3 being the page shift; branches to 0 when there is none with the right, or two pages are touched. */
  private entry(code: Code, write: boolean): void {
    const right = write ? seam.PTE_WRITE : seam.PTE_READ
    const slot = () => code.const(2).op(SHL).get(2).op(ADD).load().tee(2)
    this.offset(code).get(1).op(ADD).const(1).get(3).op(SHL, LE_U, EQZ, BRANCH_IF, 0)
    code.getGlobal(this.context.context).load(seam.CONTEXT_DIRECTORY).tee(2)
    code.op(EQZ, BRANCH_IF, 0)
    code.get(0).get(3).const(1).op(SHL).const(2).op(SUB, SHR_U)
    slot().op(EQZ, BRANCH_IF, 0)
    code.get(0).get(3).op(SHR_U).const(1).get(3).const(2).op(SUB, SHL).const(1).op(SUB, AND)
    slot().const(right).op(AND, EQZ, BRANCH_IF, 0)
  }

  /**
   * Leaves whether the kernel shall be asked for an extent though the page is there: the register is empty, local 0 is less than BESIDE bytes from
   * one of its ends (whoever goes through pages in turn asks once an extent), or it was missed MISSES times.
   */
  private wantsExtent(code: Code, { start, length }: Register): Code {
    const beside = () =>
      code
        .const(BESIDE)
        .op(ADD)
        .const(2 * BESIDE)
        .op(LT_U)
    this.missedOften(code)
    code.getGlobal(this.misses).const(1).op(ADD).setGlobal(this.misses)
    code.getGlobal(length).const(seam.NO_EXTENT_BYTES).op(LE_U, OR)
    code.get(0).getGlobal(start).op(SUB)
    beside().op(OR)
    code.get(0).getGlobal(start).op(SUB).getGlobal(length).op(SUB)
    return beside().op(OR)
  }

  private missedOften(code: Code): Code {
    return code
      .getGlobal(this.misses)
      .const(MISSES - 1)
      .op(AND, EQZ)
  }

  /** Leaves whether an extent for loads may hold the page of entry local 2 (assembly/guest.ts, isSettled): for stores every page that may be stored to is one. */
  private isSettled(code: Code): Code {
    const own = seam.PTE_PRIVATE | seam.PTE_WRITE
    code.get(2).const(seam.PTE_SHARED).op(AND).const(0).op(NE)
    return code.get(2).const(own).op(AND).const(own).op(EQ, OR)
  }

  /** Asks the kernel, and fills `register` unless the generation moved meanwhile or the answer is for this access alone (length 0). Local 2: the answer. */
  private fault(code: Code, write: boolean, register: Register): Code {
    const { context } = this.context
    code
      .call(this.settle())
      .getGlobal(context)
      .get(0)
      .get(1)
      .const(write ? 1 : 0)
    shared.callEntry(code, this.context, seam.ENTRY_FAULT).set(2)
    code.getGlobal(context).loadAtomic(seam.CONTEXT_GENERATION).getGlobal(this.generation).op(EQ)
    code.if(EMPTY).getGlobal(context).load(seam.CONTEXT_LENGTH).tee(3).if(EMPTY).get(2).if(EMPTY)
    code.getGlobal(context).load(seam.CONTEXT_START).setGlobal(register.start)
    code.get(3).setGlobal(register.length)
    code.getGlobal(context).load(seam.CONTEXT_DELTA).setGlobal(register.delta)
    code.end().end().else().call(this.settle()).end()
    if (write) return code.get(2)
    code.get(2).op(EQZ).if(EMPTY).getGlobal(context).get(0).get(1)
    shared.callEntry(code, this.context, seam.ENTRY_LOAD).set(2)
    return code.call(this.settle()).end().get(2)
  }

  fill(): number {
    return shared.fillOf(this.context, this.settle())
  }

  copy(): number {
    return this.context.appended.routine('isopage:memory.copy', [I32, I32, I32], [], () => {
      const code = localsOf([I32, I32])
      shared.copyInWindow(code, this.context, this.settle())
      code.get(0).const(0).op(0x48).if(EMPTY)
      shared.refuseOutside(code, 1, 2, 3, this.outside())
      this.chunks(code, 0, true, () => code.get(3).get(1).get(4).op(0xfc, 10, 1, 0))
      code.else()
      shared.refuseOutside(code, 0, 2, 3, this.outside())
      this.chunks(code, 1, false, () => code.get(0).get(3).get(4).op(0xfc, 10, 0, 1))
      return code.end().end()
    })
  }

  init(segment: number): number {
    const name = `isopage:memory.init${segment}`
    return this.context.appended.routine(name, [I32, I32, I32], [], () => {
      const code = shared.refuseOverflow(localsOf([I32, I32]), 1, 2, this.outside())
      // Of no bytes at the end of what is wanted: traps when the segment is shorter.
      code.const(0).get(1).get(2).op(ADD).const(0).op(0xfc, 8)
      code.u32(segment)
      code.op(0)
      this.chunks(code, 0, true, () => {
        code.get(3).get(1).get(4).op(0xfc, 8)
        code.u32(segment)
        code.op(1)
      })
      return code.end()
    })
  }

  /**
   * A loop over the extents of a range in the window: locals 0, 1, 2 are to, from and the bytes that are left, `window` says which
   * of the two lies in the window. `step` copies local 4 bytes at local 3, a place in memory 1.
   */
  private chunks(code: Code, window: 0 | 1, write: boolean, step: () => void): void {
    const register = write ? this.stores : this.loads
    shared.refuseOverflow(code, window, 2, this.outside())
    code.block(EMPTY).loop(EMPTY).get(2).op(EQZ, BRANCH_IF, 1)
    code.get(window).const(1).call(this.translate(write)).set(3)
    this.room(code, register, window)
    this.atMost(code, () => code.get(2))
    this.atMost(code, () => code.const(CHUNK))
    step()
    for (const local of [0, 1]) code.get(local).get(4).op(ADD).set(local)
    code.get(2).get(4).op(SUB).set(2)
    this.poll(code, false)
    code.op(BR, 0).end().end()
  }

  /** Local 4 = how far the extent of `at` goes on: the register's, else to the end of the page. */
  private room(code: Code, register: Register, at: number): void {
    code.get(at).getGlobal(register.start).op(SUB).tee(4).getGlobal(register.length).op(LT_U)
    code.if(I32).getGlobal(register.length).get(4).op(SUB).else()
    const page = () =>
      code.const(1).getGlobal(this.context.context).load(seam.CONTEXT_PAGE_SHIFT).op(SHL)
    page().get(at)
    page().const(1).op(SUB, AND, SUB).end().set(4)
  }

  /** Local 4 = the smaller of itself and `limit`. */
  private atMost(code: Code, limit: () => void): void {
    code.get(4)
    limit()
    code.get(4)
    limit()
    code.op(LT_U, SELECT).set(4)
  }
}
