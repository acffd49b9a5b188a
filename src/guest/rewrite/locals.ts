/**
 * What the locals of a function hold, now and at each place that the walk has passed.
 *
 * An *event* is one local taking one value; events are numbered in the order of the walk, and a place is told by how many there were before it.
 *
 * Invariants:
 *  1. Events only grow in number: what two paths have in common is what stands before the place where they parted. That an arm ends and the other
 *     begins with what was before makes events too.
 *  2. `replaced` of an event is the next one of its local: the local holds the event's value at all places from behind the one up to the other.
 *  3. `undone` has of each set the event that it took the place of; undoing takes them off its end.
 *  4. Values are exact unless they are numbers in an interval (CONSTANT).
 */
import { CONSTANT, type Values } from './values.js'

const NEVER = 0x7fff_ffff
/** As many places where a value is held are looked at before it counts as lost. */
const TRIES = 16

export class Locals {
  /** The value of each local at present: a node and an interval. */
  nodes = new Int32Array(64)
  lows = new Int32Array(64)
  highs = new Int32Array(64)
  /** How many events there were. */
  count = 0
  private of = new Int32Array(1024)
  private node = new Int32Array(1024)
  private low = new Int32Array(1024)
  private high = new Int32Array(1024)
  private replaced = new Int32Array(1024)
  /** Of an event the one before with the same node, plus 1. */
  private same = new Int32Array(1024)
  /** Of a node its last event, plus 1. */
  private holders = new Int32Array(1024)
  /** Of a local its last event. */
  private last = new Int32Array(64)
  private undone = new Int32Array(1024)
  private undoneCount = 0
  private seen = new Uint8Array(64)

  private readonly values: Values

  constructor(values: Values) {
    this.values = values
  }

  /** Another function begins: `count` locals, each with a value of its own. */
  begin(count: number): void {
    if (count > this.nodes.length) {
      for (const name of ['nodes', 'lows', 'highs', 'last'] as const) {
        this[name] = new Int32Array(count * 2)
      }
      this.seen = new Uint8Array(count * 2)
    }
    this.count = 0
    this.undoneCount = 0
    this.holders.fill(0)
    for (let local = 0; local < count; local++) this.event(local, this.values.leaf(), 0, 0, -1)
  }

  /** Whether a local took a value since there were `events`. */
  isSetSince(local: number, events: number): boolean {
    return (this.last[local] as number) >= events
  }

  /** How many sets can be undone. */
  get depth(): number {
    return this.undoneCount
  }

  assign(local: number, node: number, low: number, high: number): void {
    const before = this.last[local] as number
    if (this.undoneCount === this.undone.length) this.undone = wider(this.undone)
    this.undone[this.undoneCount++] = before
    this.event(local, node, low, high, before)
  }

  private event(local: number, node: number, low: number, high: number, before: number): void {
    if (this.count === this.of.length) this.grow()
    const event = this.count++
    this.of[event] = local
    this.node[event] = node
    this.low[event] = low
    this.high[event] = high
    this.replaced[event] = NEVER
    if (before >= 0) this.replaced[before] = event
    this.last[local] = event
    this.nodes[local] = node
    this.lows[local] = low
    this.highs[local] = high
    if (node <= CONSTANT) return
    if (node >= this.holders.length) this.holders = wider(this.holders, node + 1)
    this.same[event] = this.holders[node] as number
    this.holders[node] = event + 1
  }

  private grow(): void {
    for (const name of ['of', 'node', 'low', 'high', 'replaced', 'same'] as const) {
      this[name] = wider(this[name])
    }
  }

  /** The local holds a value that is known by its name alone. */
  fresh(local: number): void {
    this.assign(local, this.values.leaf(), 0, 0)
  }

  /** Each local holds what it did when `depth` was this. */
  undo(to: number): void {
    while (this.undoneCount > to) {
      const before = this.undone[--this.undoneCount] as number
      const local = this.of[before] as number
      const [node, low] = [this.node[before] as number, this.low[before] as number]
      this.event(local, node, low, this.high[before] as number, this.last[local] as number)
    }
  }

  /** Paths meet: locals that were set from event `mark` on may hold one thing or another. */
  join(mark: number): void {
    const { seen, of } = this
    const end = this.count
    for (let i = mark; i < end; i++) {
      const local = of[i] as number
      if (seen[local] === 0) this.fresh(local)
      seen[local] = 1
    }
    for (let i = mark; i < end; i++) seen[of[i] as number] = 0
  }

  /** => an event by which some local holds `node`, at some distance, at the place before which there were `events`; -1 for none. */
  holder(node: number, events: number): number {
    let event = (this.holders[node] ?? 0) - 1
    for (let tries = TRIES; event >= 0 && tries > 0; tries--) {
      if (event < events && (this.replaced[event] as number) >= events) return event
      event = (this.same[event] as number) - 1
    }
    return -1
  }

  /** The local of an event, and how far from its node it is. */
  localOf(event: number): number {
    return this.of[event] as number
  }

  distanceOf(event: number): number {
    return this.low[event] as number
  }
}

function wider(from: Int32Array, least = 0): Int32Array<ArrayBuffer> {
  const to = new Int32Array(Math.max(from.length * 2, least))
  to.set(from)
  return to
}
