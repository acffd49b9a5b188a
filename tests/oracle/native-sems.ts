/** sems.c, compiled by the system's C compiler. Node, Deno and Bun only. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./sems.c', import.meta.url))

/** A compiled oracle; each script runs in processes and namespaces of its own. */
export class SemOracle implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'isopage-sems-'))
  readonly #program = join(this.#dir, 'sems')

  constructor() {
    const flags = ['-O1', '-Wall', '-Wextra', '-Werror', '-pthread']
    execFileSync('cc', [...flags, '-o', this.#program, source])
  }

  /** => the outcome of each step, and the state after it. */
  run(steps: readonly string[]): string[] {
    const input = steps.map((step) => `${step}\n`).join('')
    const said = execFileSync(this.#program, { input, encoding: 'utf8', timeout: 60_000 })
    return said.trimEnd().split('\n')
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true })
  }
}

/** => why there is no oracle of semaphores here, undefined when there is one. */
export function semsAbsence(): string | undefined {
  if (process.platform !== 'linux') return 'the oracle speaks Linux'
  try {
    using oracle = new SemOracle()
    const [said = ''] = oracle.run(['0 info 0'])
    return said.startsWith('ok') ? undefined : `no namespaces of its own: ${said}`
  } catch (error) {
    return `it cannot be compiled and run: ${(error as Error).message.split('\n')[0]}`
  }
}
