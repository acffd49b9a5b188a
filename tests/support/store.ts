/**
 * A provider in plain JavaScript memory that tells what would survive a power loss: for tests, in every runtime.
 *
 * Each file has the bytes that were written and, apart, those that the last sync made durable. Names are always durable.
 * Foreign writers are played by `foreign`: they change bytes behind the kernel's back.
 */

import { ProviderError } from '../../dist/src/providers/errno.js'
import type {
  Capabilities,
  DirectoryEntry,
  FileStat,
  OpenFlags,
  Provider,
} from '../../dist/src/providers/provider.js'

interface StoredFile {
  ino: bigint
  bytes: Uint8Array
  durable: Uint8Array
  nlink: number
  changedNs: bigint
  atimeNs: bigint
  mtimeNs: bigint
}

const NO_BYTES = new Uint8Array(0)

export class Store implements Provider {
  readonly name = 'store'
  readonly capabilities: Capabilities = {
    hardLinks: true,
    symlinks: false,
    rename: true,
    durableSync: true,
    permissions: false,
    times: true,
    threads: 'owner',
    async: false,
  }
  /** Calls of `sync` so far. */
  syncs = 0
  /** Bytes that `pwrite` was given so far. */
  bytesWritten = 0
  readonly #names = new Map<string, StoredFile>()
  readonly #handles = new Map<number, { file: StoredFile; write: boolean }>()
  #lastIno = 1n
  #clockNs = 1_000_000_000_000_000_000n

  /** What the file's bytes are; undefined when there is no such name. */
  bytes(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes.slice()
  }

  /** What a power loss would leave of them. */
  durable(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.durable.slice()
  }

  /** Stores bytes as another process on the same disk would. */
  foreign(path: string, offset: number, bytes: ArrayLike<number>): void {
    const file = this.#entry(path)
    resize(file, Math.max(file.bytes.length, offset + bytes.length))
    file.bytes.set(bytes, offset)
    this.#changed(file)
  }

  /** Sets a file's size as another process would, making it when it is not there. */
  foreignSize(path: string, size: number): void {
    const file = this.#names.get(path) ?? this.#create(path)
    resize(file, size)
    this.#changed(file)
  }

  get paths(): string[] {
    return [...this.#names.keys()]
  }

  open(path: string, flags: OpenFlags): number {
    if (path === '') {
      if (flags.write || flags.create) throw new ProviderError('EISDIR', path)
      return this.#handle({ ...this.#blank(0n), nlink: 1 }, false)
    }
    if (path.includes('/')) throw new ProviderError('ENOENT', path)
    let file = this.#names.get(path)
    if (file && flags.create && flags.exclusive) throw new ProviderError('EEXIST', path)
    if (!file && !flags.create) throw new ProviderError('ENOENT', path)
    if (file && flags.directory) throw new ProviderError('ENOTDIR', path)
    file ??= this.#create(path)
    if (flags.truncate) resize(file, 0)
    return this.#handle(file, flags.write)
  }

  #handle(file: StoredFile, write: boolean): number {
    let handle = 0
    while (this.#handles.has(handle)) handle++
    this.#handles.set(handle, { file, write })
    return handle
  }

  close(handle: number): void {
    this.#open(handle)
    this.#handles.delete(handle)
  }

  pread(handle: number, into: Uint8Array, offset: number): number {
    const { bytes } = this.#open(handle).file
    const part = bytes.subarray(offset, offset + into.length)
    into.set(part)
    return part.length
  }

  pwrite(handle: number, from: Uint8Array, offset: number): number {
    const { file, write } = this.#open(handle)
    if (!write) throw new ProviderError('EBADF', 'pwrite')
    resize(file, Math.max(file.bytes.length, offset + from.length))
    file.bytes.set(from, offset)
    this.bytesWritten += from.length
    this.#changed(file)
    return from.length
  }

  truncate(handle: number, size: number): void {
    const { file, write } = this.#open(handle)
    if (!write) throw new ProviderError('EINVAL', 'truncate')
    resize(file, size)
    this.#changed(file)
  }

  sync(handle: number): void {
    const { file } = this.#open(handle)
    file.durable = file.bytes.slice()
    this.syncs++
  }

  stat(handle: number): FileStat {
    return describe(this.#open(handle).file)
  }

  lstat(path: string): FileStat {
    if (path === '') return { ...describe(this.#blank(0n)), type: 'directory', mode: 0o777 }
    return describe(this.#entry(path))
  }

  readdir(path: string): DirectoryEntry[] {
    if (path !== '') throw new ProviderError('ENOTDIR', path)
    return [...this.#names].map(([name, { ino }]) => ({ name, type: 'file', ino }))
  }

  unlink(path: string): void {
    this.#entry(path).nlink--
    this.#names.delete(path)
  }

  rename(from: string, to: string): void {
    const file = this.#entry(from)
    const there = this.#names.get(to)
    if (there === file) return
    if (there) there.nlink--
    this.#names.set(to, file)
    this.#names.delete(from)
  }

  link(from: string, to: string): void {
    const file = this.#entry(from)
    if (this.#names.has(to)) throw new ProviderError('EEXIST', to)
    file.nlink++
    this.#names.set(to, file)
  }

  utimes(path: string, atimeNs: bigint | null, mtimeNs: bigint | null): void {
    const file = this.#entry(path)
    file.atimeNs = atimeNs ?? file.atimeNs
    file.mtimeNs = mtimeNs ?? file.mtimeNs
  }

  futimes(handle: number, atimeNs: bigint | null, mtimeNs: bigint | null): void {
    const { file } = this.#open(handle)
    file.atimeNs = atimeNs ?? file.atimeNs
    file.mtimeNs = mtimeNs ?? file.mtimeNs
  }

  mkdir(path: string): never {
    throw new ProviderError('ENOTSUP', path)
  }

  rmdir(path: string): never {
    throw new ProviderError('ENOTSUP', path)
  }

  symlink(_target: string, path: string): never {
    throw new ProviderError('ENOTSUP', path)
  }

  readlink(path: string): never {
    throw new ProviderError('EINVAL', path)
  }

  #blank(ino: bigint): StoredFile {
    const now = this.#clockNs
    const times = { changedNs: now, atimeNs: now, mtimeNs: now }
    return { ino, bytes: NO_BYTES, durable: NO_BYTES, nlink: 1, ...times }
  }

  #create(path: string): StoredFile {
    const file = this.#blank(++this.#lastIno)
    this.#names.set(path, file)
    return file
  }

  #entry(path: string): StoredFile {
    const file = this.#names.get(path)
    if (!file) throw new ProviderError('ENOENT', path)
    return file
  }

  #open(handle: number): { file: StoredFile; write: boolean } {
    const open = this.#handles.get(handle)
    if (!open) throw new ProviderError('EBADF', String(handle))
    return open
  }

  #changed(file: StoredFile): void {
    this.#clockNs += 1_000_000n
    file.mtimeNs = this.#clockNs
    file.changedNs = this.#clockNs
  }
}

function resize(file: StoredFile, size: number): void {
  if (size === file.bytes.length) return
  const bytes = new Uint8Array(size)
  bytes.set(file.bytes.subarray(0, size))
  file.bytes = bytes
}

function describe({ ino, bytes, nlink, atimeNs, mtimeNs, changedNs }: StoredFile): FileStat {
  return {
    type: 'file',
    ino,
    size: bytes.length,
    nlink,
    mode: 0o666,
    atimeNs,
    mtimeNs,
    ctimeNs: changedNs,
  }
}
