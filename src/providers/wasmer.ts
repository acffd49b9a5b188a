/**
 * An `@wasmer/wasi` instance, or its MemFS, as a mount. The package is not imported: it is the user's.
 *
 * MemFS 1.2.2 cannot overwrite: a write inserts at its position, holes are compacted, and closing one
 * descriptor breaks the others on that file. So this provider moves whole files:
 *   1. open reads the file into a copy here; all handles on a file share it, and reads and writes touch
 *      nothing else.
 *   2. sync, and the last close, empties the file below and writes the copy whole, if it changed.
 *   3. What a guest of the instance writes meanwhile is seen at the next open of a file that has
 *      no unsynced changes here; two writers of one file at once are not reconciled.
 *   4. A file has at most FILE_BYTES_MAX bytes (EFBIG): near 2 GiB the package traps for good.
 *   5. MemFS checks little (a directory may be made twice, or moved into itself and lost), so POSIX's
 *      refusals are all made here.
 *   6. MemFS keeps no times. A modification time is made up, so that whoever compares times sees a change: ours
 *      when it is made, a guest's when the file is read again and its bytes have another hash.
 * It lives in the thread that made the instance, and in memory: a sync is as durable as the instance.
 */
import { ProviderError } from './errno.js'
import {
  checkOpen,
  checkRename,
  Handles,
  Inodes,
  movedPath,
  READ,
  rightsOf,
  WRITE,
} from './handles.js'
import { checkOffset, checkTarget, splitEntry, splitPath } from './paths.js'
import type { Capabilities, DirectoryEntry, FileStat, OpenFlags, Provider } from './provider.js'

/** The largest file; the package holds it about three times while it moves. */
export const FILE_BYTES_MAX = 512 * 1024 * 1024

/** What is used of the package's JSVirtualFile. */
export interface WasmerFile {
  size(): bigint
  read(): Uint8Array
  write(bytes: Uint8Array): number
  setLength(size: bigint): void
  flush(): void
  free(): void
}

/** What is used of the package's MemFS. */
export interface WasmerFileSystem {
  // biome-ignore lint/suspicious/noExplicitAny: the package declares Array<any>
  readDir(path: string): any[]
  createDir(path: string): void
  removeDir(path: string): void
  removeFile(path: string): void
  rename(from: string, to: string): void
  metadata(path: string): object
  open(path: string, options: object): WasmerFile
}

/** A file that is open here: the copy that all its handles share. */
interface OpenFile {
  readonly ino: bigint
  /** null once unlinked. */
  path: string | null
  bytes: Uint8Array
  size: number
  dirty: boolean
  handles: number
  mtimeNs: bigint
}

type Open =
  | { file: OpenFile; rights: number }
  | { file: null; directory: { path: string; ino: bigint; gone: boolean } }

/**
 * A live provider, owned by this thread.
 * @param wasi an instance of WASI (its file system is used; it consumed the MemFS it was given), or a MemFS
 * @param dir the mount's root, which must be there: '/' or '/some/where'
 */
export function wasmer(
  wasi: { readonly fs: WasmerFileSystem } | WasmerFileSystem,
  dir = '/',
): Provider {
  const memfs = 'fs' in wasi ? wasi.fs : wasi
  const provider = new WasmerProvider(memfs, dir.replace(/\/+$/, ''))
  if (provider.lstat('').type !== 'directory') {
    throw new ProviderError('ENOTDIR', `dir: '${dir}' is not a directory of the instance`)
  }
  return provider
}

class WasmerProvider implements Provider {
  readonly name = 'wasmer'
  readonly capabilities: Capabilities = {
    hardLinks: false,
    symlinks: false,
    rename: true,
    durableSync: false,
    permissions: false,
    times: false,
    threads: 'owner',
    async: false,
  }
  readonly #fs: WasmerFileSystem
  readonly #root: string
  readonly #inodes = new Inodes()
  readonly #handles = new Handles<Open>()
  readonly #files = new Map<string, OpenFile>()
  readonly #versions = new Map<bigint, { hash: bigint; mtimeNs: bigint }>()
  #lastNs = 0n

  constructor(fs: WasmerFileSystem, root: string) {
    this.#fs = fs
    this.#root = root
  }

