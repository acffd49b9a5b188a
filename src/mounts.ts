/**
 * The mounts of a kernel: what `boot({ mounts })` was given, and which thread serves each.
 *
 *   every thread   a spec with `threads: 'any'` whose provider answers at once: disk in Node and Bun
 *   I/O worker     every other spec: OPFS, disk in Deno, providers that answer later
 *   booting thread a live provider: wasmer
 */
import { EINVAL, MOUNTS_MAX } from '../assembly/abi.js'
import { wrongType } from './check.js'
import { IsopageError, kernelError } from './errors.js'
import type { MountedSpec, Provider, ProviderSpec } from './providers/provider.js'
import { instantiate, isByteCount, mountOf } from './providers/specs.js'

/** What can be mounted: `disk(...)`, `opfs(...)`, `custom(...)`, or a live provider such as `wasmer(...)`. */
export type Mountable = ProviderSpec | Provider

export interface Mount {
  readonly path: string
  readonly readonly: boolean
  /** Who serves it. */
  readonly owner: 'every' | 'io' | 'booter'
  readonly spec: MountedSpec | null
  /** This thread's provider. */
  readonly provider: Provider | null
}

/** Reads `mounts`, and makes this thread's providers of those that every thread serves. */
export async function planMounts(mounts: unknown): Promise<Mount[]> {
  if (mounts === undefined) return []
  if (typeof mounts !== 'object' || mounts === null) {
    throw wrongType('options.mounts', 'an object from paths to mounts', mounts)
  }
  const entries = Object.entries(mounts)
  if (entries.length > MOUNTS_MAX) {
    throw kernelError('boot', EINVAL, { path: `${entries.length} mounts, at most ${MOUNTS_MAX}` })
  }
  return Promise.all(entries.map(([path, source]) => planMount(path, source)))
}

async function planMount(path: string, source: unknown): Promise<Mount> {
  if (!path.startsWith('/')) throw wrongType('options.mounts', 'keyed by absolute paths', path)
  if (isProvider(source)) return planLive(path, source)
  if (!isSpec(source)) {
    throw wrongType(
      `options.mounts['${path}']`,
      'disk(...), opfs(...), custom(...) or a provider',
      source,
    )
  }
  const readonly = (source.options as { readonly?: unknown } | undefined)?.readonly === true
  const spec = mountOf(source)
  const own = { path, readonly, spec, provider: null }
  if (source.threads === 'owner') return { ...own, owner: 'io' }
  const provider = await instantiate(spec)
  const { async, threads } = provider.capabilities
  if (!async && threads === 'any') return { ...own, owner: 'every', provider }
  await provider.dispose?.()
  return { ...own, spec: mountOf(source), owner: 'io' }
}

function planLive(path: string, provider: Provider): Mount {
  if (provider.capabilities.async) {
    throw new IsopageError(
      'ERR_UNSUPPORTED',
      `ERR_UNSUPPORTED: '${provider.name}' at ${path} answers later, so it cannot be served by this thread: ` +
        'put it into a module and mount custom(url)',
    )
  }
  return { path, readonly: false, owner: 'booter', spec: null, provider }
}

function isSpec(value: unknown): value is ProviderSpec {
  const { module, threads, sharedBytes = 0 } = (value ?? {}) as Partial<ProviderSpec>
  const placed = threads === 'any' || threads === 'owner'
  return typeof module === 'string' && placed && isByteCount(sharedBytes)
}

function isProvider(value: unknown): value is Provider {
  const { open, pread, capabilities } = (value ?? {}) as Partial<Provider>
  return (
    typeof open === 'function' && typeof pread === 'function' && typeof capabilities === 'object'
  )
}

/** Lets go of providers; every one is tried. => what failed first. */
export async function disposeAll(providers: readonly (Provider | null)[]): Promise<unknown> {
  let failure: unknown
  for (const provider of providers) {
    try {
      await provider?.dispose?.()
    } catch (error) {
      failure ??= error
    }
  }
  return failure
}
