/**
 * A kernel, as one thread sees it: processes, other threads' ends, write-back, its own end.
 *
 * A thread has one Kernel object for one kernel. The thread that booted owns the I/O worker and looks after the lives of all
 * others; when it ends, so does the kernel.
 */

import { type Booted, type BootOptions, bootKernel } from './boot.js'
import { checkObject, checkUint32, wrongType } from './check.js'
import { fromRecord } from './errors.js'
import type { Guest, LoadOptions, ModuleSource, Place, Plugin, RunOptions } from './guest/index.js'
import type { Ipcs } from './inspect/ipcs.js'
import type { Inspector } from './inspect/open.js'
import { type ProcessEntry, readProcesses } from './inspect/processes.js'
import { readIpcs } from './inspect/snapshot.js'
import type { Instance } from './instance.js'
import { checkHandle, join } from './join.js'
import { watchExit } from './liveness.js'
import type { MapEntry } from './maps.js'
import { disposeAll } from './mounts.js'
import { Process } from './process.js'
import type { Handle } from './protocol.js'
import type { Provider } from './providers/provider.js'
import { Reaper } from './reaper.js'
import { type AnyWorker, isWorker, pause, withResolvers } from './runtime.js'
import { Flusher, ServicePool } from './service.js'
import { type KernelStats, kernelStats, readSleepers, type Sleeper } from './stats.js'
import type { ThreadRecord } from './threads.js'

export interface ProcessOptions {
  /** An existing process, which this thread joins; the others are for a new one. */
  pid?: number
  /** 0, the default, for none. */
  parent?: number
  /** 0, the default, is root. */
  uid?: number
  gid?: number
}

/** How long a thread that serves its mounts may keep its event loop waiting. */
const TURN_MS = 20

type GuestCode = typeof import('./guest/index.js')

interface Guests {
  readonly code: GuestCode
  readonly place: Place
}

/** What a Kernel is made of. */
interface Parts {
  readonly instance: Instance
  readonly handle: Handle
  readonly providers: readonly (Provider | null)[]
  /** Of the thread that booted. */
  readonly booted: Booted | null
  readonly inspector?: Inspector | undefined
}

export class Kernel {
  readonly #instance: Instance
  readonly #handle: Handle
  readonly #providers: readonly (Provider | null)[]
  readonly #booted: Booted | null
  readonly #services: ServicePool
  readonly #flusher: Flusher
  readonly #reaper: Reaper
  readonly #tickets = new WeakMap<object, number>()
  readonly #dirtied: () => void
  readonly #inspector: Inspector | undefined
  #guests: Promise<Guests> | undefined
  #closing: Promise<void> | undefined

