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

const SOAK_PART = inNode ? 1 : inBrowser ? 10 : 4
const PART = inNode ? 20 : 60

/**
 * Of `count`: a soak does it all in Node, a quarter in Deno and Bun and a tenth in browsers; a plain run a twentieth in Node and a sixtieth elsewhere. The kernel
 * is the same everywhere, and some runtimes take many times as long to start a thread or to wake it.
 */
export function effort(count: number): number {
  return Math.ceil(count / (soak ? SOAK_PART : PART))
}

/** The seed of a run: ISOPAGE_SEED; else a new one in a soak, and always the same without, so that `npm test` is the same run everywhere. */
export function seedOf(): number {
  const given = environment.ISOPAGE_SEED
  if (given) return Number(given) | 0
  return soak ? (Math.random() * 2 ** 31) | 0 : 1
}
