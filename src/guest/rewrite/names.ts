/**
 * Custom sections that know of functions: names and branch hints. No engine has judged them: what is malformed is left as it is, or out, and nothing
 * is made as large as one of their numbers says.
 */

import { Reader, Writer } from './bytes.js'
import type { Hints } from './writing.js'

export const NAME = 'name'
export const HINTS = 'metadata.code.branch_hint'
/** Line numbers of DWARF. */
export const LINES = '.debug_line'

/** The contents of a name section with the names of functions from `first` on behind its own. => the same when it names no functions, or is malformed */
export function extendNames(
  contents: Uint8Array,
  first: number,
  names: readonly string[],
): Uint8Array {
  const reader = new Reader(contents)
  const out = new Writer(contents.length + names.length * 32)
  while (reader.at < contents.length) {
    const id = reader.byte()
    const size = reader.u32()
    const end = reader.at + size
    if (end > contents.length) return contents
    const part = new Writer(size + 64)
    if (id === 1) {
      part.u32(reader.u32() + names.length)
      if (reader.at > end) return contents
      part.copy(contents, reader.at, end)
      names.forEach((name, i) => {
        part.u32(first + i)
        part.name(name)
      })
    } else part.copy(contents, reader.at, end)
    out.byte(id)
    out.u32(part.length)
    out.write(part)
    reader.at = end
  }
  return out.take()
}

/** Branch hints by function index; none at all of a section that is malformed. */
export function readHints(contents: Uint8Array): Map<number, Hints> {
  const reader = new Reader(contents)
  const byFunction = new Map<number, Hints>()
  for (let functions = reader.u32(); functions > 0; functions--) {
    const index = reader.u32()
    const hints: Hints = []
    for (let count = reader.u32(); count > 0; count--) {
      const offset = reader.u32()
      const [size, likely] = [reader.u32(), reader.byte()]
      if (reader.at > contents.length || size !== 1 || likely > 1) return new Map()
      hints.push(offset, likely)
    }
    if (reader.at > contents.length) return new Map()
    byFunction.set(index, hints)
  }
  return byFunction
}

/** => the contents of the section. `hints` ascends by function, each list by offset. */
export function writeHints(hints: readonly (readonly [number, Hints])[]): Writer {
  const out = new Writer(1 << 14)
  out.u32(hints.length)
  for (const [index, list] of hints) {
    out.u32(index)
    out.u32(list.length / 2)
    for (let i = 0; i < list.length; i += 2) {
      out.u32(list[i] as number)
      out.u32(1)
      out.byte(list[i + 1] as number)
    }
  }
  return out
}
