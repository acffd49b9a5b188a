/**
 * Threads for tests, the same in every runtime: node:worker_threads in Node, Deno and Bun, a module
 * Worker in browsers. The module that a thread runs answers through `serve` of ./thread-port.ts.
 * Invariant: whatever goes wrong in a thread rejects a promise here; nothing is lost in silence.
 */

import type { Worker as NodeWorker } from 'node:worker_threads'
import type { Answer, Request } from './thread-port.ts'

type AnyWorker = Worker | NodeWorker

/** One thread, which runs one module that called `serve`. */
export interface Thread extends AsyncDisposable {
  /** Calls a function that the thread serves; rejects with what it throws, or when the thread dies. */
  call<T>(name: string, ...args: unknown[]): Promise<T>
  /** The runtime's worker that runs it. */
  readonly worker: AnyWorker
  /** Ends the thread. Calls that it has not answered reject. */
  end(): Promise<void>
}

interface Channel {
  readonly worker: AnyWorker
  post(message: Request): void
  onMessage(listener: (answer: Answer) => void): void
  onFailure(listener: (error: Error) => void): void
  terminate(): Promise<unknown>
}

/**
 * Starts a thread.
 * @param module the module to run, as `new URL('./x.thread.ts', import.meta.url)`
 */
export async function startThread(module: URL): Promise<Thread> {
  const channel = 'window' in globalThis ? webWorker(module) : await nodeWorker(module)
  return new ChannelThread(channel)
}

/** A thread's module that imports by names it is given: called as Vite calls workers, so that vitest prepares it for the import() calls that it rewrites. */
export function importing(module: URL): URL {
  const prepared = new URL(module)
  if ('window' in globalThis) prepared.search = '?worker_file&type=module'
  return prepared
}

class ChannelThread implements Thread {
  readonly #channel: Channel
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #failure: Error | undefined

  constructor(channel: Channel) {
    this.#channel = channel
    channel.onMessage((answer) => this.#settle(answer))
    channel.onFailure((error) => this.#fail(error))
  }

  call<T>(name: string, ...args: unknown[]): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(id, { promise, resolve, reject })
    this.#channel.post({ id, name, args })
    return promise as Promise<T>
  }

  get worker(): AnyWorker {
    return this.#channel.worker
  }

  async end(): Promise<void> {
    this.#fail(new Error('the thread was ended'))
    await this.#channel.terminate()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  #settle(answer: Answer): void {
    const call = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if ('error' in answer) call?.reject(answer.error)
    else call?.resolve(answer.result)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const call of this.#pending.values()) call.reject(this.#failure)
    this.#pending.clear()
  }
}

async function nodeWorker(module: URL): Promise<Channel> {
  const { Worker } = await import('node:worker_threads')
  // What `attach` asks for, of threads that open files on a disk.
  const worker = new Worker(module, { trackUnmanagedFds: false })
  return {
    worker,
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.on('message', listener),
    onFailure(listener) {
      worker.on('error', listener)
      worker.on('messageerror', listener)
      worker.on('exit', (code) => listener(new Error(`the thread exited with code ${code}`)))
    },
    terminate: () => worker.terminate(),
  }
}

function webWorker(module: URL): Channel {
  const worker = new Worker(module, { type: 'module' })
  return {
    worker,
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
    onFailure(listener) {
      const fail = (event: ErrorEvent | MessageEvent) =>
        listener(new Error(`thread ${event.type}: ${'message' in event ? event.message : module}`))
      worker.addEventListener('error', fail)
      worker.addEventListener('messageerror', fail)
    },
    terminate: async () => worker.terminate(),
  }
}
