/**
 * The programs of programs/, for the tests: natively compiled and run, and as one guest that holds them all, as busybox does: its name says which one it
 * is. Both are kept in build/ under the hash of what they are made from. Node, Deno and Bun; pages ask by a command of vitest's.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../../dist/src/guest/cc/index.js'

const sources = fileURLToPath(new URL('./programs/', import.meta.url))
const build = fileURLToPath(new URL('../../build/', import.meta.url))
const sysroot = fileURLToPath(new URL('../../dist/sysroot.json', import.meta.url))
/** tmpfs shows stores past the end of a file when it grows: no oracle. Source: statfs(2). */
const TMPFS_MAGIC = 0x01021994

export interface NativeRun {
  readonly stdout: string
  /** As a shell tells it: 128 and the number of a signal that ended it. */
  readonly status: number
}

export interface GuestProgram {
  readonly name: string
  /** What it shows: the first line of its source. */
  readonly says: string
  readonly args: readonly string[]
  /** Undefined where it cannot be run natively here: `absent` says why. */
  readonly native?: NativeRun | undefined
  readonly absent?: string | undefined
}

export interface GuestPrograms {
  readonly programs: readonly GuestProgram[]
  /** The one guest, base64. */
  readonly wasm: string
}

/** The programs, compiled, and what each one says natively. */
export async function guestPrograms(): Promise<GuestPrograms> {
  // In one order, whatever the runtime's: the hash below is of this.
  const names = readdirSync(sources).sort()
  const files = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(sources, name), 'utf8')]),
  )
  const texts = Object.entries(files).filter(([name]) => name.endsWith('.c'))
  const programNames = texts.map(([name]) => name.slice(0, -2))
  const wrapped = { ...files, ...wrappers(texts) }
  const wasm = await guestOf(wrapped, programNames)
  const native = absence() ?? nativeOf(wrapped, programNames)
  const programs = texts.map(([file, text]) => programOf(file.slice(0, -2), text, native))
  return { programs, wasm: wasm.toString('base64') }
}

/** => why no program can be run natively here. */
function absence(): { absent: string } | undefined {
  if (process.platform !== 'linux') return { absent: 'the programs expect what Linux says' }
  if (statfsSync(tmpdir()).type === TMPFS_MAGIC)
    return { absent: 'the temporary directory is a tmpfs' }
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return { absent: 'there is no C compiler named cc' }
  }
}

function programOf(
  name: string,
  text: string,
  native: { absent: string } | { path: string },
): GuestProgram {
  const [, says = ''] = /^\/\* (.*?) \*\/$/m.exec(text) ?? []
  const args = text.includes('arguments: ') ? ['one', 'two words', ''] : []
  const program = { name, says, args }
  if ('absent' in native) return { ...program, absent: native.absent }
  if (says.includes('needs root') && process.getuid?.() !== 0)
    return { ...program, absent: 'it takes the ids of several users' }
  return { ...program, native: runNatively(native.path, name, args) }
}

function runNatively(path: string, name: string, args: readonly string[]): NativeRun {
  const cwd = mkdtempSync(join(tmpdir(), `isopage-${name}-`))
  try {
    const { stdout, status, signal } = spawnSync(path, [...args], {
      cwd,
      argv0: name,
      encoding: 'utf8',
      timeout: 20_000,
    })
    const ended = signal === null ? (status ?? -1) : 128 + (constants.signals[signal] ?? 0)
    return { stdout, status: ended }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

/** A file for each program, in which its main has a name of its own, and one that calls the program that it is named after. */
function wrappers(texts: readonly (readonly [string, string])[]): Record<string, string> {
  const made: Record<string, string> = {}
  const calls: string[] = []
  for (const [file, text] of texts) {
    const name = file.slice(0, -2)
    const id = name.replaceAll('-', '_')
    const given = /\bint main\(void\)/.test(text) ? '(void)argc, (void)argv' : 'argc, argv'
    const call = given.startsWith('(')
      ? `${given}; return main_${id}()`
      : `return main_${id}(${given})`
    made[`run-${file}`] = [
      `#define main main_${id}`,
      `#include "${file}"`,
      '#undef main',
      `int run_${id}(int argc, char **argv) { ${call}; }`,
      '',
    ].join('\n')
    calls.push(`  if (strcmp(name, "${name}") == 0) return run_${id}(argc, argv);`)
  }
  const declared = texts.map(
    ([file]) => `int run_${file.slice(0, -2).replaceAll('-', '_')}(int, char **);`,
  )
  made['all.c'] = [
    '#include <string.h>',
    ...declared,
    'int main(int argc, char **argv) {',
    "  const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];",
    ...calls,
    '  return 127;',
    '}',
    '',
  ].join('\n')
  return made
}

const FLAGS = ['-O1', '-Wall', '-Wextra', '-Wno-unused-result', '-Wno-ignored-qualifiers', '-w']

function hashOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

async function guestOf(files: Record<string, string>, names: readonly string[]): Promise<Buffer> {
  const kept = join(build, `guest-programs-${hashOf(files, readFileSync(sysroot, 'utf8'))}.wasm`)
  if (existsSync(kept)) return readFileSync(kept)
  const inputs = [...names.map((name) => `run-${name}.c`), 'all.c']
  const made = await compile(files, [...FLAGS, ...inputs, '-o', 'all.wasm'])
  const wasm = Buffer.from(made.files['all.wasm'] as Uint8Array)
  keep(kept, wasm, 0o666)
  return wasm
}

function nativeOf(files: Record<string, string>, names: readonly string[]): { path: string } {
  const path = join(build, `guest-programs-${hashOf(files)}`)
  if (existsSync(path)) return { path }
  const where = mkdtempSync(join(tmpdir(), 'isopage-native-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(where, name), text)
    const inputs = [...names.map((name) => `run-${name}.c`), 'all.c']
    execFileSync('cc', [...FLAGS, '-pthread', ...inputs, '-o', 'all.out'], { cwd: where })
    keep(path, readFileSync(join(where, 'all.out')), 0o777)
    return { path }
  } finally {
    rmSync(where, { recursive: true })
  }
}

/** Whole or not at all: another leg may look. */
function keep(path: string, bytes: Uint8Array, mode: number): void {
  mkdirSync(build, { recursive: true })
  const part = `${path}.${process.pid}`
  writeFileSync(part, bytes, { mode })
  renameSync(part, path)
}
