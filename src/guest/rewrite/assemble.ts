/** Puts a rewritten module together: the module's sections, each with what was appended to its index space. */
import type { Appended, ValueType } from './appended.js'
import { Reader, Writer } from './bytes.js'
import type { Code } from './code.js'
import type { Decoded, PrivateMemory, Section } from './module.js'
import * as sections from './module.js'
import { skipValueType, walkConstant } from './module.js'
import { HINTS } from './names.js'
import { I32 } from './opcodes.js'
import { type Stretches, writeOrigins } from './origins.js'
import * as seam from './seam.js'

/** What the sections of the result hold beyond the module's own. */
export interface Parts {
  readonly decoded: Decoded
  readonly appended: Appended
  /** The private memory of the result. */
  readonly memory: PrivateMemory
  /** Limits of the kernel's memory, absent in the accessors back end. */
  readonly kernelMemory: { initial: number; maximum: number } | undefined
  /** The rewritten bodies, each with its size. */
  readonly bodies: Code
  /** Where they came from; empty where nobody wants to know. */
  readonly origins: Stretches
  /** The contents of the section of branch hints; undefined for no hints. */
  readonly hints: Writer | undefined
  readonly mark: Writer
  readonly exports: readonly (readonly [name: string, kind: number, index: number])[]
  /** Functions that stand for imports where a table or a reference holds them. */
  readonly wrappers: readonly number[]
  wrapped(index: number): number
}

/** The order in which sections must stand. */
const ORDER = [
  sections.TYPE,
  sections.IMPORT,
  sections.FUNCTION,
  sections.TABLE,
  sections.MEMORY,
  sections.TAG,
  sections.GLOBAL,
  sections.EXPORT,
  sections.START,
  sections.ELEMENT,
  sections.DATA_COUNT,
  sections.CODE,
  sections.DATA,
]

/** A section's contents as a count and what follows it. */
function vector(decoded: Decoded, id: number, more: number, write: (out: Writer) => void): Writer {
  const section = decoded.sections.find((one) => one.id === id)
  const out = new Writer((section ? section.end - section.start : 0) + 1024)
  const reader = new Reader(decoded.bytes, section?.start)
  out.u32((section ? reader.u32() : 0) + more)
  if (section) out.copy(decoded.bytes, reader.at, section.end)
  write(out)
  return out
}

