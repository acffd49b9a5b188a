/**
 * The sections of a module, read as far as the rewriter must know them; everything else stays bytes.
 *
 * Invariants:
 *  1. The engine has validated the bytes: indexes are in range and sections in order.
 *  2. Positions are offsets in `bytes`; a section's `start` is behind its size.
 */
import { Reader } from './bytes.js'
import { GuestModuleError } from './error.js'
import { END, OPERANDS, PREFIX_GC, REF_FUNC } from './opcodes.js'
import { MODULE, ORIGINS, PREFIX, PRIVATE_PAGES_MAX, SECTION } from './seam.js'

export const CUSTOM = 0
export const TYPE = 1
export const IMPORT = 2
export const FUNCTION = 3
export const TABLE = 4
export const MEMORY = 5
export const GLOBAL = 6
export const EXPORT = 7
export const START = 8
export const ELEMENT = 9
export const CODE = 10
export const DATA = 11
export const DATA_COUNT = 12
export const TAG = 13

export interface Section {
  readonly id: number
  readonly start: number
  readonly end: number
  /** Of a custom section. */
  readonly name?: string
  /** Where a custom section's contents begin. */
  readonly contents?: number
}

/** The private memory as the module declared it. */
export interface PrivateMemory {
  readonly initial: number
  readonly maximum: number
  readonly shared: boolean
  /** Under what it was imported; absent when the module defined it. */
  readonly from?: {
    readonly module: string
    readonly name: string
    readonly at: number
    end: number
  }
}

export interface FunctionType {
  readonly params: number
  /** Value types as bytes, one entry a result. */
  readonly results: readonly Uint8Array[]
}

/** What the rewriter knows of a module. */
export interface Decoded {
  readonly bytes: Uint8Array
  readonly sections: readonly Section[]
  readonly types: FunctionType[]
  /** Counts of the index spaces. */
  importedFunctions: number
  functions: number
  tables: number
  globals: number
  elements: number
  imports: number
  exports: number
  /** Type index of each function that the module imports. */
  readonly importTypes: number[]
  /** Type index of each function that the module defines. */
  readonly functionTypes: number[]
  memory: PrivateMemory | undefined
  start: number | undefined
  /** Tables whose entries somebody else may set: imported or exported. */
  readonly openTables: Set<number>
  /** Where each body stands: start and end, in turn. */
  readonly bodies: number[]
}

/** Reads what `instrument` must know. Throws GuestModuleError for what is no guest. => `bytes` validated by the engine */
export function decode(bytes: Uint8Array): Decoded {
  const decoded: Decoded = {
    bytes,
    sections: sectionsOf(bytes),
    types: [],
    importedFunctions: 0,
    functions: 0,
    tables: 0,
    globals: 0,
    elements: 0,
    imports: 0,
    exports: 0,
    importTypes: [],
    functionTypes: [],
    memory: undefined,
    start: undefined,
    openTables: new Set(),
    bodies: [],
  }
  decoded.sections.forEach(refuseRewritten)
  for (const section of decoded.sections) readSection(decoded, section)
  return decoded
}

/** The sections of a module, custom ones with their names. */
export function sectionsOf(bytes: Uint8Array): Section[] {
  const reader = new Reader(bytes, 8)
  const sections: Section[] = []
  while (reader.at < bytes.length) {
    const id = reader.byte()
    const size = reader.u32()
    const start = reader.at
    const end = start + size
    if (id === CUSTOM) {
      const name = reader.name()
      sections.push({ id, start, end, name, contents: reader.at })
    } else sections.push({ id, start, end })
    reader.at = end
  }
  return sections
}

function readSection(decoded: Decoded, section: Section): void {
  const reader = new Reader(decoded.bytes, section.start)
  if (section.id === TYPE) readTypes(decoded, reader)
  else if (section.id === IMPORT) readImports(decoded, reader)
  else if (section.id === FUNCTION) {
    for (let count = reader.u32(); count > 0; count--) decoded.functionTypes.push(reader.u32())
    decoded.functions = decoded.importedFunctions + decoded.functionTypes.length
  } else if (section.id === TABLE) readTables(decoded, reader)
  else if (section.id === MEMORY) readMemories(decoded, reader)
  else if (section.id === GLOBAL) decoded.globals += reader.u32()
  else if (section.id === EXPORT) readExports(decoded, reader)
  else if (section.id === START) decoded.start = reader.u32()
  else if (section.id === ELEMENT) decoded.elements = reader.u32()
  else if (section.id === CODE) readBodies(decoded, reader)
}

function refuseRewritten(section: Section): void {
  if (section.name !== SECTION && section.name !== ORIGINS) return
  throw new GuestModuleError('rewritten', 'the module has been rewritten already, or says so')
}

/** Past a value type or, with its leading byte read already, what follows it. */
export function skipValueType(reader: Reader): void {
  const type = reader.byte()
  if (type === 0x63 || type === 0x64) reader.skipNumber()
}

/** Past the declaration of a body's locals. => how many there are */
export function skipLocals(reader: Reader): number {
  let count = 0
  for (let groups = reader.u32(); groups > 0; groups--) {
    count += reader.u32()
    skipValueType(reader)
  }
  return count
}

