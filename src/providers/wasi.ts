/**
 * wasi_snapshot_preview1's file functions over providers: the only place where pointers into a memory
 * meet providers. `wasiFiles(memory, mounts)` gives the functions that the kernel imports.
 *
 * Invariants:
 *   1. No pointer or length is trusted: each range is checked against the memory before anything is done
 *      (EFAULT). Addresses of 2 GiB and more arrive negative.
 *   2. Each function returns an errno, or a promise of one only when the provider returned a promise. It
 *      never throws or rejects; a failure without an errno is EIO.
 *   3. Results are written to the memory only on success.
 *   4. Descriptors: 3 + i is the root of mount i; an opened one is
 *      FD_BASE + handle * MOUNTS_MAX + mount, a pure function of the two. So any thread can use what another
 *      thread opened where the provider allows that (`threads: 'any'`); elsewhere a descriptor that this
 *      thread did not open is EBADF.
 *   5. Nothing follows a symlink, whatever the lookup flags say: a final one is ELOOP where it would be.
 *   6. Each function is one generator that runs at once to its end while providers answer at once.
 *
 * Source: the preview 1 witx. Differences on purpose: no rights are kept (the provider's EBADF answers
 * for a missing right), a root's path may be '' or '.', and readdir lists neither '.' nor '..'.
 */
import { MOUNTS_MAX, WASI_PREOPEN } from '../../assembly/abi.js'
import { ProviderError } from './errno.js'
import { compareNames, PATH_BYTES_MAX } from './paths.js'
import type { Errno, WasiFiles } from './preview1.js'
import * as P from './preview1.js'
import type { DirectoryEntry, FileStat, Provider } from './provider.js'
import { run, type Steps, settled } from './steps.js'

export type { WasiFiles } from './preview1.js'

const FD_BASE = WASI_PREOPEN + MOUNTS_MAX
/** Above every handle: descriptors stay below 2^31. */
const HANDLES_MAX = 2 ** 24

/** The longest scatter list (IOV_MAX). */
const IOVS_MAX = 1024
/** Preview 1 carries no mode: what a kernel's files below are made with, less the host's umask. */
const FILE_MODE = 0o666
const DIRECTORY_MODE = 0o777
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** The parameters of a function of preview 1. */
type Args<Name extends keyof WasiFiles> = Parameters<WasiFiles[Name]>

interface Descriptor {
  readonly mount: number
  readonly provider: Provider
  /** null: the root of a mount, which is never opened. */
  readonly handle: number | null
  /** null: opened by another thread. */
  readonly path: string | null
  /** What the readdir that started at cookie 0 saw. */
  listing: DirectoryEntry[] | null
}

/**
 * The file functions over `mounts`; mount i is descriptor 3 + i, null one that this thread does not serve
 * (EBADF). The array may grow later. RangeError past MOUNTS_MAX.
 */
export function wasiFiles(
  memory: WebAssembly.Memory,
  mounts: readonly (Provider | null)[],
): WasiFiles {
  if (mounts.length > MOUNTS_MAX) {
    throw new RangeError(`mounts: at most ${MOUNTS_MAX}, not ${mounts.length}`)
  }
  const files = new Files(new Pointers(memory), mounts)
  const functions = {} as Record<keyof WasiFiles, (...args: never[]) => Errno>
  for (const name of FUNCTIONS) {
    const steps = files[name].bind(files) as (...args: unknown[]) => Steps<void>
    functions[name] = (...args: unknown[]) => run(steps(...args))
  }
  return functions as unknown as WasiFiles
}