/** => the bytes of the rewritten module. */
export function assemble(
  parts: Parts,
  custom: ReadonlyMap<Section, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  const { decoded } = parts
  const out = new Writer(decoded.bytes.length + parts.bodies.length + (1 << 18))
  out.list([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  let next = 0
  let bodiesAt = 0
  const put = (id: number) => {
    const contents = made(parts, id)
    if (!contents) return
    if (id === sections.CODE && parts.hints) putCustom(out, HINTS, parts.hints.take())
    out.byte(id)
    out.u32(contents.length)
    if (id === sections.CODE) bodiesAt = out.length + behindCount(contents)
    out.write(contents)
  }
  const upTo = (id: number) => {
    for (; next < ORDER.length && ORDER[next] !== id; next++) put(ORDER[next] as number)
  }
  for (const section of decoded.sections) {
    if (section.id !== sections.CUSTOM) {
      upTo(section.id)
      continue
    }
    const contents = custom.get(section)
    if (!contents) continue
    // A custom section stands where it stood: behind what came before it.
    const before = decoded.sections
      .slice(0, decoded.sections.indexOf(section))
      .findLast((one) => one.id !== sections.CUSTOM)
    if (before) upTo(ORDER[ORDER.indexOf(before.id) + 1] ?? -1)
    putCustom(out, section.name as string, contents)
  }
  upTo(-1)
  const code = decoded.sections.find(({ id }) => id === sections.CODE)
  if (parts.origins.length > 0 && code) {
    putCustom(out, seam.ORIGINS, writeOrigins(parts.origins, bodiesAt, code.start).take())
  }
  putCustom(out, seam.SECTION, parts.mark.take())
  return out.take()
}

/** => where the entries of a section begin. */
function behindCount(contents: Writer): number {
  const reader = new Reader(contents.bytes)
  reader.skipNumber()
  return reader.at
}

function putCustom(out: Writer, name: string, contents: Uint8Array): void {
  const inner = new Writer(contents.length + 64)
  inner.name(name)
  inner.copy(contents, 0, contents.length)
  out.byte(sections.CUSTOM)
  out.u32(inner.length)
  out.write(inner)
}

/** The contents of section `id` in the result, undefined for none. */
function made(parts: Parts, id: number): Writer | undefined {
  const { decoded, appended } = parts
  switch (id) {
    case sections.TYPE:
      return vector(decoded, id, appended.types.length, (out) => {
        for (const [params, results] of appended.types) {
          out.byte(0x60)
          values(out, params)
          values(out, results)
        }
      })
    case sections.IMPORT:
      return imports(parts)
    case sections.FUNCTION:
      return vector(decoded, id, appended.functions.length, (out) => {
        for (const { type } of appended.functions) out.u32(type)
      })
    case sections.TABLE:
      return vector(decoded, id, 1, (out) => {
        out.list([0x70, 1, seam.ENTRIES, seam.ENTRIES])
      })
    case sections.GLOBAL:
      return globals(parts)
    case sections.EXPORT:
      return vector(decoded, id, parts.exports.length, (out) => {
        for (const [name, kind, index] of parts.exports) {
          out.name(name)
          out.byte(kind)
          out.u32(index)
        }
      })
    case sections.ELEMENT:
      return elements(parts)
    case sections.CODE:
      return code(parts)
    case sections.MEMORY:
    case sections.START:
      return undefined
    default:
      return copied(decoded, id)
  }
}

function values(out: Writer, types: readonly ValueType[]): void {
  out.u32(types.length)
  for (const type of types) {
    if (typeof type === 'number') out.byte(type)
    else out.copy(type, 0, type.length)
  }
}

function copied(decoded: Decoded, id: number): Writer | undefined {
  const section = decoded.sections.find((one) => one.id === id)
  if (!section) return undefined
  const out = new Writer(section.end - section.start)
  out.copy(decoded.bytes, section.start, section.end)
  return out
}

function memoryImport(
  out: Writer,
  from: { module: string; name: string },
  { initial, maximum, shared }: { initial: number; maximum: number; shared: boolean },
): void {
  out.name(from.module)
  out.name(from.name)
  out.list([2, shared ? 3 : 1])
  out.u32(initial)
  out.u32(maximum)
}

/** The module's imports, the private memory among them with its new limits, or before the kernel's at the end. */
function imports({ decoded, memory, kernelMemory }: Parts): Writer {
  const section = decoded.sections.find((one) => one.id === sections.IMPORT)
  const out = new Writer(1024)
  const { from } = memory
  out.u32(decoded.imports + (from ? 0 : 1) + (kernelMemory ? 1 : 0))
  if (section) {
    const reader = new Reader(decoded.bytes, section.start)
    reader.u32()
    out.copy(decoded.bytes, reader.at, from?.at ?? section.end)
    if (from) memoryImport(out, from, memory)
    if (from) out.copy(decoded.bytes, from.end, section.end)
  }
  if (!from) memoryImport(out, { module: seam.MODULE, name: seam.PRIVATE }, memory)
  if (kernelMemory) {
    const kernel = { ...kernelMemory, shared: true }
    memoryImport(out, { module: seam.MODULE, name: seam.MEMORY }, kernel)
  }
  return out
}

/** The function indexes that initial values and segments hold: each is told once more when the module is assembled. */
export function heldFunctions(decoded: Decoded, onFunction: (index: number) => void): void {
  for (const { id, start } of decoded.sections) {
    if (id !== sections.GLOBAL && id !== sections.ELEMENT) continue
    const reader = new Reader(decoded.bytes, start)
    for (let count = reader.u32(); count > 0; count--) {
      const walk = id === sections.GLOBAL ? initial : segment
      walk(reader, (_, index) => onFunction(index))
    }
  }
}

/** Past one global. */
function initial(reader: Reader, onFunction: (at: number, index: number) => void): void {
  skipValueType(reader)
  reader.byte()
  walkConstant(reader, onFunction)
}

/** Copies a section while exchanging the function indexes that `walk` meets. */
function exchanging(
  { decoded, wrapped }: Parts,
  id: number,
  count: (own: number) => number,
  walk: (reader: Reader, onFunction: (at: number, index: number) => void) => void,
): Writer {
  const section = decoded.sections.find((one) => one.id === id)
  const out = new Writer(1024)
  const reader = new Reader(decoded.bytes, section?.start)
  const own = section ? reader.u32() : 0
  out.u32(count(own))
  if (!section) return out
  let from = reader.at
  const onFunction = (at: number, index: number) => {
    if (wrapped(index) === index) return
    out.copy(decoded.bytes, from, at)
    out.u32(wrapped(index))
    from = reader.at
  }
  for (let i = 0; i < own; i++) walk(reader, onFunction)
  out.copy(decoded.bytes, from, section.end)
  return out
}

function globals(parts: Parts): Writer {
  const added = parts.appended.globals
  const out = exchanging(parts, sections.GLOBAL, (own) => own + added.length, initial)
  for (const { initial } of added) {
    out.list([I32, 1, 0x41])
    out.s32(initial)
    out.byte(0x0b)
  }
  return out
}

/** Segments with the wrappers in place of imports, and one more that declares the wrappers. */
function elements(parts: Parts): Writer | undefined {
  const { wrappers, decoded } = parts
  if (wrappers.length === 0) return copied(decoded, sections.ELEMENT)
  const out = exchanging(parts, sections.ELEMENT, (own) => own + 1, segment)
  out.list([3, 0])
  out.u32(wrappers.length)
  for (const index of wrappers) out.u32(index)
  return out
}

/** Past one element segment. */
function segment(reader: Reader, onFunction: (at: number, index: number) => void): void {
  const flags = reader.u32()
  if ((flags & 1) === 0) {
    if (flags & 2) reader.u32()
    walkConstant(reader, onFunction)
  }
  if (flags & 3) {
    if (flags & 4) skipValueType(reader)
    else reader.byte()
  }
  for (let count = reader.u32(); count > 0; count--) {
    if (flags & 4) walkConstant(reader, onFunction)
    else {
      const at = reader.at
      onFunction(at, reader.u32())
    }
  }
}

function code({ decoded, appended, bodies }: Parts): Writer {
  const out = new Writer(bodies.length + (1 << 17))
  out.u32(decoded.bodies.length / 2 + appended.functions.length)
  out.write(bodies)
  for (const { body } of appended.functions) {
    out.u32((body as Code).length)
    out.write(body as Code)
  }
  return out
}
