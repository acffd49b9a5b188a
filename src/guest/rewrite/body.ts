/**
 * One function body: every access to memory gets its second arm (accesses.ts) unless it is known to need none, loops their polls and
 * copies (copies.ts), calls of imports their look at the generation. What needs nothing is copied in whole stretches.
 *
 * Invariants:
 *  1. Code that cannot be reached is rewritten alike: what is inserted takes and leaves what the original does.
 *  2. `levels` says of each open block how many labels lie outside of it in what is written; a branch counts from there.
 */
import { AccessWriter } from './accesses.js'
import type { BackEnd } from './backend.js'
import type { Bodies } from './bodies.js'
import { Reader } from './bytes.js'
import { type Code, UNREACHABLE } from './code.js'
import { CopyWriter, type Mode, PLAINLY } from './copies.js'
import { outOfStep, refuse } from './error.js'
import type { Facts } from './facts.js'
import { GuestHints } from './guesthints.js'
import { type Decoded, skipLocals, skipValueType } from './module.js'
import * as op from './opcodes.js'
import { type Access, EMPTY } from './opcodes.js'
import { isCovered, type Region } from './regions.js'
import { type Hints, Writing } from './writing.js'

/** Frames of the control stack. */
const PLAIN = 0
const LOOPS = 1
/** Something that was thrown lands behind its end. */
const LANDS = 2

export interface BodyOptions {
  readonly decoded: Decoded
  readonly back: BackEnd
  readonly polls: boolean
  readonly facts: Facts
  /** Whether to keep what of the module lies where. */
  readonly origins: boolean
  /** => the function to name instead of an import where a table or a reference holds it. */
  wrapped(index: number): number
  /** => a type that takes nothing and leaves `results`. */
  leaving(results: readonly Uint8Array[]): number
}

/** Rewrites bodies one after the other; `bytes` of `code` are what the last one became. */
export class BodyRewriter {
  private readonly writing: Writing
  private readonly code: Code
  private readonly accesses: AccessWriter
  private readonly copies: CopyWriter
  private readonly reader: Reader
  private readonly bytes: Uint8Array
  /** All before it is in `code`. */
  private from = 0
  private frames: number[] = []
  private levels: number[] = []
  /** Labels that are open in what is written, and how many of them are none of the module's. */
  private level = 0
  private added = 0
  /** Inside an innermost loop that calls nothing, where accesses try a register themselves. */
  private inner = false
  private readonly guestHints = new GuestHints()
  private landing = false
  private mustLand = false
  /** Index of the function. */
  private own = 0
  /** Whether the last one may come back to itself without a call of another one of the module's that is known: a loop of another kind. */
  comesBack = false
  /** The functions of the module that the last one calls. */
  callees: number[] = []
  /** Of which copy of a loop this is; undefined outside of copies. */
  private mode: Mode | undefined
  /** Of which region and which copy of it this is; undefined outside of regions. */
  private region: Region | undefined
  private slow = false
  /** Where the last `local.get` stands, and what follows it. */
  private got = 0
  private gotEnd = -1
  /** Where the next region begins. */
  private regionAt = 0

  private readonly options: BodyOptions

  constructor(options: BodyOptions) {
    this.options = options
    this.bytes = options.decoded.bytes
    this.reader = new Reader(this.bytes)
    this.writing = new Writing(options.origins)
    this.code = this.writing.code
    this.accesses = new AccessWriter(this.writing, options.back, this.bytes)
    this.copies = new CopyWriter(this.writing, options.back, options.polls)
  }

  /** Writes body `index` (of those defined) to `out`, which tells of its hints. */
  rewrite(index: number, guestHints: Hints, out: Bodies): void {
    const { bodies, functionTypes, types } = this.options.decoded
    const type = types[functionTypes[index] as number] as Decoded['types'][number]
    const [start, end] = [bodies[index * 2] as number, bodies[index * 2 + 1] as number]
    this.own = this.options.decoded.importedFunctions + index
    this.options.facts.of(index)
    this.landing = false
    this.pass(start, end, type.params, type.results, guestHints)
    if (this.mustLand) {
      this.landing = true
      this.pass(start, end, type.params, type.results, guestHints)
    }
    out.add(this.writing, this.bytes, start)
  }

