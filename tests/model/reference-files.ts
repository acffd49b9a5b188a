/** The file half of the reference (reference.ts): descriptors, names, sizes, locks. */

import { FILES, OPEN, PROCESSES, runs } from '../support/steps.ts'
import { type Description, fail, inChild, Pages, ProcessModel } from './pages.ts'

/** What a kind of store cannot do, or does otherwise. */
export interface StoreTraits {
  /** Files live below a provider: fallocate extends only, MADV_REMOVE has nothing to punch. */
  readonly mounted: boolean
}

export class ReferenceFiles {
  readonly processes = Array.from({ length: PROCESSES }, () => new ProcessModel())
  readonly names: (Pages | null)[] = new Array(FILES).fill(null)
  protected readonly traits: StoreTraits

  constructor(traits: StoreTraits) {
    this.traits = traits
  }

  open(p: ProcessModel, slot: number, file: number, flags: number): undefined {
    if (p.slots[slot]) this.#drop(p, slot)
    if ((flags & 3) === 0) fail('EINVAL')
    let pages = this.names[file] ?? null
    if (pages && flags & OPEN.CREAT && flags & OPEN.EXCL) fail('EEXIST')
    if (!pages && !(flags & OPEN.CREAT)) fail('ENOENT')
    if (!pages) {
      pages = new Pages(true)
      pages.nlink = 1
      this.names[file] = pages
    }
    if (flags & OPEN.TRUNC) this.#resize(pages, 0)
    p.slots[slot] = {
      pages,
      read: (flags & OPEN.READ) !== 0,
      write: (flags & OPEN.WRITE) !== 0,
      append: (flags & OPEN.APPEND) !== 0,
      offset: 0,
      refs: 1,
      flock: 0,
    }
  }

  close(p: ProcessModel, slot: number): undefined {
    if (!p.slots[slot]) fail('EBADF')
    this.#drop(p, slot)
  }

  /** The process in place `place` exits; a child of `p`, which holds the same descriptions, takes it. */
  fork(p: ProcessModel, place: number): undefined {
    const old = this.processes[place] as ProcessModel
    if (old === p) fail('EINVAL')
    for (const [slot, file] of old.slots.entries()) if (file) this.#drop(old, slot)
    const child = new ProcessModel()
    for (const [at, page] of p.arena.entries()) child.arena[at] = page && inChild(page)
    for (const [slot, file] of p.slots.entries()) {
      child.slots[slot] = file
      if (file) file.refs++
    }
    this.processes[place] = child
  }

