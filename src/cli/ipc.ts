/** `isopage ipc`: a tour of interprocess communication for those who are new to it (tour.ts has the steps). */
import { boot } from '../index.js'
import { runtimeName } from '../inspect/open.js'
import { type Command, parse, UsageError } from './command.js'
import { Screen } from './screen.js'
import { type Call, runTour, type Step } from './tour.js'

const USAGE = `usage: isopage ipc [options]

A tour: three threads find each other by keys, share a page, queue messages, wait on a
semaphore; one crashes with a lock in its hand, and nothing is lost.

  --json             one JSON document instead of text
  --no-color         no colour; so does NO_COLOR in the environment
  -h, --help         this text

exit codes: 0 every step came as it had to, 1 one did not, 2 wrong usage
`

const OPTIONS = {
  json: { type: 'boolean', default: false },
  'no-color': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** Columns before a call: its step's number, and its thread. */
const MARGIN = 4
const CALL_WIDTH = 58

export const ipc: Command = {
  usage: USAGE,
  async run(argv) {
    const { values, positionals } = parse(argv, OPTIONS)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    if (positionals[0] !== undefined) throw new UsageError(`'${positionals[0]}' is one too many`)
    await using kernel = await boot({ memory: '64MiB' })
    const steps: Step[] = []
    const screen = new Screen(process.stdout, values['no-color'] ? false : undefined)
    if (!values.json) begin(screen)
    const ok = await runTour(kernel, (step) => {
      steps.push(step)
      if (!values.json) show(screen, step, steps.length)
    })
    if (values.json) {
      const document = { runtime: runtimeName(), steps, ok }
      process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
    } else conclude(screen, steps, ok)
    return ok ? 0 : 1
  },
}

function begin(screen: Screen): void {
  const title = screen.styled('bold', 'interprocess communication')
  screen.line(`${title}, a tour on ${runtimeName()}`)
}

function show(screen: Screen, { title, calls, text, ok }: Step, number: number): void {
  screen.line()
  const mark = ok ? screen.styled('cyan', String(number).padStart(2)) : screen.styled('red', ' ✘')
  screen.line(`${mark}  ${screen.styled('bold', title)}`)
  for (const call of calls) showCall(screen, call)
  if (text === undefined) return
  for (const line of text.trim().split('\n')) {
    screen.line(line === '' ? '' : screen.styled('gray', `${' '.repeat(MARGIN)}${line.trimEnd()}`))
  }
}

/** The result stands beside the call, or below where there is no room. */
function showCall(screen: Screen, { thread, call, result }: Call): void {
  const head = `${' '.repeat(MARGIN)}${screen.styled('magenta', thread.padEnd(2))}`
  const shown = screen.styled('green', result)
  if (MARGIN + 2 + CALL_WIDTH + 1 + result.length <= screen.width && call.length <= CALL_WIDTH) {
    screen.line(`${head}${call.padEnd(CALL_WIDTH)} ${shown}`)
  } else {
    screen.line(`${head}${call}`)
    screen.line(`${' '.repeat(MARGIN + 4)}${shown}`)
  }
}

function conclude(screen: Screen, steps: readonly Step[], ok: boolean): void {
  const held = steps.filter((step) => step.ok).length
  screen.line()
  const text = ok ? 'All of it came as it had to.' : 'NOT all of it came as it had to.'
  const style = ok ? (['bold', 'green'] as const) : (['bold', 'red'] as const)
  screen.line(`${screen.styled([...style], text)} ${held} of ${steps.length} steps.`)
  screen.line(
    'Programs of your own: examples/ has four, each runs in Node, Deno, Bun and in a page.',
  )
}
