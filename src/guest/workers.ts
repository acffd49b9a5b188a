/** The workers that guests run in: started when first needed, used again, and no burden to a program that would end. */

import type { Instance } from '../instance.js'
import type { Handle } from '../protocol.js'
import { startWorker, type WorkerLine } from '../runtime.js'
import type { FromGuest, RunMessage } from './messages.js'

export type Line = WorkerLine<RunMessage, FromGuest>

/** Idle workers that are kept. */
const IDLE_MAX = 2

export class Workers {
  readonly handle: Handle
  readonly instance: Instance
  readonly #idle: GuestLine[] = []
  readonly #all = new Set<GuestLine>()

  constructor(handle: Handle, instance: Instance) {
    this.handle = handle
    this.instance = instance
  }

  async take(): Promise<GuestLine> {
    const idle = this.#idle.pop()
    if (idle) return idle
    const line = await startWorker<RunMessage, FromGuest>(
      new URL('../guest-worker.js', import.meta.url),
      () => new Worker(new URL('../guest-worker.js', import.meta.url), { type: 'module' }),
    )
    const made = new GuestLine(line)
    this.#all.add(made)
    line.onEnd((error) => {
      this.#all.delete(made)
      made.lost(error)
    })
    return made
  }

  /** A worker whose guest has ended. */
  give(worker: GuestLine): void {
    worker.line.unref()
    if (this.#idle.length < IDLE_MAX && !this.instance.table.closed) this.#idle.push(worker)
    else this.drop(worker)
  }

  drop(worker: GuestLine): void {
    this.#all.delete(worker)
    worker.line.terminate()
  }

  async close(): Promise<void> {
    const all = [...this.#all]
    this.#all.clear()
    this.#idle.length = 0
    await Promise.all(all.map(({ line }) => line.terminate()))
  }
}

/** One worker, and who listens to it now. */
export class GuestLine {
  readonly line: Line
  listener: (message: FromGuest) => void = () => {}
  onLost: (error: Error) => void = () => {}

  constructor(line: Line) {
    this.line = line
    line.onMessage((message) => this.listener(message))
  }

  lost(error: Error): void {
    this.onLost(error)
  }
}
