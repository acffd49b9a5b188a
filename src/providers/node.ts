/**
 * `disk`: a directory of the real file system through node:fs, the same in Node, Deno and Bun. The only
 * file of the project that imports node:fs for a provider; browsers never load it.
 *
 * Invariants:
 *   1. A handle is the system's own file descriptor, noted in the state that the mount's threads share
 *      (node-state.ts): in Node and Bun each thread may use it.
 *   2. No call follows a symlink or leaves the mount (node-walk.ts).
 *   3. Nothing is cached: every call is a system call.
 *   4. sync() is fsync or fdatasync of the file, then fsync of each directory whose names changed.
 *   5. Opening never blocks and never touches a device: what is neither file nor directory is ENXIO.
 */
import * as fs from 'node:fs'
import { constants as osConstants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { errnoNameOf, ProviderError } from './errno.js'
import { DIRECTORY, DiskState, READ, WRITE } from './node-state.js'
import { PlainWalk, type Walk, walkFor } from './node-walk.js'
import { checkOffset, checkTarget, splitEntry, splitPath } from './paths.js'
import type {
  Capabilities,
  DirectoryEntry,
  FileStat,
  FileType,
  OpenFlags,
  Provider,
} from './provider.js'

export interface NodeOptions {
  /** A path or a file: URL of a directory that exists. */
  dir: string
  readonly?: boolean
  /** 'plain' looks at paths as on systems without /proc; the default is the safest that there is. */
  walk?: 'plain'
}

const NAMES_BY_SYSTEM_NUMBER: ReadonlyMap<number, string> = new Map(
  Object.entries(osConstants.errno).map(([name, number]) => [number, name]),
)

/**
 * Gives a failure an errno name. Deno leaves `code` out of rare ones and tells the number in the text;
 * node:fs has codes of its own for arguments that the system would have refused.
 */
function named(error: unknown): unknown {
  if (errnoNameOf(error)) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const number = /\(os error (\d+)\)/.exec(String(message))?.[1]
  const system = { code: NAMES_BY_SYSTEM_NUMBER.get(Number(number)) }
  const name =
    errnoNameOf(system) ??
    (code === 'ERR_OUT_OF_RANGE' ? 'EFBIG' : code === 'ERR_INVALID_ARG_VALUE' ? 'EINVAL' : 'EIO')
  return new ProviderError(name, String(message), { cause: error })
}

function attempt<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw named(error)
  }
}

/** The factory that `disk()` names: opens the directory, ENOENT or ENOTDIR when it is none. `shared`: DISK_STATE_BYTES, for the threads of one mount. */
export default function node(options: NodeOptions, shared?: SharedArrayBuffer): Provider {
  return attempt(() => new NodeProvider(options, new DiskState(fs, shared)))
}

class NodeProvider implements Provider {
  readonly name = 'disk'
  readonly capabilities: Capabilities = {
    hardLinks: true,
    symlinks: process.platform !== 'win32',
    rename: true,
    durableSync: true,
    permissions: process.platform !== 'win32',
    times: true,
    threads: 'Deno' in globalThis ? 'owner' : 'any',
    async: false,
  }
  readonly #readonly: boolean
  readonly #walk: Walk
  readonly #state: DiskState
  readonly #device: bigint

  constructor(options: NodeOptions, state: DiskState) {
    const dir = options.dir.startsWith('file:') ? fileURLToPath(options.dir) : options.dir
    if (state.isOwner && !fs.statSync(dir).isDirectory()) {
      throw new ProviderError('ENOTDIR', `the mount's root is not a directory: '${dir}'`)
    }
    this.#readonly = options.readonly === true
    this.#walk = options.walk === 'plain' ? new PlainWalk(fs, dir) : walkFor(fs, dir, state)
    this.#state = state
    this.#device = this.#walk.directory([], (path) => fs.statSync(path, { bigint: true }).dev)
  }

  open(path: string, flags: OpenFlags): number {
    if (flags.write || flags.create || flags.truncate) this.#writable()
    if (flags.truncate && !flags.write) throw new ProviderError('EINVAL', 'truncate needs write')
    if (flags.create && flags.directory) {
      throw new ProviderError('EINVAL', 'open() makes no directories')
    }
    const names = splitPath(path)
    let handle = -1
    const opened = (target: string, parent: string | null) => {
      handle = this.#openAt(target, parent, flags)
      return handle
    }
    try {
      if (names.length > 0) return this.#at(names, opened)
      return this.#walk.directory([], (root) => opened(`${root}/.`, null))
    } catch (error) {
      if (handle >= 0) this.close(handle) // the walk found that the path had led elsewhere
      throw named(error)
    }
  }

