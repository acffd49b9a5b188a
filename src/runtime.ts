/**
 * Where this thread runs, and threads of its own: node:worker_threads in Node, Deno and Bun, module Workers in
 * browsers. Invariant: no static import of a Node module, so that browsers load this file as it is.
 */
import type { Worker as NodeWorker } from 'node:worker_threads'

/** Node, Deno or Bun: node:* modules are there. */
export const onNode = typeof globalThis.process?.versions?.node === 'string'
export const onDeno = 'Deno' in globalThis
export const onBun = 'Bun' in globalThis
/** A page's own thread, which may not sleep; not a worker of it. */
export const onPage = !onNode && 'document' in globalThis

interface Builtins {
  'node:fs': typeof import('node:fs')
  'node:net': typeof import('node:net')
  'node:os': typeof import('node:os')
  'node:worker_threads': typeof import('node:worker_threads')
}

/** A module of the runtime. => onNode. The name is a variable, so that bundlers do not follow it. */
export async function builtin<Name extends keyof Builtins>(name: Name): Promise<Builtins[Name]> {
  const known = globalThis.process?.getBuiltinModule?.(name)
  return (known ??
    (await import(/* @vite-ignore */ /* webpackIgnore: true */ name))) as Builtins[Name]
}

/** This thread may sleep in Atomics.wait; a browser's main thread may not. */
export function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)
    return true
  } catch {
    return false
  }
}

/** A worker that the user may hand to us, or that we started. */
export type AnyWorker = Worker | NodeWorker

/** => a `Worker` of this runtime, by what it can do. */
export function isWorker(value: unknown): value is AnyWorker {
  const worker = value as Partial<Worker> | null
  return (
    typeof worker === 'object' &&
    typeof worker?.postMessage === 'function' &&
    typeof worker.terminate === 'function'
  )
}

/**
 * Asks a worker to end itself, and its answer when it is about to. Firefox 140 hangs in `new Worker` after a worker has terminated a
 * worker of its own (an empty one too), so there workers are asked first.
 */
const END = '@isopage/end'
const ENDING = '@isopage/ending'
/** How long a worker that was asked may take; it is terminated then. */
const END_MS = 2000

/** One end of the line between a thread and the worker it started. */
export interface Port<Sent, Received> {
  post(message: Sent): void
  onMessage(listener: (message: Received) => void): void
}

/** A worker that this thread started. Neither keeps the process alive unless `ref` says so. */
export interface WorkerLine<Sent, Received> extends Port<Sent, Received> {
  /** Called once when the worker failed or ended. */
  onEnd(listener: (error: Error) => void): void
  ref(): void
  unref(): void
  terminate(): Promise<void>
}

/** Starts a worker: `url` where node:worker_threads is, `web` (with the literal that bundlers look for) elsewhere. */
export async function startWorker<Sent, Received>(
  url: URL,
  web: () => Worker,
): Promise<WorkerLine<Sent, Received>> {
  return onNode ? nodeLine(url) : webLine(web())
}

async function nodeLine<Sent, Received>(url: URL): Promise<WorkerLine<Sent, Received>> {
  const { Worker } = await builtin('node:worker_threads')
  // Files that it opened on a disk are the kernel's, and outlive it: Node would close their descriptors with it.
  const worker = new Worker(url, { trackUnmanagedFds: false })
  worker.unref()
  return {
    post: (message) => worker.postMessage(message),
    onMessage(listener) {
      worker.on('message', listener)
      worker.unref() // a listener refs it in Bun
    },
    onEnd(listener) {
      worker.once('error', listener)
      worker.once('messageerror', listener)
      worker.once('exit', (code) => listener(new Error(`the worker exited with code ${code}`)))
    },
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: async () => void (await worker.terminate()),
  }
}

function webLine<Sent, Received>(worker: Worker): WorkerLine<Sent, Received> {
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) =>
      worker.addEventListener('message', ({ data }) => {
        if (data !== ENDING) listener(data)
      }),
    onEnd(listener) {
      const end = (event: ErrorEvent | MessageEvent) =>
        listener(new Error(`worker ${event.type}: ${'message' in event ? event.message : ''}`))
      worker.addEventListener('error', end)
      worker.addEventListener('messageerror', end)
    },
    ref() {},
    unref() {},
    terminate: () => endWebWorker(worker),
  }
}

/** A worker of a page is terminated; a worker of a worker is asked to end, and terminated when it does not in time. */
async function endWebWorker(worker: Worker): Promise<void> {
  if ('WorkerGlobalScope' in globalThis) {
    const { promise, resolve } = withResolvers<boolean>()
    worker.addEventListener('message', ({ data }) => {
      if (data === ENDING) resolve(true)
    })
    worker.postMessage(END)
    if (await Promise.race([promise, pause(END_MS)])) return
  }
  worker.terminate()
}

/** The worker's own end of its line. `leave` runs before it ends because it was asked to. */
export async function parentPort<Sent, Received>(
  leave: () => Promise<void> = async () => {},
): Promise<Port<Sent, Received>> {
  if (!onNode) {
    const scope = globalThis as unknown as Worker & { close(): void }
    const end = async () => {
      await leave().catch(() => {}) // what it could not give back is found when it is dead
      scope.postMessage(ENDING)
      scope.close()
    }
    return {
      post: (message) => scope.postMessage(message),
      onMessage: (listener) =>
        scope.addEventListener('message', ({ data }) => (data === END ? end() : listener(data))),
    }
  }
  const { parentPort: port } = await builtin('node:worker_threads')
  if (!port) throw new Error('this module runs in a worker that Isopage starts')
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => port.on('message', listener),
  }
}

/** The runtime's number for this thread, 0 where there is none or on the main thread. */
export async function threadId(): Promise<number> {
  return onNode ? (await builtin('node:worker_threads')).threadId : 0
}

/** Waits at most `milliseconds`; keeps no process alive. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Waits for a promise, but no longer than so: whether it was in time nobody is told. No timer stays behind, which would keep the process alive. */
export async function waitAtMost(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  try {
    await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Calls `act` every so often until the returned function is called; keeps no process alive. */
export function every(milliseconds: number, act: () => void): () => void {
  const timer = setInterval(act, milliseconds) as unknown
  const { Deno } = globalThis as { Deno?: { unrefTimer(timer: unknown): void } }
  if (Deno) Deno.unrefTimer(timer)
  else (timer as { unref?: () => void }).unref?.()
  return () => clearInterval(timer as number)
}

/** A promise, and the ways to settle it. */
export interface Settleable<T> {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: unknown) => void
}

/** Promise.withResolvers, which Node 20 has not. */
export function withResolvers<T>(): Settleable<T> {
  const parts = {} as Settleable<T>
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return parts
}
