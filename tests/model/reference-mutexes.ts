/**
 * Process-shared mutexes of the reference (ipc-reference.ts), one of each kind.
 *
 * Who of several sleepers gets a mutex next is nobody's promise, so scripts let one sleep at a time: `isAwaited`.
 */

import type { MutexOptions } from '../../dist/src/index.js'
import { ASLEEP, type Outcome, type Outcomes } from './reference-table.ts'

/** The POSIX object that they lie in, each at a multiple of so many bytes. */
export const MUTEX_PAGE = '/mutexes'
export const MUTEX_STRIDE = 16

/** By number. */
export const MUTEXES: readonly Required<MutexOptions>[] = [
  { type: 'normal', robust: false },
  { type: 'recursive', robust: false },
  { type: 'errorcheck', robust: false },
  { type: 'normal', robust: true },
  { type: 'recursive', robust: true },
]

interface Mutex extends Required<MutexOptions> {
  owner?: number | undefined
  /** Locks of the owner beyond the first. */
  again: number
  /** Its owner died, and nobody has said that what it protects is whole. */
  inconsistent: boolean
  lost: boolean
  sleeper?: number | undefined
}

export class Mutexes {
  readonly #all: Mutex[] = MUTEXES.map((kind) => ({
    ...kind,
    again: 0,
    inconsistent: false,
    lost: false,
  }))

  #at(number: number): Mutex {
    return this.#all[number] as Mutex
  }

  isAwaited(number: number): boolean {
    return this.#at(number).sleeper !== undefined
  }

  lock(process: number, number: number): Outcome {
    const outcome = this.#take(process, this.#at(number))
    if (outcome !== 'EBUSY') return outcome
    this.#at(number).sleeper = process
    return ASLEEP
  }

  trylock(process: number, number: number): Outcome {
    const outcome = this.#take(process, this.#at(number))
    return outcome === 'EDEADLK' ? 'EBUSY' : outcome
  }

  #take(process: number, mutex: Mutex): Outcome {
    if (mutex.lost) return 'ENOTRECOVERABLE'
    if (mutex.owner === process && mutex.type === 'errorcheck') return 'EDEADLK'
    if (mutex.owner === process && mutex.type === 'recursive') {
      mutex.again++
      return 'ok'
    }
    if (mutex.owner !== undefined) return 'EBUSY'
    mutex.owner = process
    return mutex.inconsistent ? 'EOWNERDEAD' : 'ok'
  }

  unlock(process: number, number: number, woken: Outcomes): Outcome {
    const mutex = this.#at(number)
    if (mutex.owner !== process) return 'EPERM'
    if (mutex.again > 0) mutex.again--
    else {
      mutex.lost = mutex.inconsistent
      this.#free(mutex, woken)
    }
    return 'ok'
  }

  /** Nobody owns it any more; who sleeps is the next to try. */
  #free(mutex: Mutex, woken: Outcomes): void {
    mutex.owner = undefined
    mutex.again = 0
    const { sleeper } = mutex
    if (sleeper === undefined) return
    mutex.sleeper = undefined
    woken.set(sleeper, this.#take(sleeper, mutex))
  }

  consistent(process: number, number: number): Outcome {
    const mutex = this.#at(number)
    if (mutex.owner !== process || !mutex.inconsistent) return 'EINVAL'
    mutex.inconsistent = false
    return 'ok'
  }

  /** => the process sleeps for a mutex: no signal ends that. */
  sleeps(process: number): boolean {
    return this.#all.some(({ sleeper }) => sleeper === process)
  }

  /** The process ends: who is robust says so to the next, what is not stays locked for ever. */
  exit(process: number, woken: Outcomes): void {
    for (const mutex of this.#all) if (mutex.sleeper === process) mutex.sleeper = undefined
    for (const mutex of this.#all) {
      if (mutex.owner !== process) continue
      if (mutex.robust) {
        mutex.inconsistent = true
        this.#free(mutex, woken)
      } else mutex.owner = GONE
    }
  }
}

/** An owner that is no process. */
const GONE = -1
