/**
 * The naive reference: what SEMANTICS asks of every step (steps.ts), page by page, in arrays and maps. No trees, no
 * sharing of structure, no speed: each rule stands once, as plainly as it can.
 *
 * It knows no limits of memory: scripts stay far below them. Where the kernel has a choice (an address it picks), the outcome
 * is `away`.
 */

import { NOWHERE, PAGE, runs, type Step } from '../support/steps.ts'
import {
  clamp,
  type Description,
  Errno,
  fail,
  type Page,
  Pages,
  type ProcessModel,
} from './pages.ts'
import { ReferenceFiles } from './reference-files.ts'

/** Numbers of the calls, Linux's and wasi-libc's. */
const PROT_WRITE = 2
const MAP = { SHARED: 1, PRIVATE: 2, TYPE: 15, FIXED: 16, ANONYMOUS: 32, LOCKED: 0x2000 } as const
const MAP_NORESERVE = 0x4000
const MAP_POPULATE = 0x8000
const MAP_NOREPLACE = 0x100000
const MAP_KNOWN = 0x7f | 0xe000 | 0x71900
const MREMAP = { MAYMOVE: 1, FIXED: 2 } as const
const MS = { ASYNC: 1, INVALIDATE: 2, SYNC: 4 } as const
const MADV = { RANDOM: 1, SEQUENTIAL: 2, WILLNEED: 3, DONTNEED: 4, FREE: 8, REMOVE: 9 } as const
const WINDOW_BYTES = 0xff000000 - 0x81000000

export class Reference extends ReferenceFiles {
  #origins = 0

  /** => the outcome of a step, which is done. */
  run(step: Step): string {
    const [name, process, ...numbers] = step
    const p = this.processes[process] as ProcessModel
    try {
      const call = this[name] as (p: ProcessModel, ...numbers: number[]) => string | undefined
      return call.call(this, p, ...numbers) ?? 'ok'
    } catch (error) {
      if (error instanceof Errno) return error.code
      throw error
    }
  }

  /** => what a load of a whole page of a process sees: its bytes, or why not. */
  page(process: number, page: number): Uint8Array | string {
    const found = this.processes[process]?.arena[page]
    if (!found || (found.prot & 7) === 0) return `SIGSEGV@${page * PAGE}`
    if (found.pages?.isPast(found.index)) return `SIGBUS@${page * PAGE}`
    return contentOf(found)
  }

