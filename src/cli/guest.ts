/** `isopage run`: a program, or several, as processes of a kernel of their own. The exit status is the first one's. */
import type { Guest, RunOptions } from '../guest/index.js'
import { boot, disk, type Kernel } from '../index.js'
import { ipcsText } from '../inspect/ipcs-text.js'
import { type Command, parse, UsageError } from './command.js'
import { systemNames } from './names.js'
import { outputFor } from './output.js'

const USAGE = `usage: isopage run [options] FILE [argument...]

Runs a WebAssembly program that \`isopage cc\` made, or any for WASI preview 1. It sees its own
memory, and the files, segments and queues of a kernel that is made for it: an empty
file system in memory, and the directories that --mount names.

  --with 'FILE [argument...]'
                        another program, run beside it: the two share what they ask for. Its
                        words are parted by blanks; it reads no standard input
  --mount HOST=GUEST    the directory HOST of this system as GUEST; :ro behind it: read only
  --env NAME=VALUE      a variable of its environment; NAME alone: as it is here
  --cwd DIR             where it starts (/)
  --uid N, --gid N      whose it is (0: root)
  --memory SIZE         all that the kernel may use (256MiB)
  --page-size SIZE      bytes of a page: 4KiB to 64KiB (4KiB)
  --rewritten           FILE is what \`isopage instrument\` made, of a program you trust or by yourself
  --trace               a line on standard error for each call
  --maps                its mappings on standard error when it ends
  --ipcs                what it left of segments, queues and semaphores, as ipcs prints it
  -h, --help            this text

exit codes: the program's own, 128 and the number of a signal that ended it; 1 it could not be
run, 2 wrong usage
`

const OPTIONS = {
  with: { type: 'string', multiple: true },
  mount: { type: 'string', multiple: true },
  env: { type: 'string', multiple: true },
  cwd: { type: 'string', default: '/' },
  uid: { type: 'string', default: '0' },
  gid: { type: 'string' },
  memory: { type: 'string', default: '256MiB' },
  'page-size': { type: 'string', default: '4KiB' },
  rewritten: { type: 'boolean', default: false },
  trace: { type: 'boolean', default: false },
  maps: { type: 'boolean', default: false },
  ipcs: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values']

export const run: Command = {
  usage: USAGE,
  async run(argv) {
    const own = lengthOfOwn(argv)
    const { values } = parse(argv.slice(0, own), OPTIONS)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const [file, ...args] = argv.slice(own)
    if (file === undefined) throw new UsageError('a program to run is missing')
    return start(file, args, values)
  },
}

/** What stands before the program is ours; what stands behind it is the program's. */
function lengthOfOwn(argv: readonly string[]): number {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    if (word === '--') return at + 1
    if (!word.startsWith('-')) return at
    const option = OPTIONS[word.slice(2) as keyof typeof OPTIONS]
    if (option?.type === 'string') at++
  }
  return argv.length
}

async function start(file: string, args: readonly string[], values: Values): Promise<number> {
  const { cwd, memory, rewritten, trace, maps } = values
  const uid = id('--uid', values.uid)
  const gid = values.gid === undefined ? uid : id('--gid', values.gid)
  const [env, mounts] = [environment(values.env ?? []), mountsOf(values.mount ?? [])]
  const pageSize = pageSizeOf(values['page-size'])
  const others = (values.with ?? []).map(wordsOf)
  const contents = await Promise.all([[file], ...others].map(([name]) => contentOf(name as string)))
  using stops = new Stops()
  // Closed last but one: what was written is in the directories then, however the programs end.
  await using kernel = await boot({ memory, pageSize, mounts })
  if (!Object.keys(mounts).some(isAtTemporary)) makeTemporary(kernel)
  const options: RunOptions = {
    env,
    cwd,
    uid,
    gid,
    rewritten,
    trace,
    maps,
    terminal: process.stdout.isTTY === true,
    stdout: outputFor(process.stdout),
    stderr: outputFor(process.stderr),
  }
  const starting = [[file, ...args], ...others].map(async (words, index) => {
    const stdin = index === 0 ? 'inherit' : 'ignore'
    const program = contents[index] as Uint8Array<ArrayBuffer>
    const starts = kernel.run(program, { ...options, args: words, stdin })
    return stops.watch(await starts.catch((error) => refused(words[0] as string, error)))
  })
  const status = await endOf(await Promise.all(starting))
  if (values.ipcs) process.stderr.write(left(kernel))
  return status
}

