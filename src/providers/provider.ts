/**
 * The seam between the kernel and whoever stores files: implement `Provider` to mount your own.
 *
 *     kernel --wasi_snapshot_preview1--> wasi.ts --Provider--> node.ts | opfs.ts | wasmer.ts | yours
 *
 * What a provider may rely on, and what it owes:
 *   1. Paths are physical and relative: 'a/b/c', '' for the root. The kernel has resolved dots and
 *      symlinks. A provider defends itself all the same (`splitPath` of paths.ts does the lexical
 *      part) and never follows a symlink, final (ELOOP) or on the way (ELOOP or ENOTDIR).
 *   2. A failure is an Error whose `code` is an errno name ('EIO', 'ENOSPC'; `ProviderError` makes
 *      one). What a provider cannot do is ENOTSUP, and `capabilities` says so; never silence.
 *   3. A failing call changes nothing. Only pread, pwrite and what the text of a method names may
 *      do less than they were asked.
 *   4. Nothing is cached: a byte that a foreign writer stored in the same file is seen by the next
 *      pread (where the store can be written by others at all).
 *   5. Each method may return its result or a promise of it (`capabilities.async` says whether any
 *      does). A pending call keeps its views valid: their memory is the kernel's and never moves.
 *   6. Views (`into`, `from`) lie over SHARED memory: what refuses shared views (TextDecoder,
 *      encodeInto, crypto.getRandomValues, fetch bodies, Blob parts) needs a copy first.
 *
 * A module given to `custom(url, options)` has such a factory as its default export:
 *
 *     export default async function bucket(options: { url: string }): Promise<Provider> { ... }
 *
 * A mount that every thread serves (`threads: 'any'`) has an instance in each. The thread that boots makes the first one and disposes
 * of it last; most others are never disposed of, as their threads end at any moment. So what is open belongs to the mount: only
 * the first instance closes it, and what they all need to know of it lies in the memory that they share (`sharedBytes`).
 */

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** What a provider can do; where it cannot, the call is ENOTSUP. */
export interface Capabilities {
  /** link() makes a second name of one file. */
  readonly hardLinks: boolean
  readonly symlinks: boolean
  /** rename() replaces an existing name. */
  readonly rename: boolean
  /** A sync() that returned survives a power loss, as far as the system below promises it. */
  readonly durableSync: boolean
  /** Mode bits are stored. Where not, stat reports 0o666 or 0o777 and `mode` is ignored. */
  readonly permissions: boolean
  /** utimes() works. Where it does not, stat still reports an mtime that moves with every change it knows of. */
  readonly times: boolean
  /**
   * 'any': every thread that instantiates the spec may use handles that another one opened.
   * 'owner': handles belong to the instance that opened them.
   */
  readonly threads: 'any' | 'owner'
  /** Some methods return promises. */
  readonly async: boolean
}

export type FileType = 'file' | 'directory' | 'symlink' | 'other'

export interface FileStat {
  type: FileType
  /**
   * Identifies the file for the provider's lifetime: hard links share it, rename keeps it, unlink and
   * create give another (except where the system below uses the number again).
   */
  ino: bigint
  /** Bytes; a symlink's is the length of its target. */
  size: number
  /** Names that the file has: 0 for one that is open and was unlinked, or its number would go on meaning that file. */
  nlink: number
  /** Permission bits, 0 to 0o7777. */
  mode: number
  /** Nanoseconds since the epoch, negative before it; 0n where unknown. A file's mtime must move when its bytes change. */
  atimeNs: bigint
  mtimeNs: bigint
  ctimeNs: bigint
}

export interface OpenFlags {
  read: boolean
  write: boolean
  /** Make the file when it is not there. */
  create: boolean
  /** With `create`: EEXIST when it is there, a symlink included. */
  exclusive: boolean
  /** Cut to 0 bytes; needs `write`. */
  truncate: boolean
  /** ENOTDIR unless it is a directory. */
  directory: boolean
  /** Permission bits of a new file, before the host's umask. */
  mode: number
}