  open(path: string, flags: OpenFlags): number {
    const names = splitPath(path)
    const found = this.#find(names)
    checkOpen(path, found, flags)
    if (found === 'directory') {
      const directory = { path, ino: this.#inodes.of(path), gone: false }
      return this.#handles.add({ file: null, directory })
    }
    const file = this.#load(path, found === null)
    file.handles++
    if (flags.truncate) this.#resize(file, 0)
    return this.#handles.add({ file, rights: rightsOf(flags) })
  }

  close(handle: number): void {
    const { file } = this.#handles.remove(handle)
    if (file === null) return
    file.handles--
    if (file.handles > 0) return
    try {
      this.#store(file)
    } finally {
      if (file.path !== null) this.#files.delete(file.path)
    }
  }

  pread(handle: number, into: Uint8Array, offset: number): number {
    const open = this.#handles.get(handle)
    if (open.file === null) throw new ProviderError('EISDIR', 'the handle is a directory')
    if ((open.rights & READ) === 0) {
      throw new ProviderError('EBADF', 'the handle is not for reading')
    }
    checkOffset('offset', offset)
    const { bytes, size } = open.file
    const part = bytes.subarray(Math.min(offset, size), Math.min(offset + into.length, size))
    into.set(part)
    return part.length
  }

  pwrite(handle: number, from: Uint8Array, offset: number): number {
    const file = this.#writable(handle, 'EBADF')
    checkOffset('offset', offset)
    if (from.length === 0) return 0
    if (offset + from.length > file.size) this.#resize(file, offset + from.length)
    file.bytes.set(from, offset)
    this.#change(file)
    return from.length
  }

  truncate(handle: number, size: number): void {
    const file = this.#writable(handle, 'EINVAL')
    checkOffset('size', size)
    this.#resize(file, size)
  }

  sync(handle: number, _dataOnly: boolean): void {
    const { file } = this.#handles.get(handle)
    if (file !== null) this.#store(file)
  }

  stat(handle: number): FileStat {
    const open = this.#handles.get(handle)
    if (open.file !== null) {
      const { ino, size, path, mtimeNs } = open.file
      return fileStat('file', ino, size, path === null ? 0 : 1, mtimeNs)
    }
    return fileStat('directory', open.directory.ino, 0, open.directory.gone ? 0 : 1, 0n)
  }

  lstat(path: string): FileStat {
    const found = this.#must(path)
    const ino = this.#inodes.of(path)
    if (found === 'directory') return fileStat(found, ino, 0, 1, 0n)
    const open = this.#files.get(path)
    if (open) return fileStat(found, ino, open.size, 1, open.mtimeNs)
    return fileStat(found, ino, this.#sizeBelow(path), 1, this.#versions.get(ino)?.mtimeNs ?? 0n)
  }

  readdir(path: string): DirectoryEntry[] {
    if (this.#must(path) !== 'directory') {
      throw new ProviderError('ENOTDIR', `'${path}' is not a directory`)
    }
    return this.#names(path).map((name) => {
      const child = path === '' ? name : `${path}/${name}`
      return { name, type: this.#find([child]) ?? 'other', ino: this.#inodes.of(child) }
    })
  }

  mkdir(path: string, _mode: number): void {
    const found = this.#find(splitEntry(path, 'EEXIST'))
    if (found !== null) throw new ProviderError('EEXIST', `'${path}' is there`)
    below(() => this.#fs.createDir(this.#full(path)))
  }

  rmdir(path: string): void {
    splitEntry(path, 'EBUSY')
    if (this.#must(path) !== 'directory') {
      throw new ProviderError('ENOTDIR', `'${path}' is not a directory`)
    }
    this.#checkEmpty(path)
    below(() => this.#fs.removeDir(this.#full(path)))
    this.#forgetDirectory(path)
  }

  unlink(path: string): void {
    splitEntry(path, 'EISDIR')
    if (this.#must(path) === 'directory') {
      throw new ProviderError('EISDIR', `'${path}' is a directory`)
    }
    below(() => this.#fs.removeFile(this.#full(path)))
    this.#forgetFile(path)
  }

  rename(from: string, to: string): void {
    splitEntry(from, 'EBUSY')
    const source = this.#must(from)
    const target = this.#find(splitEntry(to, 'EBUSY'))
    checkRename(from, source, to, target)
    if (from === to) return
    if (target === 'directory') this.rmdir(to)
    else if (target === 'file') this.unlink(to)
    below(() => this.#fs.rename(this.#full(from), this.#full(to)))
    this.#inodes.move(from, to)
    for (const [path, file] of [...this.#files]) {
      const moved = movedPath(path, from, to)
      if (moved === null) continue
      this.#files.delete(path)
      this.#files.set(moved, file)
      file.path = moved
    }
    for (const open of this.#handles) {
      if (open.file !== null || open.directory.gone) continue
      open.directory.path = movedPath(open.directory.path, from, to) ?? open.directory.path
    }
  }

  link(_from: string, _to: string): void {
    throw new ProviderError('ENOTSUP', 'MemFS has no hard links')
  }

  symlink(target: string, _path: string): void {
    checkTarget(target)
    throw new ProviderError('ENOTSUP', 'MemFS has no symlinks')
  }

  readlink(path: string): string {
    splitEntry(path, 'EINVAL')
    this.#must(path)
    throw new ProviderError('EINVAL', `'${path}' is not a symlink`)
  }

  utimes(path: string, _atimeNs: bigint | null, _mtimeNs: bigint | null): void {
    this.#must(path)
    throw new ProviderError('ENOTSUP', 'MemFS keeps no times')
  }

  /** Writes every changed file back; the instance stays the user's. */
  dispose(): void {
    try {
      for (const file of this.#files.values()) this.#store(file)
    } finally {
      this.#files.clear()
      this.#handles.clear()
    }
  }

  #full(path: string): string {
    return path === '' ? this.#root || '/' : `${this.#root}/${path}`
  }

  /** The type of an entry, null when its last name is not there. ENOENT and ENOTDIR on the way. */
  #find(names: readonly string[]): 'file' | 'directory' | null {
    let found: 'file' | 'directory' | null = 'directory'
    for (let depth = 1; depth <= names.length; depth++) {
      if (found === null) throw new ProviderError('ENOENT', `'${names.join('/')}' is not there`)
      if (found === 'file') {
        throw new ProviderError('ENOTDIR', `'${names.join('/')}' leads through a file`)
      }
      found = this.#typeOf(names.slice(0, depth).join('/'))
    }
    return names.length === 0 ? this.#typeOf('') : found
  }

  #must(path: string): 'file' | 'directory' {
    const found = this.#find(splitPath(path))
    if (found === null) throw new ProviderError('ENOENT', `'${path}' is not there`)
    return found
  }

  #typeOf(path: string): 'file' | 'directory' | null {
    let metadata: { filetype?: { dir?: boolean } }
    try {
      metadata = this.#fs.metadata(this.#full(path))
    } catch {
      return null // MemFS throws a text for a name that is not there, and has no other reason to
    }
    return metadata.filetype?.dir ? 'directory' : 'file'
  }

  #names(path: string): string[] {
    const entries: { path: string }[] = below(() => this.#fs.readDir(this.#full(path)))
    return entries.map((entry) => entry.path.slice(entry.path.lastIndexOf('/') + 1))
  }

  #checkEmpty(path: string): void {
    if (this.#names(path).length > 0) {
      throw new ProviderError('ENOTEMPTY', `'${path}' is not empty`)
    }
  }

  /** The copy of a file; read anew unless changes wait here. */
  #load(path: string, create: boolean): OpenFile {
    const known = this.#files.get(path)
    if (known?.dirty) return known
    const bytes = this.#readBelow(path, create)
    const ino = this.#inodes.of(path)
    const mtimeNs = this.#versionOf(ino, bytes)
    if (known) return Object.assign(known, { bytes, size: bytes.length, mtimeNs })
    const file = { ino, path, bytes, size: bytes.length, dirty: false, handles: 0, mtimeNs }
    this.#files.set(path, file)
    return file
  }

  /** The time at which a file came to hold these bytes, as far as this provider has seen. */
  #versionOf(ino: bigint, bytes: Uint8Array): bigint {
    const hash = hashOf(bytes)
    const known = this.#versions.get(ino)
    if (known?.hash === hash) return known.mtimeNs
    const mtimeNs = this.#nowNs()
    this.#versions.set(ino, { hash, mtimeNs })
    return mtimeNs
  }

