/**
 * The promise form of calls: they run in service workers, threads of our own that may wait.
 *
 * Invariants:
 *   1. A worker runs one call at a time. Calls that may wait without bound get a worker of their own, so that they hold up
 *      nobody; all others share BOUNDED_MAX workers, in the order in which they were asked for. One call more than LONG_MAX that
 *      may wait without bound is refused: it would take a worker from those that end the waits, or be queued behind what it is to end.
 *   2. Workers are started when first needed, used again, and keep the process alive only while they run a call.
 *   3. An abort ends the wait of the one call it belongs to: the kernel's thread_interrupt, asked again until the call ended. A call
 *      that was done before it could be interrupted resolves: its effect is there.
 */
import { EINTR } from '../assembly/abi.js'
import { wrongType } from './check.js'
import { AbortError, fromRecord, IsopageError, type IsopageTypeError } from './errors.js'
import { closed, type Instance } from './instance.js'
import type { FromWorker, Handle, ServiceCall, Services, ToWorker } from './protocol.js'
import { every, onPage, startWorker, type WorkerLine, withResolvers } from './runtime.js'
import type { ThreadTable } from './threads.js'
import { mayWaitLong } from './waits.js'

/** Workers that run calls which end by themselves. */
const BOUNDED_MAX = 2
/** Workers in all. */
const WORKERS_MAX = 64
/** Calls at a time that may wait without bound. */
const LONG_MAX = WORKERS_MAX - BOUNDED_MAX
/** How often the thread that booted looks whether a flusher is wanted. */
const LOOK_MS = 100
/** How long an interrupt is given before it is asked again, ms. */
const INTERRUPT_AGAIN_MS = 2

type Line = WorkerLine<ToWorker, FromWorker>

interface Task {
  call: ServiceCall
  long: boolean
  readonly signal: AbortSignal | undefined
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Started {
  readonly line: Line
  readonly slot: number
}

interface ServiceWorker {
  readonly line: Line
  readonly slot: number
  task: Task | undefined
}

/** Starts a service worker, or the flusher. => its line, once it has its slot. Rejects with what kept it from starting. */
export async function startService(
  handle: Handle,
  parent: number,
  flusher: boolean,
): Promise<Started> {
  const line = await startWorker<ToWorker, FromWorker>(
    new URL('./service-worker.js', import.meta.url),
    () => new Worker(new URL('./service-worker.js', import.meta.url), { type: 'module' }),
  )
  const { promise, resolve, reject } = withResolvers<number>()
  line.onEnd((cause) => reject(lost(cause)))
  line.onMessage((message) => {
    if (message.type === 'ready') resolve(message.slot)
    if (message.type === 'failed') reject(fromRecord(message.error))
  })
  line.ref()
  line.post({ type: 'start', handle, parent, owned: [], flusher })
  try {
    return { line, slot: await promise }
  } catch (error) {
    await line.terminate()
    throw error
  } finally {
    line.unref()
  }
}

export class ServicePool implements Services {
  readonly #handle: Handle
  readonly #instance: Instance
  readonly #workers = new Set<ServiceWorker>()
  readonly #queue: Task[] = []
  #starting = 0
  #startingLong = 0
  #closed = false

  constructor(handle: Handle, instance: Instance) {
    this.#handle = handle
    this.#instance = instance
  }