  /** Closing any descriptor of a file drops the process's byte-range locks on it. */
  #drop(p: ProcessModel, slot: number): void {
    const file = p.slots[slot] as Description
    p.slots[slot] = null
    file.refs--
    file.pages.ranges[this.processes.indexOf(p)]?.fill(2)
  }

  dup(p: ProcessModel, slot: number, to: number): undefined {
    const file = p.slots[slot] ?? fail('EBADF')
    file.refs++
    if (p.slots[to]) this.#drop(p, to)
    p.slots[to] = file
  }

  read(p: ProcessModel, slot: number, length: number): string {
    const file = p.slots[slot]
    if (!file?.read) fail('EBADF')
    const bytes = file.pages.read(file.offset, length)
    file.offset += bytes.length
    return runs(bytes)
  }

  pread(p: ProcessModel, slot: number, length: number, offset: number): string {
    const file = p.slots[slot]
    if (!file?.read) fail('EBADF')
    return runs(file.pages.read(offset, length))
  }

  write(p: ProcessModel, slot: number, length: number, value: number): string {
    const file = p.slots[slot]
    if (!file?.write) fail('EBADF')
    if (length === 0) return 'ok 0'
    const at = file.append ? file.pages.size : file.offset
    file.pages.write(at, length, value)
    file.offset = at + length
    return `ok ${length}`
  }

  pwrite(p: ProcessModel, slot: number, length: number, value: number, offset: number): string {
    const file = p.slots[slot]
    if (!file?.write) fail('EBADF')
    file.pages.write(offset, length, value)
    return `ok ${length}`
  }

  lseek(p: ProcessModel, slot: number, offset: number, whence: number): string {
    const file = p.slots[slot] ?? fail('EBADF')
    const to = offset + ([0, file.offset, file.pages.size][whence] ?? fail('EINVAL'))
    if (to < 0) fail('EINVAL')
    file.offset = to
    return `ok ${to}`
  }

  ftruncate(p: ProcessModel, slot: number, size: number): undefined {
    const file = p.slots[slot] ?? fail('EBADF')
    if (!file.write) fail('EINVAL')
    this.#resize(file.pages, size)
  }

  fallocate(
    p: ProcessModel,
    slot: number,
    mode: number,
    offset: number,
    length: number,
  ): undefined {
    const file = p.slots[slot] ?? fail('EBADF')
    if (length === 0) fail('EINVAL')
    if (mode !== 0 && mode !== 1 && mode !== 3) fail('ENOTSUP')
    if (!file.write) fail('EBADF')
    if (mode !== 0 && this.traits.mounted) fail('ENOTSUP')
    if (mode === 3) file.pages.zero(offset, offset + length)
    else if (mode === 0 && offset + length > file.pages.size)
      this.#resize(file.pages, offset + length)
  }

  /** Whole pages past the new end go, private copies of them too. */
  #resize(pages: Pages, size: number): void {
    pages.resize(size)
    for (const { arena } of this.processes) {
      for (const page of arena)
        if (page?.pages === pages && pages.isPast(page.index)) page.copy = null
    }
  }

  fsync(p: ProcessModel, slot: number): undefined {
    const { pages } = p.slots[slot] ?? fail('EBADF')
    pages.dirty.clear()
  }

  size(p: ProcessModel, slot: number): string {
    const { pages } = p.slots[slot] ?? fail('EBADF')
    return `ok ${pages.size} ${pages.nlink}`
  }

  unlink(_: ProcessModel, file: number): undefined {
    const pages = this.names[file] ?? fail('ENOENT')
    pages.nlink--
    this.names[file] = null
  }

  rename(_: ProcessModel, file: number, to: number): undefined {
    const pages = this.names[file] ?? fail('ENOENT')
    const there = this.names[to]
    if (there === pages) return
    if (there) there.nlink--
    this.names[to] = pages
    this.names[file] = null
  }

  link(_: ProcessModel, file: number, to: number): undefined {
    const pages = this.names[file] ?? fail('ENOENT')
    if (this.names[to]) fail('EEXIST')
    pages.nlink++
    this.names[to] = pages
  }

  // ---- locks -----------------------------------------------------------------------------------------------------

  flock(p: ProcessModel, slot: number, operation: number): undefined {
    const kind = operation & ~4
    if (kind !== 1 && kind !== 2 && kind !== 8) fail('EINVAL')
    const file = p.slots[slot] ?? fail('EBADF')
    if (kind === 8) file.flock = 0
    else {
      for (const other of this.#descriptions()) {
        if (other === file || other.pages !== file.pages || other.flock === 0) continue
        if (kind === 2 || other.flock === 2) fail('EAGAIN')
      }
      file.flock = kind
    }
  }

  #descriptions(): Set<Description> {
    return new Set(this.processes.flatMap(({ slots }) => slots.filter((slot) => slot !== null)))
  }

  setlk(p: ProcessModel, slot: number, kind: number, start: number, length: number): undefined {
    const file = p.slots[slot] ?? fail('EBADF')
    if ((kind === 0 && !file.read) || (kind === 1 && !file.write)) fail('EBADF')
    const [from, to] = [start, length === 0 ? 65 : start + length]
    if (kind !== 2 && this.#conflicts(p, file.pages, kind, from, to)) fail('EAGAIN')
    file.pages.ranges[this.processes.indexOf(p)]?.fill(kind, from, to)
  }

  getlk(p: ProcessModel, slot: number, kind: number, start: number, length: number): string {
    const file = p.slots[slot] ?? fail('EBADF')
    if (kind === 2) fail('EINVAL')
    const to = length === 0 ? 65 : start + length
    return this.#conflicts(p, file.pages, kind, start, to) ? 'ok held' : 'ok free'
  }

  #conflicts(p: ProcessModel, pages: Pages, kind: number, from: number, to: number): boolean {
    const mine = this.processes.indexOf(p)
    return pages.ranges.some(
      (held, process) =>
        process !== mine &&
        held.slice(from, to).some((other) => other === 1 || (other === 0 && kind === 1)),
    )
  }
}
