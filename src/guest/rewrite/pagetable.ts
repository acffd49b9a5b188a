/**
 * How guests' code walks the page table of its process, and when it had better ask the kernel for an extent.
 *
 *   address:   | table (10 bits) | page (10) | offset (12) |       in pages of 4 KiB, of which the quick walk knows
 *
 * Invariants:
 *  1. `directory` is 0 or the context's directory, of the generation that the registers are of: with it they are forgotten.
 *  2. An entry that is read and used before the next poll or kernel entry is as good as a register (grace.ts in the kernel): who takes it away
 *     waits for that.
 *  3. Only a page whose entry is settled goes to a register: for the others the kernel asks nobody who has only read them.
 *
 * Whoever jumps about misses the register nearly always, and would have little of another extent: the walk is all that it pays. Whoever comes to one
 * page twice in turn gets that page as its extent, without the kernel. The kernel, which looks along the page table for all of the extent, is asked once in
 * `patience` misses, which doubles from PATIENCE_MIN to PATIENCE_MAX: by then it is sure that pages are there.
 */

import type { BackEndContext, Register } from './backend.js'
import {
  ADD,
  AND,
  BRANCH_IF,
  type Code,
  EQ,
  EQZ,
  GE_S,
  GT_U,
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
import { EMPTY, I32 } from './opcodes.js'
import * as seam from './seam.js'

/** Pages that the quick walk knows: the default. */
const SHIFT = 12
const PAGE = 1 << SHIFT
/** A table of one such page has 1024 entries. */
const TABLE_SHIFT = SHIFT + 10
const PATIENCE_MIN = 64
const PATIENCE_MAX = 4096
/** An access so near to an extent's end goes on from it. */
const BESIDE = 64

export class PageTable {
  private readonly context: BackEndContext
  private readonly directory: number
  /** Misses since the kernel was asked, from -patience up to 0. */
  private readonly misses: number
  private readonly patience: number
  /** The page that was missed last, of loads and of stores. */
  private readonly last: readonly [number, number]

  constructor(context: BackEndContext) {
    const { appended } = context
    this.context = context
    this.directory = appended.global('isopage:directory')
    this.misses = appended.global('isopage:misses', -PATIENCE_MIN)
    this.patience = appended.global('isopage:patience', PATIENCE_MIN)
    this.last = [appended.global('isopage:load.page'), appended.global('isopage:store.page')]
  }

  /** Forgets what is of the past. */
  forget(code: Code): Code {
    return code.const(0).setGlobal(this.directory).const(-PATIENCE_MIN).setGlobal(this.misses)
  }

  /**
   * Sets local `physical` to where [local 0, + bytes) lies in memory 1, local 0 being in the window; branches to 0 when this is not for the quick
   * walk: no entry with the right, two pages, or it is time to ask for an extent.
   */
  quick(code: Code, bytes: number, write: boolean, register: Register, physical: number): void {
    const last = this.last[write ? 1 : 0]
    this.inPage(code, bytes)
    code.getGlobal(this.directory).tee(physical).op(EQZ, BRANCH_IF, 0)
    code.get(physical).get(0).const(TABLE_SHIFT).op(SHR_U).const(2).op(SHL, ADD)
    code.load().tee(physical).op(EQZ, BRANCH_IF, 0)
    code.get(physical).get(0).const(SHIFT).op(SHR_U).const(1023).op(AND).const(2).op(SHL, ADD)
    code
      .load()
      .tee(physical)
      .const(write ? seam.PTE_WRITE : seam.PTE_READ)
    code.op(AND, EQZ, BRANCH_IF, 0)
    this.missed(code).const(0).op(GE_S, BRANCH_IF, 0)
    code.get(0).const(-PAGE).op(AND).getGlobal(last).op(EQ).if(EMPTY)
    code.get(0).get(physical).call(this.keep(write, register)).end()
    code.get(0).const(-PAGE).op(AND).setGlobal(last)
    code
      .get(physical)
      .const(-PAGE)
      .op(AND)
      .get(0)
      .const(PAGE - 1)
      .op(AND, OR)
      .set(physical)
  }

  /** Branches to 0 when [local 0, + bytes) may touch two pages, of whatever size. */
  private inPage(code: Code, bytes: number): void {
    if (bytes === 1) return
    code
      .get(0)
      .const(PAGE - 1)
      .op(AND)
      .const(PAGE - bytes)
      .op(GT_U, BRANCH_IF, 0)
  }

  /** Counts a miss, and leaves how many are left until the kernel is to be asked, as a negative number. */
  private missed(code: Code): Code {
    code.getGlobal(this.misses).const(1).op(ADD).setGlobal(this.misses)
    return code.getGlobal(this.misses)
  }

  /** The function (address, entry) that makes its page the register's extent. */
  private keep(write: boolean, { start, length, delta }: Register): number {
    const name = `isopage:keep.${write ? 'store' : 'load'}`
    return this.context.appended.routine(name, [I32, I32], [], () => {
      const code = localsOf([])
      if (!write) this.isSettled(code, 1).if(EMPTY)
      code.get(0).const(-PAGE).op(AND).tee(0).setGlobal(start).const(PAGE).setGlobal(length)
      code.get(1).const(-PAGE).op(AND).get(0).op(SUB).setGlobal(delta)
      return write ? code.end() : code.end().end()
    })
  }

  /**
   * Of a page of any size. Returns from a function (address, bytes) with the place in memory 1 when the page table has an entry with the right and the
   * access stays in its page, unless the register had better be filled by the kernel. Locals: 2 entry, 3 shift.
   */
  walk(code: Code, write: boolean, register: Register): Code {
    code.block(EMPTY)
    this.entry(code, write)
    this.wantsExtent(code, register)
    if (!write) this.isSettled(code, 2).op(AND)
    code.op(BRANCH_IF, 0)
    code.get(2).const(~seam.PTE_FLAGS).op(AND)
    this.offset(code)
    return code.op(OR, RETURN_OP).end()
  }

  /** Returns 1 from a function (address, bytes), `found` being the page, when the page table has a settled one that holds them all; not when it is time to ask: the access itself will. */
  page(code: Code, write: boolean, found: Register): void {
    code.block(EMPTY)
    this.entry(code, write)
    if (!write) this.isSettled(code, 2).op(EQZ, BRANCH_IF, 0)
    code.getGlobal(this.misses).const(0).op(GE_S, BRANCH_IF, 0)
    code.getGlobal(this.misses).const(1).op(ADD).setGlobal(this.misses)
    code.const(1).get(3).op(SHL).tee(3).setGlobal(found.length)
    code.get(0).const(0).get(3).op(SUB, AND).setGlobal(found.start)
    code.get(2).const(~seam.PTE_FLAGS).op(AND).getGlobal(found.start).op(SUB)
    code.setGlobal(found.delta).const(1).op(RETURN_OP).end()
  }

  /** The kernel was asked: when that was for many misses, it is so in twice as many again. */
  asked(code: Code): Code {
    code.getGlobal(this.misses).const(0).op(GE_S).if(EMPTY)
    code.getGlobal(this.patience).const(1).op(SHL).const(PATIENCE_MAX)
    code.getGlobal(this.patience).const(PATIENCE_MAX).op(LT_U, SELECT).setGlobal(this.patience)
    return code.const(0).getGlobal(this.patience).op(SUB).setGlobal(this.misses).end()
  }

  private offset(code: Code): Code {
    return code.get(0).const(1).get(3).op(SHL).const(1).op(SUB, AND)
  }

  /** Local 3 = the page shift, local 2 = the page table's entry for [local 0, + local 1); branches to 0 when there is none with the right, or two pages are touched. */
  private entry(code: Code, write: boolean): void {
    const { context } = this.context
    const right = write ? seam.PTE_WRITE : seam.PTE_READ
    const slot = () => code.const(2).op(SHL).get(2).op(ADD).load().tee(2)
    code.getGlobal(context).load(seam.CONTEXT_PAGE_SHIFT).set(3)
    this.offset(code).get(1).op(ADD).const(1).get(3).op(SHL, LE_U, EQZ, BRANCH_IF, 0)
    code.getGlobal(context).load(seam.CONTEXT_DIRECTORY).tee(2).const(0)
    code.get(3).const(SHIFT).op(EQ, SELECT).setGlobal(this.directory)
    code.get(2).op(EQZ, BRANCH_IF, 0)
    code.get(0).get(3).const(1).op(SHL).const(2).op(SUB, SHR_U)
    slot().op(EQZ, BRANCH_IF, 0)
    code.get(0).get(3).op(SHR_U).const(1).get(3).const(2).op(SUB, SHL).const(1).op(SUB, AND)
    slot().const(right).op(AND, EQZ, BRANCH_IF, 0)
  }

  /** Leaves whether the kernel shall be asked for an extent though the page is there: the register is empty, local 0 is beside it, or it was missed often. */
  private wantsExtent(code: Code, { start, length }: Register): Code {
    const beside = () =>
      code
        .const(BESIDE)
        .op(ADD)
        .const(2 * BESIDE)
        .op(LT_U)
    this.missed(code).const(0).op(GE_S)
    code.getGlobal(length).const(seam.NO_EXTENT_BYTES).op(LE_U, OR)
    code.get(0).getGlobal(start).op(SUB)
    beside().op(OR)
    code.get(0).getGlobal(start).op(SUB).getGlobal(length).op(SUB)
    return beside().op(OR)
  }

  /** Leaves whether an extent for loads may hold the page of an entry (assembly/guest.ts, isSettled): for stores every page that may be stored to is one. */
  private isSettled(code: Code, entry: number): Code {
    const own = seam.PTE_PRIVATE | seam.PTE_WRITE
    code.get(entry).const(seam.PTE_SHARED).op(AND).const(0).op(NE)
    return code.get(entry).const(own).op(AND).const(own).op(EQ, OR)
  }
}
