/**
 * How much a random test does: ISOPAGE_SOAK=1 for a soak's count, less without; ISOPAGE_SEED=<seed> for one run again. Browsers
 * get both from vitest.config.ts.
 */

import { inBrowser, inNode } from '../conformance/runtime.ts'

const environment: Record<string, string | undefined> = {
  ...(import.meta as { env?: Record<string, string> }).env,
  ...globalThis.process?.env,
}

export const soak = Boolean(environment.ISOPAGE_SOAK)

/**
 * Of `count`: a soak does it all in Node, a quarter in Deno and Bun and a tenth in browsers, which take many times as long and run the same kernel; a plain run
 * does a twentieth, in browsers a sixtieth.
 */
export function effort(count: number): number {
  const part = inBrowser ? (soak ? 10 : 60) : soak ? (inNode ? 1 : 4) : 20
  return Math.ceil(count / part)
}

/** The seed of a run: ISOPAGE_SEED; else a new one in a soak, and always the same without, so that `npm test` is the same run everywhere. */
export function seedOf(): number {
  const given = environment.ISOPAGE_SEED
  if (given) return Number(given) | 0
  return soak ? (Math.random() * 2 ** 31) | 0 : 1
}