  #openAt(target: string, parent: string | null, flags: OpenFlags): number {
    const found = fs.lstatSync(target, { throwIfNoEntry: false })
    if (found) checkOpenable(target, found, flags)
    const open = () => fs.openSync(target, openBits(flags), flags.mode & 0o7777)
    const makes = !found && flags.create && parent !== null
    const fd = makes ? this.#state.changing(parent, open) : open()
    const stat = fs.fstatSync(fd)
    if (!stat.isFile() && !stat.isDirectory()) {
      fs.closeSync(fd) // swapped since we looked
      throw new ProviderError('ENXIO', 'neither a file nor a directory')
    }
    const rights = (flags.read || !flags.write ? READ : 0) | (flags.write ? WRITE : 0)
    return this.#state.add(fd, rights | (stat.isDirectory() ? DIRECTORY : 0))
  }

  close(handle: number): void {
    this.#state.remove(handle)
    attempt(() => fs.closeSync(handle))
  }

  pread(handle: number, into: Uint8Array, offset: number): number {
    const rights = this.#state.rights(handle)
    if ((rights & DIRECTORY) !== 0) throw new ProviderError('EISDIR', 'the handle is a directory')
    if ((rights & READ) === 0) throw new ProviderError('EBADF', 'the handle is not for reading')
    checkOffset('offset', offset)
    try {
      return fs.readSync(handle, into, 0, into.length, offset)
    } catch (error) {
      throw named(error)
    }
  }

  pwrite(handle: number, from: Uint8Array, offset: number): number {
    if ((this.#state.rights(handle) & WRITE) === 0) {
      throw new ProviderError('EBADF', 'the handle is not for writing')
    }
    checkOffset('offset', offset)
    try {
      return fs.writeSync(handle, from, 0, from.length, offset)
    } catch (error) {
      throw named(error)
    }
  }

  truncate(handle: number, size: number): void {
    if ((this.#state.rights(handle) & WRITE) === 0) {
      throw new ProviderError('EINVAL', 'the handle is not for writing')
    }
    checkOffset('size', size)
    attempt(() => fs.ftruncateSync(handle, size))
  }

  sync(handle: number, dataOnly: boolean): void {
    const directory = (this.#state.rights(handle) & DIRECTORY) !== 0
    attempt(() => {
      if (dataOnly && !directory) fs.fdatasyncSync(handle)
      else fs.fsyncSync(handle)
      this.#state.syncNames()
    })
  }

  stat(handle: number): FileStat {
    this.#state.rights(handle)
    return attempt(() => this.#fileStat(fs.fstatSync(handle, { bigint: true })))
  }

  lstat(path: string): FileStat {
    return this.#entry(splitPath(path), (target) =>
      this.#fileStat(fs.lstatSync(target, { bigint: true })),
    )
  }

  readdir(path: string): DirectoryEntry[] {
    const names = splitPath(path)
    return attempt(() =>
      this.#walk.directory(names, (directory) => {
        const entries: DirectoryEntry[] = []
        for (const name of fs.readdirSync(directory)) {
          const stat = fs.lstatSync(`${directory}/${name}`, { bigint: true, throwIfNoEntry: false })
          if (stat) entries.push({ name, type: typeOf(stat), ino: this.#ino(stat) })
        }
        return entries
      }),
    )
  }

  mkdir(path: string, mode: number): void {
    this.#change(splitEntry(path, 'EEXIST'), (target) => {
      fs.mkdirSync(target, { mode: mode & 0o7777 })
    })
  }

  rmdir(path: string): void {
    this.#change(splitEntry(path, 'EBUSY'), (target) => fs.rmdirSync(target))
  }

  unlink(path: string): void {
    this.#change(splitEntry(path, 'EISDIR'), (target) => {
      // Asked first: Deno answers ENOTEMPTY, macOS EPERM.
      if (fs.lstatSync(target).isDirectory()) {
        throw new ProviderError('EISDIR', `'${path}' is a directory`)
      }
      fs.unlinkSync(target)
    })
  }

  rename(from: string, to: string): void {
    const target = splitEntry(to, 'EBUSY')
    this.#change(splitEntry(from, 'EBUSY'), (source) => {
      this.#at(target, (destination, parent) => {
        checkRename(source, destination)
        this.#state.changing(parent, () => fs.renameSync(source, destination))
      })
    })
  }

  link(from: string, to: string): void {
    const source = splitEntry(from, 'EINVAL')
    const target = splitEntry(to, 'EEXIST')
    this.#writable()
    attempt(() =>
      this.#at(source, (existing) => {
        fs.lstatSync(existing) // a source that is not there is told before anything of the target
        this.#change(target, (destination) => fs.linkSync(existing, destination))
      }),
    )
  }

  symlink(target: string, path: string): void {
    checkTarget(target)
    this.#change(splitEntry(path, 'EEXIST'), (link) => fs.symlinkSync(target, link))
  }

  readlink(path: string): string {
    return this.#entry(splitEntry(path, 'EINVAL'), (target) => fs.readlinkSync(target))
  }

  utimes(path: string, atimeNs: bigint | null, mtimeNs: bigint | null): void {
    this.#writable()
    // node:fs takes seconds as a double: 0.24 us is the finest step.
    this.#entry(splitPath(path), (target) => {
      const now = fs.lstatSync(target, { bigint: true })
      fs.lutimesSync(target, timeOf(atimeNs ?? now.atimeNs), timeOf(mtimeNs ?? now.mtimeNs))
    })
  }

  futimes(handle: number, atimeNs: bigint | null, mtimeNs: bigint | null): void {
    this.#state.rights(handle)
    this.#writable()
    attempt(() => {
      const now = fs.fstatSync(handle, { bigint: true })
      fs.futimesSync(handle, timeOf(atimeNs ?? now.atimeNs), timeOf(mtimeNs ?? now.mtimeNs))
    })
  }

  dispose(): void {
    attempt(() => this.#state.end())
  }

  #writable(): void {
    if (this.#readonly) throw new ProviderError('EROFS', 'the mount is read-only')
  }

  /** Calls `act` with paths, good until it returns, of an entry and of its parent. */
  #at<T>(names: readonly string[], act: (target: string, parent: string) => T): T {
    return this.#walk.directory(names.slice(0, -1), (parent) =>
      act(`${parent}/${names.at(-1)}`, parent),
    )
  }

  /** As #at, for an entry that may be the root. */
  #entry<T>(names: readonly string[], act: (target: string) => T): T {
    return attempt(() =>
      names.length === 0
        ? this.#walk.directory([], (root) => act(`${root}/.`))
        : this.#at(names, (target) => act(target)),
    )
  }

  /** As #at, for what changes the names of the parent. */
  #change(names: readonly string[], act: (target: string) => void): void {
    this.#writable()
    attempt(() =>
      this.#at(names, (target, parent) => this.#state.changing(parent, () => act(target))),
    )
  }

  #fileStat(stat: fs.BigIntStats): FileStat {
    return {
      type: typeOf(stat),
      ino: this.#ino(stat),
      size: Number(stat.size),
      nlink: Number(stat.nlink),
      mode: Number(stat.mode & 0o7777n),
      atimeNs: stat.atimeNs,
      mtimeNs: stat.mtimeNs,
      ctimeNs: stat.ctimeNs,
    }
  }

  /** Inode numbers repeat between devices; a mount may hold another one's mount point. */
  #ino(stat: fs.BigIntStats): bigint {
    if (stat.dev === this.#device) return stat.ino
    return BigInt.asUintN(64, stat.ino + stat.dev * 0x9e37_79b9_7f4a_7c15n)
  }
}

