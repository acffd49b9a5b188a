/**
 * What the commands that look at a running program share: reading their command line, choosing the program, and what they say when that fails.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { ChoiceError, findProgram, nameOf, type Program } from '../inspect/client.js'
import type { Hello } from '../inspect/protocol.js'
import { table } from './columns.js'

/** A command: gives its exit code. */
export interface Command {
  readonly usage: string
  run(argv: readonly string[]): Promise<number>
}

/** What is wrong with the command line: exit code 2. */
export class UsageError extends Error {}

/** parseArgs, its errors as UsageError. */
export function parse<Options extends ParseArgsOptionsConfig>(
  argv: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options, tokens: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** => the program that the command line names, or the only one; what is wrong with that names all that run. */
export async function programOf(positionals: readonly string[]): Promise<Program> {
  const [choice, ...more] = positionals
  if (more.length > 0) throw new UsageError(`one program at a time: '${more[0]}' is one too many`)
  if (choice !== undefined && !/^\d+(-[0-9a-f]{8})?$/.test(choice)) {
    throw new UsageError(`'${choice}' is no pid of a program`)
  }
  try {
    return await findProgram(choice)
  } catch (error) {
    if (!(error instanceof ChoiceError) || error.programs.length === 0) throw error
    throw new UsageError(`${error.message}\n${listOf(error.programs)}`)
  }
}

function listOf(programs: readonly Hello[]): string {
  const pids = programs.map(({ pid }) => pid)
  // A pid that several kernels share does not choose.
  const name = (hello: Hello) =>
    pids.indexOf(hello.pid) === pids.lastIndexOf(hello.pid) ? String(hello.pid) : nameOf(hello)
  const lines = table<Hello>(
    [
      { head: 'PID', align: 'left', cell: name },
      { head: 'RUNTIME', align: 'left', cell: ({ runtime }) => runtime },
      { head: 'PROGRAM', align: 'left', cell: ({ program }) => program },
    ],
    programs,
    Number.POSITIVE_INFINITY,
  )
  return lines.map((line) => `  ${line}`).join('\n')
}
