/**
 * How the disk provider reaches an entry without leaving its mount, though a foreign process may swap
 * any component for a symlink at any moment. node:fs has no openat(), so there are two ways:
 *
 *   ProcWalk (Linux)   each directory on the way is opened with O_PATH | O_NOFOLLOW | O_DIRECTORY through
 *                      `/proc/self/fd/<parent>/<name>`: openat() in all but name, free of races.
 *   PlainWalk (others) each component is looked at with lstat, and the parent's real path compared before
 *                      and after the call. A swap within the call itself can act outside: the system has
 *                      nothing better to offer through node:fs.
 *
 * Both call `act` with a path that the system's calls may be given until it returns.
 */
import type * as FileSystem from 'node:fs'
import { errnoNameOf, ProviderError } from './errno.js'
import type { DiskState } from './node-state.js'

type Fs = typeof FileSystem

const O_PATH = 0o10000000

export interface Walk {
  /** The directory of `names`; [] is the root. ENOENT, ENOTDIR, ELOOP, ENOTCAPABLE. */
  directory<T>(names: readonly string[], act: (path: string) => T): T
}

/**
 * The walk for this system, the same in all threads of the mount: its owner opens the root, which is then the mount's.
 * `root` is the path of a directory.
 */
export function walkFor(fs: Fs, root: string, state: DiskState): Walk {
  if (state.isOwner) state.root = openRoot(fs, root)
  return state.root < 0 ? new PlainWalk(fs, root) : new ProcWalk(fs, state)
}

/** => a descriptor of the mount's root, -1 where descriptors are not to be found under /proc. */
function openRoot(fs: Fs, root: string): number {
  const { O_RDONLY, O_DIRECTORY } = fs.constants
  if (!O_DIRECTORY || !fs.existsSync('/proc/self/fd')) return -1
  const fd = fs.openSync(root, O_RDONLY | O_DIRECTORY)
  if (sameFile(fs, fd, `/proc/self/fd/${fd}/.`)) return fd
  fs.closeSync(fd)
  return -1
}

class ProcWalk implements Walk {
  readonly #fs: Fs
  readonly #state: DiskState
  readonly #flags: number

  constructor(fs: Fs, state: DiskState) {
    this.#fs = fs
    this.#state = state
    this.#flags = O_PATH | fs.constants.O_NOFOLLOW | fs.constants.O_DIRECTORY
  }

  directory<T>(names: readonly string[], act: (path: string) => T): T {
    const { root } = this.#state
    if (root < 0) throw new ProviderError('EBADF', 'the mount is closed')
    let fd = root
    try {
      for (const name of names) {
        const next = this.#step(fd, name)
        if (fd !== root) this.#fs.closeSync(fd)
        fd = next
      }
      return act(`/proc/self/fd/${fd}`)
    } finally {
      if (fd !== root) this.#fs.closeSync(fd)
    }
  }

  #step(parent: number, name: string): number {
    const path = `/proc/self/fd/${parent}/${name}`
    try {
      return this.#fs.openSync(path, this.#flags)
    } catch (error) {
      throw refineNotDirectory(this.#fs, path, error)
    }
  }
}

export class PlainWalk implements Walk {
  readonly #fs: Fs
  readonly #root: string

  constructor(fs: Fs, root: string) {
    this.#fs = fs
    this.#root = fs.realpathSync.native(root)
  }

  directory<T>(names: readonly string[], act: (path: string) => T): T {
    this.#check(names)
    const result = act([this.#root, ...names].join('/'))
    this.#check(names)
    return result
  }

  #check(names: readonly string[]): void {
    let path = this.#root
    for (const name of names) {
      path += `/${name}`
      const stat = this.#fs.lstatSync(path)
      if (stat.isSymbolicLink()) throw new ProviderError('ELOOP', `'${name}' is a symlink`)
      if (!stat.isDirectory()) throw new ProviderError('ENOTDIR', `'${name}' is not a directory`)
    }
    // The very same directory, so that a file system that ignores case may spell it its own way.
    const real = this.#fs.realpathSync.native(path)
    const same = real.replaceAll('\\', '/').toLowerCase().startsWith(this.#prefix())
    if (!same && names.length > 0) {
      throw new ProviderError('ENOTCAPABLE', `'${names.join('/')}' leads out of the mount`)
    }
  }

  #prefix(): string {
    const root = this.#root.replaceAll('\\', '/').toLowerCase()
    return root.endsWith('/') ? root : `${root}/`
  }
}

function sameFile(fs: Fs, fd: number, path: string): boolean {
  try {
    const [one, other] = [fs.fstatSync(fd, { bigint: true }), fs.statSync(path, { bigint: true })]
    return one.ino === other.ino && one.dev === other.dev
  } catch {
    return false // no /proc, or no permission to look there: the plain walk is used
  }
}

/** O_DIRECTORY | O_NOFOLLOW answers ENOTDIR for a symlink too; we tell them apart. */
function refineNotDirectory(fs: Fs, path: string, error: unknown): unknown {
  if (errnoNameOf(error) !== 'ENOTDIR') return error
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isSymbolicLink()) return error
  return new ProviderError('ELOOP', 'a component of the path is a symlink', { cause: error })
}
