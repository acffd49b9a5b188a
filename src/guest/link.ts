/**
 * Links a module to a guest's thread: memories, WASI, the `isopage` imports, the kernel's entries in its table.
 *
 * A module that was rewritten (rewrite/) reaches the window; one that was not runs as it is, in its private memory alone. What it wants beyond WASI and
 * `isopage` does not link, and the error names it.
 *
 * Invariants:
 *  1. The kernel's memory goes to what the rewriter made and to nothing else: only such a module has a description.
 *  2. The names of imports are the guest's: they are looked up among own properties, and kept in objects that inherit nothing.
 */
import { IsopageError } from '../errors.js'
import type { Description } from './rewrite/index.js'
import type { GuestThread } from './thread.js'

const PAGE = 65_536
/** Where a rewritten module keeps the kernel's entries. */
const TABLE = 'isopage:table'
/** What programs export that `isopage cc` linked (src/include/lib/mark.c). */
const POSIX_MARK = '__isopage_posix'

export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>

export interface LinkOptions {
  /** What the rewriter says of the module; undefined for one that was not rewritten. */
  readonly description: Description | undefined
  /** By module name. */
  readonly imports: Readonly<Record<string, Functions>>
  /** Most bytes of private memory. */
  readonly memoryMax: number
}

/** => the module's instance, ready to be called between `thread.enter()` and `thread.leave()`. */
export function link(
  thread: GuestThread,
  module: WebAssembly.Module,
  options: LinkOptions,
): WebAssembly.Instance {
  const imports = importsFor(thread, module, options)
  const instance = instanceOf(module, imports)
  const { memory } = instance.exports
  if (!thread.memory.memory && memory instanceof WebAssembly.Memory) thread.memory.memory = memory
  thread.posix = POSIX_MARK in instance.exports
  if (options.description) connect(thread, instance)
  return instance
}

function instanceOf(module: WebAssembly.Module, imports: WebAssembly.Imports) {
  try {
    return new WebAssembly.Instance(module, imports)
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error
    const what =
      'a segment of it does not fit its memory or table, or its own start function failed'
    throw moduleError(`the module cannot be instantiated: ${what}: ${error.message}`, error)
  }
}

/** A module that can be compiled, and is no guest. */
export function moduleError(what: string, cause?: unknown): IsopageError {
  return new IsopageError('ERR_GUEST_MODULE', `ERR_GUEST_MODULE: ${what}`, { cause })
}

/** => a text of the module's for a message: in one line, and not longer than that. */
export function shortened(text: string, length: number): string {
  return cut(text, length)
    .replace(/\p{Cc}/gu, ' ')
    .toWellFormed()
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}...`
}

function importsFor(
  thread: GuestThread,
  module: WebAssembly.Module,
  { description, imports, memoryMax }: LinkOptions,
): WebAssembly.Imports {
  const found: Record<string, Record<string, WebAssembly.ImportValue>> = Object.create(null)
  const own = description?.private
  const missing: string[] = []
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    found[from] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>
    const group = found[from]
    if (kind === 'memory' && own && from === own.module && name === own.name) {
      thread.memory.memory ??= privateMemory(own, memoryMax)
      group[name] = thread.memory.memory
    } else if (kind === 'memory' && own && from === 'isopage' && name === 'memory') {
      group[name] = thread.instance.memory
    } else {
      const value = functionOf(imports, from, name)
      if (kind === 'function' && value) group[name] = value as never
      else missing.push(`${quoted(name)} (a ${kind} of ${quoted(from)})`)
    }
  }
  if (missing.length > 0) throw unlinked(missing)
  return found
}

function functionOf(imports: LinkOptions['imports'], from: string, name: string) {
  const group = Object.hasOwn(imports, from) ? imports[from] : undefined
  const value = group && Object.hasOwn(group, name) ? group[name] : undefined
  return typeof value === 'function' ? value : undefined
}

const NAME_LENGTH = 80
const MISSING_SHOWN = 20

function quoted(name: string): string {
  return JSON.stringify(cut(name, NAME_LENGTH))
}

function unlinked(missing: readonly string[]): IsopageError {
  const more = missing.length - MISSING_SHOWN
  const names = missing.slice(0, MISSING_SHOWN).join(', ') + (more > 0 ? `, and ${more} more` : '')
  return new IsopageError(
    'ERR_GUEST_IMPORT',
    `ERR_GUEST_IMPORT: the program wants what no guest is given: ${names}`,
  )
}

function privateMemory(own: Description['private'], memoryMax: number): WebAssembly.Memory {
  const maximum = Math.min(own.maximum, Math.floor(memoryMax / PAGE))
  if (own.initial > maximum) {
    throw new IsopageError(
      'ENOMEM',
      `ENOMEM: the program begins with ${own.initial * PAGE} bytes of memory, memoryMax is ${memoryMax}`,
    )
  }
  return new WebAssembly.Memory({ initial: own.initial, maximum, shared: own.shared })
}

/** Gives a rewritten module its context and the kernel's entries; then what was its start function may run. */
function connect(thread: GuestThread, { exports }: WebAssembly.Instance): void {
  thread.context = thread.done(thread.calls.guest_create(thread.pid), 'guest_create')
  const table = exports[TABLE] as WebAssembly.Table
  for (const [index, entry] of thread.instance.guestEntries.entries()) {
    if (typeof entry === 'function' && index < table.length) table.set(index, entry)
  }
  ;(exports['isopage:context'] as WebAssembly.Global).value = thread.context
  thread.drop = exports['isopage:drop'] as () => void
}

/** Runs what was the module's start function. => thread.enter() was called. */
export function start({ exports }: WebAssembly.Instance): void {
  const begin = exports['isopage:start'] as (() => void) | undefined
  begin?.()
}