/** Reads and writes through checked addresses. */
class Pointers {
  readonly #memory: WebAssembly.Memory
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #encoder = new TextEncoder()

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
  }

  /** The bytes at an address. EFAULT when they are not all in the memory. */
  bytes(address: number, length: number): Uint8Array {
    const [start, size] = [address >>> 0, length >>> 0]
    const { buffer } = this.#memory
    if (start + size > buffer.byteLength) {
      throw new ProviderError('EFAULT', `${size} bytes at ${start} leave the memory`)
    }
    return new Uint8Array(buffer, start, size)
  }

  view(address: number, length: number): DataView {
    const { buffer, byteOffset } = this.bytes(address, length)
    return new DataView(buffer, byteOffset, length)
  }

  /** A path. EILSEQ when it is not UTF-8. Copied first: decoders refuse shared views. */
  text(address: number, length: number): string {
    const bytes = this.bytes(address, length)
    if (bytes.length > PATH_BYTES_MAX) {
      throw new ProviderError('ENAMETOOLONG', `the path has more than ${PATH_BYTES_MAX} bytes`)
    }
    try {
      return this.#decoder.decode(new Uint8Array(bytes))
    } catch (cause) {
      throw new ProviderError('EILSEQ', 'the path is not UTF-8', { cause })
    }
  }

  encode(text: string): Uint8Array {
    return this.#encoder.encode(text)
  }

  /** The buffers of a scatter list, empty ones left out: all but one, so that the provider has its say. */
  vectors(address: number, count: number): Uint8Array[] {
    if (count >>> 0 > IOVS_MAX) throw new ProviderError('EINVAL', `more than ${IOVS_MAX} buffers`)
    const list = this.view(address, count * 8)
    const vectors: Uint8Array[] = []
    for (let at = 0; at < list.byteLength; at += 8) {
      const bytes = this.bytes(list.getUint32(at, true), list.getUint32(at + 4, true))
      if (bytes.length > 0) vectors.push(bytes)
    }
    if (vectors.length === 0) vectors.push(new Uint8Array(0))
    return vectors
  }

  setUint32(address: number, value: number): void {
    this.view(address, 4).setUint32(0, value, true)
  }
}

/** The descriptors of one thread, and a generator for each function. */
class Files {
  readonly #memory: Pointers
  readonly #mounts: readonly (Provider | null)[]
  readonly #open = new Map<number, Descriptor>()

  constructor(memory: Pointers, mounts: readonly (Provider | null)[]) {
    this.#memory = memory
    this.#mounts = mounts
  }

  *path_open(...args: Args<'path_open'>): Steps<void> {
    const [fd, , path, pathLength, oflags, rights, , fdflags, openedFd] = args
    const at = this.#at(fd, path, pathLength)
    this.#memory.bytes(openedFd, 4)
    if ((oflags & ~15) !== 0) throw new ProviderError('EINVAL', `unknown oflags ${oflags}`)
    if ((fdflags & ~P.FDFLAG_NONBLOCK) !== 0) {
      throw new ProviderError('ENOTSUP', `append and sync flags are the kernel's: ${fdflags}`)
    }
    const handle = yield* settled(
      at.provider.open(at.path, {
        read: (rights & P.RIGHTS_READ) !== 0n,
        write: (rights & P.RIGHTS_WRITE) !== 0n,
        create: (oflags & P.OFLAG_CREAT) !== 0,
        exclusive: (oflags & P.OFLAG_EXCL) !== 0,
        truncate: (oflags & P.OFLAG_TRUNC) !== 0,
        directory: (oflags & P.OFLAG_DIRECTORY) !== 0,
        mode: FILE_MODE,
      }),
    )
    if (!Number.isInteger(handle) || handle < 0 || handle >= HANDLES_MAX) {
      yield* settled(at.provider.close(handle))
      throw new ProviderError('ENFILE', `handle ${handle} of '${at.provider.name}' is no handle`)
    }
    const opened = FD_BASE + handle * MOUNTS_MAX + at.mount
    this.#open.set(opened, { ...at, handle, listing: null })
    this.#memory.setUint32(openedFd, opened)
  }

  *fd_close(...args: Args<'fd_close'>): Steps<void> {
    const [fd] = args
    const { provider, handle } = this.#opened(fd)
    this.#open.delete(fd >>> 0)
    yield* settled(provider.close(handle))
  }

  *fd_pread(...args: Args<'fd_pread'>): Steps<void> {
    const [fd, iovs, count, offset, nread] = args
    const { provider, handle } = this.#opened(fd)
    const vectors = this.#memory.vectors(iovs, count)
    this.#memory.bytes(nread, 4)
    let at = safeOffset(offset, 'EOVERFLOW')
    let total = 0
    // A failure after some bytes is still a failure: a short count means the end of the file.
    for (const vector of vectors) {
      let filled = 0
      let got: number
      do {
        const rest = filled === 0 ? vector : vector.subarray(filled)
        got = checkCount(yield* settled(provider.pread(handle, rest, at)), rest.length)
        filled += got
        at += got
      } while (got > 0 && filled < vector.length)
      total += filled
      if (filled < vector.length) break
    }
    this.#memory.setUint32(nread, total)
  }

