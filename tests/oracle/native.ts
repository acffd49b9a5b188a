/** The oracles: oracle.c and ipcs.c compiled by the system's C compiler, on a directory of the system's disk. Node, Deno and Bun only. */

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

/** => why `ipcs` cannot be compared here, undefined when it can. */
export function ipcsAbsence(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'the oracle speaks Linux on x64'
  if (process.getuid?.() !== 0) return 'only root makes IPC namespaces'
  for (const [command, what] of [
    ['cc', 'C compiler named cc'],
    ['ipcs', 'ipcs of util-linux'],
  ] as const) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' })
    } catch {
      return `there is no ${what}`
    }
  }
  try {
    execFileSync('unshare', ['--ipc', 'sh', '-c', 'echo 4096 > /proc/sys/kernel/shmmni'])
    return undefined
  } catch {
    return 'this system lets nobody make an IPC namespace'
  }
}

/** The objects that ipcs.c made, as Isopage tells of its own. */
export interface NativeIpcs {
  /** The program's pid, and those of the two that sleep. */
  readonly pids: readonly number[]
  readonly shm: readonly object[]
  readonly msg: readonly object[]
  readonly sem: readonly object[]
  readonly shmPages: object
}

/** Runs ipcs.c. => its objects, and what each command printed in its namespace. */
export function nativeIpcs(commands: readonly string[]): {
  ipcs: NativeIpcs
  printed: Map<string, string>
} {
  const folder = mkdtempSync(join(tmpdir(), 'isopage-ipcs-'))
  try {
    const program = join(folder, 'ipcs')
    const source = fileURLToPath(new URL('./ipcs.c', import.meta.url))
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', program, source])
    const env = { ...process.env, LC_ALL: 'C' }
    const output = execFileSync(program, commands, { encoding: 'utf8', env })
    const [objects = '', ...parts] = output.split('== ')
    const printed = parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), part.slice(end + 1)] as const
    })
    return { ipcs: JSON.parse(objects), printed: new Map(printed) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** locks.c, compiled; each script runs in a fresh process. */
export class LockOracle implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'isopage-locks-'))
  readonly #program = join(this.#folder, 'locks')

  constructor() {
    const source = fileURLToPath(new URL('./locks.c', import.meta.url))
    const warnings = ['-Wall', '-Wextra', '-Werror']
    execFileSync('cc', ['-O1', ...warnings, '-pthread', '-o', this.#program, source])
  }

  /** => what pthread said to each step. */
  run(steps: readonly string[]): string[] {
    const input = `${steps.join('\n')}\n`
    return execFileSync(this.#program, { input, encoding: 'utf8' }).trimEnd().split('\n')
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

/** => why POSIX shared memory cannot be compared here, undefined when it can. */
export function posixShmAbsence(): string | undefined {
  const reason = absence()
  if (reason !== undefined && !reason.includes('tmpfs')) return reason
  return process.getuid?.() === 0 ? undefined : 'only root can take the ids of several users'
}

/** posix-shm.c, compiled; each script runs in a fresh process, with names of its own. */
export class PosixShmOracle implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'isopage-posix-shm-'))
  readonly #program = join(this.#folder, 'posix-shm')

  constructor() {
    const source = fileURLToPath(new URL('./posix-shm.c', import.meta.url))
    execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', this.#program, source])
  }

  /** => what Linux said to each step. */
  run(steps: readonly string[]): string[] {
    const input = `${steps.join('\n')}\n`
    return execFileSync(this.#program, { input, encoding: 'utf8' }).trimEnd().split('\n')
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}
