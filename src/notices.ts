/**
 * What a thread is told by the kernel without having asked: the callbacks of mq_notify.
 *
 * The kernel keeps each registration that ended until this thread takes it, and rings the thread's doorbell; so nothing is lost while the thread is busy or
 * sleeps in a call. The wait on the doorbell keeps no process alive, and lasts only while a callback is registered.
 */
import * as ipc from '../assembly/ipcabi.js'
import type { Instance } from './instance.js'

class Notices {
  readonly #instance: Instance
  readonly #callbacks = new Map<number, () => void>()
  #lastCookie = 0
  #watching = false

  constructor(instance: Instance) {
    this.#instance = instance
  }

  /** Keeps `callback` if `register` does not throw: it tells the kernel the number by which the callback is known. */
  add(callback: () => void, register: (cookie: number) => void): void {
    this.#lastCookie = (this.#lastCookie + 1) >>> 0 || 1
    register(this.#lastCookie)
    this.#callbacks.set(this.#lastCookie, callback)
    if (!this.#watching) this.#watch()
  }

  /** Looks at once: a thread whose event loop is about to end hears of its own messages. */
  look(): void {
    if (this.#callbacks.size > 0) this.#take()
  }

  async #watch(): Promise<void> {
    const instance = this.#instance
    this.#watching = true
    while (this.#callbacks.size > 0 && !instance.table.closed) {
      const bell = Atomics.load(instance.words, instance.doorbell)
      if (!this.#take()) break
      if (this.#callbacks.size > 0) await instance.rung(bell)
    }
    this.#watching = false
  }

  /** Takes what ended, and has the callbacks of what fired called. => false when this thread can make no calls any more. */
  #take(): boolean {
    try {
      const { calls, view, resultAt } = this.#instance
      while (calls.mq_noticed() === 1) {
        const cookie = view.getUint32(resultAt + ipc.NOTICE_COOKIE, true)
        const fired = view.getUint32(resultAt + ipc.NOTICE_FIRED, true) === 1
        const callback = this.#callbacks.get(cookie)
        this.#callbacks.delete(cookie)
        if (callback && fired) queueMicrotask(callback)
      }
      return true
    } catch {
      this.#callbacks.clear()
      return false
    }
  }
}

const everyThreads = new WeakMap<Instance, Notices>()

/** => the callbacks of a thread. */
export function noticesOf(instance: Instance): Notices {
  const known = everyThreads.get(instance)
  if (known) return known
  const made = new Notices(instance)
  everyThreads.set(instance, made)
  return made
}
