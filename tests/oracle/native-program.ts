/** The native side of an oracle: a C program of this folder, compiled by the system's compiler. Node, Deno and Bun only. */

import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A step that waits on purpose takes a second. */
const PATIENCE_MS = 240_000

/** A program that reads steps, a line each, and says a line to each. */
export class NativeProgram implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'isopage-oracle-'))
  readonly #program = join(this.#folder, 'oracle')

  constructor(source: URL, flags: readonly string[] = []) {
    const warnings = ['-Wall', '-Wextra', '-Werror']
    execFileSync('cc', ['-O1', ...warnings, ...flags, '-o', this.#program, fileURLToPath(source)])
  }

  /** => the outcome of each step, and the state after it. Meanwhile the other side may run. */
  run(steps: readonly string[]): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const child = execFile(this.#program, { timeout: PATIENCE_MS }, (error, output) => {
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

/** => why there is no such oracle here, undefined when it answers to '0 info 0'. */
export async function absenceOf(compile: () => NativeProgram): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'the oracle speaks Linux'
  try {
    using oracle = compile()
    const [said = ''] = await oracle.run(['0 info 0'])
    return said.startsWith('ok') ? undefined : `no namespaces of its own: ${said}`
  } catch (error) {
    return `it cannot be compiled and run: ${(error as Error).message.split('\n')[0]}`
  }
}