  /** Made by `boot` and `attach`. */
  constructor({ instance, handle, providers, booted, inspector }: Parts) {
    this.#instance = instance
    this.#handle = handle
    this.#providers = providers
    this.#booted = booted
    this.#inspector = inspector
    this.#services = new ServicePool(handle, instance)
    this.#flusher = new Flusher(handle, instance, booted !== null)
    this.#reaper = new Reaper(instance, handle.id, handle.settings.stallMs)
    const stored = handle.mounts.length > 0
    this.#dirtied = () => {
      if (stored) this.#flusher.wake()
    }
    if (booted) this.#reaper.start()
    if (booted?.mounts.some(({ owner }) => owner === 'booter')) this.#serve()
  }

  /** What `attach` takes, in any thread: post it to a worker. */
  get handle(): Handle {
    this.#instance.calls.booted()
    return this.#handle
  }

  /**
   * A handle for one worker: what attaches with it is known to be that worker's, so that `terminate(worker)` can stop it in the right
   * place. Node, Deno and Bun know that of any handle; in browsers only this one tells.
   */
  handleFor(worker: AnyWorker): Handle {
    this.#instance.calls.booted()
    if (!isWorker(worker)) throw wrongType('worker', 'a Worker', worker)
    watchExit(worker)
    const ticket = this.#tickets.get(worker) ?? this.#instance.table.nextTicket()
    this.#tickets.set(worker, ticket)
    return { ...this.#handle, ticket }
  }

  /** Bytes of a page. */
  get pageSize(): number {
    return this.#handle.settings.pageSize
  }

  /** A new process, or with `pid` one that is there: ESRCH when there is none, EAGAIN past the limit. */
  process(options?: ProcessOptions): Process {
    const { calls } = this.#instance
    const { pid, parent = 0, uid = 0, gid = 0 } = checkObject<ProcessOptions>('options', options)
    if (pid !== undefined) {
      checkUint32('options.pid', pid)
      this.#instance.result('process', calls.process_join(pid))
      return this.#processOf(pid)
    }
    checkUint32('options.parent', parent)
    checkUint32('options.uid', uid)
    checkUint32('options.gid', gid)
    return this.#processOf(this.#instance.result('process', calls.process_create(parent, uid, gid)))
  }

  #processOf(pid: number): Process {
    return new Process(this.#instance, pid, this.#services, this.#dirtied)
  }

  /**
   * Ends a worker so that the kernel is whole afterwards, whatever the worker was doing: it leaves its call, ends, and what it
   * held is released. ERR_THREAD_ALIVE when it did not end within 10 s (Bun cannot end a loop that calls nothing).
   * In browsers a worker that attached with another handle than `handleFor(worker)` is ended at once and repaired after.
   */
  async terminate(worker: AnyWorker): Promise<void> {
    this.#instance.calls.booted()
    if (!isWorker(worker)) throw wrongType('worker', 'a Worker', worker)
    watchExit(worker)
    const records = this.#recordsOf(worker)
    await this.#reaper.terminate(records, async () => worker.terminate())
  }

  #recordsOf(worker: AnyWorker): ThreadRecord[] {
    const ticket = this.#tickets.get(worker) ?? -1
    const threadId = 'threadId' in worker ? worker.threadId : -1
    return this.#instance.table.family(
      (record) => record.ticket === ticket || (threadId > 0 && record.threadId === threadId),
    )
  }

  /**
   * Gives back what threads that ended by themselves, or by a raw terminate, still held. It also happens every 100 ms, in the thread that
   * booted. => threads that this call found; the regular look may have been faster. The event loop turns meanwhile: a worker may need that to end.
   */
  async reap(): Promise<number> {
    this.#instance.calls.booted()
    const reaped = await this.#reaper.sweep()
    if (reaped === 0) await pause(0)
    return reaped
  }

  /**
   * Runs a program, a module with `_start`, as a process of its own in a worker: WASI preview 1 and the imports of `isopage`, answered by this kernel. What it
   * maps is shared by address with all who map it. => the program, which runs; `exited` says how it ended.
   */
  async run(module: ModuleSource, options?: RunOptions): Promise<Guest> {
    const { code, place } = await this.#loadGuests()
    return code.run(place, module, checkObject<RunOptions>('options', options))
  }

  /** Links a module to this thread: its exports are functions to be called here, and pointers into its process's mappings are good in them. */
  async load(module: ModuleSource, options?: LoadOptions): Promise<Plugin> {
    const { code, place } = await this.#loadGuests()
    return code.load(place, module, checkObject<LoadOptions>('options', options))
  }

  /** The code for guests is loaded when first asked for: who has none does not pay for it. */
  #loadGuests(): Promise<Guests> {
    this.#instance.calls.booted()
    this.#guests ??= import('./guest/index.js').then((code) => ({ code, place: this.#place(code) }))
    return this.#guests
  }

  #place(code: GuestCode): Place {
    return {
      instance: this.#instance,
      stallMs: this.#handle.settings.stallMs,
      workers: new code.Workers(this.#handle, this.#instance),
      processOf: (pid) => this.#processOf(pid),
      streams: undefined,
      running: new Set(),
      terminate: async (slot, worker) => {
        const record = this.#instance.table.at(slot)
        await this.#reaper.terminate(record ? [record] : [], () => worker.line.terminate())
      },
    }
  }

  async #endGuests(): Promise<void> {
    const guests = await this.#guests
    await guests?.code.close(guests.place)
  }

  /** Counters of the kernel. */
  stats(): KernelStats {
    const { calls } = this.#instance
    this.#instance.result('stats', calls.stat_kernel())
    return kernelStats(this.#instance)
  }

  /** The threads that sleep in a call, and on what: whoever looks for a stall begins here. */
  sleepers(): Sleeper[] {
    const { calls } = this.#instance
    return readSleepers(this.#instance, this.#instance.result('sleepers', calls.stat_waits()))
  }

  /** The processes, in the order of their pids. */
  processes(): ProcessEntry[] {
    this.#instance.calls.booted()
    return readProcesses(this.#instance)
  }

  /** Every object of interprocess communication, with all its fields: what `ipcs` shows. */
  ipcs(): Ipcs {
    this.#instance.calls.booted()
    return readIpcs(this.#instance)
  }

  /** The mappings of any process, as its own `maps()` gives them; it is not joined. ESRCH. */
  mapsOf(pid: number): MapEntry[] {
    return this.#observed(pid).maps()
  }

  /** The state of pages of any process, as its own `pages()` gives it. ESRCH. */
  pagesOf(pid: number, address: number, length: number): Uint8Array {
    return this.#observed(pid).pages(address, length)
  }

  #observed(pid: number): Process {
    return new Process(this.#instance, checkUint32('pid', pid))
  }

  /** Checks every structure of the kernel, which takes long on a big one. ERR_KERNEL_PANIC when one is broken. */
  check(): void {
    this.#instance.result('check', this.#instance.calls.check())
  }

  /** Writes back all that is dirty and makes it durable. Rejects with the first failure; the pages stay dirty. */
  async sync(): Promise<void> {
    this.#instance.calls.booted()
    await this.#services.run({ pid: null, name: 'sync_all', args: [] })
  }

  /**
   * In the thread that booted: writes everything back, ends the kernel for all threads, and rejects with what could not be
   * written. Elsewhere: this thread leaves. Calls after it are ERR_KERNEL_CLOSED.
   */
  close(): Promise<void> {
    this.#closing ??= this.#booted ? this.#end(this.#booted) : this.#leave()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(booted: Booted): Promise<void> {
    let failure: unknown
    const attempt = (act: () => Promise<unknown>) =>
      act().catch((error) => {
        failure ??= error
      })
    await attempt(() => this.#endGuests())
    await attempt(async () => this.#inspector?.close())
    if (this.#handle.mounts.length > 0) await attempt(() => this.sync())
    this.#reaper.stop()
    const { table, words } = this.#instance
    const ended = attempt(() => endOfIo(booted))
    table.close()
    known.delete(this.#handle.id)
    await attempt(() => this.#services.close())
    await attempt(() => this.#flusher.close())
    table.endService()
    Atomics.add(words, booted.ioDoorbell, 1)
    Atomics.notify(words, booted.ioDoorbell)
    await ended
    await this.#othersLeave()
    failure ??= await disposeAll(this.#providers)
    if (failure !== undefined) throw failure
  }

  /** Waits until no thread is inside a call, as its files are closed next; no longer than until a thread counts as stalled. */
  async #othersLeave(): Promise<void> {
    const deadline = performance.now() + this.#handle.settings.stallMs
    while (this.#instance.lastCalls.threads_inside() > 0 && performance.now() < deadline) {
      await pause(1)
    }
  }

  async #leave(): Promise<void> {
    known.delete(this.#handle.id)
    await this.#endGuests()
    await this.#services.close()
    await this.#flusher.close()
    this.#instance.leave()
    const failure = await disposeAll(this.#providers)
    if (failure !== undefined) throw failure
  }

  /** Serves the mounts that this thread owns, between its own calls; its event loop has its turn although requests may follow each other without end. */
  async #serve(): Promise<void> {
    const { words, doorbell, table } = this.#instance
    let turnAt = performance.now() + TURN_MS
    while (!table.serviceEnded) {
      const bell = Atomics.load(words, doorbell)
      this.#instance.serve()
      await this.#instance.rung(bell)
      if (performance.now() < turnAt) continue
      await pause(0)
      turnAt = performance.now() + TURN_MS
    }
  }
}

/** Resolves when the I/O worker has closed its files, which it does once the kernel is closed: listens from now on. */
function endOfIo({ io }: Booted): Promise<void> {
  if (!io) return Promise.resolve()
  const { promise, resolve, reject } = withResolvers<void>()
  io.onEnd(reject)
  io.onMessage((message) => {
    if (message.type !== 'closed') return
    // Settled before terminate(): in Deno that emits `exit` at once.
    if (message.error) reject(fromRecord(message.error))
    else resolve()
    io.terminate()
  })
  io.ref()
  return promise
}

/** The kernels of this thread: attaching twice gives the same one. */
const known = new Map<string, Promise<Kernel>>()

/** Boots a kernel. Close it, or declare it with `await using`: what is dirty is written then. */
export async function boot(options?: BootOptions): Promise<Kernel> {
  const booted = await bootKernel(options)
  const { instance, handle, mounts } = booted
  const providers = mounts.map(({ provider }) => provider)
  const parts = { instance, handle, providers, booted }
  try {
    const inspector = booted.inspect ? await openSocket(booted) : undefined
    const kernel = new Kernel({ ...parts, inspector })
    known.set(handle.id, Promise.resolve(kernel))
    return kernel
  } catch (error) {
    await new Kernel(parts).close()
    throw error
  }
}

/** Loaded only where it is asked for: what is below it is not for pages. */
async function openSocket({ handle, instance }: Booted): Promise<Inspector> {
  const { openInspector } = await import('./inspect/open.js')
  return openInspector(handle, instance.index)
}

/**
 * Takes part in a kernel that another thread booted. ERR_KERNEL_CLOSED when it was closed. In Node a thread that opens files of a `disk()` and may end before the
 * kernel does has to be started with `trackUnmanagedFds: false`: else Node closes what it opened, and what was not synced by then is lost with EBADF.
 */
export async function attach(handle: Handle): Promise<Kernel> {
  const checked = checkHandle(handle)
  const joining = known.get(checked.id) ?? attachNew(checked)
  known.set(checked.id, joining)
  joining.catch(() => known.delete(checked.id))
  return joining
}

async function attachNew(handle: Handle): Promise<Kernel> {
  const { instance, providers } = await join(handle, { parent: -1 })
  return new Kernel({ instance, handle, providers, booted: null })
}
