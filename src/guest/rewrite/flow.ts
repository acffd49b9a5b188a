/**
 * What the addresses of one function's accesses are, and what its innermost loops do to them: one walk over its instructions with values
 * in place of numbers.
 *
 *   stack, locals     values (values.ts)
 *   a local that is set to what is unknown, or to something known only about, holds a new leaf: its value has a name
 *   where paths meet  each local that one of them has set since they parted holds a new leaf; so at a loop's head what the loop sets
 *
 * Invariants:
 *  1. A leaf is one value as long as control stays behind the place where it was made: places that it is named at are dominated by it,
 *     and inside a loop it is the value of the present round.
 *  2. `mark` of a frame is a place among the events of locals that all paths to its end have in common; what comes behind it may differ.
 *  3. Code that cannot be reached says nothing: its accesses are UNKNOWN.
 */
import {
  accessOf,
  BOUNDS,
  EFFECTS,
  firstBehind,
  type Instructions,
  MORE,
  NO_EFFECT,
} from './effects.js'
import { Locals } from './locals.js'
import type { Decoded } from './module.js'
import * as op from './opcodes.js'
import { Places } from './places.js'
import { CONSTANT, UNKNOWN, Values } from './values.js'

/** A number as no step can be: the local is set to something else. */
export const WILD = 1 << 30

/** How far a round moves a local: from `low` to `high`, WILD when nobody knows. */
export interface Step {
  readonly local: number
  low: number
  high: number
}

/** An innermost loop. */
export interface Loop {
  /** Its instruction and that of its end, the accesses inside. */
  readonly instruction: number
  readonly end: number
  readonly firstSite: number
  endSite: number
  /** Leaves below are of before or of its head. */
  readonly leaves: number
  /** How many events of locals there were before its head. */
  readonly events: number
  /** What the loop sets, by the leaf that the local holds at each head. */
  readonly steps: Map<number, Step>
  /** Whether a branch went back to the head already, as the walk stands. */
  again: boolean
}

/** One access. */
export interface Site {
  readonly instruction: number
  /** Its address without the offset: node and interval. */
  readonly node: number
  readonly low: number
  readonly high: number
  readonly offset: number
  readonly access: op.Access
  /** Every round of the innermost loop that comes to its end makes this access. */
  readonly sure: boolean
}

interface Frame {
  kind: number
  /** Height of the stack below its parameters. */
  height: number
  params: number
  results: number
  /** Each arm has a number of its own. */
  number: number
  /** Its first instruction cannot be reached. */
  dead: boolean
  /** Where its last statement ends was noted: what follows cannot be reached. */
  over: boolean
  thenDead: boolean
  /** `count` and `depth` of the locals where it began. */
  assigned: number
  undo: number
  /** Where what paths to its end have in common ends; -1 when no branch goes there. */
  mark: number
  loop: Loop | undefined
}

export class Flow {
  readonly values = new Values()
  sites: Site[] = []
  loops: Loop[] = []
  private nodes = new Int32Array(256)
  private lows = new Int32Array(256)
  private highs = new Int32Array(256)
  private height = 0
  readonly locals = new Locals(this.values)
  readonly places = new Places()
  private frames: Frame[] = []
  private dead = false
  private loopCount = 0
  private readonly decoded: Decoded

  constructor(decoded: Decoded) {
    this.decoded = decoded
  }

  /** Walks a function of so many locals, parameters included. => false when it has what the walk does not know */
  walk(code: Instructions, locals: number, results: number): boolean {
    const { values } = this
    values.clear()
    this.sites = []
    this.loops = []
    this.height = 0
    this.dead = false
    this.loopCount = 0
    this.locals.begin(locals)
    this.places.begin()
    this.frames = []
    this.open(op.BLOCK, 0, results)
    for (let i = 0; i < code.count; i++) {
      this.place(i)
      if (!this.step(code, i)) return false
    }
    return true
  }