  *fd_pwrite(...args: Args<'fd_pwrite'>): Steps<void> {
    const [fd, iovs, count, offset, nwritten] = args
    const { provider, handle } = this.#opened(fd)
    const vectors = this.#memory.vectors(iovs, count)
    this.#memory.bytes(nwritten, 4)
    const start = safeOffset(offset, 'EFBIG')
    let total = 0
    for (const vector of vectors) {
      const put = yield* this.#write(provider, handle, vector, start + total, total > 0)
      total += put
      if (put < vector.length) break
    }
    this.#memory.setUint32(nwritten, total)
  }

  /** One provider call, short or not. Once bytes have moved a failure is a short count: the next call meets it. */
  *#write(
    provider: Provider,
    handle: number,
    from: Uint8Array,
    offset: number,
    moved: boolean,
  ): Steps<number> {
    try {
      return checkCount(yield* settled(provider.pwrite(handle, from, offset)), from.length)
    } catch (error) {
      if (moved) return 0
      throw error
    }
  }

  *fd_filestat_get(...args: Args<'fd_filestat_get'>): Steps<void> {
    const [fd, filestat] = args
    const { provider, handle, mount } = this.#descriptor(fd)
    this.#memory.bytes(filestat, P.FILESTAT_BYTES)
    const stat = yield* settled(handle === null ? provider.lstat('') : provider.stat(handle))
    this.#putFilestat(filestat, mount, stat)
  }

  *fd_filestat_set_size(...args: Args<'fd_filestat_set_size'>): Steps<void> {
    const [fd, size] = args
    const { provider, handle } = this.#opened(fd)
    yield* settled(provider.truncate(handle, safeOffset(size, 'EFBIG')))
  }

  *fd_filestat_set_times(...args: Args<'fd_filestat_set_times'>): Steps<void> {
    const [fd, atime, mtime, fstflags] = args
    const { provider, handle } = this.#opened(fd)
    const accessed = chosenTime(fstflags, P.FST_ATIM, P.FST_ATIM_NOW, atime)
    const modified = chosenTime(fstflags, P.FST_MTIM, P.FST_MTIM_NOW, mtime)
    if (!provider.futimes) throw new ProviderError('ENOTSUP', 'times are set by paths alone')
    yield* settled(provider.futimes(handle, accessed, modified))
  }

  *fd_sync(...args: Args<'fd_sync'>): Steps<void> {
    const [fd] = args
    const { provider, handle } = this.#opened(fd)
    yield* settled(provider.sync(handle, false))
  }

  *fd_datasync(...args: Args<'fd_datasync'>): Steps<void> {
    const [fd] = args
    const { provider, handle } = this.#opened(fd)
    yield* settled(provider.sync(handle, true))
  }

  /** Cookie 0 reads the directory anew; others go on in what it saw then. Names in code point order. */
  *fd_readdir(...args: Args<'fd_readdir'>): Steps<void> {
    const [fd, buffer, length, cookie, used] = args
    const directory = this.#descriptor(fd)
    if (directory.path === null) throw new ProviderError('EBADF', 'opened by another thread')
    const into = this.#memory.bytes(buffer, length)
    this.#memory.bytes(used, 4)
    const from = BigInt.asUintN(64, cookie)
    if (from === 0n || !directory.listing) {
      const entries = yield* settled(directory.provider.readdir(directory.path))
      directory.listing = [...entries].sort(compareNames)
    }
    const start = from > BigInt(directory.listing.length) ? directory.listing.length : Number(from)
    this.#memory.setUint32(used, this.#putEntries(into, directory.listing, start))
  }

  #putEntries(into: Uint8Array, listing: readonly DirectoryEntry[], start: number): number {
    let used = 0
    for (let index = start; index < listing.length && used < into.length; index++) {
      const entry = this.#direntOf(listing[index] as DirectoryEntry, index)
      const part = entry.subarray(0, into.length - used)
      into.set(part, used)
      used += part.length
    }
    return used
  }

  #direntOf({ name, type, ino }: DirectoryEntry, index: number): Uint8Array {
    const text = this.#memory.encode(name)
    const entry = new Uint8Array(P.DIRENT_BYTES + text.length)
    const view = new DataView(entry.buffer)
    view.setBigUint64(0, BigInt(index + 1), true)
    view.setBigUint64(8, BigInt.asUintN(64, ino), true)
    view.setUint32(16, text.length, true)
    view.setUint8(20, P.FILETYPES[type])
    entry.set(text, P.DIRENT_BYTES)
    return entry
  }

  *path_filestat_get(...args: Args<'path_filestat_get'>): Steps<void> {
    const [fd, lookup, path, pathLength, filestat] = args
    const at = this.#at(fd, path, pathLength)
    this.#memory.bytes(filestat, P.FILESTAT_BYTES)
    const stat = yield* this.#lookUp(at, lookup)
    this.#putFilestat(filestat, at.mount, stat)
  }

  *path_filestat_set_times(...args: Args<'path_filestat_set_times'>): Steps<void> {
    const [fd, lookup, path, pathLength, atime, mtime, fstflags] = args
    const at = this.#at(fd, path, pathLength)
    const accessed = chosenTime(fstflags, P.FST_ATIM, P.FST_ATIM_NOW, atime)
    const modified = chosenTime(fstflags, P.FST_MTIM, P.FST_MTIM_NOW, mtime)
    if ((lookup & P.LOOKUP_SYMLINK_FOLLOW) !== 0) yield* this.#lookUp(at, lookup)
    yield* settled(at.provider.utimes(at.path, accessed, modified))
  }

  *path_create_directory(...args: Args<'path_create_directory'>): Steps<void> {
    const [fd, path, pathLength] = args
    const at = this.#at(fd, path, pathLength)
    yield* settled(at.provider.mkdir(at.path, DIRECTORY_MODE))
  }

  *path_remove_directory(...args: Args<'path_remove_directory'>): Steps<void> {
    const [fd, path, pathLength] = args
    const at = this.#at(fd, path, pathLength)
    yield* settled(at.provider.rmdir(at.path))
  }

  *path_unlink_file(...args: Args<'path_unlink_file'>): Steps<void> {
    const [fd, path, pathLength] = args
    const at = this.#at(fd, path, pathLength)
    yield* settled(at.provider.unlink(at.path))
  }

  *path_rename(...args: Args<'path_rename'>): Steps<void> {
    const [fd, from, fromLength, toFd, to, toLength] = args
    const [source, target] = this.#pair(fd, from, fromLength, toFd, to, toLength)
    yield* settled(source.provider.rename(source.path, target.path))
  }

  *path_link(...args: Args<'path_link'>): Steps<void> {
    const [fd, lookup, from, fromLength, toFd, to, toLength] = args
    const [source, target] = this.#pair(fd, from, fromLength, toFd, to, toLength)
    if ((lookup & P.LOOKUP_SYMLINK_FOLLOW) !== 0) yield* this.#lookUp(source, lookup)
    yield* settled(source.provider.link(source.path, target.path))
  }

  *path_symlink(...args: Args<'path_symlink'>): Steps<void> {
    const [target, targetLength, fd, path, pathLength] = args
    const text = this.#memory.text(target, targetLength)
    const at = this.#at(fd, path, pathLength)
    yield* settled(at.provider.symlink(text, at.path))
  }

  *path_readlink(...args: Args<'path_readlink'>): Steps<void> {
    const [fd, path, pathLength, buffer, length, used] = args
    const at = this.#at(fd, path, pathLength)
    const into = this.#memory.bytes(buffer, length)
    this.#memory.bytes(used, 4)
    const target = this.#memory.encode(yield* settled(at.provider.readlink(at.path)))
    const part = target.subarray(0, into.length)
    into.set(part)
    this.#memory.setUint32(used, part.length)
  }

  /** What a descriptor names. EBADF. */
  #descriptor(number: number): Descriptor {
    const fd = number >>> 0
    const known = this.#open.get(fd)
    if (known) return known
    const root = fd >= WASI_PREOPEN && fd < FD_BASE
    const mount = root ? fd - WASI_PREOPEN : (fd - FD_BASE) % MOUNTS_MAX
    const provider = this.#mounts[mount]
    const handle = root ? null : Math.floor((fd - FD_BASE) / MOUNTS_MAX)
    if (!provider || (!root && provider.capabilities.threads !== 'any')) {
      throw new ProviderError('EBADF', `descriptor ${fd} is not open`)
    }
    const found = { mount, provider, handle, path: root ? '' : null, listing: null }
    if (root) this.#open.set(fd, found)
    return found
  }

  /** As #descriptor, for what was opened: the root of a mount never was. */
  #opened(fd: number): Descriptor & { handle: number } {
    const { handle, ...rest } = this.#descriptor(fd)
    if (handle === null) throw new ProviderError('EBADF', `descriptor ${fd} is the root of a mount`)
    return { ...rest, handle }
  }

  /** A path below a descriptor, as the provider knows it. */
  #at(fd: number, address: number, length: number) {
    const { mount, provider, path } = this.#descriptor(fd)
    if (path === null) throw new ProviderError('EBADF', 'opened by another thread')
    const text = this.#memory.text(address, length)
    const below = text === '.' ? '' : text
    // An absolute path stays one, so that the provider refuses it.
    const absolute = below.startsWith('/')
    return {
      mount,
      provider,
      path: path && below && !absolute ? `${path}/${below}` : below || path,
    }
  }

  #pair(fd: number, from: number, fromLength: number, toFd: number, to: number, toLength: number) {
    const source = this.#at(fd, from, fromLength)
    const target = this.#at(toFd, to, toLength)
    if (source.mount !== target.mount) throw new ProviderError('EXDEV', 'two mounts')
    return [source, target] as const
  }

  *#lookUp(at: { provider: Provider; path: string }, lookup: number): Steps<FileStat> {
    const stat = yield* settled(at.provider.lstat(at.path))
    if (stat.type === 'symlink' && (lookup & P.LOOKUP_SYMLINK_FOLLOW) !== 0) {
      throw new ProviderError('ELOOP', `'${at.path}' is a symlink; the kernel follows them`)
    }
    return stat
  }

  #putFilestat(address: number, mount: number, stat: FileStat): void {
    const view = this.#memory.view(address, P.FILESTAT_BYTES)
    view.setBigUint64(0, BigInt(mount), true)
    view.setBigUint64(8, BigInt.asUintN(64, stat.ino), true)
    view.setBigUint64(16, BigInt(P.FILETYPES[stat.type]), true) // u8 and its padding
    view.setBigUint64(24, BigInt(stat.nlink), true)
    view.setBigUint64(32, BigInt(stat.size), true)
    view.setBigUint64(40, BigInt.asUintN(64, stat.atimeNs), true)
    view.setBigUint64(48, BigInt.asUintN(64, stat.mtimeNs), true)
    view.setBigUint64(56, BigInt.asUintN(64, stat.ctimeNs), true)
  }
}

