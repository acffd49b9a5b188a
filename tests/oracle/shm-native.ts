/** shm.c, compiled; each script runs in fresh processes and an IPC namespace of its own. Node, Deno and Bun only. */

import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { absence } from './native.ts'

/** => why there is no oracle here, undefined when there is one. */
export function shmAbsence(): string | undefined {
  const missing = absence()
  if (missing) return missing
  if (process.getuid?.() !== 0) return 'only root becomes others and makes IPC namespaces'
  try {
    execFileSync('unshare', ['--ipc', 'true'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'this system lets nobody make an IPC namespace'
  }
}

export class ShmOracle implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'isopage-shm-'))
  readonly #program = join(this.#folder, 'shm')

  constructor() {
    const source = fileURLToPath(new URL('./shm.c', import.meta.url))
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', this.#program, source])
  }

  /** => a line a step. */
  run(steps: readonly string[]): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const child = execFile(this.#program, (error, output) => {
        if (error) reject(error)
        else resolve(output.trimEnd().split('\n'))
      })
      child.stdin?.end(`${steps.join('\n')}\n`)
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}
