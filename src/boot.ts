/** Boot: memory, kernel, mounts, the I/O worker; and the options that say how. */
import {
  ABI_VERSION,
  MAPPINGS_MAX,
  PAGE_SHIFT_MAX,
  PAGE_SHIFT_MIN,
  PROCESSES_MAX,
} from '../assembly/abi.js'
import { checkBoolean, checkInteger, checkObject, outOfRange, wrongType } from './check.js'
import { coreModule } from './core.js'
import { fromRecord, IsopageError } from './errors.js'
import { Instance } from './instance.js'
import { checkIpcLimits, type IpcLimits } from './ipc-limits.js'
import { takeSlot } from './join.js'
import { announce } from './liveness.js'
import { disposeAll, type Mount, type Mountable, planMounts } from './mounts.js'
import type { FromWorker, Handle, Settings, ToWorker } from './protocol.js'
import { onPage, pause, startWorker, type WorkerLine, withResolvers } from './runtime.js'
import { THREAD_TABLE_BYTES, ThreadTable } from './threads.js'

const WASM_PAGE = 65_536
/** One short of 4 GiB: what every engine, and @wasmer/wasi, takes. */
const MEMORY_MAX = 65_535 * WASM_PAGE
const MEMORY_MIN = 8 * 1024 * 1024
const MEMORY_RETRY_MS = 3000
const MEMORY_RETRY_EACH_MS = 100
const UINT32_MAX = 2 ** 32 - 1

/** Bytes, or text such as '1GiB', '512MiB', '8192KiB'. */
export type ByteSize = number | string

export interface Limits extends IpcLimits {
  /** Mappings of one process; 131,072 by default. */
  mappings?: number
  /** Pages that may be dirty and cannot be written; by default half of memory. */
  dirtyPages?: number
  /** Processes; 4096 by default. */
  processes?: number
}

export interface BootOptions {
  /** All that the kernel ever has: pages, page cache, its own tables. '1GiB' by default, 4 GiB less 64 KiB at most. */
  memory?: ByteSize
  /** Take less, down to this, where `memory` cannot be had. */
  memoryMin?: ByteSize
  /** Bytes of a page: a power of two from 4096, the default, to 65536. */
  pageSize?: number
  /** Directories by absolute path: `{ '/data': disk('./data') }`. */
  mounts?: Readonly<Record<string, Mountable>>
  limits?: Limits
  /** How long a page stays dirty before it is written in the background; 5000 by default. */
  dirtyAgeMs?: number
  /** How long a thread may hold up others before they are told; 2000 by default. */
  stallMs?: number
  /**
   * Let other programs of the same user look: `isopage ipcs`, `ipcrm` and `maps` find the kernel by a local socket. Node, Deno and Bun;
   * ERR_UNSUPPORTED in a page, which has inspectView.
   */
  inspect?: boolean
  /** The kernel, where core.wasm cannot be fetched: a compiled module, or its bytes (`isopage/core-bytes`). */
  core?: WebAssembly.Module | BufferSource
}

/** A kernel that runs, before anything is wrapped around it. */
export interface Booted {
  readonly instance: Instance
  readonly handle: Handle
  readonly mounts: readonly Mount[]
  readonly io: WorkerLine<ToWorker, FromWorker> | null
  /** Index in the memory's words of the I/O worker's doorbell. */
  readonly ioDoorbell: number
  /** A local socket is wanted. */
  readonly inspect: boolean
}

interface Checked extends Omit<Settings, 'inPage'> {
  readonly memory: number
  readonly memoryMin: number
  readonly mappings: number
  readonly dirtyPages: number
  readonly processes: number
  readonly inspect: boolean
  readonly ipc: readonly (readonly [limit: number, value: number])[]
}

