/** Runs a program in the calling thread, from its first instruction to its end. */

import { Descriptors } from './descriptors.js'
import { endingOf, report } from './ending.js'
import { isopageImports } from './imports.js'
import { link, start } from './link.js'
import type { Description } from './rewrite/index.js'
import type { Ending, GuestThread } from './thread.js'
import { wasiImports } from './wasi.js'

/** What a program is run with; all of it can go to another thread. */
export interface Program {
  readonly module: WebAssembly.Module
  readonly description: Description | undefined
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Descriptors of its preopened directories, their names, and whether each is '/'. */
  readonly preopens: readonly (readonly [fd: number, name: string, isRoot: boolean])[]
  readonly terminals: readonly number[]
  readonly memoryMax: number
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
    const imports = importsOf(thread, program)
    const instance = link(thread, module, { description, imports, memoryMax })
    const main = instance.exports._start as (() => void) | undefined
    if (!main)
      throw new TypeError('the program exports no _start: it is a library, for kernel.load')
    return run(thread, program, instance, main)
  } catch (error) {
    return { error }
  }
}

function run(
  thread: GuestThread,
  program: Program,
  instance: WebAssembly.Instance,
  main: () => void,
): Ending {
  try {
    thread.enter()
    start(instance)
    main()
    thread.leave()
    return { status: 0 }
  } catch (error) {
    thread.trapped = error
    thread.leave()
    const ending = endingOf(thread, error)
    tell(thread, program, ending)
    return ending
  } finally {
    if (thread.context !== 0) thread.instance.lastCalls.guest_destroy(thread.context)
  }
}

/** Writes the line about a signal to the program's stderr, if that is open. */
function tell(thread: GuestThread, { args }: Program, ending: Ending): void {
  const line = report(thread, args[0] ?? 'guest', ending)
  if (line === undefined) return
  const bytes = new TextEncoder().encode(line)
  try {
    thread.served()
    thread.process.write(2, bytes)
  } catch {
    // Nobody listens.
  }
}
