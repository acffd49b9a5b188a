/**
 * The errno table of the provider seam: names (what a provider throws) to preview 1 numbers (what
 * the kernel sees) and back. One list serves both ways, so they cannot disagree.
 *
 * Source: the `errno` enumeration of wasi_snapshot_preview1; wasi-libc's numbers are the same.
 */

/** Every errno name of preview 1, standing at its own number. */
export const ERRNO_NAMES = [
  'ESUCCESS',
  'E2BIG',
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAGAIN',
  'EALREADY',
  'EBADF',
  'EBADMSG',
  'EBUSY',
  'ECANCELED',
  'ECHILD',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EDEADLK',
  'EDESTADDRREQ',
  'EDOM',
  'EDQUOT',
  'EEXIST',
  'EFAULT',
  'EFBIG',
  'EHOSTUNREACH',
  'EIDRM',
  'EILSEQ',
  'EINPROGRESS',
  'EINTR',
  'EINVAL',
  'EIO',
  'EISCONN',
  'EISDIR',
  'ELOOP',
  'EMFILE',
  'EMLINK',
  'EMSGSIZE',
  'EMULTIHOP',
  'ENAMETOOLONG',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOENT',
  'ENOEXEC',
  'ENOLCK',
  'ENOLINK',
  'ENOMEM',
  'ENOMSG',
  'ENOPROTOOPT',
  'ENOSPC',
  'ENOSYS',
  'ENOTCONN',
  'ENOTDIR',
  'ENOTEMPTY',
  'ENOTRECOVERABLE',
  'ENOTSOCK',
  'ENOTSUP',
  'ENOTTY',
  'ENXIO',
  'EOVERFLOW',
  'EOWNERDEAD',
  'EPERM',
  'EPIPE',
  'EPROTO',
  'EPROTONOSUPPORT',
  'EPROTOTYPE',
  'ERANGE',
  'EROFS',
  'ESPIPE',
  'ESRCH',
  'ESTALE',
  'ETIMEDOUT',
  'ETXTBSY',
  'EXDEV',
  'ENOTCAPABLE',
] as const

/** The name of an errno, as `error.code` carries it. */
export type ErrnoName = Exclude<(typeof ERRNO_NAMES)[number], 'ESUCCESS'>

/** Names that systems use for a number that preview 1 calls otherwise. */
const SYNONYMS: Readonly<Record<string, ErrnoName>> = {
  EOPNOTSUPP: 'ENOTSUP',
  EWOULDBLOCK: 'EAGAIN',
  EDEADLOCK: 'EDEADLK',
}

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...ERRNO_NAMES.map((name, number): [string, number] => [name, number]),
  ...Object.entries(SYNONYMS).map(([name, same]): [string, number] => [
    name,
    ERRNO_NAMES.indexOf(same),
  ]),
])

/** The preview 1 number of an errno name, or undefined when preview 1 has no such name. */
export function errnoNumber(name: string): number | undefined {
  return NUMBERS.get(name)
}

/** The name of a preview 1 errno, or undefined when there is no such number. 0 is 'ESUCCESS'. */
export function errnoName(number: number): (typeof ERRNO_NAMES)[number] | undefined {
  return ERRNO_NAMES[number]
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

/** The errno name an error carries in `code`, in preview 1's spelling; undefined when it has none. */
export function errnoNameOf(error: unknown): ErrnoName | undefined {
  const code = (error as { code?: unknown } | null)?.code
  const number = typeof code === 'string' ? NUMBERS.get(code) : undefined
  return number ? (ERRNO_NAMES[number] as ErrnoName) : undefined
}

/** The number a failure becomes at the WASI seam. An error without an errno is EIO: it is never lost. */
export function errnoOf(error: unknown): number {
  return NUMBERS.get(errnoNameOf(error) ?? 'EIO') as number
}