  /** Notes that a statement begins with instruction `i`: nothing of its block is on the stack. */
  private place(i: number): void {
    const frame = this.frames[this.frames.length - 1] as Frame
    if (this.height !== frame.height || frame.dead || frame.over) return
    frame.over = this.dead
    const { places } = this
    const depth = this.frames.length
    const place = places.add({ instruction: i, frame: frame.number, depth, over: this.dead })
    places.events[place] = this.locals.count
    places.leaves[place] = this.values.count
    places.sites[place] = this.sites.length
    places.loops[place] = this.loopCount
  }

  // ---- the stack ----

  private push(node: number, low: number, high: number): void {
    if (this.height === this.nodes.length) this.grow()
    this.nodes[this.height] = node
    this.lows[this.height] = low
    this.highs[this.height++] = high
  }

  private grow(): void {
    const wider = (from: Int32Array) => {
      const to = new Int32Array(from.length * 2)
      to.set(from)
      return to
    }
    this.nodes = wider(this.nodes)
    this.lows = wider(this.lows)
    this.highs = wider(this.highs)
  }

  private pushResult(): void {
    const { node, low, high } = this.values
    this.push(node, low, high)
  }

  private pushUnknown(count: number): void {
    for (let i = 0; i < count; i++) this.push(UNKNOWN, 0, 0)
  }

  /** Takes values; what unreachable code takes from nowhere is unknown. => the height of the lowest */
  private pop(count: number): number {
    const floor = (this.frames[this.frames.length - 1] as Frame).height
    const missing = floor + count - this.height
    if (missing > 0) this.pushUnknown(missing)
    this.height -= count
    return this.height
  }

  // ---- locals ----

  private setLocal(local: number, at: number): void {
    const node = this.nodes[at] as number
    const low = this.lows[at] as number
    const high = this.highs[at] as number
    const inexact = low !== high && node !== CONSTANT
    if (node === UNKNOWN || inexact) this.locals.fresh(local)
    else this.locals.assign(local, node, low, high)
  }

  // ---- frames ----

  private open(kind: number, params: number, results: number, loop?: Loop): void {
    this.frames.push({
      kind,
      height: this.height - params,
      params,
      results,
      number: this.places.frames++,
      dead: this.dead,
      over: false,
      thenDead: false,
      assigned: this.locals.count,
      undo: this.locals.depth,
      mark: -1,
      loop,
    })
  }

  private openBlock(code: Instructions, i: number, kind: number): void {
    const type = code.values[i] as number
    let [params, results] = [0, type === -64 ? 0 : 1]
    if (type >= 0) {
      const known = this.decoded.types[type] as Decoded['types'][number]
      params = known.params
      results = known.results.length
    }
    if (kind === op.IF) this.pop(1)
    this.pop(params)
    this.pushUnknown(params)
    this.open(kind, params, results, kind === op.LOOP ? this.head(code, i) : undefined)
  }

  /** A loop's head: what the loop sets has new values in each round. => the loop, when it is an innermost one */
  private head(code: Instructions, i: number): Loop | undefined {
    const end = code.match[i] as number
    const { sets, values, loops } = code
    const { locals } = this
    this.loopCount++
    const first = firstBehind(sets, i)
    const next = loops[firstBehind(loops, i)]
    const wanted = !this.dead && (next === undefined || next >= end)
    const head = locals.count
    const steps = new Map<number, Step>()
    for (let at = first; at < sets.length && (sets[at] as number) < end; at++) {
      const local = values[sets[at] as number] as number
      if (locals.isSetSince(local, head)) continue
      locals.fresh(local)
      if (wanted) steps.set(locals.nodes[local] as number, { local, low: WILD, high: -WILD })
    }
    if (!wanted) return undefined
    const loop: Loop = {
      instruction: i,
      end,
      firstSite: this.sites.length,
      endSite: this.sites.length,
      leaves: this.values.count,
      events: locals.count,
      steps,
      again: false,
    }
    this.loops.push(loop)
    return loop
  }

