/** `isopage ipcrm [PID]`: removes objects of interprocess communication of a running program; options and words of util-linux's ipcrm. */
import type { Program } from '../inspect/client.js'
import type { IpcKind } from '../inspect/ipcs-text.js'
import type { PosixKind, Removal } from '../inspect/protocol.js'
import { type Command, parse, programOf, UsageError } from './command.js'

const USAGE = `usage: isopage ipcrm [PID] [options]

Removes objects of interprocess communication in a program that booted with
{ inspect: true }. PID is the program's; without it, the only one that runs. Options may be
given several times, and are taken in turn.

  -m, --shmem-id ID          a shared memory segment by id
  -M, --shmem-key KEY        a shared memory segment by key: 0x and hexadecimal, or decimal
      --posix-shmem NAME     POSIX shared memory by name
  -q, --queue-id ID          a message queue by id
  -Q, --queue-key KEY        a message queue by key
      --posix-mqueue NAME    a POSIX message queue by name
  -s, --semaphore-id ID      a semaphore set by id
  -S, --semaphore-key KEY    a semaphore set by key
      --posix-semaphore NAME a POSIX semaphore by name
  -a, --all[=KIND]           all of shm, msg, sem, pshm, pmsg or psem; without one, all of all
  -v, --verbose              say what is removed
      --json                 one JSON document: what was removed, and what was not
  -h, --help                 this text

exit codes: 0 all of it removed, 1 some of it not, or no such program, 2 wrong usage
`

const text = (short?: string) => ({
  type: 'string' as const,
  multiple: true as const,
  ...(short ? { short } : {}),
})

