/**
 * Rewrites a guest's module, so that addresses from 2 GiB on reach the kernel's pages and all below stays the guest's own
 * memory. Pure and synchronous, in any runtime.
 *
 * Kept as they were: every index, custom sections (names get those of what was appended, branch hints move). DWARF sections
 * are kept too, with the offsets of the module as it was compiled; where there are some, `isopage.origins` says where those are in the result.
 */
import { Accessors } from './accessors.js'
import { Appended } from './appended.js'
import { assemble, heldFunctions, type Parts } from './assemble.js'
import type { BackEnd } from './backend.js'
import { Bodies } from './bodies.js'
import { BodyRewriter } from './body.js'
import { Writer } from './bytes.js'
import { Code, localsOf } from './code.js'
import { Facts, type Optimisations } from './facts.js'
import { type Decoded, decode, type PrivateMemory, type Section, sectionsOf } from './module.js'
import { MultiMemory } from './multimemory.js'
import { extendNames, HINTS, LINES, NAME, readHints, writeHints } from './names.js'
import { inCircles } from './recursion.js'
import * as seam from './seam.js'
import type { Hints } from './writing.js'

export type BackEndName = 'multi-memory' | 'accessors'

export interface InstrumentOptions {
  /** How the window is reached; 'multi-memory' unless the engine has one memory per module. */
  readonly backEnd?: BackEndName
  /** Limits of the kernel's memory, in pages of 64 KiB: what the import declares. */
  readonly kernelMemory?: { readonly initial: number; readonly maximum: number }
  /** Whether loops look at the attention word; true unless the module runs alone on its thread. */
  readonly polls?: boolean
  /** Which of the optimisations are made: all that are not false; none when this is false. */
  readonly optimise?: Optimisations | false
}

const NOTHING: Optimisations = {
  classes: false,
  loops: false,
  mappedLoops: false,
  regions: false,
  sparsePolls: false,
}

/** What a rewritten module wants of whoever links it. */
export interface Description {
  readonly version: number
  readonly backEnd: BackEndName
  readonly polls: boolean
  /** The private memory: under what it is imported, pages of 64 KiB, whether it is shared. */
  readonly private: {
    readonly module: string
    readonly name: string
    readonly initial: number
    readonly maximum: number
    readonly shared: boolean
  }
  /** Whether there is an `isopage:start` to call. */
  readonly start: boolean
}

const NO_MEMORY: PrivateMemory = { initial: 0, maximum: 0, shared: false }

/**
 * Rewrites a module. Throws what the engine throws for bytes that are no valid module, GuestModuleError for a module that
 * is no guest: more than one memory, 64-bit addresses, reserved names, rewritten already.
 */
export function instrument(
  bytes: Uint8Array,
  options: InstrumentOptions = {},
): Uint8Array<ArrayBuffer> {
  validate(bytes)
  const decoded = decode(bytes)
  const { backEnd = 'multi-memory', polls = true, optimise = {} } = options
  const use = optimise === false ? NOTHING : optimise
  const appended = new Appended({
    types: decoded.types.length,
    functions: decoded.functions,
    globals: decoded.globals,
    tables: decoded.tables,
  })
  const context = { appended, context: appended.global(seam.EXPORT_CONTEXT) }
  const back = backEnd === 'accessors' ? new Accessors(context) : new MultiMemory(context)
  const wrapped = wrapper(decoded, appended, back)
  heldFunctions(decoded, wrapped.of)
  const bodies = rewriteBodies(decoded, appended, back, polls, use, wrapped.of)
  const hints = bodies.hintsFrom(decoded.importedFunctions)
  const memory = decoded.memory ?? NO_MEMORY
  const parts: Parts = {
    decoded,
    appended,
    memory,
    kernelMemory: kernelMemoryOf(backEnd, options),
    bodies: bodies.code,
    origins: bodies.origins(),
    hints: hints.length === 0 ? undefined : writeHints(hints),
    mark: mark(decoded, memory, backEnd, polls),
    exports: exportsOf(decoded, appended, context.context, back),
    wrappers: wrapped.made,
    wrapped: wrapped.of,
  }
  return assemble(parts, customs(decoded, appended))
}

/** What a rewritten module wants; undefined for a module that was not rewritten. */
export function describe(bytes: Uint8Array): Description | undefined {
  const section = sectionsOf(bytes).find(({ name }) => name === seam.SECTION)
  if (!section) return undefined
  const text = new TextDecoder().decode(bytes.slice(section.contents, section.end))
  return JSON.parse(text) as Description
}