/** => what is mounted there has the folder for temporary files, or is it. */
function isAtTemporary(path: string): boolean {
  return /^\/+(tmp\/*)?$/.test(path)
}

/** A folder for temporary files, as C programs expect one: anybody's, and each file its owner's. */
function makeTemporary(kernel: Kernel): void {
  using host = kernel.process()
  try {
    host.mkdir('/tmp')
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error // a mount is below it
  }
  host.chmod('/tmp', 0o1777)
}

/** What is wrong with a file names it. */
function refused(file: string, error: Error & { code?: string }): never {
  const isFile = error instanceof WebAssembly.CompileError || error.code === 'ERR_GUEST_MODULE'
  throw isFile ? new Error(`${file} is no program to run: ${error.message}`) : error
}

/** => the first one's status, once all have ended. */
async function endOf(guests: readonly Guest[]): Promise<number> {
  const [first] = await Promise.all(guests.map(({ exited }) => exited))
  return first?.status ?? 1
}

/** Signals to this program are for those that it runs. It ends with them, not before their files are written. */
class Stops implements Disposable {
  readonly #guests: Guest[] = []
  #sent: NodeJS.Signals | undefined

  constructor() {
    for (const signal of STOPPING) process.on(signal, this.#stop)
  }

  watch(guest: Guest): Guest {
    this.#guests.push(guest)
    if (this.#sent) guest.kill(this.#sent)
    return guest
  }

  readonly #stop = (signal: NodeJS.Signals): void => {
    this.#sent = signal
    for (const guest of this.#guests) guest.kill(signal)
  };

  [Symbol.dispose](): void {
    for (const signal of STOPPING) process.off(signal, this.#stop)
  }
}

function wordsOf(text: string): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) throw new UsageError('--with takes a program and its arguments')
  return words
}

async function contentOf(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = await import('node:fs/promises')
  return new Uint8Array(await readFile(file))
}

function left(kernel: Kernel): string {
  return ipcsText(kernel.ipcs(), { names: systemNames() })
}

function mountsOf(words: readonly string[]) {
  const entries = words.map((word) => {
    const [, host, guest, readonly] = /^(.+?)=(\/[^:]*)(:ro)?$/.exec(word) ?? []
    if (host === undefined || guest === undefined) {
      throw new UsageError(`--mount takes HOST=/GUEST or HOST=/GUEST:ro, not '${word}'`)
    }
    return [guest, disk(host, { readonly: readonly !== undefined })] as const
  })
  return Object.fromEntries(entries)
}

function environment(words: readonly string[]): Record<string, string> {
  const entries = words.flatMap((word) => {
    const at = word.indexOf('=')
    if (at > 0) return [[word.slice(0, at), word.slice(at + 1)] as const]
    const value = process.env[word]
    return value === undefined ? [] : [[word, value] as const]
  })
  return Object.fromEntries(entries)
}

function id(option: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : -1
  if (value >= 0 && value < 2 ** 32 - 1) return value
  throw new UsageError(`${option} takes a number of a user or group, not '${text}'`)
}

function pageSizeOf(text: string): number {
  const [, digits, unit] = /^(\d+) ?(KiB|)$/.exec(text) ?? []
  const bytes = Number(digits) * (unit === 'KiB' ? 1024 : 1)
  if ([4, 8, 16, 32, 64].some((kibibytes) => kibibytes * 1024 === bytes)) return bytes
  throw new UsageError(`--page-size takes 4KiB, 8KiB, 16KiB, 32KiB or 64KiB, not '${text}'`)
}