const FUNCTIONS = [
  'path_open',
  'fd_close',
  'fd_pread',
  'fd_pwrite',
  'fd_filestat_get',
  'fd_filestat_set_size',
  'fd_filestat_set_times',
  'fd_sync',
  'fd_datasync',
  'fd_readdir',
  'path_filestat_get',
  'path_filestat_set_times',
  'path_create_directory',
  'path_remove_directory',
  'path_unlink_file',
  'path_rename',
  'path_link',
  'path_symlink',
  'path_readlink',
] as const satisfies readonly (keyof WasiFiles)[]

/** A provider's count, which a wrong provider could make anything. */
function checkCount(count: number, max: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= max) return count
  throw new ProviderError('EIO', `the provider moved ${count} of ${max} bytes`)
}

/** An i64 offset or size as a number. Negative is EINVAL; past 2^53-1 no provider can tell bytes apart. */
function safeOffset(value: bigint, code: 'EOVERFLOW' | 'EFBIG'): number {
  const offset = BigInt.asIntN(64, value)
  if (offset < 0n) throw new ProviderError('EINVAL', `negative: ${offset}`)
  if (offset > SAFE_MAX) throw new ProviderError(code, `past 2^53-1: ${offset}`)
  return Number(offset)
}

/** The time that the flags ask for, in nanoseconds, signed; null leaves it as it is. */
function chosenTime(flags: number, set: number, now: number, time: bigint): bigint | null {
  if ((flags & set) !== 0 && (flags & now) !== 0) {
    throw new ProviderError('EINVAL', 'a time is both given and now')
  }
  if ((flags & now) !== 0) return BigInt(Date.now()) * 1_000_000n
  return (flags & set) !== 0 ? BigInt.asIntN(64, time) : null
}