function readTypes(decoded: Decoded, reader: Reader): void {
  for (let count = reader.u32(); count > 0; count--) {
    if (reader.byte() !== 0x60) {
      throw new GuestModuleError('unsupported', 'the module has types of the garbage collector')
    }
    const params = reader.u32()
    for (let i = 0; i < params; i++) skipValueType(reader)
    const results: Uint8Array[] = []
    for (let left = reader.u32(); left > 0; left--) {
      const at = reader.at
      skipValueType(reader)
      results.push(decoded.bytes.subarray(at, reader.at))
    }
    decoded.types.push({ params, results })
  }
}

function readImports(decoded: Decoded, reader: Reader): void {
  decoded.imports = reader.u32()
  for (let i = 0; i < decoded.imports; i++) {
    const at = reader.at
    const module = reader.name()
    const name = reader.name()
    const kind = reader.byte()
    if (module === MODULE && kind !== 0) {
      const message = `the module imports "${MODULE}" "${name}", and only functions come from there`
      throw new GuestModuleError('reserved-name', message)
    }
    if (kind === 0) {
      decoded.importTypes.push(reader.u32())
      decoded.importedFunctions++
    } else if (kind === 1) {
      skipValueType(reader)
      readLimits(reader)
      decoded.openTables.add(decoded.tables++)
    } else if (kind === 2) {
      const from = { module, name, at, end: 0 }
      setMemory(decoded, reader, from)
      from.end = reader.at
    } else if (kind === 3) {
      skipValueType(reader)
      reader.byte()
      decoded.globals++
    } else if (kind === 4) {
      reader.byte()
      reader.u32()
    } else {
      throw new GuestModuleError('unsupported', `the module imports something of kind ${kind}`)
    }
  }
  decoded.functions = decoded.importedFunctions
}

function readLimits(reader: Reader): { flags: number; initial: number; maximum?: number } {
  const flags = reader.byte()
  if (flags & 4) {
    throw new GuestModuleError('memory64', 'the module has a memory or table of 64-bit addresses')
  }
  if (flags & 8) {
    throw new GuestModuleError('unsupported', 'the module has a memory of custom page size')
  }
  const initial = reader.u32()
  return flags & 1 ? { flags, initial, maximum: reader.u32() } : { flags, initial }
}

function readTables(decoded: Decoded, reader: Reader): void {
  for (let count = reader.u32(); count > 0; count--) {
    if (decoded.bytes[reader.at] === 0x40) {
      throw new GuestModuleError('unsupported', 'the module has a table with an initial value')
    }
    skipValueType(reader)
    readLimits(reader)
    decoded.tables++
  }
}

function readMemories(decoded: Decoded, reader: Reader): void {
  for (let count = reader.u32(); count > 0; count--) setMemory(decoded, reader)
}

function setMemory(decoded: Decoded, reader: Reader, from?: PrivateMemory['from']): void {
  if (decoded.memory) {
    throw new GuestModuleError('multi-memory', 'the module has more than one memory')
  }
  const { flags, initial, maximum } = readLimits(reader)
  if (initial > PRIVATE_PAGES_MAX) {
    const message = `the module's memory begins with ${initial} pages, and a guest has at most ${PRIVATE_PAGES_MAX}`
    throw new GuestModuleError('memory-size', message)
  }
  decoded.memory = {
    initial,
    maximum: Math.min(maximum ?? PRIVATE_PAGES_MAX, PRIVATE_PAGES_MAX),
    shared: (flags & 2) !== 0,
    ...(from && { from }),
  }
}

function readExports(decoded: Decoded, reader: Reader): void {
  decoded.exports = reader.u32()
  for (let i = 0; i < decoded.exports; i++) {
    const name = reader.name()
    if (name.startsWith(PREFIX)) {
      const message = `the module exports "${name}", and names that begin with "${PREFIX}" are reserved`
      throw new GuestModuleError('reserved-name', message)
    }
    const kind = reader.byte()
    const index = reader.u32()
    if (kind === 1) decoded.openTables.add(index)
  }
}

function readBodies(decoded: Decoded, reader: Reader): void {
  for (let count = reader.u32(); count > 0; count--) {
    const size = reader.u32()
    decoded.bodies.push(reader.at, reader.at + size)
    reader.at += size
  }
}

/** Walks a constant expression to behind its `end`, and tells where each index of a `ref.func` stands. */
export function walkConstant(
  reader: Reader,
  onFunction: (at: number, index: number) => void,
): void {
  for (;;) {
    const opcode = reader.byte()
    if (opcode === END) return
    if (opcode === REF_FUNC) {
      const at = reader.at
      onFunction(at, reader.u32())
    } else if (opcode === 0xfd) {
      reader.skipNumber()
      reader.at += 16
    } else if (opcode === 0x43) reader.at += 4
    else if (opcode === 0x44) reader.at += 8
    else if (opcode === PREFIX_GC) {
      throw new GuestModuleError('unsupported', 'the module uses the garbage collector')
    } else if (OPERANDS[opcode] === 1) reader.skipNumber()
  }
}
