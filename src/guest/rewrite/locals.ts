/**
 * What the locals of a function hold, and how it was before.
 *
 * Invariants:
 *  1. `assigned` names locals in the order in which they were set, and only grows: what two paths have in common is what stands before
 *     the place where they parted.
 *  2. `undone` has of each set what was before, four numbers; undoing takes them off its end.
 */
import type { Values } from './values.js'

export class Locals {
  readonly nodes: Int32Array
  readonly lows: Int32Array
  readonly highs: Int32Array
  readonly assigned: number[] = []
  readonly undone: number[] = []
  private readonly seen: Uint8Array

  private readonly values: Values

  /** `count` locals, each with a value of its own. */
  constructor(values: Values, count: number) {
    this.values = values
    this.nodes = new Int32Array(count).map(() => values.leaf())
    this.lows = new Int32Array(count)
    this.highs = new Int32Array(count)
    this.seen = new Uint8Array(count)
  }

  assign(local: number, node: number, low: number, high: number): void {
    const { nodes, lows, highs } = this
    this.undone.push(local, nodes[local] as number, lows[local] as number, highs[local] as number)
    this.assigned.push(local)
    nodes[local] = node
    lows[local] = low
    highs[local] = high
  }

  /** The local holds a value that is known by its name alone. */
  fresh(local: number): void {
    this.assign(local, this.values.leaf(), 0, 0)
  }

  /** Each local holds what it did when `undone` had this length. */
  undo(to: number): void {
    const { undone } = this
    while (undone.length > to) {
      const at = undone.length - 4
      const local = undone[at] as number
      this.nodes[local] = undone[at + 1] as number
      this.lows[local] = undone[at + 2] as number
      this.highs[local] = undone[at + 3] as number
      undone.length = at
    }
  }

  /** Paths meet: locals that were set from `mark` on may hold one thing or another. */
  join(mark: number): void {
    const { assigned } = this
    const seen = this.seen
    const end = assigned.length
    for (let i = mark; i < end; i++) {
      const local = assigned[i] as number
      if (seen[local] === 0) this.fresh(local)
      seen[local] = 1
    }
    for (let i = mark; i < end; i++) seen[assigned[i] as number] = 0
  }
}