  /** => the stretches of files that a step which succeeded made durable. */
  synced([name, process, ...n]: Step): { pages: Pages; from: number; to: number }[] {
    const p = this.processes[process] as ProcessModel
    if (name === 'fsync') {
      const { pages } = p.slots[n[0] as number] as Description
      return [{ pages, from: 0, to: pages.size }]
    }
    const [address, length, flags] = n as [number, number, number]
    if (name !== 'msync' || (flags & MS.SYNC) === 0) return []
    return this.#range(p, address, length).flatMap((page) => {
      if (!page?.pages?.isFile || !page.shared || page.pages.isPast(page.index)) return []
      return { pages: page.pages, from: page.index * PAGE, to: (page.index + 1) * PAGE }
    })
  }

  /** Mappings that were two at the fork are of two origins in the child: see isPatchwork. */
  override fork(p: ProcessModel, place: number): undefined {
    super.fork(p, place)
    const { arena } = this.processes[place] as ProcessModel
    for (const [at, page] of p.arena.entries()) {
      const before = p.arena[at - 1]
      const child = arena[at]
      if (!page || !child) continue
      child.origin =
        before && areOne(before, page) ? (arena[at - 1] as Page).origin : ++this.#origins
    }
  }

  // ---- memory ----------------------------------------------------------------------------------------------------

  mmap(
    p: ProcessModel,
    address: number,
    length: number,
    prot: number,
    flags: number,
    slot: number,
    offset: number,
  ) {
    if (offset % PAGE !== 0) fail('EINVAL')
    const anonymous = (flags & MAP.ANONYMOUS) !== 0
    const file = anonymous ? null : (p.slots[slot] ?? fail('EBADF'))
    if (length === 0) fail('EINVAL')
    if (length > WINDOW_BYTES) fail('ENOMEM')
    const fixed = (flags & (MAP.FIXED | MAP_NOREPLACE)) !== 0
    if (fixed && address % PAGE !== 0) fail('EINVAL')
    const count = Math.ceil(length / PAGE)
    const first = Math.ceil(address / PAGE)
    if (flags & MAP_NOREPLACE && !this.#isFree(p, first, count)) fail('EEXIST')
    const type = flags & MAP.TYPE
    if (type < 1 || type > 3) fail('EINVAL')
    if (anonymous && type === 3) fail('EINVAL')
    if (type === 3 && (flags & ~(MAP_KNOWN | MAP_NOREPLACE)) !== 0) fail('EOPNOTSUPP')
    const shared = type !== MAP.PRIVATE
    if (file && !file.read) fail('EACCES')
    if (file && shared && prot & PROT_WRITE && !file.write) fail('EACCES')
    if (!fixed && (address === NOWHERE || !this.#isFree(p, first, count))) return 'away'
    const pages = file ? file.pages : shared ? new Pages(false) : null
    if (pages && !pages.isFile) pages.size = count * PAGE
    const noreserve = (flags & MAP_NORESERVE) !== 0
    const origin = ++this.#origins
    for (let i = 0; i < count; i++) {
      p.arena[first + i] = {
        prot: prot & 7,
        mayWrite: anonymous || !shared || file!.write,
        shared,
        noreserve,
        charged: !shared && !noreserve && (prot & PROT_WRITE) !== 0,
        pages,
        index: (anonymous ? 0 : offset / PAGE) + i,
        copy: null,
        locked: (flags & MAP.LOCKED) !== 0 || p.lockFuture,
        advice: 0,
        origin,
      }
    }
    if (flags & (MAP_POPULATE | MAP.LOCKED) || p.lockFuture) this.#populate(p, first, count)
    return `ok ${first * PAGE}`
  }

  munmap(p: ProcessModel, address: number, length: number): undefined {
    if (address % PAGE !== 0 || length === 0 || length > WINDOW_BYTES) fail('EINVAL')
    this.#clear(p, address / PAGE, Math.ceil(length / PAGE))
  }

  mprotect(p: ProcessModel, address: number, length: number, prot: number): undefined {
    if (address % PAGE !== 0) fail('EINVAL')
    if (length === 0) return
    if ((prot & ~7) !== 0) fail('EINVAL')
    this.#each(p, address, length, (page) => {
      if (!page) fail('ENOMEM')
      if (prot & PROT_WRITE && !page.mayWrite) fail('EACCES')
      page.prot = prot
      if (prot & PROT_WRITE && !page.shared && !page.noreserve) page.charged = true
    })
  }

  mremap(
    p: ProcessModel,
    address: number,
    oldLength: number,
    newLength: number,
    flags: number,
    to: number,
  ) {
    const fixed = (flags & MREMAP.FIXED) !== 0
    if ((flags & ~3) !== 0 || address % PAGE !== 0) fail('EINVAL')
    if (fixed && !(flags & MREMAP.MAYMOVE)) fail('EINVAL')
    if (newLength === 0) fail('EINVAL')
    const [before, after] = [Math.ceil(oldLength / PAGE), Math.ceil(newLength / PAGE)]
    const [first, target] = [address / PAGE, to / PAGE]
    if (fixed && to % PAGE !== 0) fail('EINVAL')
    if (fixed && target < first + Math.max(before, 1 / PAGE) && first < target + after)
      fail('EINVAL')
    const head = p.arena[first] ?? fail('EFAULT')
    if (before === 0) return this.#duplicate(p, head, after, flags, target)
    if (!fixed && after <= before) {
      this.#clear(p, first + after, before - after)
      return `ok ${address}`
    }
    const kept = Math.min(before, after)
    if (!this.#isOne(p, first, kept)) fail('EFAULT')
    if (!fixed) {
      if (this.#isFree(p, first + before, after - before)) {
        this.#extend(p, first, before, after)
        return `ok ${address}`
      }
      if (!(flags & MREMAP.MAYMOVE)) fail('ENOMEM')
      this.#clear(p, first, before)
      return 'away'
    }
    this.#clear(p, target, after)
    const moved = p.arena.slice(first, first + kept)
    this.#clear(p, first, before)
    for (const [i, page] of moved.entries()) p.arena[target + i] = page
    this.#extend(p, target, kept, after)
    return `ok ${to}`
  }

  /** Old size 0: the same shared pages once more. */
  #duplicate(p: ProcessModel, head: Page, after: number, flags: number, target: number) {
    if (!head.shared) fail('EINVAL')
    if (!(flags & MREMAP.MAYMOVE)) fail('ENOMEM')
    if (!(flags & MREMAP.FIXED)) return 'away'
    this.#clear(p, target, after)
    for (let i = 0; i < after; i++) p.arena[target + i] = { ...head, index: head.index + i }
    if (head.locked) this.#populate(p, target, after)
    return `ok ${target * PAGE}`
  }

  /** Makes a mapping of `before` pages one of `after`, with pages like its first. */
  #extend(p: ProcessModel, first: number, before: number, after: number): void {
    const head = p.arena[first] as Page
    for (let i = before; i < after; i++) {
      p.arena[first + i] = { ...head, index: head.index + i, copy: null }
    }
    if (head.locked && after > before) this.#populate(p, first + before, after - before)
  }

  msync(p: ProcessModel, address: number, length: number, flags: number): undefined {
    if (address % PAGE !== 0 || (flags & ~7) !== 0) fail('EINVAL')
    if (flags & MS.ASYNC && flags & MS.SYNC) fail('EINVAL')
    const pages = this.#range(p, address, length)
    if (flags & MS.INVALIDATE && pages.some((page) => page?.locked)) fail('EBUSY')
    for (const page of pages) if (page?.pages?.isFile) this.#sync(page.pages, page, flags)
    if (pages.includes(null)) fail('ENOMEM')
  }

  /** MS_INVALIDATE drops clean pages: what was stored past the end of the file goes with them. */
  #sync(pages: Pages, { shared, index }: Page, flags: number): void {
    if (!this.traits.mounted) return
    if (shared && flags & MS.SYNC) pages.dirty.delete(index)
    if (flags & MS.INVALIDATE && !pages.dirty.has(index)) {
      pages.pages.get(index)?.fill(0, clamp(pages.size - index * PAGE))
    }
  }

  madvise(p: ProcessModel, address: number, length: number, advice: number): undefined {
    if (address % PAGE !== 0 || advice < 0 || (advice > 4 && advice !== 8 && advice !== 9))
      fail('EINVAL')
    const pages = this.#range(p, address, length)
    for (const page of pages) if (page) this.#advise(page, advice)
    if (pages.includes(null)) fail('ENOMEM')
  }

  #advise(page: Page, advice: number): void {
    if (advice <= MADV.SEQUENTIAL) page.advice = advice
    else if (advice === MADV.REMOVE) this.#remove(page)
    else if (advice !== MADV.WILLNEED) {
      if (page.locked) fail('EINVAL')
      if (advice === MADV.FREE && (page.shared || page.pages)) fail('EINVAL')
      page.copy = null
    }
  }

  #remove(page: Page): void {
    if (page.locked || !page.pages) fail('EINVAL')
    if (!page.shared || !page.mayWrite) fail('EACCES')
    if (this.traits.mounted && page.pages.isFile) fail('EINVAL')
    page.pages.zero(page.index * PAGE, (page.index + 1) * PAGE)
  }

  mincore(p: ProcessModel, address: number, length: number): undefined {
    if (address % PAGE !== 0) fail('EINVAL')
    if (this.#range(p, address, length).includes(null)) fail('ENOMEM')
  }

  mlock(p: ProcessModel, address: number, length: number): undefined {
    this.#setLocked(p, address, length, true)
    const first = Math.floor(address / PAGE)
    const count =
      length === 0 && address % PAGE === 0 ? 0 : Math.ceil((address + length) / PAGE) - first
    if (!this.#populate(p, first, count)) fail('ENOMEM')
  }

  munlock(p: ProcessModel, address: number, length: number): undefined {
    this.#setLocked(p, address, length, false)
  }

  #setLocked(p: ProcessModel, address: number, length: number, locked: boolean): void {
    const start = Math.floor(address / PAGE) * PAGE
    this.#each(p, start, address + length - start, (page) => {
      if (!page) fail('ENOMEM')
      page.locked = locked
    })
  }

  mlockall(p: ProcessModel, flags: number): undefined {
    if (flags === 0 || (flags & ~3) !== 0) fail('EINVAL')
    p.lockFuture = (flags & 2) !== 0
    if ((flags & 1) === 0) return
    for (const [at, page] of p.arena.entries()) {
      if (!page) continue
      page.locked = true
      this.#populate(p, at, 1)
    }
  }

  munlockall(p: ProcessModel): undefined {
    p.lockFuture = false
    for (const page of p.arena) if (page) page.locked = false
  }

  /** Pages brought in ahead: private writable ones take their copy now, as Linux does. => false at one that cannot be. */
  #populate(p: ProcessModel, first: number, count: number): boolean {
    for (let at = first; at < first + count; at++) {
      const page = p.arena[at]
      if (!page || (page.prot & 7) === 0 || page.pages?.isPast(page.index)) return false
      if (!page.shared && page.prot & PROT_WRITE) page.copy ??= contentOf(page).slice()
    }
    return true
  }

  load(p: ProcessModel, address: number, length: number): string {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      const at = address + i
      bytes[i] = contentOf(this.#touch(p, at, false))[at % PAGE] as number
    }
    return runs(bytes)
  }

  store(p: ProcessModel, address: number, length: number, value: number): undefined {
    for (let at = address; at < address + length; at++) {
      const page = this.#touch(p, at, true)
      if (!page.shared) page.copy ??= contentOf(page).slice()
      if (page.copy) page.copy[at % PAGE] = value
      else page.pages!.store(page.index, at % PAGE, value)
    }
  }

  #touch(p: ProcessModel, address: number, write: boolean): Page {
    const page = p.arena[Math.floor(address / PAGE)]
    if (!page || (page.prot & (write ? PROT_WRITE : 7)) === 0) fail(`SIGSEGV@${address}`)
    if (page.pages?.isPast(page.index)) fail(`SIGBUS@${address}`)
    return page
  }

  #range(p: ProcessModel, address: number, length: number): (Page | null)[] {
    const first = address / PAGE
    return Array.from({ length: Math.ceil(length / PAGE) }, (_, i) => p.arena[first + i] ?? null)
  }

  #each(p: ProcessModel, address: number, length: number, act: (page: Page | null) => void): void {
    for (const page of this.#range(p, address, length)) act(page)
  }

  #isFree(p: ProcessModel, first: number, count: number): boolean {
    return p.arena.slice(first, first + count).every((page) => !page)
  }

  #clear(p: ProcessModel, first: number, count: number): void {
    for (let at = first; at < first + count; at++) p.arena[at] = null
  }

  /** => the pages are those of one mapping: alike, and one after the other in what they show. */
  #isOne(p: ProcessModel, first: number, count: number): boolean {
    for (let at = first; at < first + count; at++) {
      const [a, b] = [p.arena[at - 1], p.arena[at]]
      if (!b || (at > first && (!a || !areOne(a, b)))) return false
    }
    return true
  }

  /** => pages of a range come from more than one mmap: whether they are one mapping is the system's business. */
  isPatchwork(process: number, address: number, length: number): boolean {
    const p = this.processes[process] as ProcessModel
    const origins = this.#range(p, address, length).map((page) => page?.origin)
    return new Set(origins).size > 1
  }
}

function contentOf({ copy, pages, index }: Page): Uint8Array {
  return copy ?? pages?.pages.get(index) ?? ZEROS
}

const ZEROS = new Uint8Array(PAGE)

function areOne(a: Page, b: Page): boolean {
  const alike =
    a.prot === b.prot &&
    a.mayWrite === b.mayWrite &&
    a.shared === b.shared &&
    a.noreserve === b.noreserve &&
    a.charged === b.charged &&
    a.locked === b.locked &&
    a.advice === b.advice &&
    a.pages === b.pages
  return alike && (a.pages === null || a.index + 1 === b.index)
}
