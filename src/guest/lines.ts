/**
 * Lines of source by place in the code: the line number programs of `.debug_line`, versions 2 to 5 of DWARF, 32-bit (DWARF 5, 6.2;
 * "DWARF for WebAssembly" for what an address is).
 *
 * Invariant: no engine has judged these bytes, and a program may say in them what it likes: each step consumes some, nothing is made as large as one of their
 * numbers says, and what is malformed has no line.
 */
import { Reader } from './rewrite/bytes.js'

export interface Line {
  readonly file: string
  readonly line: number
}

/** What a module has of the sections that lines are read from. */
export interface LineSections {
  readonly line: Uint8Array
  /** `.debug_str` and `.debug_line_str`. */
  readonly strings: Uint8Array
  readonly lineStrings: Uint8Array
}

/** Standard opcodes, extended ones, kinds of entries and forms that are met (DWARF 5, 7.22, 7.5.6). */
const COPY = 1
const ADVANCE_PC = 2
const ADVANCE_LINE = 3
const SET_FILE = 4
const SET_COLUMN = 5
const CONST_ADD_PC = 8
const FIXED_ADVANCE_PC = 9
const END_SEQUENCE = 1
const SET_ADDRESS = 2
const PATH = 1
const DIRECTORY = 2
const FORM_DATA2 = 0x05
const FORM_DATA4 = 0x06
const FORM_DATA8 = 0x07
const FORM_STRING = 0x08
const FORM_DATA1 = 0x0b
const FORM_STRP = 0x0e
const FORM_UDATA = 0x0f
const FORM_DATA16 = 0x1e
const FORM_LINE_STRP = 0x1f

class Malformed extends Error {}

