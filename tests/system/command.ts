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

/** What begins a command line of the command, for a shell. */
export const WORDS = [process.execPath, ...FLAGS, PROGRAM].map((word) => `'${word}'`).join(' ')
const ISOPAGE = `isopage() { ${WORDS} "$@"; }`

/** A folder for one test, with one below it for the command's own temporary files. */
export interface Place extends Disposable {
  readonly path: string
  /** What the command left in its temporary folder. */
  left(): string[]
  run(...args: string[]): Promise<Outcome>
  /** Runs a script of sh, in which `isopage` is the command. */
  shell(script: string): Promise<Outcome>
  /** Runs another program to its end. */
  runFile(program: URL, ...args: string[]): Promise<Outcome>
  /** The user's runtime folder, where sockets of inspected kernels are. */
  readonly runtime: string
  /** Starts a program of the tests; resolves once it says so. */
  start(program: URL, ...args: string[]): Promise<Started>
}

/** A program that runs. */
export interface Started extends AsyncDisposable {
  readonly pid: number
  /** Its first line. */
  readonly said: string
  /** => its exit code, null when a signal ended it. */
  readonly ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
}

export function makePlace(): Place {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'isopage-cli-'))
  const temporary = mkdtempSync(join(path, 'tmp-'))
  const runtime = mkdtempSync(join(path, 'run-'))
  const folders = { TMPDIR: temporary, TEMP: temporary, TMP: temporary, XDG_RUNTIME_DIR: runtime }
  return {
    path,
    runtime,
    left: () => readdirSync(temporary),
    run: (...args) => run(PROGRAM, args, folders),
    shell: (script) => spawnToEnd('sh', ['-c', `${ISOPAGE}\ncd ${path}\n${script}`], folders),
    runFile: (program, ...args) => run(fileURLToPath(program), args, folders),
    start: (program, ...args) => start(fileURLToPath(program), args, folders),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

async function start(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Started> {
  const child = spawn(process.execPath, [...FLAGS, program, ...args], {
    env: { ...process.env, ...environment, DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const said = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()))
    child.once('error', reject)
    // Not at its exit, which may be told before what it wrote.
    child.once('close', (code) => reject(new Error(`${program} ended early with code ${code}`)))
  })
  const pid = child.pid as number
  // Not child.kill: in Deno a second signal is not sent.
  const kill = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal)
  }
  return {
    pid,
    said,
    ended,
    kill,
    async [Symbol.asyncDispose]() {
      kill('SIGKILL')
      await ended
    },
  }
}

function run(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Outcome> {
  return spawnToEnd(process.execPath, [...FLAGS, program, ...args], environment)
}

function spawnToEnd(
  file: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Outcome> {
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(file, args, {
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
