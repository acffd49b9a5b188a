/** native/peer.c, compiled by the system's cc and asked for one sample at a time. */

import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./native/peer.c', import.meta.url))

/**
 * @param {string} dir where it is compiled to, and makes its file
 * @param {number} fileBytes
 * @returns {Promise<{ absence?: string, ask?: (row: string, count: number) => Promise<number>, end: () => void }>}
 *   `ask` gives nanoseconds of one round; `absence` says why there is none
 */
export async function startNative(dir, fileBytes) {
  const program = join(dir, 'peer')
  const compiled = spawnSync('cc', ['-O2', '-o', program, source], { encoding: 'utf8' })
  if (compiled.error) return { absence: `no cc here: ${compiled.error.message}`, end() {} }
  if (compiled.status !== 0) return { absence: `cc failed: ${compiled.stderr}`, end() {} }
  const child = spawn(program, [dir, String(fileBytes)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(row, count) {
      child.stdin.write(`${row} ${count}\n`)
      const { value = 'error: it ended' } = await lines.next()
      if (value.startsWith('error')) throw new Error(`native/peer.c: ${row}: ${value}`)
      return Number(value)
    },
    end: () => child.stdin.end(),
  }
}
