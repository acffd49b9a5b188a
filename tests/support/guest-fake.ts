/**
 * A stand-in for the kernel's half of guests: a page table in a shared memory, filled page by page at faults, as real frames
 * out of order, so that neighbours in the window are mostly none in memory. Single-threaded.
 */
import { ENTRY_TYPES } from '../../dist/src/guest/rewrite/appended.js'
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'
import { type Description, describe } from '../../dist/src/guest/rewrite/index.js'
import * as seam from '../../dist/src/guest/rewrite/seam.js'

export const PAGE = 4096
const SHIFT = 12
const CONTEXT = 0x2000
const DIRECTORY = 0x3000
const FIRST_TABLE = 0x4000
const FIRST_FRAME = 0x40000
/** A frame and the one that its page moves to differ in this bit. */
const OTHER_FRAMES = 0x20_0000
/** Pages of 64 KiB: the fake's memory, and what rewritten modules declare. */
export const FAKE_MEMORY = { initial: 64, maximum: 64 }

/** An access that the page table refuses. */
export class Segv extends Error {
  readonly address: number

  constructor(address: number) {
    super(`SIGSEGV at 0x${(address >>> 0).toString(16)}`)
    this.address = address >>> 0
  }
}

/** Thrown by a poll too many. */
export class Endless extends Error {}

interface Page {
  readonly frame: number
  rights: number
}

export class FakeKernel {
  readonly memory = new WebAssembly.Memory({ ...FAKE_MEMORY, shared: true })
  readonly view = new DataView(this.memory.buffer)
  private readonly pages = new Map<number, Page>()
  private tables = 0
  private frames = 0
  private asWasm: WebAssembly.ExportValue[] | undefined
  faults = 0
  polls = 0
  /** At each poll every page moves to another frame, and its old one is filled with junk: what a module still remembers shows. */
  moves = false
  /** And at one fault in so many, before it is served; 0 for at none. */
  movesAt = 0
  /** A poll beyond these throws: for programs that may have no end. */
  pollsMax = Number.POSITIVE_INFINITY

  constructor() {
    this.word(CONTEXT + seam.CONTEXT_PAGE_SHIFT, SHIFT)
    this.word(CONTEXT + seam.CONTEXT_DIRECTORY, DIRECTORY)
  }

  private word(at: number, value: number): void {
    this.view.setUint32(at, value, true)
  }

  /** Maps a page of zeros with PTE_READ and PTE_WRITE of `rights`; `gap` frames are left out before it. => its bytes */
  map(address: number, rights: number, gap = 0): Uint8Array {
    this.frames += gap
    const frame = FIRST_FRAME + this.frames++ * PAGE
    this.pages.set(address >>> SHIFT, { frame, rights })
    return new Uint8Array(this.memory.buffer, frame, PAGE).fill(0)
  }

  /** Nothing is mapped any more, and all frames are free. */
  forget(): void {
    for (const page of this.pages.keys()) this.word(this.entry(page << SHIFT), 0)
    this.pages.clear()
    this.frames = 0
    this.attention(false)
    this.raise()
  }

  /** As munmap: the entry goes, then the generation is another. */
  unmap(address: number): void {
    this.pages.delete(address >>> SHIFT)
    this.word(this.entry(address), 0)
    this.raise()
  }

  /** As mprotect. */
  protect(address: number, rights: number): void {
    const page = this.pages.get(address >>> SHIFT)
    if (page) page.rights = rights
    this.word(this.entry(address), 0)
    this.raise()
  }

  /** The bytes of a mapped page. */
  bytes(address: number): Uint8Array {
    const { frame } = this.pages.get(address >>> SHIFT) as Page
    return new Uint8Array(this.memory.buffer, frame, PAGE)
  }

  private move(): void {
    for (const [page, { frame, rights }] of this.pages) {
      const other = frame ^ OTHER_FRAMES
      new Uint8Array(this.memory.buffer).copyWithin(other, frame, frame + PAGE)
      new Uint8Array(this.memory.buffer, frame, PAGE).fill(0xee)
      this.pages.set(page, { frame: other, rights })
      this.word(this.entry(page << SHIFT), 0)
    }
    this.raise()
  }

  raise(): void {
    const at = CONTEXT + seam.CONTEXT_GENERATION
    this.word(at, this.view.getUint32(at, true) + 1)
  }

