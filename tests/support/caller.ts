/** A thread that makes the calls of processes, and may sleep in them: for tests of what waits. */

import type { Kernel, Process } from '../../dist/src/index.js'
import { pause } from './pause.ts'
import { startThread, type Thread } from './thread.ts'

interface Answer {
  value?: unknown
  failure?: { code?: string; message: string }
}

/** A process, by its number: this thread need not run it. */
export type Owned = Pick<Process, 'pid'>

export class Caller implements AsyncDisposable {
  readonly thread: Thread
  readonly #kernel: Kernel
  readonly #joined = new Set<number>()

  private constructor(kernel: Kernel, thread: Thread) {
    this.#kernel = kernel
    this.thread = thread
  }

  static async start(kernel: Kernel): Promise<Caller> {
    const thread = await startThread(new URL('./process.thread.ts', import.meta.url))
    await thread.call('attach', kernel.handleFor(thread.worker))
    return new Caller(kernel, thread)
  }

  /** Makes a process that this thread alone runs. */
  async spawn(): Promise<Owned> {
    const pid = await this.thread.call<number>('spawn')
    this.#joined.add(pid)
    return { pid }
  }

  /** Makes a call of a process in the thread. => what it gives, or the name of the errno it fails with. */
  async call<T = unknown>(process: Owned, name: keyof Process, ...args: unknown[]): Promise<T> {
    if (!this.#joined.has(process.pid)) {
      this.#joined.add(process.pid)
      await this.thread.call('join', process.pid)
    }
    const { value, failure } = await this.thread.call<Answer>('call', process.pid, name, args)
    if (failure && !failure.code) throw new Error(failure.message)
    return (failure ? failure.code : value) as T
  }

  /** Ends the thread, whatever it does, and releases what it had. */
  async kill(): Promise<void> {
    await this.#kernel.terminate(this.thread.worker)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

/** Resolves once `count` threads sleep in the kernel. */
export async function asleep(kernel: Kernel, count: number): Promise<void> {
  while (kernel.stats().sleepers !== count) await pause(1)
}
