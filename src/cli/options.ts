/** The command line: what can be said, and what is wrong with what was said (UsageError, exit code 2). */
import { parse, UsageError } from './command.js'

export interface Options {
  /** The file to map; none makes one. */
  readonly file: string | undefined
  readonly write: boolean
  /** Pages to edit. */
  readonly pages: number
  /** Bytes of a page. */
  readonly pageSize: number
  /** As `boot` takes it. */
  readonly memory: string | number
  readonly json: boolean
  /** Undefined: the terminal decides. */
  readonly color: boolean | undefined
}

export type MapCommand =
  | { readonly name: 'map'; readonly options: Options }
  | { readonly name: 'help' }
  | { readonly name: 'version' }

export const USAGE = `usage: isopage map [file] [options]     see two threads share a file, and the proof
       isopage ipc [options]            a tour of interprocess communication
       isopage maps [PID] [options]     the mappings of a running program
       isopage ipcs [PID] [options]     its segments, queues and semaphores
       isopage ipcrm [PID] [options]    remove some of them
       isopage cc [options] file...     compile C to a program for \`isopage run\`
       isopage run [options] FILE ...   run a program, with files and memory of a kernel's
       isopage instrument FILE -o FILE  rewrite a program, as \`isopage run\` does by itself

\`isopage COMMAND --help\` tells of each. PID names a program that booted with { inspect: true }.

map: maps a file from two threads at once, stores through both mappings, syncs, and proves by
plain reads what is on disk. Without a file it makes one of 16 MiB; a file of yours is
copied first, and the copy is edited.

  --write            edit the file itself; the edits stay in it
  --pages N          pages to edit (default 64)
  --page-size SIZE   4KiB, 8KiB, 16KiB, 32KiB or 64KiB (default 4KiB)
  --memory SIZE      all that the kernel may use, page cache included (default 256MiB)
  --json             one JSON document instead of text
  --no-color         no colour; so does NO_COLOR in the environment
  -h, --help         this text
  -v, --version      the version

exit codes: 0 all checks hold, 1 a check or the file failed, 2 wrong usage
`

const COMMANDS = 'isopage map, ipc, maps, ipcs, ipcrm, cc, run, or instrument'
const DEFAULT_PAGES = 64
const DEFAULT_MEMORY = '256MiB'
const PAGES_MAX = 100_000

const OPTIONS = {
  write: { type: 'boolean', default: false },
  pages: { type: 'string' },
  'page-size': { type: 'string' },
  memory: { type: 'string' },
  json: { type: 'boolean', default: false },
  'no-color': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'v', default: false },
} as const

/** @param argv what stands after the program. Throws UsageError. */
export function readCommand(argv: readonly string[]): MapCommand {
  const { values, positionals } = parse(argv, OPTIONS)
  if (values.help) return { name: 'help' }
  if (values.version) return { name: 'version' }
  const [command, file, ...more] = positionals
  if (command === undefined) throw new UsageError(`a command is missing: ${COMMANDS}`)
  if (command !== 'map') throw new UsageError(`'${command}' is no command: ${COMMANDS}`)
  if (more.length > 0) throw new UsageError(`one file at a time: '${more[0]}' is one too many`)
  if (file === '') throw new UsageError('the name of the file is empty')
  if (values.write && file === undefined) throw new UsageError('--write needs a file')
  return { name: 'map', options: optionsOf(values, file) }
}

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values']

function optionsOf(values: Values, file: string | undefined): Options {
  return {
    file,
    write: values.write,
    json: values.json,
    color: values['no-color'] ? false : undefined,
    pages: count('--pages', values.pages ?? String(DEFAULT_PAGES)),
    pageSize: pageSize(values['page-size'] ?? '4KiB'),
    memory: values.memory ?? DEFAULT_MEMORY,
  }
}

function count(option: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= PAGES_MAX) return value
  throw new UsageError(`${option} takes a whole number from 1 to ${PAGES_MAX}, not '${text}'`)
}

const PAGE_SIZES = [4, 8, 16, 32, 64].map((kibibytes) => kibibytes * 1024)

function pageSize(text: string): number {
  const [, digits, unit] = /^(\d+) ?(KiB|)$/.exec(text) ?? []
  const bytes = Number(digits) * (unit === 'KiB' ? 1024 : 1)
  if (PAGE_SIZES.includes(bytes)) return bytes
  throw new UsageError(`--page-size takes 4KiB, 8KiB, 16KiB, 32KiB or 64KiB, not '${text}'`)
}
