/**
 * Mount specs: what `boot({ mounts })` is given, and how a thread makes a provider of one.
 *
 * A spec is structured-cloneable and names a module; nothing here imports a runtime's own modules,
 * so a browser bundle never meets node:fs. OPFS is imported as it is (a literal
 * import() would split a worker's bundle, which classic scripts cannot); disk's module is reached only by its
 * href, which bundlers do not follow.
 */
import { ProviderError } from './errno.js'
import makeOpfs from './opfs.js'
import type { MountedSpec, Provider, ProviderFactory, ProviderSpec } from './provider.js'

/** The extension under which this build's modules stand beside each other. */
const here = import.meta.url
const extension = here.match(/\.[cm]?[jt]s(?=$|[?#])/)?.[0] ?? '.js'

/** The module of `opfs()`: a name, as a bundler renames the file. */
const OPFS = 'isopage:opfs'

export interface DiskOptions {
  /** Refuse every change with EROFS. */
  readonly?: boolean
}

/**
 * A directory of the real file system: Node, Deno, Bun.
 * @param dir a path or file: URL; it must exist when the provider is made, and stays the mount's root
 *   even when it is renamed meanwhile.
 */
export function disk(dir: string | URL, options: DiskOptions = {}): ProviderSpec {
  if (typeof dir !== 'string' && !(dir instanceof URL)) {
    throw new TypeError('disk(dir): dir must be a path or a file: URL')
  }
  return {
    module: new URL(`./node${extension}`, here).href,
    options: { dir: String(dir), readonly: options.readonly === true },
    threads: 'Deno' in globalThis ? 'owner' : 'any',
    sharedBytes: DISK_STATE_BYTES,
  }
}

/** Bytes that the threads of one disk mount share: node-state.ts lays them out. */
export const DISK_STATE_BYTES = 8 * 64 + 4 * 4 + 4 * 65_536

/**
 * A directory of the origin private file system: browsers.
 * @param dir a path below the origin's root, made when it is not there; '' is the root itself.
 */
export function opfs(dir = ''): ProviderSpec {
  if (typeof dir !== 'string') throw new TypeError('opfs(dir): dir must be a string')
  return { module: OPFS, options: { dir }, threads: 'owner' }
}

/**
 * Your own provider.
 * @param url of an ES module whose default export is a ProviderFactory
 * @param options structured-cloneable; given to the factory
 * @param threads 'any': each thread makes an instance of its own, and they share `sharedBytes` of memory
 */
export function custom(
  url: string | URL,
  options: unknown = {},
  threads: ProviderSpec['threads'] = 'owner',
  sharedBytes = 0,
): ProviderSpec {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new TypeError('custom(url): url must be the URL of an ES module')
  }
  if (!isByteCount(sharedBytes)) {
    throw new RangeError(`custom(url): sharedBytes must be an integer from 0, not ${sharedBytes}`)
  }
  return { module: new URL(url).href, options, threads, sharedBytes }
}

/** What a spec may ask for as `sharedBytes`. */
export function isByteCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** A new mount of a spec, whose instances share nothing with those of any other. */
export function mountOf(spec: ProviderSpec): MountedSpec {
  return { spec, shared: new SharedArrayBuffer(spec.sharedBytes ?? 0) }
}

/** Makes this thread's provider of a mounted spec. A module without a factory is EINVAL. */
export async function instantiate({ spec, shared }: MountedSpec): Promise<Provider> {
  const module: { default?: unknown } =
    spec.module === OPFS
      ? { default: makeOpfs }
      : await import(/* @vite-ignore */ /* webpackIgnore: true */ spec.module)
  if (typeof module.default !== 'function') {
    throw new ProviderError('EINVAL', `${spec.module} has no provider factory as default export`)
  }
  return await (module.default as ProviderFactory)(spec.options, shared)
}