  attention(on: boolean): void {
    this.word(seam.ATTENTION, on ? 1 : 0)
  }

  /** Where the entry of a page stands; its table is made. */
  private entry(address: number): number {
    const slot = DIRECTORY + ((address >>> (2 * SHIFT - 2)) << 2)
    if (this.view.getUint32(slot, true) === 0) this.word(slot, FIRST_TABLE + this.tables++ * PAGE)
    return this.view.getUint32(slot, true) + (((address >>> SHIFT) & 1023) << 2)
  }

  /** Makes one page accessible. => its frame */
  private touch(address: number, right: number): number {
    const page = this.pages.get(address >>> SHIFT)
    if (!page || (page.rights & right) === 0) throw new Segv(address)
    this.word(this.entry(address), page.frame | page.rights | seam.PTE_SHARED)
    return page.frame
  }

  private at(address: number, right: number): number {
    return this.touch(address, right) + (address & (PAGE - 1))
  }

  /** The bytes of [address, + bytes), checked whole before any is moved. */
  private places(address: number, bytes: number, right: number): number[] {
    return Array.from({ length: bytes }, (_, i) => {
      if (address + i > 0xffffffff) throw new Segv(0)
      return this.at(address + i, right)
    })
  }

  read(address: number, bytes: number, right = seam.PTE_READ): Uint8Array {
    return Uint8Array.from(this.places(address >>> 0, bytes, right), (at) => this.view.getUint8(at))
  }

  write(address: number, from: Uint8Array): void {
    this.places(address >>> 0, from.length, seam.PTE_WRITE).forEach((at, i) => {
      this.view.setUint8(at, from[i] as number)
    })
  }

  private fault(context: number, signed: number, bytes: number, write: number): number {
    if (context !== CONTEXT) throw new Error('another context')
    this.faults++
    if (this.movesAt > 0 && this.faults % this.movesAt === 0) this.move()
    const address = signed >>> 0
    const right = write ? seam.PTE_WRITE : seam.PTE_READ
    const first = this.places(address, bytes, right)[0] as number
    let start = address & ~(PAGE - 1)
    let end = (start >>> 0) + PAGE
    const beside = (at: number, by: number) => {
      const page = this.pages.get(at >>> SHIFT)
      const base = this.pages.get(address >>> SHIFT) as Page
      const delta = ((at >>> SHIFT) - (address >>> SHIFT)) * PAGE
      return page && page.rights & right && page.frame - base.frame === delta ? by : 0
    }
    start >>>= 0
    while (beside(start - PAGE, 1)) start -= PAGE
    while (beside(end, 1)) end += PAGE
    this.word(CONTEXT + seam.CONTEXT_START, start)
    this.word(CONTEXT + seam.CONTEXT_LENGTH, end - start)
    this.word(CONTEXT + seam.CONTEXT_DELTA, first - address)
    return address + bytes <= end ? first : 0
  }

  private number(address: number, bytes: number, right = seam.PTE_READ): bigint {
    return this.read(address, bytes, right).reduceRight(
      (sum, byte) => (sum << 8n) | BigInt(byte),
      0n,
    )
  }

