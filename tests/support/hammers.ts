/**
 * Threads that act without end until they are killed. All of them rest while new ones start: to start a worker beside busy ones takes ten times as
 * long, and a soak kills tens of thousands.
 */

import type { Kernel } from '../../dist/src/index.js'
import { pause } from './pause.ts'
import type { Pulse } from './pulse.ts'
import { startThread, type Thread } from './thread.ts'

export interface HammerOptions {
  readonly kernel: Kernel
  /** What each runs; it serves `attach`, given a handle, and `hammer`, whose loop looks at the pulse that is its last argument. */
  readonly module: URL
  /** How many there are after a start, and how few before the next. */
  most: number
  least: number
  /** How often each has acted before any is killed. */
  acts?: number
  /** The arguments of its `hammer`, before the pulse. */
  args(number: number): unknown[]
}

interface Hammer {
  readonly thread: Thread
  readonly beat: Int32Array
  /** Somebody else's from now on: how it ends is no failure. */
  given: boolean
}

export class Hammers {
  readonly #options: HammerOptions
  readonly #halt = new Int32Array(new SharedArrayBuffer(4))
  #standing: Hammer[] = []
  #started = 0
  #failure: unknown

  constructor(options: HammerOptions) {
    this.#options = options
  }

  /** => the next to be killed; it is nobody's any more. New ones are started first when there are few. */
  async take(): Promise<Thread> {
    if (this.#standing.length <= this.#options.least) await this.muster()
    this.#check()
    const [victim, ...others] = this.#standing as [Hammer, ...Hammer[]]
    this.#standing = others
    victim.given = true
    return victim.thread
  }

  /** Until each that stands has acted again. */
  async move(acts = 1): Promise<void> {
    const goals = this.#standing.map(({ beat }) => ({ beat, goal: Atomics.load(beat, 0) + acts }))
    for (const { beat, goal } of goals) {
      for (; Atomics.load(beat, 0) < goal; await pause(1)) this.#check()
    }
  }

  /** => those that stand; they are nobody's any more. */
  disband(): Thread[] {
    this.#check()
    const standing = this.#standing
    this.#standing = []
    return standing.map((hammer) => {
      hammer.given = true
      return hammer.thread
    })
  }

  /** Starts those that are missing. */
  async muster(): Promise<void> {
    Atomics.store(this.#halt, 0, 1)
    const missing = this.#options.most - this.#standing.length
    const fresh = await Promise.all(Array.from({ length: missing }, () => this.#begin()))
    this.#standing.push(...fresh)
    Atomics.store(this.#halt, 0, 0)
    Atomics.notify(this.#halt, 0)
    await this.move(this.#options.acts)
  }

  async #begin(): Promise<Hammer> {
    const { kernel, module, args } = this.#options
    const number = this.#started++
    const thread = await startThread(module)
    await thread.call('attach', kernel.handleFor(thread.worker))
    const beat = new Int32Array(new SharedArrayBuffer(4))
    const hammer = { thread, beat, given: false }
    const pulse: Pulse = { beat: beat.buffer, halt: this.#halt.buffer as SharedArrayBuffer }
    thread.call('hammer', ...args(number), pulse).catch((error) => {
      if (!hammer.given) this.#failure ??= error
    })
    return hammer
  }

  #check(): void {
    if (this.#failure) throw this.#failure
  }
}
