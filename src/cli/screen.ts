/** Where text goes: a terminal, with colours and a line that is written over, or anything else, as plain text. */
import { styleText } from 'node:util'
import type { Progress } from './report.js'

export type Style = Parameters<typeof styleText>[0]

/** What a screen needs of process.stdout. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const PLAIN_WIDTH = 100
const WIDTH_MIN = 40
const WIDTH_MAX = 132
const BAR_CELLS = 24
/** A step that is done by then shows no progress. */
const PROGRESS_AFTER_MS = 300
const PROGRESS_EACH_MS = 50

export class Screen {
  /** Characters of a line. */
  readonly width: number
  readonly color: boolean
  readonly #output: Output
  /** A terminal: lines must fit, and may be written over. */
  readonly live: boolean
  #step = ''
  #stepBegan = 0
  #shownAt = 0

  /** @param color undefined: where there is a terminal, unless the environment says otherwise. */
  constructor(output: Output, color?: boolean) {
    this.#output = output
    this.live = output.isTTY === true && process.env.TERM !== 'dumb'
    this.color = color ?? colorWanted(this.live)
    const columns = this.live ? (output.columns ?? PLAIN_WIDTH) : PLAIN_WIDTH
    this.width = Math.min(Math.max(columns, WIDTH_MIN), WIDTH_MAX)
  }

  /** Writes one line. */
  line(text = ''): void {
    this.#clear()
    this.#output.write(`${text}\n`)
  }

  styled(style: Style, text: string): string {
    return this.color ? styleText(style, text, { validateStream: false }) : text
  }

  /** Shows how far a step is, where a line can be written over. */
  readonly progress: Progress = (step, done, total) => {
    const now = performance.now()
    if (step !== this.#step) this.#stepBegan = now
    this.#step = step
    const early = now - this.#stepBegan < PROGRESS_AFTER_MS
    if (!this.live || early || now - this.#shownAt < PROGRESS_EACH_MS) return
    this.#shownAt = now
    const share = total === 0 ? 1 : Math.min(done / total, 1)
    const full = Math.round(share * BAR_CELLS)
    const bar =
      this.styled('cyan', '━'.repeat(full)) + this.styled('gray', '╌'.repeat(BAR_CELLS - full))
    this.#output.write(`\r\u001b[K${step.padEnd(10)}${bar} ${Math.round(share * 100)}%`)
  }

  /** Takes the progress away. */
  #clear(): void {
    if (this.#shownAt > 0) this.#output.write('\r\u001b[K')
    this.#shownAt = 0
    this.#step = ''
  }
}

/** NO_COLOR (no-color.org) and FORCE_COLOR as most programs read them. */
function colorWanted(live: boolean): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return live
}
