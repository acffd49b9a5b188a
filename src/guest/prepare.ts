/**
 * From a module's bytes to one that can be linked: rewritten for this engine, compiled, and kept by the hash of its contents - in memory, and on disk or in
 * Cache Storage for the next start.
 */
import { wrongType } from '../check.js'
import { builtin, onNode } from '../runtime.js'
import {
  type BackEndName,
  type Description,
  describe,
  GuestModuleError,
  instrument,
} from './rewrite/index.js'
import { decode } from './rewrite/module.js'

/** What a caller may give: a module's bytes, where they are, or a module that is to run as it is: in its private memory alone, unless it is `rewritten`. */
export type ModuleSource = Loadable | WebAssembly.Module
type Loadable = BufferSource | URL | string | Response

export interface Prepared {
  readonly module: WebAssembly.Module
  readonly description: Description | undefined
  /** Of the module before it was rewritten, imported ones among them; undefined where it came rewritten. */
  readonly functions?: number
}

export interface PrepareOptions {
  /** Pages of 64 KiB of the kernel's memory. */
  readonly kernelPages: number
  readonly backEnd?: BackEndName | undefined
  /** Keep the rewritten module for other programs too; true by default. */
  readonly cache?: boolean | undefined
  /** The module is what `instrument` made of one; false by default. */
  readonly rewritten?: boolean | undefined
}

/** Raised when what the rewriter writes changes: tests/system/guest-cache.test.ts notices. */
export const CACHE_VERSION = 9
const KEPT_MAX = 32

// biome-ignore format: a module with two memories
const TWO_MEMORIES = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0)

/** => the back end that this engine can run. */
export function backEndOfEngine(): BackEndName {
  return WebAssembly.validate(TWO_MEMORIES) ? 'multi-memory' : 'accessors'
}

const kept = new Map<string, Promise<Prepared>>()

/** => the module, ready to be linked. */
export async function prepare(source: ModuleSource, options: PrepareOptions): Promise<Prepared> {
  const { rewritten = false } = options
  if ((source as object) instanceof WebAssembly.Module) {
    const module = source as WebAssembly.Module
    return { module, description: rewritten ? described(module) : undefined }
  }
  // A copy: who gave them may change them meanwhile, and they are known by their hash.
  const bytes = (await bytesOf(source as Loadable)).slice()
  if (rewritten) return compiled(bytes)
  const key = await keyOf(bytes, options)
  const known = kept.get(key)
  if (known) return known
  const making = make(bytes, key, options)
  kept.set(key, making)
  making.catch(() => kept.delete(key))
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string)
  return making
}

function described(module: WebAssembly.Module): Description | undefined {
  const [section] = WebAssembly.Module.customSections(module, 'isopage')
  return section && (JSON.parse(new TextDecoder().decode(section)) as Description)
}

async function make(bytes: Uint8Array, key: string, options: PrepareOptions): Promise<Prepared> {
  const made = await rewrite(bytes, key, options)
  try {
    const { functions } = decode(bytes)
    return { ...(await compiled(made)), functions }
  } catch (error) {
    // The engine took the module as it was: one of its limits was near.
    const message = `the module is too large for this engine once it is rewritten: ${(error as Error).message}`
    throw new GuestModuleError('too-large', message)
  }
}

async function compiled(bytes: Uint8Array): Promise<Prepared> {
  const module = await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>)
  return { module, description: describe(bytes) }
}

async function rewrite(bytes: Uint8Array, key: string, options: PrepareOptions) {
  const { kernelPages, cache = true, backEnd = backEndOfEngine() } = options
  const found = cache ? await load(key) : undefined
  if (found) return found
  const kernelMemory = { initial: kernelPages, maximum: kernelPages }
  const made = instrument(bytes, { backEnd, kernelMemory })
  if (cache) await save(key, made)
  return made
}

async function bytesOf(source: Loadable): Promise<Uint8Array> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source)
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  }
  if (source instanceof Response) return new Uint8Array(await source.arrayBuffer())
  if (typeof source === 'string' || source instanceof URL) return fetchBytes(source)
  throw wrongType('module', 'bytes, a URL, a path, a Response or a WebAssembly.Module', source)
}

/** A path where there is a file system, a URL elsewhere. */
async function fetchBytes(from: string | URL): Promise<Uint8Array> {
  const isFile = from instanceof URL ? from.protocol === 'file:' : !/^https?:|^data:/.test(from)
  if (onNode && isFile) return new Uint8Array((await files()).readFileSync(from))
  return new Uint8Array(await (await fetch(from)).arrayBuffer())
}

function files(): Promise<typeof import('node:fs')> {
  return builtin('node:fs')
}

async function keyOf(bytes: Uint8Array, options: PrepareOptions): Promise<string> {
  const { kernelPages, backEnd = backEndOfEngine() } = options
  const digest = new Uint8Array(
    await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>),
  )
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${CACHE_VERSION}-${backEnd}-${kernelPages}-${hash}`
}

// ---- what stays when the program ends ----

const CACHE_NAME = 'isopage-guests'

function urlOf(key: string): string {
  return `https://isopage.invalid/${key}.wasm`
}

/** => the folder for rewritten modules, of this user alone; undefined where there is none. */
async function folder(): Promise<string | undefined> {
  const { XDG_CACHE_HOME, LOCALAPPDATA, HOME } = process.env
  const base = XDG_CACHE_HOME ?? LOCALAPPDATA ?? (HOME && `${HOME}/.cache`)
  return base ? `${base}/isopage` : undefined
}

/** => what was kept under a key; a cache that cannot be read is an empty one. */
async function load(key: string): Promise<Uint8Array | undefined> {
  try {
    if (!onNode) {
      const response = await (await caches.open(CACHE_NAME)).match(urlOf(key))
      return response && new Uint8Array(await response.arrayBuffer())
    }
    const path = await folder()
    return path ? new Uint8Array((await files()).readFileSync(`${path}/${key}.wasm`)) : undefined
  } catch {
    return undefined
  }
}

/** Keeps bytes under a key, whole or not at all; where nothing can be kept, the next start rewrites again. */
async function save(key: string, bytes: Uint8Array): Promise<void> {
  try {
    if (!onNode) {
      const body = new Response(bytes as Uint8Array<ArrayBuffer>)
      return await (await caches.open(CACHE_NAME)).put(urlOf(key), body)
    }
    const path = await folder()
    if (!path) return
    const fs = await files()
    fs.mkdirSync(path, { recursive: true, mode: 0o700 })
    const fresh = `${path}/${key}.${crypto.randomUUID()}`
    fs.writeFileSync(fresh, bytes, { mode: 0o600 })
    fs.renameSync(fresh, `${path}/${key}.wasm`)
  } catch {
    // Not kept.
  }
}
