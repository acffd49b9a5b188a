/**
 * The back end for engines with more than one memory per module: memory 1 is the kernel's.
 *
 *   register (one for loads, one for stores):   start | length | delta        three globals
 *   an address inside start..start+length lies at address + delta in memory 1
 *   not inside: page table (pagetable.ts), then guest_fault, which fills the register
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
  RETURN_OP,
  SELECT,
  SHL,
  SUB,
} from './code.js'
import { type Access, EMPTY, I32 } from './opcodes.js'
import { PageTable } from './pagetable.js'
import * as seam from './seam.js'

/** Copies between the memories go in steps of at most so many bytes, with a poll after each. */
const CHUNK = 1 << 20

export class MultiMemory implements BackEnd {
  readonly name = 'multi-memory'
  private readonly generation: number
  private readonly pages: PageTable
  private readonly known = new Map<Access, number[]>()
  private readonly knownAnywhere = new Map<Access, number[]>()
  private readonly knownMissed = new Map<Access, number[]>()
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
    this.pages = new PageTable(context)
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
      this.pages.page(code, write, found)
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
      return this.pages.forget(code).end()
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
    code.call(this.missed(access, lane)).end()
    return true
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
      return shared.waitOrNotify(this.context, access, 1, this.settle())
    }
    const register = this.register(access.write)
    return this.routine(access, lane, '', [], (code) => {
      if (access.atomic) shared.refuseUnaligned(code, access, 1)
      this.hit(code, register, 0, (to) => to.const(access.bytes)).if(EMPTY)
      code.get(0).getGlobal(register.delta).op(ADD)
      this.perform(code, access, lane).op(RETURN_OP).end().get(0)
      this.operands(code, access).call(this.missed(access, lane)).end()
    })
  }

  /** As `mapped`, of an access that the register has not. */
  private missed(access: Access, lane: number): number {
    return shared.remembered(this.knownMissed, access, lane, () => this.makeMissed(access, lane))
  }

  private makeMissed(access: Access, lane: number): number {
    const physical = 1 + access.operands.length
    const register = this.register(access.write)
    return this.routine(access, lane, '.missed', [I32], (code) => {
      code.block(EMPTY)
      this.pages.quick(code, access.bytes, access.write, register, physical)
      this.perform(code.get(physical), access, lane).op(RETURN_OP).end()
      code.get(0).const(access.bytes).call(this.translate(access.write)).set(physical)
      if (access.write && !access.atomic && access.bytes > 1) {
        this.storeAcross(code, access, lane, physical)
      }
      this.perform(code.get(physical), access, lane).end()
    })
  }

  /** The function (address, ...operands) => the result of `access`. */
  private routine(
    access: Access,
    lane: number,
    suffix: string,
    locals: readonly number[],
    body: (code: Code) => void,
  ): number {
    const name = `isopage:${access.name}${access.lane ? lane : ''}${suffix}`
    const results = access.result === EMPTY ? [] : [access.result]
    return this.context.appended.routine(name, [I32, ...access.operands], results, () => {
      const code = localsOf(locals)
      body(code)
      return code
    })
  }

  private operands(code: Code, access: Access): Code {
    for (let i = 0; i < access.operands.length; i++) code.get(1 + i)
    return code
  }

  /** The access itself, its place in memory 1 being on the stack. */
  private perform(code: Code, access: Access, lane: number): Code {
    const align = access.atomic ? alignOf(access.bytes) : 0
    return this.operands(code, access).access(access, 1, 0, align, lane)
  }

  /** A store to two extents: the bytes go to the bounce buffer, and the kernel takes them from there. */
  private storeAcross(code: Code, access: Access, lane: number, physical: number): void {
    const { context } = this.context
    code.get(physical).op(EQZ).if(EMPTY)
    code.getGlobal(context).const(seam.CONTEXT_BOUNCE).op(ADD).set(physical)
    this.perform(code.get(physical), access, lane)
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
      const register = this.register(write)
      const code = localsOf([I32, I32])
      this.hit(code, register, 0, (to) => to.get(1)).if(EMPTY)
      code.get(0).getGlobal(register.delta).op(ADD, RETURN_OP).end()
      shared.refuseWrapped(code, 0, this.outside())
      this.pages.walk(code, write, register)
      return this.fault(code, write, register).end()
    })
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
    this.pages.asked(code.end().end()).else().call(this.settle()).end()
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
    const register = this.register(write)
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
