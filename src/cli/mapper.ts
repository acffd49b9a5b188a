/**
 * What one thread does with the file: a process of its own, a descriptor, and a shared mapping of the whole.
 * Thread A uses it at once, thread B through thread-b.ts; every argument and result can be cloned.
 */
import { createHash } from 'node:crypto'
import { type Kernel, MAP, type Mapping, O, type Process } from '../index.js'
import type { Edit } from './plan.js'

const BLOCK_BYTES = 256 * 1024
/** How long one side of an exchange waits for the other. */
const TURN_MS = 10_000

/** A word that two threads change in turn. */
export interface Meeting {
  /** Of its page, in the file. */
  readonly offset: number
  readonly rounds: number
  /** The word's value before. */
  readonly start: number
}

export class Mapper {
  readonly process: Process
  readonly map: Mapping
  readonly #path: string
  readonly #pageSize: number
  #private: Mapping | undefined
  #meeting: Mapping | undefined

  /** @param path in the kernel. @param bytes to map, from the start of the file. */
  constructor(kernel: Kernel, path: string, bytes: number) {
    this.#path = path
    this.#pageSize = kernel.pageSize
    this.process = kernel.process()
    this.map = this.#mapFile(bytes, 0, MAP.SHARED)
  }

  /** The descriptor is closed at once: the mapping stays. */
  #mapFile(length: number, offset: number, flags: number): Mapping {
    const fd = this.process.open(this.#path, O.RDWR)
    try {
      return this.process.mmap({ fd, length, offset, flags })
    } finally {
      this.process.close(fd)
    }
  }

  /** Reads pages through the mapping. => SHA-256 of their bytes, in hex. */
  read(firstPage: number, pages: number): string {
    const hash = createHash('sha256')
    const end = Math.min((firstPage + pages) * this.#pageSize, this.map.length)
    for (let at = firstPage * this.#pageSize; at < end; at += BLOCK_BYTES) {
      hash.update(this.map.read(at, Math.min(BLOCK_BYTES, end - at)))
    }
    return hash.digest('hex')
  }

  /** Stores through the mapping. */
  edit(edits: readonly Edit[]): void {
    for (const { page, offset, content } of edits) {
      this.map.write(page * this.#pageSize + offset, content)
    }
  }

  /** => how many of the edits this mapping shows. */
  sees(edits: readonly Edit[]): number {
    return edits.filter((edit) => this.#shows(this.map, edit)).length
  }

  #shows(map: Mapping, { page, offset, content }: Edit): boolean {
    const found = map.read(page * this.#pageSize + offset, content.length)
    return Buffer.from(found).equals(content)
  }

  /** => how many of the edits read(2) shows. */
  readsBack(edits: readonly Edit[]): number {
    const fd = this.process.open(this.#path, O.RDONLY)
    const shown = edits.filter(({ page, offset, content }) => {
      const found = new Uint8Array(content.length)
      this.process.pread(fd, found, page * this.#pageSize + offset)
      return Buffer.from(found).equals(content)
    })
    this.process.close(fd)
    return shown.length
  }

  /** The word at the start of a page, in shared memory: what both threads' mappings of that page are. */
  word(offset: number): Int32Array {
    this.#meeting ??= this.#mapFile(this.#pageSize, offset, MAP.SHARED)
    return new Int32Array(this.#meeting.buffer, this.#meeting.byteOffset, 1)
  }

  /** Takes turns with the other thread: A adds one, B adds one. => microseconds of each round, as A saw them. */
  exchange(side: 'A' | 'B', { offset, rounds, start }: Meeting): number[] {
    const word = this.word(offset)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const turn = (start + 2 * round) | 0
      const began = performance.now()
      if (side === 'A') give(word, (turn + 1) | 0)
      waitFor(word, side === 'A' ? (turn + 2) | 0 : (turn + 1) | 0)
      if (side === 'B') give(word, (turn + 2) | 0)
      times.push((performance.now() - began) * 1000)
    }
    return times
  }

  /** Maps the file a second time, for this process alone, and stores into that. */
  editPrivately(edits: readonly Edit[]): void {
    const map = this.privateMap()
    for (const { page, offset, content } of edits) {
      map.write(page * this.#pageSize + offset, content)
    }
  }

  /** => how many of the edits the private mapping shows. */
  seesPrivately(edits: readonly Edit[]): number {
    return edits.filter((edit) => this.#shows(this.privateMap(), edit)).length
  }

  /** NORESERVE: room for copies of a whole file would be asked for otherwise. */
  privateMap(): Mapping {
    this.#private ??= this.#mapFile(this.map.length, 0, MAP.PRIVATE | MAP.NORESERVE)
    return this.#private
  }

  /** The process ends, and with it all its mappings. */
  end(): void {
    this.process.exit()
  }
}

function give(word: Int32Array, value: number): void {
  Atomics.store(word, 0, value)
  Atomics.notify(word, 0)
}

function waitFor(word: Int32Array, value: number): void {
  for (;;) {
    const now = Atomics.load(word, 0)
    if (now === value) return
    if (Atomics.wait(word, 0, now, TURN_MS) === 'timed-out') {
      throw new Error('ETIMEDOUT: the other thread did not take its turn')
    }
  }
}
