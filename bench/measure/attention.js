/** attention: from `kill` to the end of a program that runs in circles and calls nothing; it hears of it at a poll. */

import { boot } from '../../dist/src/index.js'
import { moduleBytes } from './guest.js'

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export async function open({ wantedMs }, { guest }) {
  const bytes = await moduleBytes(guest)
  const kernel = await boot({ memory: '64MiB' })
  return {
    ours: () => killSample(kernel, bytes),
    peer: () => wantedMs * 1e6,
    close: () => kernel.close(),
  }
}

async function killSample(kernel, bytes) {
  const { promise: runs, resolve } = Promise.withResolvers()
  const guest = await kernel.run(bytes, { stdout: resolve, stderr: 'ignore' })
  await Promise.race([runs, guest.exited])
  const startMs = performance.now()
  guest.kill()
  const { signal } = await guest.exited
  if (signal !== 'SIGKILL') throw new Error(`the runaway program ended by ${signal}`)
  return (performance.now() - startMs) * 1e6
}
