/**
 * Programs as processes: what `kernel.run` and `kernel.load` do.
 *
 *   run:  process, streams, working directory here -> a worker joins the process, links, runs -> `ended` -> what is left in its streams
 *
 * A guest that is killed ends at its next poll or call, in whatever runtime; one that does neither (a module that is not rewritten) is terminated with its
 * worker.
 */
import { O_DIRECTORY, O_PATH, O_RDONLY, WHERE_MASK, WHERE_PARKED } from '../../assembly/abi.js'
import { outOfRange } from '../check.js'
import { AbortError, fromRecord, IsopageError } from '../errors.js'
import type { Instance } from '../instance.js'
import type { Process } from '../process.js'
import { pause, withResolvers } from '../runtime.js'
import { endingOf, signalName, signalNumber } from './ending.js'
import { execute, importsOf, type Program } from './execute.js'
import { Guest, type GuestControl } from './guest.js'
import { link, start } from './link.js'
import type { FromGuest } from './messages.js'
import { type Checked, checkRun, type LoadOptions, type RunOptions } from './options.js'
import { type Plumbing, plumb } from './plumb.js'
import { type ModuleSource, prepare } from './prepare.js'
import { whereIn } from './stack.js'
import { Pump, STREAMS_UID } from './streams.js'
import { GuestThread } from './thread.js'
import type { GuestLine, Workers } from './workers.js'

const SIGKILL = 9
const SIGXCPU = 24
const STATUS_SIGNAL = 128
/** How often the thread of a guest with a CPU limit is looked at. */
const CPU_STEP_MS = 5
/** How long a killed guest may take to come to its next poll before its worker is ended, beyond the kernel's own patience. */
const KILL_MS = 500

/** What run and load stand on: one for each kernel of a thread. */
export interface Place {
  readonly instance: Instance
  readonly workers: Workers
  readonly stallMs: number
  /** Makes a process that reaches this thread's services. */
  readonly processOf: (pid: number) => Process
  /** Ends a worker so that the kernel is whole afterwards. */
  readonly terminate: (slot: number, worker: GuestLine) => Promise<void>
  /** The process that has this thread's ends of guests' streams, while there are any. */
  streams: { host: Process; pump: Pump; users: number } | undefined
  /** The guests that run in workers. */
  readonly running: Set<GuestControl>
}

/** The kernel closes: ends all guests, then their workers. */
export async function close(place: Place): Promise<void> {
  const running = [...place.running]
  for (const guest of running) guest.kill()
  await Promise.all(running.map(({ exited }) => exited.catch(() => {})))
  await place.workers.close()
}

function newProcess(place: Place, { parent, uid, gid }: Checked): Process {
  const { instance } = place
  return place.processOf(instance.result('run', instance.calls.process_create(parent, uid, gid)))
}

/** => this thread's ends of streams, one user more. */
function takeStreams(place: Place): { host: Process; pump: Pump } {
  if (!place.streams) {
    const { instance } = place
    const made = instance.calls.process_create(0, STREAMS_UID, STREAMS_UID)
    const host = place.processOf(instance.result('run', made))
    place.streams = { host, pump: new Pump(instance, host), users: 0 }
  }
  place.streams.users++
  return place.streams
}

function leaveStreams(place: Place): void {
  const { streams } = place
  if (!streams || --streams.users > 0) return
  place.streams = undefined
  streams.pump.stop()
  if (!place.instance.table.closed) streams.host[Symbol.dispose]()
}

/** Opens the preopened directories from descriptor 3 on. => what preview 1 says of them. */
function openPreopens(process: Process, { preopens }: Checked): Program['preopens'] {
  return preopens.map(([name, path]) => {
    const fd = openDirectory(process, path)
    return [fd, name, path === '/'] as const
  })
}

