/**
 * What OPFS lacks of POSIX's names: walking a path, moving what browsers do not move, and keeping a file alive
 * that was unlinked while open. Knows nothing of handles.
 *
 * No browser moves a file under an access handle; Chromium moves no directories; WebKit moves nothing. So a
 * directory moves entry by entry where it must, and a file by copy where it must. Neither is atomic: a
 * tab that dies half way leaves entries in both places, each of them whole.
 */
import { type ErrnoName, ProviderError } from './errno.js'
import type { FileType } from './provider.js'

/** Where unlinked files live while they are open, at the top of the origin's storage; never listed. */
export const ORPHANS = '.isopage-orphans'

const COPY_BYTES = 1 << 20

const BY_DOM_NAME: Readonly<Record<string, ErrnoName>> = {
  NotFoundError: 'ENOENT',
  NotAllowedError: 'EACCES',
  SecurityError: 'EACCES',
  NoModificationAllowedError: 'EBUSY',
  InvalidModificationError: 'ENOTEMPTY',
  QuotaExceededError: 'ENOSPC',
  TypeMismatchError: 'ENOTDIR',
  TypeError: 'EINVAL',
}

/** A DOMException with the errno it stands for. */
export function named(error: unknown): unknown {
  if (error instanceof ProviderError) return error
  const { name, message } = error as { name?: string; message?: string }
  return new ProviderError(BY_DOM_NAME[String(name)] ?? 'EIO', `${name}: ${message}`, {
    cause: error,
  })
}

/** move() is not in every browser, nor in TypeScript's types. */
type Movable = FileSystemHandle & {
  move?(parent: FileSystemDirectoryHandle, name: string): Promise<void>
}

/** A synchronous access handle: in TypeScript's types of workers only. */
export interface AccessHandle {
  read(into: Uint8Array, options: { at: number }): number
  write(from: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  getSize(): number
  flush(): void
  close(): void
}

export type EntryHandle = FileSystemFileHandle | FileSystemDirectoryHandle

/** Takes the one access handle of a file. EBUSY (NoModificationAllowedError) when another has it. */
export function takeAccess(file: FileSystemFileHandle): Promise<AccessHandle> {
  const accessible = file as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<AccessHandle>
  }
  return accessible.createSyncAccessHandle()
}

export function typeOf(handle: EntryHandle): FileType {
  return handle.kind
}

/** => the path is `from` or lies below it. */
export function isBelow(path: string | null, from: string): boolean {
  return path === from || path?.startsWith(`${from}/`) === true
}

export function asFile(entry: EntryHandle): FileSystemFileHandle {
  if (entry.kind === 'file') return entry
  throw new ProviderError('EIO', `'${entry.name}' became a directory while it moved`)
}

/** No browser keeps files that long, and some lose digits before they refuse. */
export function checkEnd(end: number): void {
  if (end > 2 ** 48) throw new ProviderError('EFBIG', `a file of ${end} bytes`)
}

/** The directory of `names` below `root`. ENOENT, ENOTDIR. */
export async function walk(
  root: FileSystemDirectoryHandle,
  names: readonly string[],
): Promise<FileSystemDirectoryHandle> {
  let directory = root
  for (const name of names) {
    try {
      directory = await directory.getDirectoryHandle(name)
    } catch (error) {
      throw named(error)
    }
  }
  return directory
}

/** An entry of a directory, null when it is not there. */
export async function find(
  parent: FileSystemDirectoryHandle,
  name: string,
): Promise<EntryHandle | null> {
  try {
    return await parent.getFileHandle(name)
  } catch (error) {
    const { name: kind } = error as DOMException
    if (kind === 'NotFoundError') return null
    if (kind !== 'TypeMismatchError') throw named(error)
  }
  try {
    return await parent.getDirectoryHandle(name)
  } catch (error) {
    throw named(error)
  }
}

export async function isEmpty(directory: FileSystemDirectoryHandle): Promise<boolean> {
  for await (const _ of directory.keys()) return false
  return true
}

/**
 * Moves an entry to a name that is free, or that a file holds when `handle` is a file. Nothing in it is open.
 * => the handle at its new place.
 */
export async function moveEntry(
  handle: EntryHandle,
  from: FileSystemDirectoryHandle,
  to: FileSystemDirectoryHandle,
  name: string,
): Promise<EntryHandle> {
  const oldName = handle.name
  if (await movedWhole(handle, to, name)) return (await find(to, name)) as EntryHandle
  if (handle.kind === 'file') await copyFile(handle, await to.getFileHandle(name, { create: true }))
  else {
    const target = await to.getDirectoryHandle(name, { create: true })
    const children: EntryHandle[] = []
    for await (const child of handle.values()) children.push(child as EntryHandle)
    for (const child of children) await moveEntry(child, handle, target, child.name)
  }
  await from.removeEntry(oldName)
  return (await find(to, name)) as EntryHandle
}

/** True when the browser did it. What it refuses is tried the long way, which fails for good reasons only. */
async function movedWhole(
  handle: EntryHandle,
  to: FileSystemDirectoryHandle,
  name: string,
): Promise<boolean> {
  const movable = handle as Movable
  if (typeof movable.move !== 'function') return false
  const from = handle.name
  try {
    await movable.move(to, name)
  } catch {
    return false
  }
  return from !== name || (await find(to, name)) !== null
}

async function copyFile(from: FileSystemFileHandle, to: FileSystemFileHandle): Promise<void> {
  const source = await takeAccess(from)
  try {
    const target = await takeAccess(to)
    try {
      copyBytes(source, target)
    } finally {
      target.close()
    }
  } finally {
    source.close()
  }
}

function copyBytes(source: AccessHandle, target: AccessHandle): void {
  const piece = new Uint8Array(COPY_BYTES)
  target.truncate(0)
  for (let at = 0; ; ) {
    const length = source.read(piece, { at })
    if (length === 0) break
    for (let done = 0; done < length; ) {
      const put = target.write(piece.subarray(done, length), { at: at + done })
      if (put === 0) throw new ProviderError('ENOSPC', 'the browser takes no more bytes')
      done += put
    }
    at += length
  }
  target.flush()
}

/** Removes what tabs that died left among the orphans; what a live one holds open refuses to go. */
export async function sweepOrphans(storage: FileSystemDirectoryHandle): Promise<void> {
  const orphans = await storage.getDirectoryHandle(ORPHANS, { create: true })
  const names: string[] = []
  for await (const name of orphans.keys()) names.push(name)
  for (const name of names) await orphans.removeEntry(name).catch(() => {})
}
