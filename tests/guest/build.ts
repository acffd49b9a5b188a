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
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
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

/** A program, and how its first lines say that it is started: alone, as several processes at once, or as a pipeline of them. */
export interface GuestProgram {
  readonly name: string
  /** What it shows: the first line of its source. */
  readonly says: string
  /** The arguments of each process. */
  readonly processes: readonly (readonly string[])[]
  /** What each process writes is read by the next. */
  readonly piped: boolean
  /** What each process did. Undefined where it cannot be run natively here: `absent` says why. */
  readonly native?: readonly NativeRun[] | undefined
  readonly absent?: string | undefined
}

export interface GuestPrograms {
  readonly programs: readonly GuestProgram[]
  /** The one guest, base64. */
  readonly wasm: string
}

/** The programs, compiled, and what each one says natively. */
export async function guestPrograms(): Promise<GuestPrograms> {
  const [files, names] = readPrograms()
  const wasm = await guestOf(files, names)
  const native = absence() ?? nativeOf(files, names)
  const programs = names.map((name) => programOf(name, files[`${name}.c`] as string, native))
  return { programs, wasm: wasm.toString('base64') }
}

/** => the sources with what makes one program of them, and the names of the programs. */
function readPrograms(): [files: Record<string, string>, names: string[]] {
  // In one order, whatever the runtime's: the hash below is of this.
  const found = readdirSync(sources).sort()
  const files = Object.fromEntries(
    found.map((name) => [name, readFileSync(join(sources, name), 'utf8')]),
  )
  const texts = Object.entries(files).filter(([name]) => name.endsWith('.c'))
  return [{ ...files, ...wrappers(texts) }, texts.map(([name]) => name.slice(0, -2))]
}

/** Runs one of the programs natively with arguments of the test's. => what it did and a file it left, base64; undefined where none can be run. */
export async function runProgram(
  name: string,
  args: readonly string[],
  file: string,
): Promise<(NativeRun & { readonly file: string }) | undefined> {
  if (absence()) return undefined
  const { path } = nativeOf(...readPrograms())
  const start = { name, processes: [args], piped: false }
  const [ran] = runNatively(path, start, [file])
  return ran as NativeRun & { file: string }
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
  const program = { name, says, ...startOf(text) }
  if ('absent' in native) return { ...program, absent: native.absent }
  if (says.includes('needs root') && process.getuid?.() !== 0)
    return { ...program, absent: 'it takes the ids of several users' }
  return { ...program, native: runNatively(native.path, program) }
}

/** Reads `processes: one a, two` or `pipeline: one a, two`: the arguments of each, by blanks. */
function startOf(text: string): Pick<GuestProgram, 'processes' | 'piped'> {
  const [, kind, list] = /^\/\* (processes|pipeline): (.*) \*\/$/m.exec(text) ?? []
  if (list !== undefined) {
    const processes = list.split(', ').map((words) => words.split(' '))
    return { processes, piped: kind === 'pipeline' }
  }
  const args = text.includes('arguments: ') ? ['one', 'two words', ''] : []
  return { processes: [args], piped: false }
}

type Start = Pick<GuestProgram, 'name' | 'processes' | 'piped'>

/** Starts the processes together, in a directory of their own. => what each of them did; with `files`, what the process of that index left there. */
function runNatively(
  path: string,
  { name, processes, piped }: Start,
  files: readonly string[] = [],
): NativeRun[] {
  const where = mkdtempSync(join(tmpdir(), `isopage-${name}-`))
  try {
    const cwd = join(where, name)
    mkdirSync(cwd)
    // The program knows by its name which one it is.
    symlinkSync(path, join(where, 'bin'))
    const command = (args: readonly string[], index: number) => {
      const words = ['exec', '-a', name, '../bin', ...args].map(quoted).join(' ')
      const out = piped && index < processes.length - 1 ? '' : ` > ../out.${index}`
      return `{ (${words})${out}; echo $? > ../status.${index}; }`
    }
    const script = processes.map(command).join(piped ? ' | ' : ' & ')
    const { error } = spawnSync('bash', ['-c', `${script} & wait`], {
      cwd,
      stdio: 'ignore',
      timeout: files.length > 0 ? 3_600_000 : 20_000,
    })
    if (error) throw new Error(`${name}: ${error.message}`)
    const left = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')
    return processes.map((_, index) => ({
      stdout: left(join(where, `out.${index}`)),
      status: Number(left(join(where, `status.${index}`))),
      ...(index in files && {
        file: readFileSync(join(cwd, files[index] as string)).toString('base64'),
      }),
    }))
  } finally {
    rmSync(where, { recursive: true })
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
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

/** Objects are kept too, so that a program that changes is compiled alone. */
async function guestOf(files: Record<string, string>, names: readonly string[]): Promise<Buffer> {
  const base = readFileSync(sysroot, 'utf8')
  const kept = join(build, `guest-programs-${hashOf(files, base)}.wasm`)
  if (existsSync(kept)) return readFileSync(kept)
  const headers = Object.entries(files).filter(([name]) => name.endsWith('.h'))
  const objects: Record<string, Uint8Array> = {}
  for (const name of [...names.map((program) => `run-${program}`), 'all']) {
    const texts = [files[`${name}.c`], files[`${name.slice('run-'.length)}.c`]]
    const path = join(build, `guest-object-${hashOf(texts, headers, base)}.o`)
    if (!existsSync(path)) {
      const made = await compile(files, [...FLAGS, '-c', `${name}.c`, '-o', `${name}.o`])
      keep(path, made.files[`${name}.o`] as Uint8Array, 0o666)
    }
    objects[`${name}.o`] = readFileSync(path)
  }
  const made = await compile(objects, [...Object.keys(objects), '-o', 'all.wasm'])
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
