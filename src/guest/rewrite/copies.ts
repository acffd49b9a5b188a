/**
 * An innermost loop in several copies, the best that holds being entered, and tried again when it holds no more:
 *
 *   block $exit
 *     loop $again
 *       block   <the addresses asked about are not all below 2 GiB>  br_if 0
 *         loop   poll   <those that must be asked in each round>  br_if $again   PRIVATE COPY   end   br $exit
 *       end
 *       block   <the mapped ones do not lie in an extent that is known>  br_if 0      as often as there are mapped copies
 *         loop   poll, then br 1        <as before, extents too>  br_if $again   MAPPED COPY   end   br $exit
 *                where each round moves each mapped address by the same: poll before, rounds are counted instead of all this
 *       end
 *       poll   ONE ROUND with both arms at each access, a branch to the loop being one to $again   br $exit
 *     end
 *   end
 *
 * loops.ts says why the copies are right. An extent in locals is a register's or one page's: compared in each round in which its address
 * may have moved, and never used behind a poll that called the kernel: then the one round is made, so that a loop goes on however often the kernel
 * wants to be called. Where no extent is known the one round faults, as the module's own accesses do, and no sooner than they.
 */
import { writeAddress } from './addresses.js'
import type { BackEnd, ExtentCall, Register } from './backend.js'
import {
  ADD,
  AND,
  BR,
  BRANCH_IF,
  type Code,
  EQZ,
  GT_U,
  LT_S,
  LT_U,
  OR,
  SELECT,
  SUB,
} from './code.js'
import type { Facts } from './facts.js'
import { ALONE, type Check, type Copies, type Counter } from './loops.js'
import { EMPTY } from './opcodes.js'
import type { Region } from './regions.js'
import { EXTENT, ROUNDS, TURNS, type Writing } from './writing.js'

/** An access that needs neither arm nor delta. */
export const PLAINLY = -1

/** How the inside of a loop is written: the bytes [start, end) of the module, as which copy. */
export interface Mode {
  readonly start: number
  readonly end: number
  /** The mapped arms of accesses with both try a register themselves. */
  readonly inline: boolean
  /** Regions inside are copied in their turn. */
  readonly regions: boolean
  /** No copy follows. */
  readonly last: boolean
  /** PLAINLY, or the local with the delta of an access by its number; undefined when it has both arms. */
  deltaAt(site: number): number | undefined
}

/** Writes a copy inside of `added` labels of ours; branches to the loop go to the one with `back` outside of it. */
type Copy = (mode: Mode, labels: { back: number; added: number }) => void

/** An address of a mapped copy, and its place among the loop's. */
interface Stream {
  readonly check: Check
  readonly i: number
}

/** Rounds of a mapped copy that counts them, at most. */
const ROUNDS_MAX = 4096
const DIV_U = 0x6e
/** Depths as a copy's head sees what follows the copy and $again, and as its surroundings see $exit. */
const NEXT = 1
const AGAIN = 2
const EXIT = 2

export class CopyWriter {
  private readonly writing: Writing
  private readonly code: Code
  private readonly back: BackEnd
  private readonly polls: boolean

  constructor(writing: Writing, back: BackEnd, polls: boolean) {
    this.writing = writing
    this.code = writing.code
    this.back = back
    this.polls = polls
  }

  /** A poll; where rounds are counted, once in 256 of them. Behind a call of the kernel it goes on at the label `again`, when that is given. */
  poll(counter?: Counter, again?: number): void {
    if (!this.polls) return
    const { code } = this
    if (counter) {
      const { local = this.writing.slot(TURNS) } = counter
      code.get(local)
      if (counter.local === undefined) code.const(1).op(ADD).tee(local)
      code.const(counter.mask).op(AND, EQZ)
      this.writing.unlikely()
      code.if(EMPTY)
    }
    const depth = again === undefined ? undefined : again + (counter ? 2 : 1)
    this.writing.hints.push(this.back.poll(code, counter !== undefined, depth), 0)
    if (counter) code.end()
  }

  write(copies: Copies, facts: Facts, copy: Copy): void {
    const { code } = this
    const type = facts.blockType(copies.loop)
    code.block(type).loop(type)
    this.privateCopy(copies, facts, copy)
    for (const bits of copies.mapped) this.mappedCopy(copies, bits, facts, copy)
    this.poll()
    const inline = copies.mapped.length !== 1
    const mode = { inline, regions: false, last: true, deltaAt: () => undefined }
    copy({ ...facts.inside(copies.loop), ...mode }, { back: 1, added: 2 })
    code.op(BR, 1).end().end()
  }

  private privateCopy(copies: Copies, facts: Facts, copy: Copy): void {
    const { code } = this
    code.block(EMPTY)
    this.notPrivate(copies, copies.checks, facts, 0)
    code.loop(facts.blockType(copies.loop))
    this.poll(facts.counterOf(copies.loop))
    const moving = copies.checks.filter(({ once }) => !once)
    this.notPrivate(copies, moving, facts, AGAIN)
    const deltaAt = (site: number) =>
      copies.checkOf[site - copies.loop.firstSite] === ALONE ? undefined : PLAINLY
    const mode = { inline: true, regions: true, last: false, deltaAt }
    copy({ ...facts.inside(copies.loop), ...mode }, { back: 3, added: 4 })
    code.end().op(BR, EXIT).end()
  }