  /** A branch to the label `depth`. */
  private branch(depth: number): void {
    if (this.dead) return
    const { frames } = this
    const target = frames.length - 1 - depth
    const frame = frames[target] as Frame
    if (frame.kind === op.LOOP) {
      if (frame.loop) this.round(frame.loop)
      return
    }
    if (frame.mark >= 0) return
    frame.mark = this.locals.count
    for (let i = target + 1; i < frames.length; i++) {
      const inner = frames[i] as Frame
      if (inner.kind !== op.IF && inner.kind !== op.ELSE) continue
      frame.mark = Math.min(frame.mark, inner.assigned)
      return
    }
  }

  /** The loop begins another round: how far its locals have moved. */
  private round(loop: Loop): void {
    loop.again = true
    const { locals } = this
    for (const [leaf, step] of loop.steps) {
      const known = locals.nodes[step.local] === leaf
      step.low = Math.min(step.low, known ? (locals.lows[step.local] as number) : -WILD)
      step.high = Math.max(step.high, known ? (locals.highs[step.local] as number) : WILD)
    }
  }

  private otherwise(): void {
    const frame = this.frames[this.frames.length - 1] as Frame
    frame.thenDead = this.dead
    frame.kind = op.ELSE
    frame.number = this.places.frames++
    frame.over = false
    this.locals.undo(frame.undo)
    this.height = frame.height
    this.pushUnknown(frame.params)
    this.dead = frame.dead
  }

  private end(): void {
    const frame = this.frames.pop() as Frame
    if (frame.loop) frame.loop.endSite = this.sites.length
    this.height = frame.height
    this.meet(frame)
    this.pushUnknown(frame.results)
  }

  /** The paths to the end of a frame become one. */
  private meet({ kind, mark, dead, thenDead, assigned, undo }: Frame): void {
    if (kind === op.LOOP) return
    if (kind === op.IF && this.dead && mark < 0) {
      this.locals.undo(undo)
      this.dead = dead
    } else if (kind === op.IF) {
      this.dead = dead
      this.locals.join(assigned)
    } else if (kind === op.ELSE && (mark >= 0 || !thenDead)) {
      this.dead = this.dead && thenDead && mark < 0
      this.locals.join(assigned)
    } else if (mark >= 0) {
      this.dead = false
      this.locals.join(mark)
    }
  }

  private stop(): void {
    this.dead = true
    this.height = (this.frames[this.frames.length - 1] as Frame).height
  }

  // ---- instructions ----

  private step(code: Instructions, i: number): boolean {
    const instruction = code.ops[i] as number
    const value = code.values[i] as number
    if (instruction < MORE) {
      if (instruction >= 0x20 && instruction <= 0x22) {
        this.variable(instruction, value)
        return true
      }
      if (instruction >= 0x28 && instruction <= 0x3e) {
        this.access(code, i)
        return true
      }
      if (instruction === 0x41) {
        this.push(CONSTANT, value, value)
        return true
      }
      if (instruction >= 0x45 && instruction <= 0x78) {
        this.arithmetic(instruction)
        return true
      }
      if (instruction < 0x1d) return this.control(code, i)
    } else if (accessOf(instruction)) {
      this.access(code, i)
      return true
    }
    return this.plain(instruction)
  }

  private plain(instruction: number): boolean {
    const effect = EFFECTS[instruction] as number
    if (effect === NO_EFFECT) return false
    this.pop(effect >> 4)
    this.pushUnknown(effect & 15)
    return true
  }

  private variable(instruction: number, index: number): void {
    if (instruction === 0x20) {
      const { nodes, lows, highs } = this.locals
      this.push(nodes[index] as number, lows[index] as number, highs[index] as number)
      return
    }
    this.setLocal(index, this.pop(1))
    if (instruction === 0x22) this.variable(0x20, index)
  }

