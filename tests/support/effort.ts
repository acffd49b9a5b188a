/**
 * How much a random test does: ISOPAGE_SOAK=1 for the full count, a part without; ISOPAGE_SEED=<seed> for one run again. Browsers
 * get both from vitest.config.ts.
 */

import { inBrowser } from '../conformance/runtime.ts'

const environment: Record<string, string | undefined> = {
  ...(import.meta as { env?: Record<string, string> }).env,
  ...globalThis.process?.env,
}

export const soak = Boolean(environment.ISOPAGE_SOAK)

/** A twentieth of `count`, all of it in a soak; in browsers, where workers and waits take several times as long, a sixtieth. */
export function effort(count: number): number {
  return soak ? count : Math.ceil(count / (inBrowser ? 60 : 20))
}

/** The seed of a run: ISOPAGE_SEED; else a new one in a soak, and always the same without, so that `npm test` is the same run everywhere. */
export function seedOf(): number {
  const given = environment.ISOPAGE_SEED
  if (given) return Number(given) | 0
  return soak ? (Math.random() * 2 ** 31) | 0 : 1
}