  #change(file: OpenFile): void {
    file.dirty = true
    file.mtimeNs = this.#nowNs()
  }

  /** The time, never the same twice. */
  #nowNs(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n
    return this.#lastNs
  }

  #readBelow(path: string, create: boolean): Uint8Array {
    return this.#withFile(path, { read: true, write: create, create }, (file) => file.read())
  }

  /** MemFS says 0 of a file that a guest wrote and never sized: then the bytes are counted. */
  #sizeBelow(path: string): number {
    return this.#withFile(path, { read: true }, (file) => Number(file.size()) || file.read().length)
  }

  #withFile<T>(path: string, options: object, act: (file: WasmerFile) => T): T {
    return below(() => {
      const file = this.#fs.open(this.#full(path), options)
      try {
        return act(file)
      } finally {
        file.free()
      }
    })
  }

  #store(file: OpenFile): void {
    if (!file.dirty || file.path === null) return
    const bytes = file.bytes.subarray(0, file.size)
    this.#withFile(file.path, { read: true, write: true, create: true }, (below) => {
      below.setLength(0n)
      if (bytes.length > 0 && below.write(bytes) !== bytes.length) {
        throw new ProviderError('EIO', `the instance took '${file.path}' in part`)
      }
      below.setLength(BigInt(bytes.length)) // else the guest's filestat says 0
      below.flush()
    })
    file.dirty = false
    this.#versions.set(file.ino, { hash: hashOf(bytes), mtimeNs: file.mtimeNs })
  }

  #resize(file: OpenFile, size: number): void {
    if (size > FILE_BYTES_MAX) {
      throw new ProviderError('EFBIG', `a file here has at most ${FILE_BYTES_MAX} bytes`)
    }
    if (size > file.bytes.length) {
      const grown = new Uint8Array(Math.min(FILE_BYTES_MAX, Math.max(size, file.bytes.length * 2)))
      grown.set(file.bytes.subarray(0, file.size))
      file.bytes = grown
    } else if (size < file.size) {
      file.bytes.fill(0, size, file.size)
    }
    if (size !== file.size) this.#change(file)
    file.size = size
  }

  #writable(handle: number, code: 'EBADF' | 'EINVAL'): OpenFile {
    const open = this.#handles.get(handle)
    if (open.file !== null && (open.rights & WRITE) !== 0) return open.file
    throw new ProviderError(code, 'the handle is not for writing')
  }

  #forgetFile(path: string): void {
    const file = this.#files.get(path)
    if (file) file.path = null
    this.#files.delete(path)
    this.#versions.delete(this.#inodes.of(path))
    this.#inodes.forget(path)
  }

  #forgetDirectory(path: string): void {
    this.#inodes.forget(path)
    for (const open of this.#handles) {
      if (open.file === null && open.directory.path === path) open.directory.gone = true
    }
  }
}

/** What the package throws has no errno and, after a trap, no meaning: EIO. */
function below<T>(act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof ProviderError) throw cause
    throw new ProviderError('EIO', `@wasmer/wasi: ${cause}`, { cause })
  }
}

/** Two 32-bit FNV-1a hashes over every byte, with other primes: for seeing changes, not for safety. */
function hashOf(bytes: Uint8Array): bigint {
  let [one, other] = [0x811c9dc5, bytes.length | 0]
  for (const byte of bytes) {
    one = Math.imul(one ^ byte, 0x01000193)
    other = Math.imul(other ^ byte, 0x85ebca6b)
  }
  return (BigInt(one >>> 0) << 32n) | BigInt(other >>> 0)
}

function fileStat(
  type: 'file' | 'directory',
  ino: bigint,
  size: number,
  nlink: number,
  mtimeNs: bigint,
): FileStat {
  const mode = type === 'file' ? 0o666 : 0o777
  return { type, ino, size, nlink, mode, atimeNs: mtimeNs, mtimeNs, ctimeNs: mtimeNs }
}