  private put(address: number, bytes: number, value: bigint): void {
    this.write(
      address,
      Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)),
    )
  }

  private rmw(
    address: number,
    bytes: number,
    op: number,
    operand: bigint,
    expected: bigint,
  ): bigint {
    const right = seam.RMW[op] === 'load' ? seam.PTE_READ : seam.PTE_WRITE
    const old = this.number(address, bytes, right)
    const value = exchanged(
      op,
      old,
      BigInt.asUintN(bytes * 8, operand),
      BigInt.asUintN(bytes * 8, expected),
    )
    if (value !== undefined) this.put(address, bytes, value)
    return old
  }

  /** The entries by their place in the table. */
  private entries(): ((...values: never[]) => unknown)[] {
    const bounce = CONTEXT + seam.CONTEXT_BOUNCE
    return [
      (c: number, a: number, n: number, w: number) => this.fault(c, a, n, w),
      (_: number, a: number, n: number) => {
        new Uint8Array(this.memory.buffer).set(this.read(a, n), bounce)
        return bounce
      },
      (_: number, a: number, n: number) =>
        this.write(a, new Uint8Array(this.memory.buffer).slice(bounce, bounce + n)),
      () => {
        if (++this.polls > this.pollsMax) throw new Endless('polled too often')
        if (this.moves) this.move()
      },
      (_: number, to: number, from: number, n: number) => this.write(to, this.read(from, n >>> 0)),
      (_: number, to: number, value: number, n: number) =>
        this.write(to, new Uint8Array(n >>> 0).fill(value)),
      (_: number, a: number, n: number, expected: bigint) =>
        this.number(a, n) === BigInt.asUintN(n * 8, expected) ? 2 : 1,
      (_: number, a: number) => {
        this.read(a, 4)
        return 0
      },
      (_: number, a: number, n: number) => Number(this.number(a, n)) | 0,
      (_: number, a: number) => this.number(a, 8),
      (_: number, a: number, n: number, value: number) => this.put(a, n, BigInt(value)),
      (_: number, a: number, value: bigint) => this.put(a, 8, value),
      (_: number, a: number, n: number, op: number, operand: number, expected: number) =>
        Number(this.rmw(a, n, op, BigInt(operand), BigInt(expected))) | 0,
      (_: number, a: number, op: number, operand: bigint, expected: bigint) =>
        this.rmw(a, 8, op, operand, expected),
      (_: number, a: number, n: number, w: number) => {
        this.places(a >>> 0, n, w ? seam.PTE_WRITE : seam.PTE_READ)
      },
    ] as ((...values: never[]) => unknown)[]
  }

  /** Instantiates a rewritten module over this kernel. `isopage:start` is left to the caller. */
  link(bytes: Uint8Array<ArrayBuffer>, imports: WebAssembly.Imports = {}): Linked {
    const description = describe(bytes) as Description
    const { initial, maximum, shared, module, name } = description.private
    const memory = new WebAssembly.Memory({ initial, maximum: Math.min(maximum, 1024), shared })
    const isopage = { ...imports.isopage, memory: this.memory }
    const all: WebAssembly.Imports = { ...imports, isopage }
    all[module] = { ...all[module], [name]: memory }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), all)
    const table = instance.exports['isopage:table'] as WebAssembly.Table
    this.asWasm ??= asWasm(this.entries())
    this.asWasm.forEach((entry, i) => {
      table.set(i, entry)
    })
    ;(instance.exports['isopage:context'] as WebAssembly.Global).value = CONTEXT
    return { instance, memory, description }
  }
}

export interface Linked {
  readonly instance: WebAssembly.Instance
  readonly memory: WebAssembly.Memory
  readonly description: Description
}

/** What a read-modify-write stores, undefined for nothing. */
export function exchanged(
  op: number,
  old: bigint,
  operand: bigint,
  expected: bigint,
): bigint | undefined {
  const name = seam.RMW[op]
  if (name === 'load') return undefined
  if (name === 'cmpxchg') return old === expected ? operand : undefined
  if (name === 'add') return old + operand
  if (name === 'sub') return old - operand
  if (name === 'and') return old & operand
  if (name === 'or') return old | operand
  return name === 'xor' ? old ^ operand : operand
}

/** Functions of JavaScript as functions that a table takes: a module passes them through. */
function asWasm(functions: ((...values: never[]) => unknown)[]): WebAssembly.ExportValue[] {
  const out = new Writer()
  const section = (id: number, write: (part: Writer) => void) => {
    const part = new Writer()
    part.u32(functions.length)
    write(part)
    out.byte(id)
    out.u32(part.length)
    out.write(part)
  }
  out.list([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  section(1, (part) => {
    for (const [params, results] of ENTRY_TYPES) {
      part.list([0x60, params.length, ...params, results.length, ...results])
    }
  })
  section(2, (part) => {
    functions.forEach((_, i) => {
      part.name('k')
      part.name(`${i}`)
      part.byte(0)
      part.u32(i)
    })
  })
  section(7, (part) => {
    functions.forEach((_, i) => {
      part.name(`${i}`)
      part.byte(0)
      part.u32(i)
    })
  })
  const k = Object.fromEntries(functions.map((entry, i) => [`${i}`, entry]))
  const imports = { k } as WebAssembly.Imports
  const instance = new WebAssembly.Instance(new WebAssembly.Module(out.take()), imports)
  return functions.map((_, i) => instance.exports[`${i}`] as WebAssembly.ExportValue)
}
