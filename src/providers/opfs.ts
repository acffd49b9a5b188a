/**
 * `opfs`: a directory of the origin private file system. Runs in a dedicated worker, the only place where
 * browsers give synchronous access handles.
 *
 * Invariants:
 *   1. A file that is open has one access handle here, shared by all its handles: browsers give no second.
 *      Another tab's is EBUSY.
 *   2. What looks at or changes names is asynchronous and runs one after the other (#inTurn). Bytes are
 *      moved at once, unless the file's access handle is away: then they wait for their turn too.
 *   3. A file is moved (rename, unlink while open) with its access handle closed, and opened again after.
 *   4. An unlinked file that is open lives on among the orphans until its last handle closes.
 * There are no hard links, symlinks, modes or settable times. Rename is not atomic (opfs-names.ts).
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
import {
  type AccessHandle,
  asFile,
  checkEnd,
  type EntryHandle,
  find,
  isBelow,
  isEmpty,
  moveEntry,
  named,
  ORPHANS,
  sweepOrphans,
  takeAccess,
  typeOf,
  walk,
} from './opfs-names.js'
import { checkOffset, checkTarget, splitEntry, splitPath } from './paths.js'
import type {
  Awaitable,
  Capabilities,
  DirectoryEntry,
  FileStat,
  OpenFlags,
  Provider,
} from './provider.js'

export interface OpfsOptions {
  /** Below the origin's root; made when it is not there. */
  dir: string
}

/** The factory that `opfs()` names. ENOTSUP outside a dedicated worker of a browser. */
export default async function opfs(options: OpfsOptions): Promise<Provider> {
  const supported =
    'FileSystemFileHandle' in globalThis &&
    'createSyncAccessHandle' in globalThis.FileSystemFileHandle.prototype
  if (!supported) {
    throw new ProviderError('ENOTSUP', 'opfs works in a dedicated worker of a browser with OPFS')
  }
  try {
    const storage = await navigator.storage.getDirectory()
    await sweepOrphans(storage)
    let root = storage
    for (const name of splitPath(options.dir)) {
      root = await root.getDirectoryHandle(name, { create: true })
    }
    return new OpfsProvider(storage, root)
  } catch (error) {
    throw named(error)
  }
}

interface OpenFile {
  readonly ino: bigint
  /** null once unlinked. */
  path: string | null
  handle: FileSystemFileHandle
  /** null while the file is moved. */
  access: AccessHandle | null
  handles: number
  /** Bytes: nobody else can change it while the access handle is here, and asking takes Firefox as long as reading a page. */
  size: number
  mtimeMs: number
}

interface OpenDirectory {
  path: string
  readonly ino: bigint
  gone: boolean
}

type Open = { file: OpenFile; rights: number } | { file: null; directory: OpenDirectory }