  /** Branches to `label` unless what is asked about is below 2 GiB. */
  private notPrivate(copies: Copies, checks: readonly Check[], facts: Facts, label: number): void {
    if (checks.length === 0) return
    const { code } = this
    checks.forEach(({ node, at }, i) => {
      this.address(copies, node, at, facts)
      if (i > 0) code.op(OR)
    })
    code.const(0).op(LT_S)
    this.branchUnlikely(label)
  }

  /** Leaves whether some address that a region asks about is not below 2 GiB, for a branch that is hardly ever taken. */
  notNear({ checks, events }: Region, { flow }: Facts): void {
    const { code } = this
    checks.forEach(({ node, at }, i) => {
      writeAddress(code, flow, events, node, at)
      if (i > 0) code.op(OR)
    })
    code.const(0).op(LT_S)
    this.writing.unlikely()
  }

  private branchUnlikely(label: number): void {
    this.writing.unlikely()
    this.code.op(BRANCH_IF, label)
  }

  /** Leaves node + at on the stack, at the head of a loop. */
  private address(copies: Copies, node: number, at: number, facts: Facts): void {
    writeAddress(this.code, facts.flow, copies.loop.events, node, at)
  }

  /** The copy in which the addresses of `bits` are mapped, the other one private. */
  private mappedCopy(copies: Copies, bits: number, facts: Facts, copy: Copy): void {
    const { code } = this
    const { checks, loop } = copies
    const isMapped = (_: unknown, i: number) => ((bits >> i) & 1) === 1
    const own = checks.filter((check, i) => !isMapped(check, i))
    const streams = checks.flatMap((check, i) => (isMapped(check, i) ? [{ check, i }] : []))
    const counted = streams.every(({ check }) => check.step !== undefined)
    code.block(EMPTY)
    this.notPrivate(copies, own, facts, 0)
    if (counted) this.poll()
    for (const { check, i } of streams) this.enterExtent(copies, check, i, facts)
    if (counted) this.countRounds(copies, streams, facts)
    code.loop(facts.blockType(loop))
    if (counted) this.endRounds()
    else this.poll(facts.counterOf(loop), NEXT)
    this.notPrivate(
      copies,
      own.filter(({ once }) => !once),
      facts,
      AGAIN,
    )
    for (const { check, i } of streams) {
      if (!counted && check.step !== 0) this.leaveExtent(copies, check, i, facts)
    }
    const deltaAt = (site: number) => {
      const check = copies.checkOf[site - loop.firstSite] as number
      return check >= 0 && isMapped(check, check) ? this.extent(check).delta : PLAINLY
    }
    const mode = { inline: false, regions: false, last: false, deltaAt }
    copy({ ...facts.inside(loop), ...mode }, { back: 3, added: 4 })
    code.end().op(BR, EXIT).end()
  }

  /** The locals of the extent of check `i`: its start less `low`, its length less the span, its delta. */
  private extent(i: number): Register {
    const slot = (nth: number) => this.writing.slot(EXTENT + i * 3 + nth)
    return { start: slot(0), length: slot(1), delta: slot(2) }
  }

  /** Takes an extent into locals; branches to 0 unless there is one that holds all that a round touches. */
  private enterExtent(copies: Copies, check: Check, i: number, facts: Facts): void {
    const { code } = this
    const { call, found } = this.back.extent(check.write) as ExtentCall
    const { start, length, delta } = this.extent(i)
    const span = check.high - check.low
    this.address(copies, check.node, check.low, facts)
    code.const(span).call(call).op(EQZ, BRANCH_IF, 0)
    code.getGlobal(found.start).const(check.low).op(SUB).set(start)
    code.getGlobal(found.length).const(span).op(SUB).set(length)
    code.getGlobal(found.delta).set(delta)
  }

  /** Local ROUNDS = how many rounds may be made before a poll, and before one of the addresses leaves its extent. */
  private countRounds(copies: Copies, streams: readonly Stream[], facts: Facts): void {
    const { code } = this
    const rounds = this.writing.slot(ROUNDS)
    code.const(ROUNDS_MAX).set(rounds)
    for (const { check, i } of streams) {
      const { start, length } = this.extent(i)
      const step = check.step as number
      if (step === 0) continue
      if (step > 0) code.get(length)
      this.address(copies, check.node, 0, facts)
      code.get(start).op(SUB)
      if (step > 0) code.op(SUB)
      code
        .const(Math.abs(step) | 0)
        .op(DIV_U)
        .const(1)
        .op(ADD)
        .set(length)
      for (const local of [length, rounds, length, rounds]) code.get(local)
      code.op(LT_U, SELECT).set(rounds)
    }
  }

  private endRounds(): void {
    const rounds = this.writing.slot(ROUNDS)
    this.code.get(rounds).const(-1).op(ADD).tee(rounds).const(0).op(LT_S)
    this.branchUnlikely(AGAIN)
  }

  /** Branches to $again when what a round touches lies outside of the extent in locals. */
  private leaveExtent(copies: Copies, check: Check, i: number, facts: Facts): void {
    const { start, length } = this.extent(i)
    this.address(copies, check.node, 0, facts)
    this.code.get(start).op(SUB).get(length).op(GT_U)
    this.branchUnlikely(AGAIN)
  }
}
