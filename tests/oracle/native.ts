/** The oracle: oracle.c compiled by the system's C compiler, on a directory of the system's disk. Node, Deno and Bun only. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, type Step } from '../support/steps.ts'

const source = fileURLToPath(new URL('./oracle.c', import.meta.url))
/** tmpfs shows stores past the end of a file when it grows: no oracle. Source: statfs(2). */
const TMPFS_MAGIC = 0x01021994

/** => why there is no oracle here, undefined when there is one. */
export function absence(): string | undefined {
  if (process.platform !== 'linux') return 'the oracle speaks Linux'
  if (process.arch !== 'x64') return 'the oracle expects pages of 4096 bytes'
  if (statfsSync(tmpdir()).type === TMPFS_MAGIC) return 'the temporary directory is a tmpfs'
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'there is no C compiler named cc'
  }
}

/** A compiled oracle; each script runs in a fresh process and an empty directory. */
export class Oracle implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'isopage-oracle-'))
  readonly #program = join(this.#dir, 'oracle')

  constructor() {
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', this.#program, source])
  }

  /** => the outcome of each step. */
  run(steps: readonly Step[]): string[] {
    const files = join(this.#dir, 'files')
    mkdirSync(files)
    try {
      const input = `${steps.map(format).join('\n')}\n`
      const output = execFileSync(this.#program, [files], { input, encoding: 'utf8' })
      return output.trimEnd().split('\n')
    } finally {
      rmSync(files, { recursive: true })
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true })
  }
}