/** Lets the engine judge the bytes: what is wrong with them, it says best. */
function validate(bytes: Uint8Array): void {
  const source = bytes as Uint8Array<ArrayBuffer>
  if (!WebAssembly.validate(source)) new WebAssembly.Module(source)
}

function kernelMemoryOf(backEnd: BackEndName, { kernelMemory }: InstrumentOptions) {
  return backEnd === 'accessors' ? undefined : (kernelMemory ?? { initial: 1, maximum: 65536 })
}

/** Wrappers of imports that a table, a global or a reference holds: the import's type, a call, a look at the generation. */
function wrapper(decoded: Decoded, appended: Appended, back: BackEnd) {
  const made: number[] = []
  const known = new Map<number, number>()
  const of = (index: number): number => {
    const settle = back.settle()
    if (index >= decoded.importedFunctions || settle === undefined) return index
    let wrapper = known.get(index)
    if (wrapper === undefined) {
      const type = decoded.importTypes[index] as number
      const body = () => {
        const code = localsOf([])
        const { params } = decoded.types[type] as Decoded['types'][number]
        for (let i = 0; i < params; i++) code.get(i)
        return code.call(index).call(settle).end()
      }
      wrapper = appended.function(`isopage:import${index}`, () => type, body)
      known.set(index, wrapper)
      made.push(wrapper)
    }
    return wrapper
  }
  return { of, made }
}

function rewriteBodies(
  decoded: Decoded,
  appended: Appended,
  back: BackEnd,
  polls: boolean,
  use: Optimisations,
  wrapped: (index: number) => number,
): Bodies {
  const section = decoded.sections.find(({ name }) => name === HINTS)
  const guestHints = section
    ? readHints(decoded.bytes.subarray(section.contents, section.end))
    : new Map<number, Hints>()
  const leaving = (results: readonly Uint8Array[]) => appended.type([], results)
  const facts = new Facts(decoded, use, back.name === 'multi-memory')
  const origins = decoded.sections.some(({ name }) => name === LINES)
  const rewriter = new BodyRewriter({ decoded, back, polls, facts, origins, wrapped, leaving })
  const bodies = new Bodies(decoded.bytes.length * 4)
  const comeBack = new Set<number>()
  const callees = decoded.functionTypes.map((_, i) => {
    rewriter.rewrite(i, guestHints.get(decoded.importedFunctions + i) ?? [], bodies)
    if (rewriter.comesBack) comeBack.add(i)
    return rewriter.callees
  })
  if (!polls) return bodies
  for (const index of inCircles(callees)) comeBack.add(index)
  const poll = new Code(64)
  const hint = back.poll(poll, false)
  return bodies.beginning(comeBack, poll, hint)
}

function exportsOf(
  decoded: Decoded,
  appended: Appended,
  context: number,
  back: BackEnd,
): Parts['exports'] {
  return [
    [seam.EXPORT_TABLE, 1, appended.table],
    [seam.EXPORT_CONTEXT, 3, context],
    [seam.EXPORT_DROP, 0, back.settle() ?? back.drop()],
    ...(decoded.start === undefined ? [] : [[seam.EXPORT_START, 0, decoded.start] as const]),
  ]
}

function mark(
  decoded: Decoded,
  memory: PrivateMemory,
  backEnd: BackEndName,
  polls: boolean,
): Writer {
  const { initial, maximum, shared } = memory
  const from = memory.from ?? { module: seam.MODULE, name: seam.PRIVATE }
  const { module, name } = from
  const description: Description = {
    version: seam.VERSION,
    backEnd,
    polls,
    private: { module, name, initial, maximum, shared },
    start: decoded.start !== undefined,
  }
  const out = new Writer()
  const text = new TextEncoder().encode(JSON.stringify(description))
  out.copy(text, 0, text.length)
  return out
}

/** Custom sections with their contents in the result. */
function customs(decoded: Decoded, appended: Appended): Map<Section, Uint8Array> {
  const kept = new Map<Section, Uint8Array>()
  for (const section of decoded.sections) {
    if (section.contents === undefined || section.name === HINTS) continue
    const contents = decoded.bytes.subarray(section.contents, section.end)
    const names = appended.functions.map(({ name }) => name)
    const extended = section.name === NAME
    kept.set(section, extended ? extendNames(contents, decoded.functions, names) : contents)
  }
  return kept
}
