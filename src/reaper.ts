/**
 * Ends threads, and gives back to the kernel what dead ones held.
 *
 *   terminate:  stop (the kernel lets the thread out of its calls) -> end the worker -> proof -> reap
 *   sweep:      proof -> reap, for threads that ended without a word: a raw terminate, a crash
 *
 * Invariant: nothing is reaped without proof (liveness.ts); without it the slot, and all that it holds, stays.
 */
import { EAGAIN, ESRCH } from '../assembly/abi.js'
import { IsopageError } from './errors.js'
import type { Instance } from './instance.js'
import { isDead, provedDead } from './liveness.js'
import { every, pause, waitAtMost } from './runtime.js'
import type { ThreadRecord } from './threads.js'

/** How often threads are looked at. */
const SWEEP_MS = 100
/** How long a proof is waited for: Chromium lets a busy worker run for 2 s, longer when starved. */
const PROOF_MS = 10_000

export class Reaper {
  readonly #instance: Instance
  readonly #kernelId: string
  readonly #stallMs: number
  #endSweeps: (() => void) | undefined
  /** Sweeps that run or wait for their turn, and the end of the last. */
  #sweeps = 0
  #lastSweep: Promise<unknown> = Promise.resolve()

  constructor(instance: Instance, kernelId: string, stallMs: number) {
    this.#instance = instance
    this.#kernelId = kernelId
    this.#stallMs = stallMs
    instance.provedDead = (index) => this.#provedDead(index)
    instance.repair = (index) => this.#repair(index)
  }

  /** Looks after all threads from now on. */
  start(): void {
    this.#endSweeps ??= every(SWEEP_MS, () => {
      if (this.#sweeps === 0) this.sweep().catch(() => {}) // a kernel that is closing or broken says so to its callers
    })
  }

  stop(): void {
    this.#endSweeps?.()
    this.#endSweeps = undefined
  }

  /**
   * Reaps every thread that is proved dead. One sweep at a time: a call waits for the one that runs, then looks itself. => how many this
   * sweep reaped; another one may have been faster.
   */
  async sweep(): Promise<number> {
    this.#sweeps++
    const turn = this.#lastSweep.then(() => this.#sweepNow())
    this.#lastSweep = turn.catch(() => {})
    try {
      return await turn
    } finally {
      this.#sweeps--
    }
  }

  async #sweepNow(): Promise<number> {
    let reaped = 0
    for (const record of this.#instance.table.all()) {
      if (record.index === this.#instance.index) continue
      if (!(await isDead(this.#kernelId, record))) continue
      if (await this.#reap(record)) reaped++
    }
    return reaped
  }

  /**
   * Ends threads so that the kernel is whole afterwards.
   * @param end ends the workers that run them; called when no thread is inside the kernel any more, or the stall time is over
   * Rejects with ERR_THREAD_ALIVE when there is no proof within 10 s; the threads stay watched.
   */
  async terminate(records: readonly ThreadRecord[], end: () => Promise<unknown>): Promise<void> {
    await this.#stop(records)
    await waitAtMost(end(), PROOF_MS) // Bun's never resolves on a loop without calls
    const deadline = performance.now() + PROOF_MS
    for (const record of records) {
      while (!(await isDead(this.#kernelId, record))) {
        if (performance.now() > deadline) throw alive(record.index)
        await pause(2)
      }
      await this.#reap(record)
    }
  }

  async #stop(records: readonly ThreadRecord[]): Promise<void> {
    const deadline = performance.now() + this.#stallMs
    for (const { index, sequence } of records) {
      while (this.#instance.lastCalls.thread_stop(index, sequence) === 0) {
        if (performance.now() > deadline) break
        await pause(1)
      }
    }
  }

  /** => the slot is free again. Waits while a request of the dead thread is served. */
  async #reap(record: ThreadRecord): Promise<boolean> {
    const deadline = performance.now() + PROOF_MS
    for (;;) {
      const { index, sequence } = record
      const result = this.#instance.lastCalls.thread_reap(index, sequence, 1)
      if (result >= 0 || result === -ESRCH) {
        this.#instance.table.forget(record)
        return result >= 0
      }
      if (result !== -EAGAIN || performance.now() > deadline) return false
      await pause(2)
    }
  }

  #provedDead(index: number): boolean {
    const record = this.#instance.table.at(index)
    return record !== undefined && provedDead(record)
  }

  /** Reaps now; for a caller that cannot wait. */
  #repair(index: number): boolean {
    const record = this.#instance.table.at(index)
    if (!record || !provedDead(record)) return false
    const result = this.#instance.lastCalls.thread_reap(record.index, record.sequence, 1)
    if (result >= 0) this.#instance.table.forget(record)
    return result >= 0
  }
}

function alive(index: number): IsopageError {
  return new IsopageError(
    'ERR_THREAD_ALIVE',
    `ERR_THREAD_ALIVE: the worker of thread ${index} did not end within ${PROOF_MS / 1000} s; what it holds ` +
      'is not used again before it does',
  )
}
