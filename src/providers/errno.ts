/**
 * The errno table of the provider seam: names (what a provider throws) to numbers (what the kernel sees)
 * and back. Both ways are read from the one list in assembly/abi.ts, whose numbers are preview 1's.
 */
import * as abi from '../../assembly/abi.js'

type Constant = keyof typeof abi
/** The name of an errno, as `error.code` carries it. */
export type ErrnoName = Exclude<Extract<Constant, `E${string}`>, `${string}_${string}`>

const ERRNOS = (Object.entries(abi) as [Constant, number][]).filter(([name]) =>
  /^E[A-Z0-9]+$/.test(name),
) as [ErrnoName, number][]

/** Names that systems have besides; POSIX lets each share its number with the other. */
const SYNONYMS: Readonly<Record<string, ErrnoName>> = {
  EWOULDBLOCK: 'EAGAIN',
  EDEADLOCK: 'EDEADLK',
}

const NUMBERS: ReadonlyMap<string, number> = new Map<string, number>(ERRNOS)
/** EOPNOTSUPP is ENOTSUP's number: the name that says it shortest stands. */
const NAMES: ReadonlyMap<number, ErrnoName> = new Map(
  ERRNOS.filter(([name]) => name !== 'EOPNOTSUPP').map(([name, number]) => [number, name]),
)

/** The number of an errno name, or undefined when there is no such errno. */
export function errnoNumber(name: string): number | undefined {
  return NUMBERS.get(SYNONYMS[name] ?? name)
}

/** The name of an errno, or undefined when there is no such number; 0 has none. */
export function errnoName(number: number): ErrnoName | undefined {
  return NAMES.get(number)
}

/** What a provider throws: an Error whose `code` is the name of an errno. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly code: ErrnoName

  constructor(code: ErrnoName, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}

/** The errno name an error carries in `code`, in abi.ts's spelling; undefined when it has none. */
export function errnoNameOf(error: unknown): ErrnoName | undefined {
  const code = (error as { code?: unknown } | null)?.code
  const number = typeof code === 'string' ? errnoNumber(code) : undefined
  return number === undefined ? undefined : errnoName(number)
}

/** The number a failure becomes at the WASI seam. An error without an errno is EIO: it is never lost. */
export function errnoOf(error: unknown): number {
  return NUMBERS.get(errnoNameOf(error) ?? 'EIO') as number
}
