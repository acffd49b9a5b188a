#!/usr/bin/env node
/**
 * The command `isopage`. Standard output has the report, standard error what went wrong.
 * Exit codes: 0 all checks hold, 1 a check or the file failed, 2 wrong usage.
 */
import { readFileSync } from 'node:fs'
import { type Command, UsageError } from './command.js'
import { type MapCommand, type Options, readCommand, USAGE } from './options.js'
import { statusWith, watchOutput } from './output.js'
import type { Report, Tell } from './report.js'
import { runMap } from './run.js'
import { Screen } from './screen.js'
import { TextReport } from './text.js'

const FAILED = 1
const MISUSED = 2

watchOutput()

/** Loaded when it is asked for. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  cc: async () => (await import('./cc.js')).cc,
  instrument: async () => (await import('./instrument.js')).instrument,
  ipc: async () => (await import('./ipc.js')).ipc,
  ipcrm: async () => (await import('./ipcrm.js')).ipcrm,
  ipcs: async () => (await import('./ipcs.js')).ipcs,
  maps: async () => (await import('./maps.js')).maps,
  run: async () => (await import('./guest.js')).run,
}

/** => the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  try {
    if (command) return await (await command()).run(rest)
    return (await run(readCommand(argv))) ? 0 : FAILED
  } catch (error) {
    const misuse = misuseOf(error)
    const help = command ? `isopage ${name} --help` : 'isopage --help'
    if (misuse === undefined) console.error(`isopage: ${messageOf(error)}`)
    else console.error(`isopage: ${misuse}\n${help} tells what can be said.`)
    return misuse === undefined ? FAILED : MISUSED
  }
}

/** => all is well. */
async function run(command: MapCommand): Promise<boolean> {
  if (command.name === 'map') return map(command.options)
  process.stdout.write(command.name === 'help' ? USAGE : `${version()}\n`)
  return true
}

async function map(options: Options): Promise<boolean> {
  if (options.json) return mapToJson(options)
  const screen = new Screen(process.stdout, options.color)
  return runMap(options, version(), new TextReport(screen).tell, screen.progress)
}

async function mapToJson(options: Options): Promise<boolean> {
  const report: Partial<Report> = {}
  const tell: Tell = (section, found) => {
    report[section] = found
  }
  const ok = await runMap(options, version(), tell, () => {})
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  return ok
}

function version(): string {
  const manifest = new URL('../../../package.json', import.meta.url)
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}

/** => what was wrong with the command line; undefined when something else was. */
function misuseOf(error: unknown): string | undefined {
  if (error instanceof UsageError) return error.message
  const { code, message } = error as Error & { code?: string }
  const byBoot = code === 'ERR_OUT_OF_RANGE' && message.includes('options.memory')
  return byBoot ? message.replace('options.memory', '--memory') : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

process.exitCode = statusWith(await main(process.argv.slice(2)))
