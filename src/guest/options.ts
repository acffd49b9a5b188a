/** What `kernel.run` and `kernel.load` are told, and what is wrong with it. */
import {
  checkInteger,
  checkObject,
  checkPath,
  checkUint32,
  outOfRange,
  wrongType,
} from '../check.js'
import type { Process } from '../process.js'
import type { BackEndName } from './rewrite/index.js'
import type { Stdin, Stdout } from './stdio.js'

export interface RunOptions {
  /** What the program is called with, its name first; ['guest'] by default. */
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** 'ignore' by default. */
  stdin?: Stdin
  /** 'inherit' by default, as stderr. */
  stdout?: Stdout
  stderr?: Stdout
  /** Directories that a program of plain WASI finds, by their names for it; by default '.' is its working directory and '/' the root. */
  preopens?: Readonly<Record<string, string>>
  /** 0, the default, is root. */
  uid?: number
  gid?: number
  /** '/' by default. */
  cwd?: string
  /** The process that started it; getppid. */
  parent?: number
  /** Aborting it kills the program. */
  signal?: AbortSignal
  /** Most bytes of private memory; 2 GiB less 64 KiB by default. */
  memoryMax?: number
  /** Most milliseconds that its thread may work; SIGXCPU ends it then. */
  cpuMs?: number
  /** Run it in this thread: `run` resolves when it has ended. */
  inPlace?: boolean
  /** Standard streams say they are a terminal, so that C programs write line by line. */
  terminal?: boolean
  /** Write a line to its stderr for each call that it makes, as strace does. */
  trace?: boolean
  /** Write its mappings to its stderr when it ends. */
  maps?: boolean
  /** How the window is reached, for tests: by default what the engine can do. */
  backEnd?: BackEndName
  /** Keep the rewritten module for the next start too; true by default. */
  cache?: boolean
  /**
   * The module is one that `isopage instrument` made, and is not to be rewritten. Only for a module that you rewrote yourself: it reaches the
   * kernel's memory by its own code, and nothing tells one that was rewritten from one that says so.
   */
  rewritten?: boolean
}

export interface LoadOptions extends Omit<RunOptions, 'signal' | 'cpuMs' | 'inPlace'> {
  /** The process in whose address space the module runs, so that pointers into its mappings are good; a new one by default. */
  process?: Process
  /** Functions for what the module imports besides WASI and `isopage`, by module and name. */
  imports?: Readonly<Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>>
}

const MEMORY_MAX = 32_767 * 65_536

/** Options with every default in its place. */
export interface Checked {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly preopens: readonly (readonly [name: string, path: string])[]
  readonly uid: number
  readonly gid: number
  readonly cwd: string
  readonly parent: number
  readonly memoryMax: number
  readonly cpuMs: number
}

function checkTexts(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array of strings', value)
  return value.map((text, index) => checkPath(`${name}[${index}]`, text, 'run'))
}

function checkRecord(name: string, value: unknown): Record<string, string> {
  const record = checkObject<Record<string, string>>(name, value)
  for (const [key, text] of Object.entries(record)) checkPath(`${name}.${key}`, text, 'run')
  return record
}

export function checkRun(options: RunOptions): Checked {
  const { args = ['guest'], env = {}, cwd = '/', preopens, signal, cpuMs } = options
  const { uid = 0, gid = 0, parent = 0, memoryMax = MEMORY_MAX } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongType('options.signal', 'an AbortSignal', signal)
  }
  checkPath('options.cwd', cwd, 'run')
  const named = preopens ? checkRecord('options.preopens', preopens) : { '.': cwd, '/': '/' }
  return {
    args: checkTexts('options.args', args),
    env: checkRecord('options.env', env),
    preopens: Object.entries(named),
    uid: checkUint32('options.uid', uid),
    gid: checkUint32('options.gid', gid),
    cwd,
    parent: checkUint32('options.parent', parent),
    memoryMax: checkInteger('options.memoryMax', memoryMax, 0, MEMORY_MAX),
    cpuMs: checkCpu(cpuMs),
  }
}

function checkCpu(cpuMs: number | undefined): number {
  if (cpuMs === undefined) return Number.POSITIVE_INFINITY
  if (typeof cpuMs !== 'number') throw wrongType('options.cpuMs', 'of type number', cpuMs)
  if (!(cpuMs > 0)) throw outOfRange('options.cpuMs', 'milliseconds above 0', cpuMs)
  return cpuMs
}
