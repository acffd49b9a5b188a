/** Thread B as thread A sees it. Invariant: a thread that fails or ends rejects whatever it was asked; nothing waits for ever. */
import { Worker } from 'node:worker_threads'
import type { Kernel } from '../index.js'
import type { Answer, Ask, Calls, Start } from './thread-b.js'

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

type Result<Name extends keyof Calls> = Awaited<ReturnType<Calls[Name]>>

export class SecondThread implements AsyncDisposable {
  readonly #kernel: Kernel
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #failure: Error | undefined
  #left = false

  /** @param path of the file, in the kernel. */
  constructor(kernel: Kernel, path: string, bytes: number) {
    this.#kernel = kernel
    const workerData: Start = { handle: kernel.handle, path, bytes }
    this.#worker = new Worker(new URL('./thread-b.js', import.meta.url), { workerData })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (error: Error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`thread B ended with code ${code}`)))
  }

  /** Questions are answered in turn; what is asked runs beside this thread. */
  ask<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<Result<Name>> {
    if (this.#failure) return Promise.reject(this.#failure)
    const asked = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    asked.catch(() => {}) // who asked may fail before it comes to wait
    this.#worker.postMessage({ name, args } satisfies Ask)
    return asked as Promise<Result<Name>>
  }

  /** Lets the thread leave the kernel in good order. */
  async leave(): Promise<void> {
    await this.ask('leave')
    this.#left = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new Error('thread B was ended')
    if (this.#left) await this.#worker.terminate()
    else await this.#kernel.terminate(this.#worker)
  }

  #settle(answer: Answer): void {
    const asked = this.#waiting.shift()
    if ('error' in answer) asked?.reject(answer.error)
    else asked?.resolve(answer.result)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
  }
}