  private pass(
    start: number,
    end: number,
    params: number,
    results: readonly Uint8Array[],
    hints: Hints,
  ): void {
    const { reader } = this
    this.frames = [PLAIN]
    this.levels = [0]
    this.level = 1
    this.added = 0
    this.inner = false
    this.mode = undefined
    this.region = undefined
    this.guestHints.begin(hints, start)
    this.mustLand = false
    this.comesBack = false
    this.callees = []
    reader.at = start
    const locals = params + skipLocals(reader)
    this.writing.begin(locals, reader.at)
    this.from = reader.at
    this.regionAt = this.options.facts.regionFrom(reader.at).at
    if (this.landing) this.openBody(results)
    while (reader.at < end) this.step(end)
    if (reader.at !== end || this.frames.length > 0) outOfStep(this.own)
    this.flush(end)
  }

  /** The whole body in a block, behind which lands what the function's own label would catch. */
  private openBody(results: readonly Uint8Array[]): void {
    this.levels = [this.level++]
    this.added++
    this.code.byte(op.BLOCK)
    if (results.length === 0) this.code.byte(EMPTY)
    else if (results.length === 1) this.code.op(...(results[0] as Uint8Array))
    else this.code.s32(this.options.leaving(results))
  }

  /** Copies what needs no change, up to `to`. */
  private flush(to: number): void {
    this.writing.copy(this.bytes, this.from, to)
    this.from = to
  }

  /** One instruction. */
  private step(end: number): void {
    const { reader, bytes } = this
    const at = reader.at
    if (at >= this.regionAt && this.beginRegion(at)) return
    const opcode = bytes[reader.at++] as number
    const kind = op.OPERANDS[opcode] as number
    if (kind === op.NONE) return
    if (this.guestHints.left) this.keepHint(at)
    if (kind === op.NUMBER) {
      if (opcode === op.CALL_REF) this.comesBack = true
      if (this.added > 0 && (opcode === 0x0c || opcode === op.BR_IF)) this.branch(opcode, at)
      else while ((bytes[reader.at++] as number) & 0x80);
      if (opcode === 0x20) {
        this.got = at
        this.gotEnd = reader.at
      }
    } else if (kind === op.MEMARG) this.access(op.PLAIN_ACCESSES[opcode] as Access, at)
    else if (kind === op.BYTES4) reader.at += 4
    else if (kind === op.BYTES8) reader.at += 8
    else if (kind === op.UNKNOWN) refuse(opcode)
    else this.special(opcode, at, end)
  }

  /** Writes the region that begins at `at`, unless this is a copy of a loop that has none. => whether it did */
  private beginRegion(at: number): boolean {
    const { facts } = this.options
    const { region, at: next } = facts.regionFrom(at)
    this.regionAt = next
    if (!region || next > at) return false
    if (this.region || (this.mode && !this.mode.regions)) {
      this.regionAt = facts.regionFrom(at + 1).at
      return false
    }
    const { code } = this.writing
    const { start, end } = facts.bytesOf(region)
    this.flush(at)
    this.copies.notNear(region, facts)
    code.if(EMPTY)
    const { next: hint } = this.guestHints
    this.copyRegion(region, start, end, true)
    this.guestHints.next = hint
    code.else()
    this.copyRegion(region, start, end, false)
    code.end()
    if (region.ends) code.op(UNREACHABLE)
    this.regionAt = facts.regionFrom(end).at
    return true
  }

  /** Writes [start, end) of the module, whole instructions. */
  private stretch(start: number, end: number): void {
    const { reader } = this
    reader.at = start
    this.from = start
    this.regionAt = start
    while (reader.at < end) this.step(-1)
    if (reader.at !== end) outOfStep(this.own)
    this.flush(end)
  }

  private copyRegion(region: Region, start: number, end: number, slow: boolean): void {
    this.region = region
    this.slow = slow
    this.level++
    this.added++
    this.stretch(start, end)
    this.level--
    this.added--
    this.region = undefined
  }

  /** A hint of the guest's own moves with its instruction. */
  private keepHint(at: number): void {
    const hint = this.guestHints.of(at)
    if (hint !== undefined) this.writing.hints.push(this.code.length + at - this.from, hint)
  }

