/**
 * What providers without inodes and descriptors of their own share: a table of handles, inode numbers by
 * path, and POSIX's refusals of a rename.
 */
import { ProviderError } from './errno.js'
import type { FileType } from './provider.js'

export const READ = 1
export const WRITE = 2

/** A table of small integers; a freed number is given again, lowest first. */
export class Handles<T> {
  readonly #values: (T | undefined)[] = []

  add(value: T): number {
    const free = this.#values.indexOf(undefined)
    const handle = free < 0 ? this.#values.length : free
    this.#values[handle] = value
    return handle
  }

  /** EBADF for anything but an open handle. */
  get(handle: number): T {
    const value = this.#values[handle]
    if (value === undefined) throw new ProviderError('EBADF', `handle ${handle} is not open`)
    return value
  }

  remove(handle: number): T {
    const value = this.get(handle)
    this.#values[handle] = undefined
    return value
  }

  *[Symbol.iterator](): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value
  }

  clear(): void {
    this.#values.length = 0
  }
}

/** Inode numbers by path, made up when first asked for and never used twice. */
export class Inodes {
  readonly #numbers = new Map<string, bigint>()
  #last = 0n

  of(path: string): bigint {
    const known = this.#numbers.get(path)
    if (known !== undefined) return known
    this.#last += 1n
    this.#numbers.set(path, this.#last)
    return this.#last
  }

  /** The name is gone; whoever makes it again makes another file. */
  forget(path: string): void {
    this.#numbers.delete(path)
  }

  /** A name, and every name below it, keeps its number elsewhere; what was there is forgotten. */
  move(from: string, to: string): void {
    this.forget(to)
    for (const [path, number] of [...this.#numbers]) {
      const moved = movedPath(path, from, to)
      if (moved === null) continue
      this.#numbers.delete(path)
      this.#numbers.set(moved, number)
    }
  }
}

/** Where a path is after `from` became `to`; null when it stays. */
export function movedPath(path: string, from: string, to: string): string | null {
  if (path === from) return to
  return path.startsWith(`${from}/`) ? to + path.slice(from.length) : null
}

/** POSIX's refusals, but for ENOTEMPTY, which takes a look inside. `target` is null when nothing is there. */
export function checkRename(
  from: string,
  source: FileType,
  to: string,
  target: FileType | null,
): void {
  if (to.startsWith(`${from}/`)) {
    throw new ProviderError('EINVAL', `'${from}' cannot move into itself`)
  }
  if (target === null) return
  if (source === 'directory' && target !== 'directory') {
    throw new ProviderError('ENOTDIR', `a directory cannot replace '${to}'`)
  }
  if (source !== 'directory' && target === 'directory') {
    throw new ProviderError('EISDIR', `a file cannot replace the directory '${to}'`)
  }
}

/** POSIX's refusals of an open(); `found` is null when nothing is there. */
export function checkOpen(
  path: string,
  found: FileType | null,
  flags: {
    create: boolean
    exclusive: boolean
    directory: boolean
    truncate: boolean
    write: boolean
  },
): void {
  if (flags.truncate && !flags.write) throw new ProviderError('EINVAL', 'truncate needs write')
  if (flags.create && flags.directory) {
    throw new ProviderError('EINVAL', 'open() makes no directories')
  }
  if (found === null) {
    if (!flags.create) throw new ProviderError('ENOENT', `'${path}' is not there`)
    return
  }
  if (flags.create && flags.exclusive) throw new ProviderError('EEXIST', `'${path}' is there`)
  if (found === 'directory' && (flags.write || flags.create)) {
    throw new ProviderError('EISDIR', `'${path}' is a directory`)
  }
  if (found !== 'directory' && flags.directory) {
    throw new ProviderError('ENOTDIR', `'${path}' is not a directory`)
  }
}

/** The rights that open flags ask for. */
export function rightsOf(flags: { read: boolean; write: boolean }): number {
  return (flags.read || !flags.write ? READ : 0) | (flags.write ? WRITE : 0)
}
