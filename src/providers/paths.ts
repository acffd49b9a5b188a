/**
 * What every provider demands of a path before it looks at its store.
 *
 * The kernel resolves `.`, `..` and symlinks itself, so a provider sees only physical relative paths
 * ('a/b/c', '' is its root). Whatever else arrives is refused here, by rule:
 *   1. no NUL (EINVAL), and no string that UTF-8 cannot carry (EILSEQ);
 *   2. not absolute and no `..`: it would leave the mount (ENOTCAPABLE);
 *   3. no empty component and no `.`: not a physical path (EINVAL);
 *   4. a name has at most 255 bytes, a path at most 4095 (ENAMETOOLONG).
 */
import { ProviderError } from './errno.js'

/** The longest name, in bytes of UTF-8 (NAME_MAX). */
export const NAME_BYTES_MAX = 255
/** The longest path, in bytes of UTF-8 (PATH_MAX less its NUL). */
export const PATH_BYTES_MAX = 4095

const encoder = new TextEncoder()

/** Bytes of `text` in UTF-8. A cheap upper bound answers first: most names are short. */
export function byteLength(text: string): number {
  return encoder.encode(text).length
}

function checkText(what: string, text: string): void {
  if (typeof text !== 'string') throw new ProviderError('EINVAL', `${what} must be a string`)
  if (text.includes('\0')) throw new ProviderError('EINVAL', `${what} holds a NUL`)
  if (!text.isWellFormed()) throw new ProviderError('EILSEQ', `${what} is not well-formed Unicode`)
}

function checkComponent(path: string, name: string): void {
  if (name === '..') throw new ProviderError('ENOTCAPABLE', `'..' would leave the mount: '${path}'`)
  if (name === '' || name === '.') {
    throw new ProviderError('EINVAL', `not a physical path (empty or '.' component): '${path}'`)
  }
  if (name.length * 3 > NAME_BYTES_MAX && byteLength(name) > NAME_BYTES_MAX) {
    throw new ProviderError('ENAMETOOLONG', `a name has more than ${NAME_BYTES_MAX} bytes`)
  }
}

/** The components of a physical path; [] for the root. Throws by the rules above. */
export function splitPath(path: string): string[] {
  checkText('path', path)
  if (path === '') return []
  if (path.startsWith('/')) {
    throw new ProviderError('ENOTCAPABLE', `an absolute path would leave the mount: '${path}'`)
  }
  if (path.length * 3 > PATH_BYTES_MAX && byteLength(path) > PATH_BYTES_MAX) {
    throw new ProviderError('ENAMETOOLONG', `the path has more than ${PATH_BYTES_MAX} bytes`)
  }
  const names = path.split('/')
  for (const name of names) checkComponent(path, name)
  return names
}

/** A symlink's target is any text that a path could be; only the kernel ever follows it. */
export function checkTarget(target: string): void {
  checkText('target', target)
  if (target === '') throw new ProviderError('ENOENT', 'the target of a symlink is empty')
  if (byteLength(target) > PATH_BYTES_MAX) {
    throw new ProviderError('ENAMETOOLONG', `the target has more than ${PATH_BYTES_MAX} bytes`)
  }
}

/** A file offset or size in bytes: an integer from 0 to 2^53-1. */
export function checkOffset(what: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ProviderError('EINVAL', `${what} must be an integer from 0 to 2^53-1, not ${value}`)
  }
}

/** Refuses the root where an entry of a directory is meant: it has no name that could change. */
export function splitEntry(path: string, code: 'EBUSY' | 'EEXIST' | 'EISDIR' | 'EINVAL'): string[] {
  const names = splitPath(path)
  if (names.length === 0) throw new ProviderError(code, 'the root of a mount is not an entry')
  return names
}

/** Code point order: the order of names that every runtime agrees on. */
export function compareNames(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