  private access(code: Instructions, i: number): void {
    const access = accessOf(code.ops[i] as number) as op.Access
    const at = this.pop(1 + access.operands.length)
    const node = this.dead ? UNKNOWN : (this.nodes[at] as number)
    this.sites.push({
      instruction: i,
      node,
      low: this.lows[at] as number,
      high: this.highs[at] as number,
      offset: (code.values[i] as number) >>> 0,
      access,
      sure: node !== UNKNOWN && this.isSure(),
    })
    if (access.result === op.EMPTY) return
    const bounds = BOUNDS.get(code.ops[i] as number)
    if (bounds) this.push(CONSTANT, bounds[0], bounds[1])
    else this.pushUnknown(1)
  }

  /** Whether each round of the loop around comes here, up to now. */
  private isSure(): boolean {
    const { frames } = this
    for (let i = frames.length - 1; i >= 0; i--) {
      const { kind, mark, loop } = frames[i] as Frame
      if (kind === op.LOOP) return loop !== undefined && !loop.again
      if (kind !== op.BLOCK || mark >= 0) return false
    }
    return false
  }

  private arithmetic(instruction: number): void {
    const { values, nodes, lows, highs } = this
    const unary = instruction === 0x45 || instruction === 0x50 || isCount(instruction)
    const a = this.pop(unary ? 1 : 2)
    const b = a + 1
    if (instruction <= 0x66) values.between(0, 1)
    else if (unary) values.between(0, 32)
    else {
      const [x, y] = [nodes[a] as number, nodes[b] as number]
      const [low, high] = [lows[a] as number, highs[a] as number]
      values.binary(instruction, x, low, high, y, lows[b] as number, highs[b] as number)
    }
    this.pushResult()
  }

  private control(code: Instructions, i: number): boolean {
    const instruction = code.ops[i] as number
    const value = code.values[i] as number
    switch (instruction) {
      case op.BLOCK:
      case op.LOOP:
      case op.IF:
        this.openBlock(code, i, instruction)
        return true
      case op.ELSE:
        this.otherwise()
        return true
      case op.END:
        this.end()
        return true
      case op.BR_IF:
        this.pop(1)
        this.branch(value)
        return true
      case 0x0c:
        this.branch(value)
        this.stop()
        return true
      case op.BR_TABLE:
        for (let k = code.labels[value] as number; k > 0; k--) {
          this.branch(code.labels[value + k] as number)
        }
        this.stop()
        return true
      case op.CALL:
      case op.CALL_INDIRECT:
        this.call(instruction, value)
        return true
      case 0x1b:
      case 0x1c:
        this.select()
        return true
      case 0x00:
      case 0x08:
      case 0x09:
      case 0x0a:
      case op.RETURN:
      case op.RETURN_CALL:
      case op.RETURN_CALL_INDIRECT:
        this.stop()
        return true
      default:
        return this.plain(instruction)
    }
  }

  private select(): void {
    const { nodes, lows, highs } = this
    const a = this.pop(3)
    const [x, y] = [nodes[a] as number, nodes[a + 1] as number]
    const [low, high] = [lows[a] as number, highs[a] as number]
    this.values.either(x, low, high, y, lows[a + 1] as number, highs[a + 1] as number)
    this.pushResult()
  }

  private call(instruction: number, value: number): void {
    const { decoded } = this
    const indirect = instruction === op.CALL_INDIRECT
    let type = value
    if (!indirect && value < decoded.importedFunctions) type = decoded.importTypes[value] as number
    else if (!indirect) type = decoded.functionTypes[value - decoded.importedFunctions] as number
    const { params, results } = decoded.types[type] as Decoded['types'][number]
    this.pop(params + (indirect ? 1 : 0))
    this.pushUnknown(results.length)
  }
}

/** clz, ctz, popcnt. */
const isCount = (instruction: number) => instruction >= 0x67 && instruction <= 0x69
