/**
 * What Isopage throws, shaped like Node's errors: `code`, and where they apply `errno` (wasi-libc's positive
 * number), `syscall`, `path`, `address`.
 *
 *   IsopageError       an errno of a call, a fault (SIGSEGV, SIGBUS), or an ERR_* of the host
 *   IsopageTypeError   a TypeError: ERR_INVALID_ARG_TYPE
 *   IsopageRangeError  a RangeError: ERR_OUT_OF_RANGE, ERR_INVALID_ARG_VALUE
 *
 * Invariant: an error crosses threads as the plain record of `toRecord` and is the same after `fromRecord`.
 */
import * as abi from '../assembly/abi.js'
import { ruleOf, textOf } from './rules.js'

/** What an error carries besides its message. */
export interface ErrorFacts {
  /** The positive wasi-libc number. */
  errno?: number
  /** The call that failed. */
  syscall?: string
  path?: string
  /** The second path of rename, link and symlink. */
  dest?: string
  /** The address that faulted, or that the call was given. */
  address?: number
  cause?: unknown
}

/** Codes of the host itself, beside errno names, `SIGSEGV` and `SIGBUS`. */
export type HostCode =
  | 'ABORT_ERR'
  | 'ERR_ABI_MISMATCH'
  | 'ERR_GUEST_EXIT'
  | 'ERR_GUEST_IMPORT'
  | 'ERR_GUEST_LOST'
  | 'ERR_GUEST_MODULE'
  | 'ERR_INSPECT'
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_KERNEL_CLOSED'
  | 'ERR_KERNEL_PANIC'
  | 'ERR_KERNEL_STALLED'
  | 'ERR_MAPPING_CLOSED'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_SERVICE_LOST'
  | 'ERR_THREAD_ALIVE'
  | 'ERR_THREAD_STOPPED'
  | 'ERR_TOO_MANY_WAITS'
  | 'ERR_UNSUPPORTED'
  | 'ERR_WOULD_BLOCK'

/** Properties that are there only when they apply. */
interface Facts extends Omit<ErrorFacts, 'cause'> {
  code: string
}

function describe(error: Facts, code: string, facts: ErrorFacts): void {
  const { cause: _, ...known } = facts
  Object.assign(error, { code }, known)
}

/** Any failure that is not a wrong argument. */
export class IsopageError extends Error implements Facts {
  override readonly name: string = 'IsopageError'
  declare readonly code: string
  declare readonly errno?: number
  declare readonly syscall?: string
  declare readonly path?: string
  declare readonly dest?: string
  declare readonly address?: number

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined)
    describe(this, code, facts)
  }
}

/** An AbortSignal ended the wait; `cause` is its reason. */
export class AbortError extends IsopageError {
  override readonly name = 'AbortError'

  constructor(cause: unknown) {
    super('ABORT_ERR', 'The operation was aborted', { cause })
  }
}

/** An argument of a wrong type. */
export class IsopageTypeError extends TypeError implements Facts {
  override readonly name = 'TypeError'
  readonly code: string = 'ERR_INVALID_ARG_TYPE'
}

/** An argument of the right type that no call could take. */
export class IsopageRangeError extends RangeError implements Facts {
  override readonly name = 'RangeError'
  declare readonly code: string

  constructor(code: 'ERR_OUT_OF_RANGE' | 'ERR_INVALID_ARG_VALUE', message: string) {
    super(message)
    describe(this, code, {})
  }
}

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(abi)
    .filter(([name]) => /^(E[A-Z0-9]+|SIGSEGV|SIGBUS)$/.test(name) && name !== 'EOPNOTSUPP')
    .map(([name, number]) => [Number(number), name]),
)

/** The name of an errno, `E<number>` for one that has none. */
export function errnoNameOf(errno: number): string {
  return NAMES.get(errno) ?? `E${errno}`
}

/** How a call's paths and address stand in a message. */
function subject({ path, dest, address }: ErrorFacts): string {
  if (dest !== undefined) return ` '${path}' -> '${dest}'`
  if (path !== undefined) return ` '${path}'`
  return address === undefined ? '' : ` 0x${address.toString(16)}`
}

/**
 * The error of a call that the kernel refused.
 * @param errno positive: a wasi-libc number, SIGSEGV, SIGBUS or EWOULDBLOCK_PARK of abi.ts
 */
export function kernelError(syscall: string, errno: number, facts: ErrorFacts = {}): IsopageError {
  if (errno === abi.EWOULDBLOCK_PARK) return wouldBlock(syscall, facts)
  const code = errnoNameOf(errno)
  const rule = ruleOf(syscall, code)
  const message = `${code}: ${textOf(code)}, ${syscall}${subject(facts)}${rule ? `: ${rule}` : ''}`
  return new IsopageError(code, message, { errno, syscall, ...facts })
}

function wouldBlock(syscall: string, facts: ErrorFacts): IsopageError {
  const form = `await promises.${syscall}(...)`
  return new IsopageError(
    'ERR_WOULD_BLOCK',
    `ERR_WOULD_BLOCK: ${syscall} has to wait and this thread may not: use ${form}`,
    { syscall, ...facts },
  )
}

/** An error as threads send it to each other. */
export interface ErrorRecord extends ErrorFacts {
  name: string
  message: string
  code?: string
}

/** Anything thrown, as a structured-cloneable record. */
export function toRecord(error: unknown): ErrorRecord {
  const { name, message, code, errno, syscall, path, dest, address } = (
    error instanceof Error ? error : new Error(String(error))
  ) as Error & Facts
  const facts = { code, errno, syscall, path, dest, address }
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  return { name, message, ...Object.fromEntries(known) }
}

/** => the engine threw it because the stack ended. No engine lets a module's catch_all catch it. */
export function isStackEnd(error: unknown): boolean {
  const { name, message = '' } = (error ?? {}) as { name?: string; message?: string }
  return (name === 'RangeError' || name === 'InternalError') && /stack|recursion/i.test(message)
}

/** The error of a record, of the class it had. */
export function fromRecord({ name, message, code = 'ERR_UNKNOWN', ...facts }: ErrorRecord): Error {
  if (code === 'ERR_INVALID_ARG_TYPE') return new IsopageTypeError(message)
  if (code === 'ERR_OUT_OF_RANGE' || code === 'ERR_INVALID_ARG_VALUE') {
    return new IsopageRangeError(code, message)
  }
  const error = new IsopageError(code, message, facts)
  if (name !== error.name) error.cause = name
  return error
}
