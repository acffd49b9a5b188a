/** Runs a program in the calling thread, from its first instruction to its end. */

import { ESRCH } from '../../assembly/abi.js'
import { IsopageError } from '../errors.js'
import { Descriptors } from './descriptors.js'
import { endingOf, report } from './ending.js'
import { isopageImports } from './imports.js'
import { type Functions, link, moduleError, shortened, start } from './link.js'
import { Errno } from './memory.js'
import type { Description } from './rewrite/index.js'
import type { Ending, GuestThread } from './thread.js'
import { mapLines, traced } from './trace.js'
import { wasiImports } from './wasi.js'

const SIGABRT = 6

/** What a program is run with; all of it can go to another thread. */
export interface Program {
  readonly module: WebAssembly.Module
  readonly description: Description | undefined
  /** How many it had before it was rewritten; undefined where nobody counted them. */
  readonly functions: number | undefined
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Descriptors of its preopened directories, their names, and whether each is '/'. */
  readonly preopens: readonly (readonly [fd: number, name: string, isRoot: boolean])[]
  readonly terminals: readonly number[]
  readonly memoryMax: number
  /** A line on its stderr for each call; its mappings when it ends. */
  readonly trace: boolean
  readonly maps: boolean
}

/** => everything a guest of this thread imports, by module. */
export function importsOf(thread: GuestThread, program: Program) {
  const table = new Descriptors()
  for (const [fd, name, isRoot] of program.preopens) table.preopen(fd, name, isRoot)
  const { args, env } = program
  const wasi = wasiImports(thread, table, { args, env, terminals: new Set(program.terminals) })
  const isopage = isopageImports(thread, table)
  return { wasi_snapshot_preview1: wasi, wasi_unstable: wasi, isopage }
}

/** Links and runs `_start`. => how it ended; its process is there still, and stderr has the line about a signal. */
export function execute(thread: GuestThread, program: Program): Ending {
  const { module, description, memoryMax } = program
  try {
    const own: Readonly<Record<string, Functions>> = importsOf(thread, program)
    const imports = program.trace ? traced(thread, own, (line) => say(thread, line)) : own
    const instance = link(thread, module, { description, imports, memoryMax })
    const main = instance.exports._start as (() => void) | undefined
    if (typeof main !== 'function')
      throw moduleError('the program exports no _start: it is a library, for kernel.load')
    return run(thread, program, instance, main)
  } catch (error) {
    if (error instanceof Errno && error.errno === ESRCH) return { signal: thread.killer() }
    return error instanceof WebAssembly.LinkError ? { error: misused(error) } : { error }
  }
}

/** A program declares what it imports as it likes; a call of it with other arguments than it takes is its end. */
function misused(error: unknown): IsopageError {
  const { message } = error as Error
  const what = `the program imports something, but not as it is: ${shortened(message, 300)}`
  return new IsopageError('ERR_GUEST_IMPORT', `ERR_GUEST_IMPORT: ${what}`, { cause: error })
}

/** => how a program ended, in its own terms: what nobody caught is abort(3), and no error of JavaScript leaves it. */
function ownEnding({ error, ...ending }: Ending): Ending {
  if (error === undefined || ending.signal !== undefined || error instanceof IsopageError) {
    return { ...ending, ...(error !== undefined && { error }) }
  }
  const isThrown = WebAssembly.Exception && error instanceof WebAssembly.Exception
  return isThrown
    ? { signal: SIGABRT, error: new Error('an exception that nobody caught') }
    : { error: misused(error) }
}

function run(
  thread: GuestThread,
  program: Program,
  instance: WebAssembly.Instance,
  main: () => void,
): Ending {
  try {
    thread.begin()
    start(instance)
    main()
    thread.leave()
    tell(thread, program, { status: 0 })
    return { status: 0 }
  } catch (error) {
    thread.trapped = error
    thread.leave()
    const ending = ownEnding(endingOf(thread, error))
    tell(thread, program, ending)
    return ending
  } finally {
    if (thread.context !== 0) thread.instance.lastCalls.guest_destroy(thread.context)
  }
}

/** Writes what there is to say at its end to the program's stderr: the line about a signal, its mappings. */
function tell(thread: GuestThread, program: Program, ending: Ending): void {
  const line = report(thread, program, ending)
  if (line !== undefined) say(thread, line.trimEnd())
  if (!program.maps) return
  try {
    for (const map of mapLines(thread.process.maps())) say(thread, map)
  } catch {
    // It was killed.
  }
}

/** Writes a line to the program's stderr, if that is open. */
function say(thread: GuestThread, line: string): void {
  try {
    thread.served()
    thread.process.write(2, new TextEncoder().encode(`${line}\n`))
  } catch {
    // Nobody listens.
  }
}