/** Boots. Rejects with what is wrong with an option, ERR_UNSUPPORTED without shared memory, RangeError when memory is out. */
export async function bootKernel(given: unknown): Promise<Booted> {
  const options = checkObject<BootOptions>('options', given)
  const checked = checkOptions(options)
  if (typeof SharedArrayBuffer !== 'function') throw unshared()
  const mounts = await planMounts(options.mounts)
  try {
    return await bootWith(checked, options.core, mounts)
  } catch (error) {
    await disposeAll(mounts.map(({ provider }) => provider))
    throw error
  }
}

async function bootWith(
  options: Checked,
  core: BootOptions['core'],
  mounts: readonly Mount[],
): Promise<Booted> {
  const id = crypto.randomUUID()
  // None of these needs another, and each lets the engine or the browser work meanwhile.
  const [module, life, memory] = await Promise.all([
    moduleOf(core),
    announce(id),
    makeMemory(options.memory, options.memoryMin),
  ])
  const threads = new SharedArrayBuffer(THREAD_TABLE_BYTES)
  const { pageSize, dirtyAgeMs, stallMs } = options
  const handle: Handle = {
    isopage: ABI_VERSION,
    id,
    memory,
    module,
    threads,
    mounts: mounts.map(({ owner, spec }) => (owner === 'every' ? spec : null)),
    settings: { pageSize, dirtyAgeMs, stallMs, inPage: onPage },
    ticket: 0,
  }
  const parts = { memory, module, table: new ThreadTable(threads), pageSize }
  const providers = mounts.map(({ provider }) => provider)
  const instance = await Instance.make(parts, providers)
  start(instance, options)
  await takeSlot(
    instance,
    handle,
    -1,
    mounts.some(({ owner }) => owner === 'booter'),
    life,
  )
  const io = await startIo(handle, instance.index, mounts)
  addMounts(instance, mounts, io?.slot ?? -1)
  return {
    instance,
    handle,
    mounts,
    io: io?.line ?? null,
    ioDoorbell: io?.doorbell ?? instance.doorbell,
    inspect: options.inspect,
  }
}

function start(instance: Instance, options: Checked): void {
  const { mappings, dirtyPages, dirtyAgeMs, processes, stallMs, pageSize } = options
  const bytes = instance.memory.buffer.byteLength
  const pages = dirtyPages || Math.floor(bytes / pageSize / 2)
  const shift = Math.log2(pageSize)
  instance.result(
    'boot',
    instance.lastCalls.boot(bytes, shift, stallMs, mappings, pages, dirtyAgeMs, processes),
  )
  for (const [limit, value] of options.ipc) {
    instance.result('boot', instance.lastCalls.ipc_limit(limit, value))
  }
}

/** The worker that owns the mounts which one thread has to own; null when there are none. */
async function startIo(handle: Handle, parent: number, mounts: readonly Mount[]) {
  const owned = mounts.map(({ owner, spec }) => (owner === 'io' ? spec : null))
  if (owned.every((spec) => spec === null)) return null
  const line = await startWorker<ToWorker, FromWorker>(
    new URL('./io-worker.js', import.meta.url),
    () => new Worker(new URL('./io-worker.js', import.meta.url), { type: 'module' }),
  )
  const { promise, resolve, reject } = withResolvers<{ slot: number; doorbell: number }>()
  line.onEnd((cause) => {
    const message = `ERR_SERVICE_LOST: the I/O worker ended: ${cause.message}`
    reject(new IsopageError('ERR_SERVICE_LOST', message, { cause }))
  })
  line.onMessage((message) => {
    if (message.type === 'failed') reject(fromRecord(message.error))
    if (message.type === 'ready') resolve(message)
  })
  line.ref()
  line.post({ type: 'start', handle, parent, owned, flusher: false })
  try {
    const { slot, doorbell } = await promise
    return { line, slot, doorbell }
  } catch (error) {
    await line.terminate()
    throw error
  } finally {
    line.unref()
  }
}

function addMounts(instance: Instance, mounts: readonly Mount[], ioSlot: number): void {
  for (const [index, { path, owner, readonly }] of mounts.entries()) {
    const slot = { every: -1, io: ioSlot, booter: instance.index }[owner]
    instance.lastCalls.mount_owner(index, slot)
    const [at, bytes] = instance.path('mount', 'path', path)
    const result = instance.lastCalls.mount_add(at, bytes, index, readonly ? 1 : 0)
    instance.result('mount', result, { path })
  }
}

