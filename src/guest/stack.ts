/**
 * Where in a guest's code something was thrown: the functions that the engine's stack names, and their lines of source where the module has them.
 */
import { type Line, type LineSections, lineAt } from './lines.js'
import { LINES } from './rewrite/names.js'
import { originOf } from './rewrite/origins.js'
import { ORIGINS } from './rewrite/seam.js'

interface Frame {
  readonly name: string
  readonly module: string
  /** The function's; undefined where the engine tells its name alone. */
  readonly index: number | undefined
  /** Of the instruction, from the start of the module's bytes; undefined where the engine does not tell. */
  readonly offset: number | undefined
}

/** One engine each: V8 `at name (wasm://wasm/id:wasm-function[9]:0x1)`, Firefox `name@url:wasm-function[9]:0x1`, JavaScriptCore `<?>.wasm-function[name]@`. */
const FRAMES = [
  /^\s*at (?:(\S+) \()?(wasm:\/\/[^\s:]+(?:\/[^\s:]+)*):wasm-function\[(\d+)\](?::0x([0-9a-f]+))?/,
  /^([^@]*)@(.*):wasm-function\[(\d+)\](?::0x([0-9a-f]+))?/,
  /wasm-function\[([^\]]+)\]/,
]

/** => what the stack of an error names of the guest's own functions, the innermost first. */
function framesOf(error: unknown): Frame[] {
  const { stack = '' } = (error ?? {}) as { stack?: string }
  const frames = stack.split('\n').flatMap((line) => {
    const match = FRAMES.map((form) => form.exec(line)).find((found) => found !== null)
    if (!match) return []
    const [, name, module = '', index, offset] = match
    return [
      {
        // V8 puts the module's name before the function's.
        name: name?.replace(/^.*\.wasm\./, '') || `function ${index ?? ''}`,
        module,
        index: index === undefined ? undefined : Number(index),
        offset: offset === undefined ? undefined : Number.parseInt(offset, 16),
      },
    ]
  })
  // The kernel is on the inside, the guest began the stack.
  const guest = frames.at(-1)?.module
  return frames.filter(({ name, module }) => module === guest && !/isopage|^\d+$/.test(name))
}

/**
 * => the innermost function of the guest that a trap's stack names, and its line of source; of a function without lines, the line that called for it:
 * 'fill at table.c:12', 'memset, called from main at table.c:30', 'fill'. Undefined where the stack names none. `module`: as it was linked; `functions`: how many it
 * had before it was rewritten, as without names what the rewriter added looks like the others.
 */
export function whereIn(
  module: WebAssembly.Module,
  error: unknown,
  functions = Number.POSITIVE_INFINITY,
): string | undefined {
  const lines = Lines.of(module)
  const frames = framesOf(error).filter(
    (frame) => (frame.index ?? 0) < functions && lines?.isForeign(frame) !== true,
  )
  const [inner] = frames
  if (!inner) return undefined
  for (const frame of frames) {
    const line = lines?.at(frame)
    if (!line) continue
    const place = `${frame.name} at ${line.file}:${line.line}`
    return frame === inner ? place : `${inner.name}, called from ${place}`
  }
  return inner.name
}

/** The debug information of a module that was rewritten. */
class Lines {
  private readonly origins: Uint8Array
  private readonly sections: LineSections

  private constructor(origins: Uint8Array, sections: LineSections) {
    this.origins = origins
    this.sections = sections
  }

  /** => undefined for a module without any. */
  static of(module: WebAssembly.Module): Lines | undefined {
    const section = (name: string) => {
      const [contents] = WebAssembly.Module.customSections(module, name)
      return contents && new Uint8Array(contents)
    }
    const [origins, line] = [section(ORIGINS), section(LINES)]
    if (!origins || !line) return undefined
    const strings = section('.debug_str') ?? new Uint8Array()
    const lineStrings = section('.debug_line_str') ?? new Uint8Array()
    return new Lines(origins, { line, strings, lineStrings })
  }

  /** Whether a frame is of none of the module's own functions. */
  isForeign({ offset }: Frame): boolean {
    return offset !== undefined && originOf(this.origins, offset) === undefined
  }

  at({ offset }: Frame): Line | undefined {
    const origin = offset === undefined ? undefined : originOf(this.origins, offset)
    return origin === undefined ? undefined : lineAt(this.sections, origin)
  }
}
