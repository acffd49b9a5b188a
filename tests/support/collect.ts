/** Garbage collection by hand, where a runtime lets a program ask for it. */

import { inBrowser, inBun } from '../conformance/runtime.ts'

/** Collects what nobody holds any more, now; undefined where that cannot be asked for. */
export const collector: (() => void) | undefined = await find()

async function find(): Promise<(() => void) | undefined> {
  if (inBrowser) return undefined
  if (inBun) {
    const { Bun } = globalThis as unknown as { Bun: { gc(wait: boolean): void } }
    return () => Bun.gc(true)
  }
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined")
  return gc as (() => void) | undefined
}