/** Tried again for 3 s: Chromium frees the memories of ended pages and workers late. */
async function makeMemory(bytes: number, least: number): Promise<WebAssembly.Memory> {
  const deadline = performance.now() + MEMORY_RETRY_MS
  for (let want = bytes; ; ) {
    const pages = Math.ceil(want / WASM_PAGE)
    try {
      return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
    } catch (error) {
      const smaller = Math.max(Math.floor(want / 2), least)
      if (performance.now() < deadline) await pause(MEMORY_RETRY_EACH_MS)
      else if (smaller < want) want = smaller
      else throw noMemory(want, error)
    }
  }
}

async function moduleOf(core: unknown): Promise<WebAssembly.Module> {
  if (core === undefined) return coreModule()
  if (core instanceof WebAssembly.Module) return core
  const bytes = ArrayBuffer.isView(core) || core instanceof ArrayBuffer
  if (!bytes) throw wrongType('options.core', 'a WebAssembly.Module or its bytes', core)
  return WebAssembly.compile(core as BufferSource)
}

function checkOptions(options: BootOptions): Checked {
  const memory = bytesOf('options.memory', options.memory === undefined ? '1GiB' : options.memory)
  const { pageSize = 4096, dirtyAgeMs = 5000, stallMs = 2000 } = options
  checkInteger('options.pageSize', pageSize, 2 ** PAGE_SHIFT_MIN, 2 ** PAGE_SHIFT_MAX)
  if (!Number.isInteger(Math.log2(pageSize))) {
    throw outOfRange('options.pageSize', 'a power of two', pageSize)
  }
  const limits = checkObject<Limits>('options.limits', options.limits)
  const { mappings = MAPPINGS_MAX, dirtyPages = 0, processes = PROCESSES_MAX } = limits
  const whole = (name: string, value: unknown, min: number, max: number) =>
    checkInteger(`options.${name}`, value, min, max)
  return {
    memory,
    memoryMin: bytesOf(
      'options.memoryMin',
      options.memoryMin === undefined ? memory : options.memoryMin,
    ),
    pageSize,
    mappings: whole('limits.mappings', mappings, 1, UINT32_MAX),
    dirtyPages: whole('limits.dirtyPages', dirtyPages, 0, UINT32_MAX),
    processes: whole('limits.processes', processes, 1, PROCESSES_MAX),
    dirtyAgeMs: whole('dirtyAgeMs', dirtyAgeMs, 1, UINT32_MAX),
    stallMs: whole('stallMs', stallMs, 1, UINT32_MAX),
    inspect: checkBoolean('options.inspect', options.inspect),
    ipc: checkIpcLimits(limits),
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

function bytesOf(name: string, size: unknown): number {
  let bytes = size
  if (typeof size === 'string') {
    const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([KMG]iB|)$/.exec(size) ?? []
    if (digits === undefined) throw outOfRange(name, "bytes, or text such as '512MiB'", `'${size}'`)
    bytes = Math.round(Number(digits) * (UNITS[unit ?? ''] as number))
  }
  if (bytes === 2 ** 32) bytes = MEMORY_MAX // '4GiB' is what people write
  return checkInteger(name, bytes, MEMORY_MIN, MEMORY_MAX)
}

function noMemory(bytes: number, cause: unknown): RangeError {
  return new RangeError(
    `boot: ${bytes} bytes of shared memory cannot be had; a smaller \`memory\`, or \`memoryMin\`, may do`,
    { cause },
  )
}

function unshared(): IsopageError {
  return new IsopageError(
    'ERR_UNSUPPORTED',
    'ERR_UNSUPPORTED: no SharedArrayBuffer here: a page needs the headers Cross-Origin-Opener-Policy: same-origin ' +
      'and Cross-Origin-Embedder-Policy: require-corp',
  )
}