/** POSIX's order of refusals for a name that is there. */
function checkOpenable(target: string, found: fs.Stats, flags: OpenFlags): void {
  if (flags.create && flags.exclusive) throw new ProviderError('EEXIST', `'${target}' exists`)
  if (found.isSymbolicLink()) throw new ProviderError('ELOOP', `'${target}' is a symlink`)
  if (found.isDirectory()) {
    if (flags.write || flags.create) throw new ProviderError('EISDIR', 'it is a directory')
  } else if (flags.directory) {
    throw new ProviderError('ENOTDIR', 'it is not a directory')
  } else if (!found.isFile()) {
    throw new ProviderError('ENXIO', 'it is neither a file nor a directory')
  }
}

function openBits(flags: OpenFlags): number {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = fs.constants
  const { O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
  return (
    (flags.write ? (flags.read ? O_RDWR : O_WRONLY) : O_RDONLY) |
    (flags.create ? O_CREAT : 0) |
    (flags.create && flags.exclusive ? O_EXCL : 0) |
    (flags.truncate ? O_TRUNC : 0) |
    (flags.directory ? O_DIRECTORY : 0) |
    O_NOFOLLOW |
    O_NONBLOCK
  )
}

/** Runtimes do not agree on these two; POSIX does. */
function checkRename(source: string, destination: string): void {
  const from = fs.lstatSync(source)
  const to = fs.lstatSync(destination, { throwIfNoEntry: false })
  if (!to || from.isDirectory() === to.isDirectory()) return
  if (from.isDirectory()) throw new ProviderError('ENOTDIR', 'a directory replaces no file')
  throw new ProviderError('EISDIR', 'a file replaces no directory')
}

function typeOf(stat: fs.BigIntStats): FileType {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'symlink' : 'other'
}

/** A time as node:fs takes it: seconds, but before 1970 (a negative number is now) a date, to the millisecond. */
function timeOf(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns) / 1e6) : Number(ns) / 1e9
}
