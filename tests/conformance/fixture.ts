/** What the conformance tests share: fixtures, open flags, views over shared memory, small files. */

import type { OpenFlags, Provider } from '../../dist/src/providers/provider.js'

/** A provider over a store of its own, empty. */
export interface Fixture {
  provider: Provider
  /** Frees the store. The provider is disposed of before. */
  end(): Promise<void> | void
}

/** Gives a test the fixture of the moment. */
export type Mounted = () => Provider

export const READ_WRITE: OpenFlags = {
  read: true,
  write: true,
  create: false,
  exclusive: false,
  truncate: false,
  directory: false,
  mode: 0o666,
}
export const CREATE: OpenFlags = { ...READ_WRITE, create: true }
export const READ_ONLY: OpenFlags = { ...READ_WRITE, write: false }
export const AS_DIRECTORY: OpenFlags = { ...READ_ONLY, directory: true }

const SHARED_PAGES = 512

/** A view over shared memory, as the kernel's are. */
export function shared(bytes: number | readonly number[] | string): Uint8Array {
  const plain =
    typeof bytes === 'string' ? new TextEncoder().encode(bytes) : new Uint8Array(bytes as number)
  const pages = Math.ceil((plain.length + 64) / 65_536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: SHARED_PAGES, shared: true })
  const view = new Uint8Array(memory.buffer, 8, plain.length)
  view.set(plain)
  return view
}

/** Makes a file of these bytes. */
export async function make(provider: Provider, path: string, content = ''): Promise<void> {
  const handle = await provider.open(path, CREATE)
  if (content) await writeAll(provider, handle, shared(content), 0)
  await provider.close(handle)
}

/** Writes until all is written. */
export async function writeAll(
  provider: Provider,
  handle: number,
  from: Uint8Array,
  offset: number,
) {
  for (let at = 0; at < from.length; ) {
    at += await provider.pwrite(handle, from.subarray(at), offset + at)
  }
}

/** A file's bytes as text. */
export async function textOf(provider: Provider, path: string): Promise<string> {
  const handle = await provider.open(path, READ_ONLY)
  const into = shared(4096)
  const length = await provider.pread(handle, into, 0)
  await provider.close(handle)
  return new TextDecoder().decode(new Uint8Array(into.subarray(0, length)))
}

/** 'type name' of each entry, sorted. */
export async function namesOf(provider: Provider, path: string): Promise<string[]> {
  return (await provider.readdir(path)).map((entry) => `${entry.type} ${entry.name}`).sort()
}
