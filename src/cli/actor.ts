/**
 * A thread of the tour: attaches to the kernel, has a process, and makes the calls that it is told to, one after the other.
 * Invariant: whatever becomes of the thread, each call that it was asked for settles.
 */
import { Worker } from 'node:worker_threads'
import type { Kernel } from '../index.js'
import type { Acts, Answer, Ask, Start } from './actor-thread.js'

type Result<Name extends keyof Acts> = Awaited<ReturnType<Acts[Name]>>

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class Actor {
  readonly name: string
  readonly #kernel: Kernel
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []

  constructor(kernel: Kernel, name: string) {
    this.name = name
    this.#kernel = kernel
    const workerData: Start = { handle: kernel.handle }
    this.#worker = new Worker(new URL('./actor-thread.js', import.meta.url), { workerData })
    this.#worker.on('message', (answer: Answer) => {
      const asked = this.#waiting.shift()
      if ('error' in answer) {
        const { code, message } = answer.error
        asked?.reject(Object.assign(new Error(message), { code }))
      } else asked?.resolve(answer.result)
    })
    for (const event of ['error', 'exit']) {
      this.#worker.on(event, () => this.#fail(new Error(`thread ${name} ended`)))
    }
  }

  /** => what the call gives; rejects with its error, which has a `code`. */
  ask<Name extends keyof Acts>(name: Name, ...args: Parameters<Acts[Name]>): Promise<Result<Name>> {
    const asked = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    asked.catch(() => {}) // it may be waited for later
    this.#worker.postMessage({ name, args } satisfies Ask)
    return asked as Promise<Result<Name>>
  }

  /** Ends the thread wherever it is: what it held is given back as after a crash. */
  async crash(): Promise<void> {
    await this.#kernel.terminate(this.#worker)
    this.#fail(new Error(`thread ${this.name} was ended`))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
