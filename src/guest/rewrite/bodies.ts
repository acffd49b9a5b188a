/**
 * The rewritten bodies, one behind the other, each with its size.
 *
 * Invariant: of each body it is known where its declaration of locals and where its code begins, so that what only shows when all of them are
 * written - who calls whom in a circle - can still be put before its code.
 */
import { Reader } from './bytes.js'
import { Code } from './code.js'
import { skipValueType } from './module.js'
import type { Hints, Writing } from './writing.js'

export class Bodies {
  readonly code: Code
  private readonly hints: Hints[] = []
  /** Where the locals of each begin, its code, and where it ends. */
  private readonly places: number[] = []

  constructor(room: number) {
    this.code = new Code(room)
  }

  /** Adds what was written of the body whose locals stand at `start` of `bytes`. */
  add(writing: Writing, bytes: Uint8Array, start: number): void {
    const { temporaries, hints } = writing
    const locals = new Code(64)
    const { code } = this
    const reader = new Reader(bytes, start)
    const groups = reader.u32()
    const groupsAt = reader.at
    for (let i = 0; i < groups; i++) {
      reader.u32()
      skipValueType(reader)
    }
    locals.u32(groups + temporaries.length)
    locals.copy(bytes, groupsAt, reader.at)
    for (const type of temporaries) locals.pair(1, type)
    code.u32(locals.length + writing.code.length)
    const from = code.length
    code.write(locals)
    this.places.push(from, code.length)
    code.write(writing.code)
    this.places.push(code.length)
    for (let i = 0; i < hints.length; i += 2) (hints[i] as number) += locals.length
    this.hints.push(hints)
  }

  /** => the same with `prefix` before the code of some bodies; it has an unlikely branch at its byte `hint`. */
  beginning(chosen: ReadonlySet<number>, prefix: Code, hint: number): Bodies {
    if (chosen.size === 0) return this
    const made = new Bodies(this.code.length + chosen.size * (prefix.length + 2))
    const { bytes } = this.code
    for (let i = 0; i < this.hints.length; i++) {
      const [from, code, end] = [0, 1, 2].map((nth) => this.places[i * 3 + nth]) as [
        number,
        number,
        number,
      ]
      const more = chosen.has(i) ? prefix.length : 0
      made.code.u32(end - from + more)
      made.code.copy(bytes, from, code)
      if (more > 0) made.code.write(prefix)
      made.code.copy(bytes, code, end)
      const hints = this.hints[i] as Hints
      if (more > 0) {
        for (let at = 0; at < hints.length; at += 2) (hints[at] as number) += more
        hints.unshift(code - from + hint, 0)
      }
      made.hints.push(hints)
    }
    return made
  }

  /** The branch hints of all functions that have some, `imported` functions being before the first. */
  hintsFrom(imported: number): [number, Hints][] {
    return this.hints.flatMap((list, i) =>
      list.length > 0 ? [[imported + i, list] as [number, Hints]] : [],
    )
  }
}