const OPTIONS = {
  'shmem-id': text('m'),
  'shmem-key': text('M'),
  'posix-shmem': text(),
  'queue-id': text('q'),
  'queue-key': text('Q'),
  'posix-mqueue': text(),
  'semaphore-id': text('s'),
  'semaphore-key': text('S'),
  'posix-semaphore': text(),
  all: text(),
  verbose: { type: 'boolean', short: 'v', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** What an option names, and how. */
const TARGETS: Readonly<Record<string, readonly [kind: IpcKind | PosixKind, by: By]>> = {
  'shmem-id': ['shm', 'id'],
  'shmem-key': ['shm', 'key'],
  'posix-shmem': ['posix-shm', 'name'],
  'queue-id': ['msg', 'id'],
  'queue-key': ['msg', 'key'],
  'posix-mqueue': ['posix-mq', 'name'],
  'semaphore-id': ['sem', 'id'],
  'semaphore-key': ['sem', 'key'],
  'posix-semaphore': ['posix-sem', 'name'],
}

type By = 'id' | 'key' | 'name'

const NOUNS: Readonly<Record<IpcKind | PosixKind, string>> = {
  shm: 'shared memory segment',
  msg: 'message queue',
  sem: 'semaphore',
  'posix-shm': 'POSIX shared memory',
  'posix-mq': 'POSIX message queue',
  'posix-sem': 'POSIX semaphore',
}

/** One thing to remove, and how it was named. */
interface Target {
  readonly removal: Removal
  readonly by: By
  readonly word: string
}

/** KIND of --all, in the order in which all are removed. */
const ALL: Readonly<Record<string, IpcKind | PosixKind>> = {
  shm: 'shm',
  pshm: 'posix-shm',
  sem: 'sem',
  psem: 'posix-sem',
  msg: 'msg',
  pmsg: 'posix-mq',
}

export const ipcrm: Command = {
  usage: USAGE,
  async run(argv) {
    const { values, positionals, tokens } = parse(argv.map(wholeAll), OPTIONS)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const named = tokens.flatMap((token) =>
      token.kind === 'option' && token.name in TARGETS ? [targetOf(token.name, token.value)] : [],
    )
    const kinds = allOf(values.all ?? [])
    if (named.length + kinds.length === 0) throw new UsageError('nothing is named to be removed')
    await using program = await programOf(positionals)
    const targets = [...named, ...(await objectsOf(program, kinds))]
    const say = values.verbose && !values.json ? console.log : () => {}
    const outcomes = await removeAll(program, targets, say)
    if (values.json) process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`)
    else for (const { error } of outcomes) if (error) console.error(`isopage: ${error}`)
    return outcomes.every(({ error }) => error === undefined) ? 0 : 1
  },
}

/** -a and --all take what follows them only when it is joined to them. */
function wholeAll(argument: string): string {
  if (argument === '-a' || argument === '--all') return '--all='
  return argument.startsWith('-a') ? `--all=${argument.slice(2).replace(/^=/, '')}` : argument
}

function allOf(given: readonly string[]): (IpcKind | PosixKind)[] {
  const last = given.at(-1)
  if (last === undefined) return []
  if (last === '') return Object.values(ALL)
  const kind = Object.hasOwn(ALL, last) ? ALL[last] : undefined
  if (kind === undefined) throw new UsageError(`unknown argument: ${last}`)
  return [kind]
}

function targetOf(option: string, value = ''): Target {
  const [kind, by] = TARGETS[option] as readonly [IpcKind | PosixKind, By]
  if (by === 'name') return { removal: { kind, name: value } as Removal, by, word: value }
  const number = by === 'id' ? decimal(value) : keyOf(value)
  if (number === undefined) throw new UsageError(`failed to parse argument: '${value}'`)
  if (by === 'key' && number === 0) throw new UsageError(`illegal key (${value})`)
  return { removal: { kind, [by]: number } as unknown as Removal, by, word: value }
}

function decimal(value: string): number | undefined {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
  return (number | 0) === number ? number : undefined
}

/** As strtoul with base 0 reads it: 0x hexadecimal, 0 octal, else decimal; what is above 2^31 is a negative key. */
function keyOf(value: string): number | undefined {
  const octal = /^0[0-7]+$/.test(value)
  if (!octal && !/^(0x[0-9a-f]+|\d+)$/i.test(value)) return undefined
  const number = octal ? Number.parseInt(value, 8) : Number(value)
  return number < 2 ** 32 ? number | 0 : undefined
}

/** => every object of these kinds. */
async function objectsOf(
  program: Program,
  kinds: readonly (IpcKind | PosixKind)[],
): Promise<Target[]> {
  if (kinds.length === 0) return []
  const { shm, msg, sem, posix } = await program.ask('ipcs')
  const ids = { shm, msg, sem }
  const names = { 'posix-shm': posix.shm, 'posix-mq': posix.mq, 'posix-sem': posix.sem }
  return kinds.flatMap((kind): Target[] => {
    if (kind in ids) {
      const objects = ids[kind as IpcKind]
      return objects.map(({ id }) => ({
        removal: { kind: kind as IpcKind, id },
        by: 'id',
        word: String(id),
      }))
    }
    const objects: readonly { name: string }[] = names[kind as PosixKind]
    return objects.map(({ name }) => ({
      removal: { kind: kind as PosixKind, name },
      by: 'name',
      word: name,
    }))
  })
}

interface Outcome {
  readonly removal: Removal
  readonly error?: string
}

/** In turn; one that fails holds up no other. */
async function removeAll(
  program: Program,
  targets: readonly Target[],
  say: (line: string) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { removal, by, word } of targets) {
    say(`removing ${NOUNS[removal.kind]} ${by} \`${word}'`)
    try {
      await program.ask('remove', removal)
      outcomes.push({ removal })
    } catch (error) {
      outcomes.push({ removal, error: messageOf(error, by, word) })
    }
  }
  return outcomes
}

/** The words of ipcrm. */
function messageOf(error: unknown, by: By, word: string): string {
  const { code, message } = error as Error & { code?: string }
  if (by === 'name') {
    return code === 'ENOENT' ? `name \`${word}' not found` : `name \`${word}': ${message}`
  }
  if (code === 'EINVAL' || code === 'ENOENT') return `invalid ${by} (${word})`
  return code === 'EIDRM' ? `already removed ${by} (${word})` : `${by} failed (${word}): ${message}`
}
