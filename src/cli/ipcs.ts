/** `isopage ipcs [PID]`: what `ipcs` of util-linux shows, of a running program. */

import type { Ipcs } from '../inspect/ipcs.js'
import { type IpcKind, type IpcsFormat, ipcsText, ipcText } from '../inspect/ipcs-text.js'
import { type Command, parse, programOf, UsageError } from './command.js'
import { systemNames } from './names.js'

const USAGE = `usage: isopage ipcs [PID] [resource-option...] [output-option]
       isopage ipcs [PID] -m|-q|-s -i ID

Shows the objects of interprocess communication in a program that booted with
{ inspect: true }, as ipcs of util-linux shows the system's. PID is the program's; without
it, the only one that runs.

  -i, --id ID        details of one object
  -m, --shmems       shared memory segments
  -q, --queues       message queues
  -s, --semaphores   semaphores
  -a, --all          all three (default)
  -t, --time         attach, detach and change times
  -p, --pid          processes that made, and last used, an object
  -c, --creator      creators and owners
  -l, --limits       limits
  -u, --summary      what is used
      --human        sizes in units that suit them
  -b, --bytes        sizes in bytes
      --posix        shared memory, queues and semaphores that POSIX names
      --json         one JSON document, all of it, instead of text
  -h, --help         this text

exit codes: 0 done, 1 no such program or object, 2 wrong usage, or several programs run
`

const flag = (short?: string) => ({
  type: 'boolean' as const,
  default: false,
  ...(short ? { short } : {}),
})

const OPTIONS = {
  id: { type: 'string', short: 'i' },
  shmems: flag('m'),
  queues: flag('q'),
  semaphores: flag('s'),
  all: flag('a'),
  time: flag('t'),
  pid: flag('p'),
  creator: flag('c'),
  limits: flag('l'),
  summary: flag('u'),
  human: flag(),
  bytes: flag('b'),
  posix: flag(),
  json: flag(),
  help: flag('h'),
} as const

type Parsed = ReturnType<typeof parse<typeof OPTIONS>>
type Values = Parsed['values']

export const ipcs: Command = {
  usage: USAGE,
  async run(argv) {
    const parsed = parse(argv, OPTIONS)
    const { values, positionals } = parsed
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const id = values.id === undefined ? undefined : idOf(values)
    await using program = await programOf(positionals)
    const found = await program.ask('ipcs')
    const text = values.json
      ? json({ program: program.hello, ipcs: found })
      : textOf(found, parsed, id)
    if (text === undefined) {
      console.error(`isopage: id ${values.id} not found`)
      return 1
    }
    process.stdout.write(text)
    return 0
  },
}

function json(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`
}

function idOf(values: Values): number {
  if (kindsOf(values).length !== 1 || values.all) {
    throw new UsageError('when using an ID, a single resource must be specified')
  }
  const text = values.id as string
  if (/^[+-]?\d+$/.test(text) && Math.abs(Number(text)) < 2 ** 31) return Number(text)
  throw new UsageError(`failed to parse id argument: '${text}'`)
}

function kindsOf({ shmems, queues, semaphores }: Values): IpcKind[] {
  return [
    ...(shmems ? (['shm'] as const) : []),
    ...(queues ? (['msg'] as const) : []),
    ...(semaphores ? (['sem'] as const) : []),
  ]
}

function textOf(found: Ipcs, parsed: Parsed, id: number | undefined): string | undefined {
  const { values } = parsed
  if (values.posix) return posixText(found)
  const unit = lastOf(parsed, { human: 'human', bytes: 'bytes' } as const) ?? 'default'
  const kinds = kindsOf(values)
  if (id !== undefined) return ipcText(found, kinds[0] as IpcKind, id, unit)
  const format = lastOf(parsed, FORMATS) ?? 'list'
  const some = values.all || kinds.length === 0 ? {} : { kinds }
  return ipcsText(found, { ...some, format, unit, names: systemNames() })
}

const FORMATS: Readonly<Record<string, IpcsFormat>> = {
  time: 'time',
  pid: 'pid',
  creator: 'creator',
  limits: 'limits',
  summary: 'summary',
}

/** => what the last option that was given of these means: as getopt has it, the last one counts. */
function lastOf<Meaning>(
  { tokens }: Parsed,
  meanings: Readonly<Record<string, Meaning>>,
): Meaning | undefined {
  const given = tokens.filter((token) => token.kind === 'option' && token.name in meanings)
  const last = given.at(-1)
  return last?.kind === 'option' ? meanings[last.name] : undefined
}

/** util-linux's ipcs has no such tables; these are in its manner. */
function posixText({ posix }: Ipcs): string {
  const { user } = systemNames()
  const mode = (bits: number) => (bits & 0o777).toString(8)
  const part = (title: string, heads: readonly string[], rows: readonly (readonly unknown[])[]) => {
    const line = (cells: readonly unknown[]) =>
      cells.map((cell, at) => String(cell).padEnd(at === 0 ? 24 : 10)).join(' ')
    return [`------ ${title} --------`, line(heads), ...rows.map(line), ''].join('\n')
  }
  const begin = ({ name, uid, mode: bits }: Ipcs['posix']['shm'][number] | NamedEntry) => [
    name,
    user(uid) ?? uid,
    mode(bits),
  ]
  return `\n${[
    part(
      'POSIX Message Queues',
      ['name', 'owner', 'perms', 'messages', 'maxmsg', 'msgsize'],
      posix.mq.map((queue) => [...begin(queue), queue.curmsgs, queue.maxmsg, queue.msgsize]),
    ),
    part(
      'POSIX Shared Memory',
      ['name', 'owner', 'perms', 'bytes'],
      posix.shm.map((object) => [...begin(object), object.size]),
    ),
    part(
      'POSIX Semaphores',
      ['name', 'owner', 'perms', 'value'],
      posix.sem.map((sem) => [...begin(sem), sem.value]),
    ),
  ].join('\n')}\n`
}

interface NamedEntry {
  readonly name: string
  readonly uid: number
  readonly mode: number
}
