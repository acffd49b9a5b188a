/** `isopage maps [PID]`: the mappings of a running program's processes, like /proc/PID/maps, with their pages counted. */
import type { Program } from '../inspect/client.js'
import { type MapRow, type ProcessMaps, permissionsOf, sourceOf } from '../inspect/processes.js'
import type { Hello } from '../inspect/protocol.js'
import { type Column, counted, grouped, size, table } from './columns.js'
import { type Command, parse, programOf, UsageError } from './command.js'
import { type MapCells, mapColumns } from './map-columns.js'
import { pageLines } from './page-lines.js'
import { Screen } from './screen.js'

const USAGE = `usage: isopage maps [PID] [options]

Shows the mappings of every process in a program that booted with { inspect: true }: like
/proc/PID/maps, with the pages that are in memory, wait to be written, or were copied for
the process alone. PID is the program's; without it, the only one that runs.

  --process N        of this process of its kernel alone
  --pages            and the pages of each mapping as a map
  --json             one JSON document instead of text
  --no-color         no colour; so does NO_COLOR in the environment
  -h, --help         this text

exit codes: 0 done, 1 no such program or it failed, 2 wrong usage, or several programs run
`

const OPTIONS = {
  process: { type: 'string' },
  pages: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  'no-color': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Lines of cells of one mapping. */
const PAGE_LINES = 4

interface Row extends MapCells {
  readonly what: string
}

const COLUMNS: readonly Column<Row>[] = [
  ...mapColumns,
  { head: 'WHAT', align: 'left', cell: ({ what }) => what },
]

export const maps: Command = {
  usage: USAGE,
  async run(argv) {
    const { values, positionals } = parse(argv, OPTIONS)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const pid = values.process === undefined ? undefined : processOf(values.process)
    await using program = await programOf(positionals)
    const found = await program.ask('maps', pid === undefined ? {} : { pid })
    if (values.json) {
      const document = { program: program.hello, processes: found }
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
      return 0
    }
    const screen = new Screen(process.stdout, values['no-color'] ? false : undefined)
    show(screen, program.hello, found)
    if (values.pages) await showPages(screen, program, found)
    return 0
  },
}

function processOf(text: string): number {
  const pid = /^\d+$/.test(text) ? Number(text) : 0
  if (pid > 0) return pid
  throw new UsageError(`--process takes a pid of the kernel's, not '${text}'`)
}

function show(screen: Screen, hello: Hello, found: readonly ProcessMaps[]): void {
  const { pid, program, runtime, pageSize } = hello
  screen.line(`${screen.styled('bold', program)}, pid ${pid}, ${runtime}`)
  const rows = found.flatMap((entry) => entry.maps.map((map) => rowOf(entry.pid, map)))
  const each = found.length === 1 ? '1 process' : `${grouped(found.length)} processes`
  screen.line(`${each}, ${counted(rows.length, 'mapping')}, pages of ${size(pageSize)}`)
  if (rows.length === 0) return
  screen.line()
  const [heads = '', ...lines] = table(COLUMNS, rows, screen.live ? screen.width : 1e9)
  screen.line(screen.styled('gray', heads))
  for (const line of lines) screen.line(line)
}

function rowOf(pid: number, map: MapRow): Row {
  return {
    pid,
    start: map.start,
    end: map.end,
    permissions: permissionsOf(map),
    offset: map.offset,
    residentPages: map.resident,
    dirtyPages: map.dirty,
    privatePages: map.private,
    what: sourceOf(map),
  }
}

async function showPages(
  screen: Screen,
  program: Program,
  found: readonly ProcessMaps[],
): Promise<void> {
  for (const { pid, maps } of found) {
    for (const { start, end } of maps) {
      const runs = await program.ask('pages', { pid, address: start })
      const title = `pid ${pid}, ${start.toString(16)}-${end.toString(16)}`
      screen.line()
      for (const line of pageLines(screen, title, runs, PAGE_LINES)) screen.line(line)
    }
  }
}
