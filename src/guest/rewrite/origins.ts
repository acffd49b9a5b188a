/**
 * Where rewritten code came from: which stretches of the module as it was compiled lie where in the result. Debug information keeps the offsets of the
 * compiled module; by this section a place in the code that runs is looked up in it.
 *
 * The section `isopage.origins`, all numbers LEB128: where the first body stands in the result, from the start of its bytes; then of each stretch,
 * as they follow each other in the result, the bytes since the end of the last one, those of the module since the end of the last one (signed, as
 * copies go back), its length. The module's own count from the contents of its code section, as DWARF does (DWARF for WebAssembly, "Code addresses").
 *
 * Invariant: a body begins with a stretch, which may be empty: what is put before its code is of its first instruction.
 */
import { Reader, Writer } from './bytes.js'

/** Stretches of one body or of all: where each lies in what is written, and what of the module it is, from and to; in turn. */
export type Stretches = number[]

export const STRETCH = 3

/** => the contents of the section. `bodies` is where the first body stands in the result, `code` where the contents of the module's code section do in the module. */
export function writeOrigins(stretches: Stretches, bodies: number, code: number): Writer {
  const out = new Writer(stretches.length * 2 + 16)
  out.u32(bodies)
  let end = 0
  let last = code
  for (let i = 0; i < stretches.length; i += STRETCH) {
    const [at, from, to] = stretches.slice(i, i + STRETCH) as [number, number, number]
    out.u32(at - end)
    out.s32(from - last)
    out.u32(to - from)
    end = at + to - from
    last = to
  }
  return out
}

/** Walks the stretches of a section as `writeOrigins` made it: where in the result, where from the contents of the module's code section, how long. */
export function* stretchesOf(
  section: Uint8Array,
): Generator<readonly [at: number, from: number, length: number]> {
  const reader = new Reader(section)
  let at = reader.u32()
  let from = 0
  while (reader.at < section.length) {
    at += reader.u32()
    from += reader.s32()
    const length = reader.u32()
    yield [at, from, length]
    at += length
    from += length
  }
}

/**
 * => where the instruction at byte `offset` of a rewritten module stood, from the contents of the code section of the module as it was compiled; undefined for
 * what is not of its bodies. What the rewriter put in is of the instruction that it goes before or replaces.
 */
export function originOf(section: Uint8Array, offset: number): number | undefined {
  let last: number | undefined
  for (const [at, from, length] of stretchesOf(section)) {
    if (offset < at) return last
    if (offset < at + length) return from + offset - at
    last = from + length
  }
  return undefined
}
