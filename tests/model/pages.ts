/** What the reference keeps: files and shared memory as maps of pages, one entry for each mapped page, open descriptions. */

import { ARENA_PAGES, PAGE, PROCESSES, SLOTS } from '../support/steps.ts'

/** A call that fails: what was done before it stays done. */
export class Errno extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export function fail(code: string): never {
  throw new Errno(code)
}

/** The bytes of a file or of shared anonymous memory. Pages that are not there are holes: zeros. */
export class Pages {
  readonly pages = new Map<number, Uint8Array>()
  size = 0
  nlink = 0
  /** Pages that were stored to since they were last synced. */
  readonly dirty = new Set<number>()
  /** Has names, and a size that counts. */
  readonly isFile: boolean
  /** Byte-range locks: by process, by byte, the kind. The last byte stands for all from there on. */
  readonly ranges: Uint8Array[] = Array.from({ length: PROCESSES }, () =>
    new Uint8Array(65).fill(2),
  )

  constructor(isFile: boolean) {
    this.isFile = isFile
  }

  /** => the page, made of zeros if it is a hole. */
  at(index: number): Uint8Array {
    const page = this.pages.get(index) ?? new Uint8Array(PAGE)
    this.pages.set(index, page)
    return page
  }

  /** => page `index` lies wholly past the end. */
  isPast(index: number): boolean {
    return index * PAGE >= this.size
  }

  resize(size: number): void {
    if (size === this.size) return
    // Growing too: what mappings stored past the end must not come to light.
    this.zero(Math.min(size, this.size), Math.ceil(Math.min(size, this.size) / PAGE) * PAGE)
    for (const index of this.pages.keys()) if (index * PAGE >= size) this.pages.delete(index)
    this.size = size
  }

  zero(from: number, to: number): void {
    for (const [index, page] of this.pages) {
      page.fill(0, clamp(from - index * PAGE), clamp(to - index * PAGE))
    }
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)))
    for (let i = 0; i < bytes.length; i++) {
      const at = offset + i
      bytes[i] = this.pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? 0
    }
    return bytes
  }

  write(offset: number, length: number, value: number): void {
    if (length > 0 && offset + length > this.size) this.resize(offset + length)
    for (let at = offset; at < offset + length; at++)
      this.store(Math.floor(at / PAGE), at % PAGE, value)
  }

  store(index: number, offset: number, value: number): void {
    this.at(index)[offset] = value
    this.dirty.add(index)
  }
}

export function clamp(offset: number): number {
  return Math.min(PAGE, Math.max(0, offset))
}

/** One mapped page. */
export interface Page {
  prot: number
  readonly mayWrite: boolean
  readonly shared: boolean
  readonly noreserve: boolean
  /** Promised its own frame: private, and once writable. */
  charged: boolean
  readonly pages: Pages | null
  readonly index: number
  copy: Uint8Array | null
  locked: boolean
  advice: number
  /** Which mmap, or fork, made it. */
  origin: number
}

/** => what a child has in the place of a page: the same object, or a copy of the copy. */
export function inChild(page: Page): Page {
  return { ...page, copy: page.copy?.slice() ?? null, locked: false }
}

export interface Description {
  readonly pages: Pages
  readonly read: boolean
  readonly write: boolean
  readonly append: boolean
  offset: number
  refs: number
  flock: number
}

export class ProcessModel {
  readonly arena: (Page | null)[] = new Array(ARENA_PAGES).fill(null)
  readonly slots: (Description | null)[] = new Array(SLOTS).fill(null)
  lockFuture = false
}
