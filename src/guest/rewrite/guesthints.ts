/**
 * Branch hints of a guest's own function, which move with the instructions that they are of.
 */
import type { Hints } from './writing.js'

export class GuestHints {
  private hints: Hints = []
  /** Where the body begins from which they count, and the next one: kept and set again where code is written more than once. */
  private start = 0
  next = 0

  begin(hints: Hints, start: number): void {
    this.hints = hints
    this.start = start
    this.next = 0
  }

  get left(): boolean {
    return this.next < this.hints.length
  }

  /** => the hint of the instruction at `at` of the module, undefined for none. */
  of(at: number): number | undefined {
    const { hints } = this
    while ((hints[this.next] as number) < at - this.start) this.next += 2
    if (hints[this.next] !== at - this.start) return undefined
    this.next += 2
    return hints[this.next - 1]
  }
}
