/** queues.c, compiled by the system's C compiler. Node, Deno and Bun only. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./queues.c', import.meta.url))

/** A compiled oracle; each script runs in processes and an IPC namespace of its own. */
export class QueueOracle implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'isopage-queues-'))
  readonly #program = join(this.#dir, 'queues')

  constructor() {
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', this.#program, source])
  }

  /** => root may pass the limits: it has CAP_SYS_RESOURCE. In a container it may not. */
  get isResourceful(): boolean {
    const [, raised = ''] = this.run(['0 msgget 0 0 0x380', '0 set 0 0 0 0x180 20000'])
    return raised.startsWith('ok')
  }

  /** => the outcome of each step, and the state after it. */
  run(steps: readonly string[]): string[] {
    const input = steps.map((step) => `${step}\n`).join('')
    return execFileSync(this.#program, { input, encoding: 'utf8' }).trimEnd().split('\n')
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true })
  }
}

/** => why there is no oracle of queues here, undefined when there is one. */
export function queuesAbsence(): string | undefined {
  if (process.platform !== 'linux') return 'the oracle speaks Linux'
  try {
    using oracle = new QueueOracle()
    const [said = ''] = oracle.run(['0 info 0'])
    return said.startsWith('ok') ? undefined : `no IPC namespace of its own: ${said}`
  } catch (error) {
    return `it cannot be compiled and run: ${(error as Error).message.split('\n')[0]}`
  }
}