/** => the line of the instruction at `address`, from the contents of the code section; undefined where none is known. */
export function lineAt(sections: LineSections, address: number): Line | undefined {
  const reader = new Reader(sections.line)
  try {
    while (reader.at < sections.line.length) {
      const length = fixed(reader, 4)
      if (length >= 0xffff_fff0) return undefined
      const next = reader.at + length
      const line = new Unit(sections, reader.at, next).find(address)
      if (line) return line
      reader.at = next
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
  }
  return undefined
}

/** => a number of `size` bytes, the lowest first; of 8 the lower 4. */
function fixed(reader: Reader, size: number): number {
  if (reader.at + size > reader.bytes.length) throw new Malformed()
  let value = 0
  for (let i = Math.min(size, 4) - 1; i >= 0; i--) {
    value = value * 256 + (reader.bytes[reader.at + i] as number)
  }
  reader.at += size
  return value
}

/** => the string that ends with a 0, behind which the reader stands then. */
function text(reader: Reader): string {
  const end = reader.bytes.indexOf(0, reader.at)
  if (end < 0) throw new Malformed()
  const bytes = reader.bytes.slice(reader.at, end)
  reader.at = end + 1
  return new TextDecoder().decode(bytes)
}

/** Read only when it is asked for: many entries may share one long string. */
type Text = () => string

interface File {
  readonly path: Text
  readonly directory: number
}

const none: Text = () => ''
const as =
  (path: string): Text =>
  () =>
    path
const later =
  (strings: Uint8Array, at: number): Text =>
  () =>
    text(new Reader(strings, at))

/** One line number program with its header. */
class Unit {
  private readonly reader: Reader
  private readonly sections: LineSections
  private readonly version: number
  private readonly program: number
  private readonly step: number
  private readonly lineBase: number
  private readonly lineRange: number
  /** How many operands each standard opcode has. */
  private readonly operands: number[] = [0]
  private readonly directories: Text[] = []
  private readonly files: File[] = []

  /** Reads the header of [at, end). */
  constructor(sections: LineSections, at: number, end: number) {
    if (end > sections.line.length) throw new Malformed()
    this.sections = sections
    const reader = new Reader(sections.line.subarray(0, end), at)
    this.reader = reader
    this.version = fixed(reader, 2)
    if (this.version < 2 || this.version > 5) throw new Malformed()
    if (this.version === 5) fixed(reader, 2)
    const length = fixed(reader, 4)
    this.program = reader.at + length
    this.step = fixed(reader, 1)
    if (this.version >= 4) fixed(reader, 1)
    fixed(reader, 1)
    this.lineBase = (fixed(reader, 1) << 24) >> 24
    this.lineRange = fixed(reader, 1)
    const opcodes = fixed(reader, 1)
    if (this.lineRange === 0) throw new Malformed()
    for (let opcode = 1; opcode < opcodes; opcode++) this.operands.push(fixed(reader, 1))
    if (this.version === 5) this.readTables()
    else this.readOldTables()
  }

  private readOldTables(): void {
    const { reader, directories, files } = this
    // Directory 0 is the one that was compiled in, file 0 is none.
    directories.push(none)
    for (let path = text(reader); path !== ''; path = text(reader)) directories.push(as(path))
    files.push({ path: none, directory: 0 })
    for (let path = text(reader); path !== ''; path = text(reader)) {
      files.push({ path: as(path), directory: reader.u32() })
      reader.u32()
      reader.u32()
    }
  }

  private readTables(): void {
    for (const { path } of this.entries()) this.directories.push(path)
    if (this.directories.length > 0) this.directories[0] = none
    this.files.push(...this.entries())
  }

  /** A table of version 5: what each entry consists of, then the entries. */
  private entries(): File[] {
    const { reader } = this
    const format: [kind: number, form: number][] = []
    for (let count = fixed(reader, 1); count > 0; count--) format.push([reader.u32(), reader.u32()])
    const entries: File[] = []
    for (let count = format.length === 0 ? 0 : reader.u32(); count > 0; count--) {
      let [path, directory] = [none, 0]
      for (const [kind, form] of format) {
        const value = this.form(form)
        if (kind === PATH && typeof value === 'function') path = value
        else if (kind === DIRECTORY && typeof value === 'number') directory = value
      }
      entries.push({ path, directory })
    }
    return entries
  }

  private form(form: number): Text | number {
    const { reader } = this
    if (reader.at >= reader.bytes.length) throw new Malformed()
    switch (form) {
      case FORM_STRING:
        return as(text(reader))
      case FORM_STRP:
        return later(this.sections.strings, fixed(reader, 4))
      case FORM_LINE_STRP:
        return later(this.sections.lineStrings, fixed(reader, 4))
      case FORM_UDATA:
        return reader.u32()
      case FORM_DATA1:
        return fixed(reader, 1)
      case FORM_DATA2:
        return fixed(reader, 2)
      case FORM_DATA4:
        return fixed(reader, 4)
      case FORM_DATA8:
        return fixed(reader, 8)
      case FORM_DATA16:
        return fixed(reader, 16)
      default:
        throw new Malformed()
    }
  }

  /** Runs the program. => the line of the row that `sought` is of: from its address up to the next row's of its sequence. */
  find(sought: number): Line | undefined {
    const { operands, lineRange } = this
    const reader = this.reader
    reader.at = this.program
    let row = { address: 0, file: 1, line: 1 }
    let last: typeof row | undefined
    const found = () => last && last.address <= sought && sought < row.address
    const advance = (steps: number) => {
      row.address += steps * this.step
    }
    while (reader.at < reader.bytes.length) {
      const opcode = reader.byte()
      let isRow = opcode === COPY
      if (opcode >= operands.length) {
        const special = opcode - operands.length
        advance(Math.floor(special / lineRange))
        row.line += this.lineBase + (special % lineRange)
        isRow = true
      } else if (opcode === 0) {
        const length = reader.u32()
        const next = reader.at + length
        if (length === 0 || next > reader.bytes.length) throw new Malformed()
        const extended = reader.byte()
        if (extended === SET_ADDRESS) row.address = fixed(reader, Math.min(4, length - 1))
        if (extended === END_SEQUENCE) {
          if (found()) return this.lineOf(last as typeof row)
          row = { address: 0, file: 1, line: 1 }
          last = undefined
        }
        reader.at = next
      } else if (opcode === ADVANCE_PC) advance(reader.u32())
      else if (opcode === ADVANCE_LINE) row.line += reader.s32()
      else if (opcode === SET_FILE) row.file = reader.u32()
      else if (opcode === SET_COLUMN) reader.u32()
      else if (opcode === CONST_ADD_PC) advance(Math.floor((255 - operands.length) / lineRange))
      else if (opcode === FIXED_ADVANCE_PC) row.address += fixed(reader, 2)
      else for (let i = operands[opcode] as number; i > 0; i--) reader.u32()
      if (!isRow) continue
      if (found()) return this.lineOf(last as typeof row)
      last = { ...row }
    }
    return undefined
  }

  /** Line 0 is of no line. */
  private lineOf({ file, line }: { file: number; line: number }): Line | undefined {
    const of = this.files[file]
    if (!of || line <= 0) return undefined
    const path = of.path()
    if (path === '') return undefined
    const directory = (this.directories[of.directory] ?? none)()
    const isWhole = directory === '' || path.startsWith('/')
    return { file: isWhole ? path : `${directory}/${path}`, line }
  }
}