  async run(call: ServiceCall, signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) throw new AbortError(signal.reason)
    if (this.#closed) throw closed()
    const { promise, resolve, reject } = withResolvers<unknown>()
    const task = { call, long: mayWaitLong(call), signal, resolve, reject }
    const abort = () => this.#abort(task)
    signal?.addEventListener('abort', abort, { once: true })
    if (this.#enqueue(task)) this.#dispatch()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** => false when it was refused instead. */
  #enqueue(task: Task): boolean {
    const isOne = !task.long || this.#longs() < LONG_MAX
    if (isOne) this.#queue.push(task)
    else task.reject(tooMany(task.call))
    return isOne
  }

  /** A worker saw that the call may wait without bound. */
  #makeLong(task: Task): void {
    if (this.#closed) return
    task.call = { ...task.call, long: true }
    task.long = true
    this.#enqueue(task)
  }

  /** Ends the workers. Calls that have not ended reject with ERR_KERNEL_CLOSED. */
  async close(): Promise<void> {
    this.#closed = true
    for (const task of this.#queue.splice(0)) task.reject(closed())
    const workers = [...this.#workers]
    this.#workers.clear()
    for (const { task } of workers) task?.reject(closed())
    await Promise.all(workers.map((worker) => this.#end(worker)))
  }

  /** Ends a worker; the waits of what it runs end with EINTR meanwhile. */
  async #end({ line, slot, task }: ServiceWorker): Promise<void> {
    const interrupt = () => void this.#instance.lastCalls.thread_interrupt(slot)
    const interrupted = task ? every(INTERRUPT_AGAIN_MS, interrupt) : () => {}
    await line.terminate()
    interrupted()
  }

  /** Gives tasks to workers, as far as there are any or may be. */
  #dispatch(): void {
    for (let at = 0; at < this.#queue.length; ) {
      const task = this.#queue[at] as Task
      const idle = [...this.#workers].find((worker) => !worker.task)
      if (!task.long && this.#boundedBusy() >= BOUNDED_MAX) at++
      else if (idle) {
        this.#queue.splice(at, 1)
        this.#give(idle, task)
      } else {
        this.#startFor(task)
        at++
      }
    }
  }

  #boundedBusy(): number {
    return [...this.#workers].filter(({ task }) => task && !task.long).length
  }

  /** => calls that may wait without bound: those that run, and those that wait for a worker. */
  #longs(): number {
    return [...this.#workers].filter(({ task }) => task?.long).length + this.#waiting(true)
  }

  #waiting(long: boolean): number {
    return this.#queue.filter((task) => task.long === long).length
  }

  /** Starts a worker unless enough are starting for what waits. */
  #startFor({ long }: Task): void {
    const waiting = this.#waiting(long)
    if (this.#startingFor(long) >= (long ? waiting : Math.min(waiting, BOUNDED_MAX))) return
    if (this.#workers.size + this.#starting >= WORKERS_MAX) return
    this.#starting++
    if (long) this.#startingLong++
    this.#start(long)
  }

  #startingFor(long: boolean): number {
    return long ? this.#startingLong : this.#starting - this.#startingLong
  }

  async #start(long: boolean): Promise<void> {
    const started = await startService(this.#handle, this.#instance.index, false).catch(
      (error: unknown) => ({ error }),
    )
    this.#starting--
    if (long) this.#startingLong--
    if ('error' in started) {
      // Who waits for a worker that is there goes on waiting: the next end of a call tries again. Where none of its kind waits any more, others may have its place.
      if (!this.#refuse(long, started.error) && this.#waiting(long) > 0) return
    } else if (this.#closed) return void (await started.line.terminate())
    else this.#take({ ...started, task: undefined })
    this.#dispatch()
  }

  /** No worker could be started: rejects the first call that no other one will come to. => whether there was one. */
  #refuse(long: boolean, error: unknown): boolean {
    const starting = this.#startingFor(long)
    const isServed = long
      ? this.#waiting(true) <= starting
      : starting > 0 || [...this.#workers].some(({ task }) => !task?.long)
    const first = this.#queue.find((task) => task.long === long)
    return !isServed && first !== undefined && this.#drop(first, error)
  }

  #take(worker: ServiceWorker): void {
    worker.line.onMessage((message) => {
      if (message.type !== 'result' && message.type !== 'long') return
      const { task } = worker
      worker.task = undefined
      worker.line.unref()
      if (task && message.type === 'long') this.#makeLong(task)
      else if (task && message.type === 'result') settle(task, message)
      this.#dispatch()
    })
    worker.line.onEnd((cause) => {
      this.#workers.delete(worker)
      worker.task?.reject(lost(cause))
      this.#dispatch()
    })
    this.#workers.add(worker)
  }

  #give(worker: ServiceWorker, task: Task): void {
    worker.task = task
    worker.line.ref()
    try {
      worker.line.post({ type: 'call', ...task.call })
    } catch (error) {
      worker.task = undefined
      worker.line.unref()
      task.reject(uncloneable(task.call, error))
    }
  }

  #drop(task: Task, error: unknown): boolean {
    const at = this.#queue.indexOf(task)
    if (at >= 0) this.#queue.splice(at, 1)
    if (at >= 0) task.reject(error)
    return at >= 0
  }

  #abort(task: Task): void {
    if (this.#drop(task, new AbortError(task.signal?.reason))) return
    const worker = [...this.#workers].find((busy) => busy.task === task)
    if (!worker) return
    this.#instance.lastCalls.thread_interrupt(worker.slot)
    setTimeout(() => this.#abort(task), INTERRUPT_AGAIN_MS)
  }
}

function settle(task: Task, message: FromWorker & { type: 'result' }): void {
  if ('result' in message) task.resolve(message.result)
  else if (task.signal?.aborted && message.error.errno === EINTR) {
    task.reject(new AbortError(task.signal.reason))
  } else task.reject(fromRecord(message.error))
}

function lost(cause: Error): IsopageError {
  return new IsopageError(
    'ERR_SERVICE_LOST',
    `ERR_SERVICE_LOST: the worker that ran the call ended: ${cause.message}`,
    { cause },
  )
}

function tooMany({ name }: ServiceCall): IsopageError {
  const message = `ERR_TOO_MANY_WAITS: ${name} may have to wait, as ${LONG_MAX} promise forms do already`
  return new IsopageError('ERR_TOO_MANY_WAITS', message, { syscall: name })
}

/** An argument that cannot go to another thread is of a wrong type for every call. */
function uncloneable({ name, args }: ServiceCall, cause: unknown): IsopageTypeError {
  const wrong = args.find((arg) => typeof arg === 'function' || typeof arg === 'symbol') ?? args
  const error = wrongType(
    `${name} arguments`,
    'values that can be cloned, none of them detached',
    wrong,
  )
  error.cause = cause
  return error
}

/**
 * Keeps one flusher running for the whole kernel: it writes back what is dirty by age. Whoever stores first starts it, and the thread that booted when it ends
 * with the thread that had started it. Where a page's own thread booted, that one always does: in Firefox 153 a worker that starts a worker may hang in
 * `new Worker`. It waits for word of the page's thread on a condition on which the worker just started waits too, and one of the two is woken.
 */
export class Flusher {
  readonly #handle: Handle
  readonly #table: ThreadTable
  readonly #parent: number
  #line: Promise<Started | undefined> | undefined
  #endLook: (() => void) | undefined

  /** @param booted this thread booted the kernel */
  constructor(handle: Handle, instance: Instance, booted: boolean) {
    this.#handle = handle
    this.#table = instance.table
    this.#parent = instance.index
    if (booted && handle.mounts.length > 0) {
      this.#endLook = every(LOOK_MS, () => {
        if (this.#table.wantsFlusher) this.#claim()
      })
    }
  }

  /** Something may be dirty. Has the flusher started unless one runs, here or in another thread. */
  wake(): void {
    if (this.#table.hasFlusher) return
    if (this.#handle.settings.inPage && !onPage) this.#table.wantFlusher()
    else this.#claim()
  }

  #claim(): void {
    if (this.#table.claimFlusher(this.#parent)) this.#line = this.#start()
  }

  async #start(): Promise<Started | undefined> {
    try {
      const { line, slot } = await startService(this.#handle, this.#parent, true)
      this.#table.setFlusher(slot)
      line.onEnd(() => this.#table.forgetFlusher(slot))
      return { line, slot }
    } catch {
      this.#table.setFlusher(undefined) // the next wake() tries again
      return undefined
    }
  }

  async close(): Promise<void> {
    this.#endLook?.()
    const started = await this.#line
    await started?.line.terminate()
    if (started) this.#table.forgetFlusher(started.slot)
  }
}
