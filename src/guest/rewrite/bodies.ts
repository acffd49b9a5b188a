/**
 * The rewritten bodies, one behind the other, each with its size.
 *
 * Invariant: of each body it is known where its declaration of locals and where its code begins, so that what only shows when all of them are
 * written - who calls whom in a circle - can still be put before its code.
 */
import { Reader } from './bytes.js'
import { Code } from './code.js'
import { skipValueType } from './module.js'
import { STRETCH, type Stretches } from './origins.js'
import type { Hints, Writing } from './writing.js'

/** Numbers of a hint: its offset and whether it is likely. */
const HINT = 2

/** One body: the offsets of its hints and stretches count from where its locals begin. */
interface Body {
  readonly hints: Hints
  readonly origins: Stretches
  /** Where its locals begin, its code, and where it ends. */
  readonly locals: number
  readonly code: number
  readonly end: number
}

export class Bodies {
  readonly code: Code
  private readonly bodies: Body[] = []

  constructor(room: number) {
    this.code = new Code(room)
  }

  /** Adds what was written of the body whose locals stand at `start` of `bytes`. */
  add(writing: Writing, bytes: Uint8Array, start: number): void {
    const { temporaries, hints, origins } = writing
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
    const codeAt = code.length
    code.write(writing.code)
    moveBy(locals.length, hints, HINT)
    moveBy(locals.length, origins, STRETCH)
    this.bodies.push({ hints, origins, locals: from, code: codeAt, end: code.length })
  }

  /** => the same with `prefix` before the code of some bodies; it has an unlikely branch at its byte `hint`. */
  beginning(chosen: ReadonlySet<number>, prefix: Code, hint: number): Bodies {
    if (chosen.size === 0) return this
    const made = new Bodies(this.code.length + chosen.size * (prefix.length + 2))
    const { bytes } = this.code
    this.bodies.forEach(({ hints, origins, locals, code, end }, i) => {
      const more = chosen.has(i) ? prefix.length : 0
      made.code.u32(end - locals + more)
      const from = made.code.length
      made.code.copy(bytes, locals, code)
      if (more > 0) {
        made.code.write(prefix)
        moveBy(more, hints, HINT)
        moveBy(more, origins, STRETCH)
        hints.unshift(code - locals + hint, 0)
      }
      const codeAt = made.code.length
      made.code.copy(bytes, code, end)
      made.bodies.push({ hints, origins, locals: from, code: codeAt, end: made.code.length })
    })
    return made
  }

  /** The branch hints of all functions that have some, `imported` functions being before the first. */
  hintsFrom(imported: number): [number, Hints][] {
    return this.bodies.flatMap(({ hints }, i) =>
      hints.length > 0 ? [[imported + i, hints] as [number, Hints]] : [],
    )
  }

  /** What came from where in all of `code`. */
  origins(): Stretches {
    return this.bodies.flatMap(({ origins, locals }) =>
      origins.map((number, i) => (i % STRETCH === 0 ? number + locals : number)),
    )
  }
}

/** Raises the offset that each entry of `size` numbers begins with. */
function moveBy(more: number, entries: number[], size: number): void {
  for (let i = 0; i < entries.length; i += size) (entries[i] as number) += more
}
