/** Runs the built command as a process of the runtime that the tests are in: Node, Deno or Bun. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const PROGRAM = fileURLToPath(new URL('../../dist/src/cli/index.js', import.meta.url))
const FLAGS = 'Deno' in globalThis ? ['run', '-A', '--node-modules-dir=manual'] : []

/** A folder for one test, with one below it for the command's own temporary files. */
export interface Place extends Disposable {
  readonly path: string
  /** What the command left in its temporary folder. */
  left(): string[]
  run(...args: string[]): Promise<Outcome>
}

export function makePlace(): Place {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'isopage-cli-'))
  const temporary = mkdtempSync(join(path, 'tmp-'))
  return {
    path,
    left: () => readdirSync(temporary),
    run: (...args) => run(args, { TMPDIR: temporary, TEMP: temporary, TMP: temporary }),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

function run(args: readonly string[], environment: Record<string, string>): Promise<Outcome> {
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(process.execPath, [...FLAGS, PROGRAM, ...args], {
    env: { ...env, ...environment, DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const outcome = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.err += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...outcome, code }))
  })
}