  private special(opcode: number, at: number, end: number): void {
    const { reader } = this
    switch (opcode) {
      case op.BLOCK:
      case op.IF:
      case op.TRY:
        reader.skipNumber()
        this.open(PLAIN)
        return
      case op.LOOP:
        this.loop(at)
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
        this.close()
        return
      case op.END:
        this.end(at, end)
        return
      case op.BR_TABLE:
        this.branchTable(at)
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
    this.flush(at)
    this.copies.poll()
  }

  private open(frame: number): void {
    this.frames.push(frame)
    this.levels.push(this.level++)
  }

  private close(): number {
    this.level = this.levels.pop() as number
    return this.frames.pop() as number
  }

  /** A branch out of or inside a copy: labels that are none of the module's lie between. */
  private branch(opcode: number, at: number): void {
    const depth = this.reader.u32()
    const written = this.depthOf(depth)
    if (written === depth) return
    this.flush(at)
    this.code.byte(opcode)
    this.code.u32(written)
    this.from = this.reader.at
  }

  private depthOf(depth: number): number {
    return this.level - 1 - (this.levels[this.levels.length - 1 - depth] as number)
  }

  private branchTable(at: number): void {
    const { reader, code } = this
    const count = reader.u32() + 1
    if (this.added === 0) {
      for (let labels = count; labels > 0; labels--) reader.skipNumber()
      return
    }
    this.flush(at)
    code.byte(op.BR_TABLE)
    code.u32(count - 1)
    for (let labels = count; labels > 0; labels--) code.u32(this.depthOf(reader.u32()))
    this.from = reader.at
  }

  private loop(at: number): void {
    const { reader, options } = this
    const copies = this.mode ? undefined : options.facts.copiesAt(at)
    if (copies) {
      this.flush(at)
      this.copies.write(copies, options.facts, (mode, level) => this.copy(mode, level))
      this.from = reader.at
      return
    }
    reader.skipNumber()
    this.open(LOOPS)
    this.inner = options.facts.isTight(at)
    if (this.landing) this.settle()
    this.flush(reader.at)
    this.copies.poll(options.facts.counterAt(at))
  }

  /**
   * Writes the inside of a loop once more, as one of its copies: up to its `end`, branches to it going to the label `back` and `added`
   * labels being open that are none of the module's. Afterwards the reader stands behind the loop.
   */
  private copy(mode: Mode, { back, added }: { back: number; added: number }): void {
    const { reader, from } = this
    const { next: hint } = this.guestHints
    const { start, end } = mode
    const before = this.level
    this.mode = mode
    this.added += added
    this.level += added
    this.frames.push(LOOPS)
    this.levels.push(before + back)
    this.stretch(start, end)
    this.frames.pop()
    this.levels.pop()
    this.level = before
    this.added -= added
    this.mode = undefined
    if (!mode.last) this.guestHints.next = hint
    reader.at = end + 1
    this.from = from
    this.regionAt = end + 1
  }

  private end(at: number, end: number): void {
    const frame = this.close()
    if (frame & LOOPS) this.inner = false
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
    this.open(PLAIN)
  }

  private calls(opcode: number, at: number): void {
    const { reader } = this
    const { decoded } = this.options
    if (opcode === op.CALL) {
      const callee = reader.u32()
      if (callee >= decoded.importedFunctions) {
        if (callee === this.own) this.comesBack = true
        this.callees.push(callee - decoded.importedFunctions)
        return
      }
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
    // What a table or a reference holds may be the caller.
    if (opcode === op.CALL_INDIRECT || (foreign && tail)) this.comesBack = true
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
    if (kind === op.UNKNOWN) refuse(op.PREFIX_MORE, code)
    if (kind === op.NUMBERS) reader.skipNumber()
    if (kind === op.NUMBER || kind === op.NUMBERS) reader.skipNumber()
    if (kind === op.SPECIAL) this.bulk(code, at)
  }

  private vector(at: number): void {
    const { reader } = this
    const code = reader.u32()
    const kind = op.simdOperands(code)
    if (kind === op.UNKNOWN) refuse(op.PREFIX_SIMD, code)
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
    else refuse(op.PREFIX_ATOMIC, code)
  }

  private bulk(instruction: number, at: number): void {
    const { reader } = this
    const segment = reader.u32()
    if (instruction !== op.MEMORY_FILL) reader.u32()
    this.flush(at)
    this.accesses.bulk(instruction, segment, at, reader.at)
    this.from = reader.at
  }

  private access(access: Access, at: number): void {
    const { reader } = this
    // Bit 6: the memory is named, which is the only one.
    if (reader.u32() & 0x40) reader.skipNumber()
    const offset = reader.u32()
    const lane = access.lane ? reader.byte() : 0
    const { facts } = this.options
    const site = facts.siteAt(at)
    if (facts.isPrivate(site)) return
    const delta = this.mode && site >= 0 ? this.mode.deltaAt(site) : undefined
    if (delta === PLAINLY || (!this.slow && isCovered(this.region, site))) return
    const local = this.gotEnd === at ? new Reader(this.bytes, this.got + 1).u32() : undefined
    const place = { at, end: reader.at, offset, lane, local }
    this.flush(at)
    if (delta !== undefined) this.accesses.translated(access, place, delta)
    else if (this.mode?.inline ?? this.inner) this.accesses.write(access, place, true)
    else if (this.region && this.slow) this.accesses.called(access, place)
    else this.accesses.write(access, place, false)
    this.from = reader.at
  }
}
