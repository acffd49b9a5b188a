/** `isopage instrument`: rewrites a module as `isopage run` does before it runs one, and writes what it made. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type BackEndName, describe, instrument as rewrite } from '../guest/rewrite/index.js'
import { grouped, size } from './columns.js'
import { type Command, parse, UsageError } from './command.js'

const USAGE = `usage: isopage instrument FILE -o FILE [options]

Rewrites a WebAssembly program so that addresses from 2 GiB on are the kernel's pages, and
all below stays its own memory. \`isopage run\` does it by itself; this keeps the result,
which \`isopage run --rewritten\` runs.

  -o, --output FILE  where the rewritten module goes
  --back-end NAME    multi-memory (default), or accessors for engines with one memory a module
  --no-polls         no looks at the attention word in loops: for a module alone on its thread
  --json             one JSON document instead of text
  -h, --help         this text

exit codes: 0 written, 1 the module cannot be rewritten, 2 wrong usage
`

const OPTIONS = {
  output: { type: 'string', short: 'o' },
  'back-end': { type: 'string', default: 'multi-memory' },
  'no-polls': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const BACK_ENDS: readonly string[] = ['multi-memory', 'accessors'] satisfies BackEndName[]

export const instrument: Command = {
  usage: USAGE,
  async run(argv) {
    const { values, positionals } = parse(argv, OPTIONS)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const [input, ...more] = positionals
    const { output, 'back-end': backEnd } = values
    if (input === undefined) throw new UsageError('a file to rewrite is missing')
    if (more.length > 0) throw new UsageError(`one file at a time: '${more[0]}' is one too many`)
    if (output === undefined) throw new UsageError('-o FILE is missing: where the result goes')
    if (!BACK_ENDS.includes(backEnd)) {
      throw new UsageError(`--back-end takes ${BACK_ENDS.join(' or ')}, not '${backEnd}'`)
    }
    const polls = !values['no-polls']
    write(input, output, backEnd as BackEndName, polls, values.json)
    return 0
  },
}

function write(
  input: string,
  output: string,
  backEnd: BackEndName,
  polls: boolean,
  json: boolean,
): void {
  const bytes = new Uint8Array(readFileSync(input))
  const began = performance.now()
  const made = rewrite(bytes, { backEnd, polls })
  const milliseconds = performance.now() - began
  writeFileSync(output, made)
  const found = { input: bytes.length, output: made.length, milliseconds, module: describe(made) }
  if (json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
  else {
    const growth = (made.length / bytes.length).toFixed(2)
    const text = `${size(bytes.length)} to ${size(made.length)} (${growth}x), ${backEnd}`
    process.stdout.write(`${output}: ${text}, ${grouped(Math.ceil(milliseconds))} ms\n`)
  }
}