export interface DirectoryEntry {
  name: string
  type: FileType
  ino: bigint
}

export interface Provider {
  /** For messages: 'disk', 'opfs', ... */
  readonly name: string
  readonly capabilities: Capabilities

  /**
   * => a handle, an integer from 0 to 2^24-1.
   * Errors: ENOENT, EEXIST, ENOTDIR, EISDIR (a directory for writing), ELOOP (a symlink), EACCES,
   * EROFS, ENXIO (neither file nor directory), EINVAL (`truncate` without `write`, `create` with
   * `directory`), ENAMETOOLONG, EMFILE.
   */
  open(path: string, flags: OpenFlags): Awaitable<number>
  /** Frees the handle, whatever it answers. EBADF when it is not open. */
  close(handle: number): Awaitable<void>
  /** => bytes read into `into` from `offset`; short only at the end of the file. EBADF, EISDIR, EIO. */
  pread(handle: number, into: Uint8Array, offset: number): Awaitable<number>
  /** => bytes of `from` written at `offset`; may be short, never 0 for a `from` that is not empty. A hole reads 0. */
  pwrite(handle: number, from: Uint8Array, offset: number): Awaitable<number>
  /** Sets the size; growth reads 0. EINVAL when not open for writing. */
  truncate(handle: number, size: number): Awaitable<void>
  /**
   * Everything written to the file, and every name changed before the call, is durable when it returns.
   * `dataOnly` may leave out times. Also takes a directory's handle.
   */
  sync(handle: number, dataOnly: boolean): Awaitable<void>
  stat(handle: number): Awaitable<FileStat>
  /** Of the entry itself, never of what a symlink points to. */
  lstat(path: string): Awaitable<FileStat>
  /** Without '.' and '..', in any order. */
  readdir(path: string): Awaitable<DirectoryEntry[]>
  mkdir(path: string, mode: number): Awaitable<void>
  /** ENOTEMPTY, ENOTDIR; EBUSY for the root. */
  rmdir(path: string): Awaitable<void>
  /** EISDIR for a directory. Handles that are open on the file go on working. */
  unlink(path: string): Awaitable<void>
  /** As POSIX rename(): replaces a file or an empty directory of the same kind; handles go on working. */
  rename(from: string, to: string): Awaitable<void>
  /** A second name for a file. EPERM for a directory. */
  link(from: string, to: string): Awaitable<void>
  /** `target` is any text: it is stored, not read. */
  symlink(target: string, path: string): Awaitable<void>
  /** EINVAL when it is not a symlink. */
  readlink(path: string): Awaitable<string>
  /** Sets times of the entry itself; null leaves one as it is. */
  utimes(path: string, atimeNs: bigint | null, mtimeNs: bigint | null): Awaitable<void>
  /** As utimes, of what is open, under whatever name or none. Where it is left out, futimens goes by the path. */
  futimes?(handle: number, atimeNs: bigint | null, mtimeNs: bigint | null): Awaitable<void>
  /** Of a mount's first or only instance: closes what is open and lets go of the store. Of another: lets go of what is its alone. */
  dispose?(): Awaitable<void>
}

/** The default export of a provider's module. `shared`: `sharedBytes` of the spec, the same for all instances of one mount, zeros for the first. */
export type ProviderFactory<Options = unknown> = (
  options: Options,
  shared: SharedArrayBuffer,
) => Awaitable<Provider>

/** Structured-cloneable: each thread that serves the mount makes its own Provider of it. */
export interface ProviderSpec {
  /** The href of an ES module whose default export is a ProviderFactory. */
  readonly module: string
  readonly options: unknown
  readonly threads: Capabilities['threads']
  /** Bytes that the instances of one mount share; 0 where it is left out. */
  readonly sharedBytes?: number
}

/** A spec as one kernel mounts it: what its threads post to each other. */
export interface MountedSpec {
  readonly spec: ProviderSpec
  readonly shared: SharedArrayBuffer
}