class OpfsProvider implements Provider {
  readonly name = 'opfs'
  readonly capabilities: Capabilities = {
    hardLinks: false,
    symlinks: false,
    rename: true,
    // flush() hands the bytes to the browser's storage; the standard promises no more.
    durableSync: false,
    permissions: false,
    times: false,
    threads: 'owner',
    async: true,
  }
  readonly #storage: FileSystemDirectoryHandle
  readonly #root: FileSystemDirectoryHandle
  readonly #inodes = new Inodes()
  readonly #handles = new Handles<Open>()
  readonly #files = new Map<string, OpenFile>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(storage: FileSystemDirectoryHandle, root: FileSystemDirectoryHandle) {
    this.#storage = storage
    this.#root = root
  }

  /** Runs `act` when everything before it is done. */
  #inTurn<T>(act: () => Awaitable<T>): Promise<T> {
    const result = this.#turn.then(act).catch((error) => {
      throw named(error)
    })
    this.#turn = result.catch(() => {})
    return result
  }

  open(path: string, flags: OpenFlags): Promise<number> {
    return this.#inTurn(async () => {
      const { parent, entry, name } = await this.#look(this.#split(path))
      checkOpen(path, entry && typeOf(entry), flags)
      if (entry?.kind === 'directory') {
        const directory = { path, ino: this.#inodes.of(path), gone: false }
        return this.#handles.add({ file: null, directory })
      }
      const file =
        this.#files.get(path) ??
        (await this.#access(path, entry ?? (await parent.getFileHandle(name, { create: true }))))
      file.handles++
      if (flags.truncate) {
        this.#accessOf(file).truncate(0)
        file.size = 0
      }
      return this.#handles.add({ file, rights: rightsOf(flags) })
    })
  }

  /** Opens a file's access handle. */
  async #access(path: string, handle: FileSystemFileHandle): Promise<OpenFile> {
    const taken = takeAccess(handle)
    const both = Promise.all([taken, handle.getFile()])
    const [access, { lastModified }] = await both.catch((error) => {
      taken.then(
        (late) => late.close(),
        () => {},
      )
      throw error
    })
    const file = {
      ino: this.#inodes.of(path),
      path,
      handle,
      access,
      handles: 0,
      size: access.getSize(),
      mtimeMs: lastModified,
    }
    this.#files.set(path, file)
    return file
  }

  close(handle: number): Awaitable<void> {
    const { file } = this.#handles.remove(handle)
    if (file === null) return
    return this.#inTurn(async () => {
      file.handles--
      if (file.handles > 0) return
      file.access?.close()
      file.access = null
      if (file.path !== null) this.#files.delete(file.path)
      else await this.#removeOrphan(file)
    })
  }

  async #removeOrphan(file: OpenFile): Promise<void> {
    const orphans = await this.#orphans()
    await orphans.removeEntry(file.handle.name)
  }

  #orphans(): Promise<FileSystemDirectoryHandle> {
    return this.#storage.getDirectoryHandle(ORPHANS, { create: true })
  }

  pread(handle: number, into: Uint8Array, offset: number): Awaitable<number> {
    const open = this.#handles.get(handle)
    const { file } = open
    if (file === null) throw new ProviderError('EISDIR', 'the handle is a directory')
    if ((open.rights & READ) === 0) {
      throw new ProviderError('EBADF', 'the handle is not for reading')
    }
    checkOffset('offset', offset)
    return this.#withAccess(file, (access) => {
      if (offset >= file.size) return 0 // Firefox refuses offsets far past the end
      return access.read(into, { at: offset })
    })
  }

  pwrite(handle: number, from: Uint8Array, offset: number): Awaitable<number> {
    const file = this.#writable(handle, 'EBADF')
    checkOffset('offset', offset)
    if (from.length === 0) return 0
    checkEnd(offset + from.length)
    return this.#withAccess(file, (access) => {
      let written = 0
      try {
        written = access.write(from, { at: offset })
      } finally {
        if (offset + from.length > file.size) file.size = access.getSize()
      }
      if (written === 0) throw new ProviderError('ENOSPC', 'the browser takes no more bytes')
      file.mtimeMs = Date.now()
      return written
    })
  }

  truncate(handle: number, size: number): Awaitable<void> {
    const file = this.#writable(handle, 'EINVAL')
    checkOffset('size', size)
    checkEnd(size)
    return this.#withAccess(file, (access) => {
      access.truncate(size)
      file.size = access.getSize()
      file.mtimeMs = Date.now()
    })
  }

  /** Names need none: browsers keep them in a database of their own. */
  sync(handle: number, _dataOnly: boolean): Awaitable<void> {
    const { file } = this.#handles.get(handle)
    if (file === null) return
    return this.#withAccess(file, (access) => access.flush())
  }

  stat(handle: number): Awaitable<FileStat> {
    const open = this.#handles.get(handle)
    if (open.file === null) {
      const { ino, gone } = open.directory
      return fileStat('directory', ino, 0, gone ? 0 : 1, 0)
    }
    const { file } = open
    return this.#withAccess(file, () =>
      fileStat('file', file.ino, file.size, file.path === null ? 0 : 1, file.mtimeMs),
    )
  }

  lstat(path: string): Promise<FileStat> {
    return this.#inTurn(async () => {
      const { entry } = await this.#must(path)
      const ino = this.#inodes.of(path)
      if (entry.kind === 'directory') return fileStat('directory', ino, 0, 1, 0)
      const open = this.#files.get(path)
      if (open) return fileStat('file', ino, open.size, 1, open.mtimeMs)
      const { size, lastModified } = await entry.getFile()
      return fileStat('file', ino, size, 1, lastModified)
    })
  }

  readdir(path: string): Promise<DirectoryEntry[]> {
    return this.#inTurn(async () => {
      const { entry } = await this.#must(path)
      if (entry.kind !== 'directory') {
        throw new ProviderError('ENOTDIR', `'${path}' is not a directory`)
      }
      const entries: DirectoryEntry[] = []
      for await (const [name, child] of entry.entries()) {
        const childPath = path === '' ? name : `${path}/${name}`
        if (childPath === this.#hidden()) continue
        entries.push({ name, type: typeOf(child as EntryHandle), ino: this.#inodes.of(childPath) })
      }
      return entries
    })
  }

  mkdir(path: string, _mode: number): Promise<void> {
    return this.#inTurn(async () => {
      const { parent, entry, name } = await this.#look(this.#split(path, 'EEXIST'))
      if (entry) throw new ProviderError('EEXIST', `'${path}' is there`)
      await parent.getDirectoryHandle(name, { create: true })
    })
  }

  rmdir(path: string): Promise<void> {
    return this.#inTurn(async () => {
      splitEntry(path, 'EBUSY')
      const { parent, entry, name } = await this.#must(path)
      if (entry.kind !== 'directory') {
        throw new ProviderError('ENOTDIR', `'${path}' is not a directory`)
      }
      if (!(await isEmpty(entry))) throw new ProviderError('ENOTEMPTY', `'${path}' is not empty`)
      await parent.removeEntry(name)
      this.#forgetDirectory(path)
    })
  }

  unlink(path: string): Promise<void> {
    return this.#inTurn(async () => {
      splitEntry(path, 'EISDIR')
      const { parent, entry, name } = await this.#must(path)
      if (entry.kind === 'directory') {
        throw new ProviderError('EISDIR', `'${path}' is a directory`)
      }
      await this.#removeFile(path, parent, name)
    })
  }

  /** A file goes at once, or when it is open to the orphans. */
  async #removeFile(path: string, parent: FileSystemDirectoryHandle, name: string): Promise<void> {
    const file = this.#files.get(path)
    if (!file) await parent.removeEntry(name)
    else {
      const orphans = await this.#orphans()
      await this.#closed([file], async () => {
        file.handle = asFile(await moveEntry(file.handle, parent, orphans, crypto.randomUUID()))
        file.path = null
        this.#files.delete(path)
      })
    }
    this.#inodes.forget(path)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#inTurn(async () => {
      splitEntry(from, 'EBUSY')
      const source = await this.#must(from)
      // Asked before the target is looked for, which lies below the source.
      checkRename(from, typeOf(source.entry), to, null)
      const target = await this.#look(this.#split(to, 'EBUSY'))
      checkRename(from, typeOf(source.entry), to, target.entry && typeOf(target.entry))
      if (from === to) return
      if (target.entry?.kind === 'directory') {
        if (!(await isEmpty(target.entry))) {
          throw new ProviderError('ENOTEMPTY', `'${to}' is not empty`)
        }
        await target.parent.removeEntry(target.name)
        this.#forgetDirectory(to)
      } else if (this.#files.has(to)) {
        await this.#removeFile(to, target.parent, target.name)
      }
      const open = [...this.#files.values()].filter((file) => isBelow(file.path, from))
      await this.#closed(open, async () => {
        await moveEntry(source.entry, source.parent, target.parent, target.name)
        this.#moved(from, to)
        for (const file of open) file.handle = await this.#fileAt(file.path ?? '')
      })
    })
  }

  /** Files, directories and inode numbers follow a move. */
  #moved(from: string, to: string): void {
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

  async #fileAt(path: string): Promise<FileSystemFileHandle> {
    return asFile((await this.#must(path)).entry)
  }

  /** Runs `act` with the access handles of `files` closed, and opens them again whatever happens. */
  async #closed(files: readonly OpenFile[], act: () => Promise<void>): Promise<void> {
    for (const file of files) {
      file.access?.close()
      file.access = null
    }
    try {
      await act()
    } finally {
      for (const file of files) file.access = await takeAccess(file.handle)
    }
  }

  link(_from: string, _to: string): void {
    throw new ProviderError('ENOTSUP', 'OPFS has no hard links')
  }

  symlink(target: string, _path: string): void {
    checkTarget(target)
    throw new ProviderError('ENOTSUP', 'OPFS has no symlinks')
  }

  readlink(path: string): Promise<string> {
    return this.#inTurn(async () => {
      splitEntry(path, 'EINVAL')
      await this.#must(path)
      throw new ProviderError('EINVAL', `'${path}' is not a symlink`)
    })
  }

  utimes(path: string, _atimeNs: bigint | null, _mtimeNs: bigint | null): Promise<void> {
    return this.#inTurn(async () => {
      await this.#must(path)
      throw new ProviderError('ENOTSUP', 'OPFS sets no times')
    })
  }

  dispose(): Promise<void> {
    return this.#inTurn(async () => {
      const files = new Set<OpenFile>()
      for (const { file } of this.#handles) if (file !== null) files.add(file)
      this.#handles.clear()
      this.#files.clear()
      for (const file of files) {
        file.access?.close()
        file.access = null
        if (file.path === null) await this.#removeOrphan(file)
      }
    })
  }

  /** As splitPath; the orphans are nobody's by name. */
  #split(path: string, rootCode?: 'EBUSY' | 'EEXIST'): string[] {
    const names = rootCode ? splitEntry(path, rootCode) : splitPath(path)
    if (names[0] === this.#hidden()) {
      throw new ProviderError('EACCES', `'${ORPHANS}' holds files that were unlinked while open`)
    }
    return names
  }

  /** The orphans' name in this mount, '' when they lie outside it. */
  #hidden(): string {
    return this.#root === this.#storage ? ORPHANS : ''
  }

  /** An entry and its parent. The root is its own parent. */
  async #look(names: readonly string[]) {
    const name = names.at(-1)
    if (name === undefined)
      return { parent: this.#root, entry: this.#root as EntryHandle, name: '' }
    const parent = await walk(this.#root, names.slice(0, -1))
    return { parent, entry: await find(parent, name), name }
  }

  async #must(path: string) {
    const { parent, entry, name } = await this.#look(this.#split(path))
    if (!entry) throw new ProviderError('ENOENT', `'${path}' is not there`)
    return { parent, entry, name }
  }

  #withAccess<T>(file: OpenFile, act: (access: AccessHandle) => T): Awaitable<T> {
    if (file.access === null) return this.#inTurn(() => act(this.#accessOf(file)))
    try {
      return act(file.access)
    } catch (error) {
      throw named(error)
    }
  }

  #accessOf(file: OpenFile): AccessHandle {
    if (file.access) return file.access
    throw new ProviderError('EIO', 'the browser did not give the file back after a move')
  }

  #writable(handle: number, code: 'EBADF' | 'EINVAL'): OpenFile {
    const open = this.#handles.get(handle)
    if (open.file !== null && (open.rights & WRITE) !== 0) return open.file
    throw new ProviderError(code, 'the handle is not for writing')
  }

  #forgetDirectory(path: string): void {
    this.#inodes.forget(path)
    for (const open of this.#handles) {
      if (open.file === null && open.directory.path === path) open.directory.gone = true
    }
  }
}

function fileStat(
  type: 'file' | 'directory',
  ino: bigint,
  size: number,
  nlink: number,
  mtimeMs: number,
): FileStat {
  const mtimeNs = BigInt(Math.trunc(mtimeMs)) * 1_000_000n
  const mode = type === 'file' ? 0o666 : 0o777
  return { type, ino, size, nlink, mode, atimeNs: mtimeNs, mtimeNs, ctimeNs: mtimeNs }
}
