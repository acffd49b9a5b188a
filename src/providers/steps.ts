/**
 * Calls that may or may not wait: a generator that yields only promises. It runs at once to its end while there
 * is nothing to wait for, so that a synchronous provider makes a synchronous call.
 */
import { errnoOf } from './errno.js'
import type { Awaitable } from './provider.js'

export type Steps<T> = Generator<Promise<unknown>, T, unknown>

/** Gives an awaitable's value to the generator, at once when it is there. */
export function* settled<T>(value: Awaitable<T>): Steps<T> {
  return (isPromise(value) ? yield value : value) as T
}

function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** Runs to the end: 0, or the errno of what was thrown; a promise of it from the first wait on. */
export function run(steps: Steps<void>): Awaitable<number> {
  try {
    const { done, value } = steps.next()
    return done ? 0 : finish(steps, value)
  } catch (error) {
    return errnoOf(error)
  }
}

async function finish(steps: Steps<void>, first: Promise<unknown>): Promise<number> {
  try {
    let pending = first
    for (;;) {
      const { done, value } = await resume(steps, pending)
      if (done) return 0
      pending = value
    }
  } catch (error) {
    return errnoOf(error)
  }
}

function resume(steps: Steps<void>, pending: Promise<unknown>) {
  return pending.then(
    (value) => steps.next(value),
    (error: unknown) => steps.throw(error),
  )
}