/** A directory that may not be read is still one to begin paths at. */
function openDirectory(process: Process, path: string): number {
  try {
    return process.open(path, O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EACCES') throw error
    return process.open(path, O_PATH | O_DIRECTORY)
  }
}

/** Makes the process: its streams at 0, 1 and 2, its working directory, its preopens. */
async function launch(
  place: Place,
  source: ModuleSource,
  options: LoadOptions & RunOptions,
  given?: Process,
): Promise<{ process: Process; program: Program; plumbing: Plumbing; checked: Checked }> {
  const checked = checkRun(options)
  const kernelPages = place.instance.memory.buffer.byteLength / 65_536
  const { backEnd, cache, terminal, rewritten } = options
  const wanted = { kernelPages, backEnd, cache, rewritten }
  const { module, description, functions } = await prepare(source, wanted)
  const process = given ?? newProcess(place, checked)
  const streams = takeStreams(place)
  const plumbing = plumb(streams, process, place.instance, options)
  try {
    if (!given) process.chdir(checked.cwd)
    const preopens = openPreopens(process, checked)
    const { args, env, memoryMax } = checked
    const terminals = terminal ? [0, 1, 2] : []
    const { trace = false, maps = false } = options
    const limits = { terminals, memoryMax, trace, maps }
    const program = { module, description, functions, args, env, preopens, ...limits }
    return { process, program, plumbing, checked }
  } catch (error) {
    if (!given) process[Symbol.dispose]()
    plumbing.finish()
    leaveStreams(place)
    throw error
  }
}

/** kernel.run. */
export async function run(
  place: Place,
  source: ModuleSource,
  options: RunOptions = {},
): Promise<Guest> {
  // Anything else that was given is refused by its name.
  if (options.signal instanceof AbortSignal) options.signal.throwIfAborted()
  const launched = await launch(place, source, options)
  return options.inPlace ? runHere(place, launched) : runInWorker(place, launched, options.signal)
}

type Launched = Awaited<ReturnType<typeof launch>>

/** What was launched will not run. `process` stays when it was the caller's. */
function undo(place: Place, { process, plumbing }: Launched, given?: Process): void {
  if (!given) process[Symbol.dispose]()
  plumbing.finish()
  leaveStreams(place)
}

/** Runs it now, in this thread. */
function runHere(place: Place, { process, program, plumbing }: Launched): Guest {
  const thread = new GuestThread(place.instance, process)
  thread.served = () => place.streams?.pump.drain()
  const ending = execute(thread, program)
  const { signal = 0, error } = ending
  const status = signal === 0 ? (ending.status ?? 1) & 0xff : STATUS_SIGNAL + signal
  try {
    process.exit(status)
  } catch {
    // It was killed.
  }
  thread.forgetNotices()
  plumbing.finish()
  leaveStreams(place)
  const failed = signal === 0 && error !== undefined
  const exited = failed ? Promise.reject(error) : Promise.resolve({ status, ...named(signal) })
  exited.catch(() => {}) // who does not ask is not told
  return new Guest(process.pid, plumbing.streams, { exited, kill() {} })
}

function named(signal: number): { signal?: string } {
  return signal === 0 ? {} : { signal: signalName(signal) }
}

async function runInWorker(
  place: Place,
  launched: Launched,
  signal: AbortSignal | undefined,
): Promise<Guest> {
  const { process, program, plumbing, checked } = launched
  const worker = await place.workers.take().catch((error) => {
    undo(place, launched)
    throw error
  })
  const running = new Running(place, process, worker, plumbing)
  worker.line.ref()
  const { handle } = place.workers
  const parent = place.instance.index
  worker.line.post({ type: 'run', handle, parent, pid: process.pid, program })
  if (signal) running.obey(signal)
  if (checked.cpuMs < Number.POSITIVE_INFINITY) running.limit(checked.cpuMs)
  return new Guest(process.pid, plumbing.streams, running)
}

/** A guest in a worker, until it has ended. */
class Running implements GuestControl {
  readonly exited: Promise<{ status: number; signal?: string }>
  readonly #place: Place
  readonly #process: Process
  readonly #worker: GuestLine
  readonly #plumbing: Plumbing
  readonly #settle = withResolvers<{ status: number; signal?: string }>()
  #slot = -1
  #stateWord = -1
  #ended = false
  /** The signal that it was sent. */
  #sent = 0
  #aborted: AbortError | undefined

  constructor(place: Place, process: Process, worker: GuestLine, plumbing: Plumbing) {
    this.#place = place
    this.#process = process
    this.#worker = worker
    this.#plumbing = plumbing
    this.exited = this.#settle.promise
    this.exited.catch(() => {}) // who does not ask is not told
    place.running.add(this)
    worker.listener = (message) => this.#hear(message)
    worker.onLost = (error) => this.#lost(error)
  }

  #hear(message: FromGuest): void {
    if (message.type === 'began') {
      this.#slot = message.slot
      this.#stateWord = message.stateWord
      return
    }
    if (this.#ended) return
    this.#end()
    this.#place.workers.give(this.#worker)
    if (this.#aborted) this.#settle.reject(this.#aborted)
    else if (this.#sent !== 0) this.#settle.resolve(killedBy(this.#sent))
    else if (message.type === 'failed') this.#settle.reject(fromRecord(message.error))
    else this.#settle.resolve({ status: message.status, ...named(message.signal) })
  }

  #lost(cause: Error): void {
    if (this.#ended) return
    this.#end()
    const what = `ERR_GUEST_LOST: the worker of process ${this.#process.pid} ended: ${cause.message}`
    if (this.#aborted) this.#settle.reject(this.#aborted)
    else if (this.#sent !== 0) this.#settle.resolve(killedBy(this.#sent))
    else this.#settle.reject(new IsopageError('ERR_GUEST_LOST', what, { cause }))
  }

  /** Its process is over, whoever ended it; what it wrote goes to who reads. */
  #end(): void {
    this.#ended = true
    this.#place.running.delete(this)
    if (!this.#place.instance.table.closed) this.#process[Symbol.dispose]()
    this.#plumbing.finish()
    leaveStreams(this.#place)
  }

  kill(signal: number | string = SIGKILL): void {
    const number = signalNumber(signal)
    if (number === undefined) throw outOfRange('signal', 'a signal by number or name', signal)
    if (this.#ended || this.#sent !== 0) return
    this.#sent = number
    this.#kill()
  }

  /** Ends it when the signal is aborted, or was. */
  obey(signal: AbortSignal): void {
    const abort = () => this.#abort(signal.reason)
    const forget = () => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort, { once: true })
    this.exited.then(forget, forget)
    if (signal.aborted) abort()
  }

  #abort(reason: unknown): void {
    if (this.#ended) return
    this.#aborted ??= new AbortError(reason)
    this.kill()
  }

  /** Ends the process by a thread that may wait for it; its worker too, when it does not hear. */
  async #kill(): Promise<void> {
    const status = Math.min(STATUS_SIGNAL + this.#sent, 255)
    this.#process.promises.exit(status).catch(() => {}) // it has ended
    await Promise.race([this.exited.catch(() => {}), pause(this.#place.stallMs + KILL_MS)])
    if (this.#ended) return
    await this.#place.terminate(this.#slot, this.#worker).catch(() => {})
    this.#lost(new Error('it was killed'))
  }

  /** => its thread runs code, of the guest or of a call, and does not sleep. */
  #works(): boolean {
    if (this.#stateWord < 0) return false
    const state = Atomics.load(this.#place.instance.words, this.#stateWord)
    return (state & WHERE_MASK) !== WHERE_PARKED
  }

  /** Kills it once its thread has worked `cpuMs`: it is looked at every few milliseconds, and counts unless it sleeps in the kernel. */
  async limit(cpuMs: number): Promise<void> {
    let used = 0
    let last = performance.now()
    while (!this.#ended) {
      await pause(CPU_STEP_MS)
      const now = performance.now()
      if (this.#works()) used += now - last
      last = now
      if (used > cpuMs) return this.kill(SIGXCPU)
    }
  }
}

function killedBy(signal: number): { status: number; signal: string } {
  return { status: Math.min(STATUS_SIGNAL + signal, 255), signal: signalName(signal) }
}

/** A module whose functions this thread calls. */
export interface Plugin extends Disposable {
  readonly exports: Readonly<Record<string, (...args: (number | bigint)[]) => unknown>>
  readonly process: Process
  /** Its private memory; its mapped window is the process's. */
  readonly memory: WebAssembly.Memory | undefined
}

/** kernel.load. */
export async function load(
  place: Place,
  source: ModuleSource,
  options: LoadOptions = {},
): Promise<Plugin> {
  const launched = await launch(place, source, options, options.process)
  const { process, program } = launched
  const thread = new GuestThread(place.instance, process)
  thread.served = () => place.streams?.pump.drain()
  const end = () => {
    if (thread.context !== 0) place.instance.lastCalls.guest_destroy(thread.context)
    undo(place, launched, options.process)
    thread.forgetNotices()
  }
  try {
    const exports = functionsOf(thread, program, options)
    return { exports, process, memory: thread.memory.memory, [Symbol.dispose]: end }
  } catch (error) {
    end()
    throw error
  }
}

/** Links a library and begins it. => its exported functions, each to be called from outside. */
function functionsOf(thread: GuestThread, program: Program, options: LoadOptions) {
  const imports = { ...wrapped(thread, options.imports ?? {}), ...importsOf(thread, program) }
  const { module, description, memoryMax } = program
  const linked = link(thread, module, { description, imports, memoryMax })
  const called = (call: () => unknown) => callIn(thread, program, call)
  called(() => {
    start(linked)
    ;(linked.exports._initialize as (() => void) | undefined)?.()
  })
  const functions = Object.entries(linked.exports).filter(
    ([name, value]) => typeof value === 'function' && !name.startsWith('isopage:'),
  ) as [string, (...args: unknown[]) => unknown][]
  return Object.fromEntries(
    functions.map(([name, call]) => [name, (...args: unknown[]) => called(() => call(...args))]),
  )
}

/** The host's own functions run outside of the guest, as every answer does. */
function wrapped(thread: GuestThread, imports: NonNullable<LoadOptions['imports']>) {
  const inHost =
    (call: (...args: never[]) => unknown) =>
    (...args: never[]) => {
      thread.leave()
      try {
        return call(...args)
      } finally {
        thread.enter()
      }
    }
  return Object.fromEntries(
    Object.entries(imports).map(([from, group]) => [
      from,
      Object.fromEntries(Object.entries(group).map(([name, call]) => [name, inHost(call)])),
    ]),
  )
}

/** Calls into a plugin. A fault is an error with code SIGSEGV or SIGBUS and `address`. */
function callIn(thread: GuestThread, program: Program, call: () => unknown): unknown {
  try {
    thread.begin()
    const result = call()
    thread.leave()
    return result
  } catch (error) {
    thread.leave()
    const { status, signal, address, error: cause } = endingOf(thread, error)
    thread.ending = undefined // it may be called again
    if (status === undefined && address === undefined) throw cause ?? error
    const code = signal === undefined ? 'ERR_GUEST_EXIT' : signalName(signal)
    const what =
      signal === undefined ? `the plugin called exit(${status})` : accessFailed(program, error)
    const facts = address === undefined ? {} : { address }
    throw new IsopageError(code, `${code}: ${what}`, { cause: error, ...facts })
  }
}

function accessFailed({ module, functions }: Program, error: unknown): string {
  const where = whereIn(module, error, functions)
  return where === undefined ? 'an access failed' : `an access failed, in ${where}`
}
