/**
 * What a thread is told by the kernel without having asked: the callbacks of mq_notify, and the signals of it that guests in this thread get.
 *
 * The kernel keeps each registration that ended until this thread takes it, and rings the thread's doorbell; so nothing is lost while the thread is busy or
 * sleeps in a call. The wait on the doorbell keeps no process alive, and lasts only while a callback is registered. A guest hears at its calls.
 */
import * as ipc from '../assembly/ipcabi.js'
import type { Instance } from './instance.js'

/** Told once that a registration ended: a message came (`fired`), or it was taken back, by whatever. */
type Ended = (fired: boolean) => void

class Notices {
  readonly #instance: Instance
  /** By the number of each registration, one row of them for host and guests: the kernel's list is the thread's. */
  readonly #registered = new Map<number, Ended>()
  #lastCookie = 0
  /** Registrations that the event loop hears of. */
  #callbacks = 0
  #watching = false

  constructor(instance: Instance) {
    this.#instance = instance
  }

  /** Keeps `ended` if `register` does not throw: it tells the kernel the number by which the registration is known. => the number. */
  add(ended: Ended, register: (cookie: number) => void): number {
    this.#lastCookie = (this.#lastCookie + 1) >>> 0 || 1
    register(this.#lastCookie)
    this.#registered.set(this.#lastCookie, ended)
    return this.#lastCookie
  }

  /** As `add`; the event loop calls `callback` when a message came. */
  listen(callback: () => void, register: (cookie: number) => void): void {
    this.add((fired) => {
      this.#callbacks--
      if (fired) queueMicrotask(callback)
    }, register)
    this.#callbacks++
    if (!this.#watching) this.#watch()
  }

  /** Nobody is there any more to be told of this registration. */
  forget(cookie: number): void {
    this.#registered.delete(cookie)
  }

  /** Looks at once: a thread whose event loop is about to end hears of its own messages. */
  look(): void {
    if (this.#registered.size > 0) this.take()
  }

  async #watch(): Promise<void> {
    const instance = this.#instance
    this.#watching = true
    while (this.#callbacks > 0 && !instance.table.closed) {
      const bell = Atomics.load(instance.words, instance.doorbell)
      if (!this.take()) break
      if (this.#callbacks > 0) await instance.rung(bell)
    }
    this.#watching = false
  }

  /** Takes what ended, and tells those whose it was. => false when this thread can make no calls any more. */
  take(): boolean {
    try {
      const { calls, view, resultAt } = this.#instance
      while (calls.mq_noticed() === 1) {
        const cookie = view.getUint32(resultAt + ipc.NOTICE_COOKIE, true)
        const fired = view.getUint32(resultAt + ipc.NOTICE_FIRED, true) === 1
        const ended = this.#registered.get(cookie)
        this.#registered.delete(cookie)
        ended?.(fired)
      }
      return true
    } catch {
      this.#registered.clear()
      this.#callbacks = 0
      return false
    }
  }
}

const everyThreads = new WeakMap<Instance, Notices>()

/** => the registrations of a thread. */
export function noticesOf(instance: Instance): Notices {
  const known = everyThreads.get(instance)
  if (known) return known
  const made = new Notices(instance)
  everyThreads.set(instance, made)
  return made
}
