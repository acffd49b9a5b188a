/**
 * The report as text, each section when the run comes to it.
 * Invariant: with colour and without the words and numbers are the same; cells are squares with colour, letters without.
 */

import type { Run } from '../inspect/page-map.js'
import { type Column, counted, duration, grouped, shortened, size, table } from './columns.js'
import { mapColumns } from './map-columns.js'
import { pageLines } from './page-lines.js'
import type { MapRow, Report, State, Tell } from './report.js'
import type { Screen, Style } from './screen.js'

const LABEL_WIDTH = 10
const INDENT = 2
const SHARED_LINES = 8
const PRIVATE_LINES = 3

const COLUMNS: readonly Column<MapRow>[] = [
  { head: 'THREAD', align: 'left', cell: ({ thread }) => thread },
  ...mapColumns,
  { head: 'FILE', align: 'left', cell: ({ path }) => path },
]

type Writers = { readonly [Name in keyof Report]?: (found: Report[Name]) => void }

export class TextReport {
  readonly #screen: Screen
  #file: Report['file'] | undefined
  #pageSize = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  readonly tell: Tell = (section, found) => this.#writers[section]?.(found)

  readonly #writers: Writers = {
    file: (file) => {
      this.#file = file
    },
    kernel: (kernel) => this.#kernel(kernel),
    threads: (threads) => {
      const each = threads.map(({ name, pid }) => `thread ${name} as pid ${pid}`).join(', ')
      this.#step('map', `${each}: each maps the file MAP_SHARED and closes its descriptor`)
    },
    read: (reads) => {
      const each = reads.map(
        ({ thread, pages, milliseconds }) =>
          `${thread} ${counted(pages, 'page')} in ${duration(milliseconds)}`,
      )
      this.#step('read', `at the same time: ${each.join(', ')}`)
    },
    edits: ({ edits, milliseconds }) => {
      const by = (name: string) => grouped(edits.filter(({ thread }) => thread === name).length)
      const text = `at the same time: A ${by('A')}, B ${by('B')} stores in ${duration(milliseconds)}`
      this.#step('edit', text)
    },
    exchange: (found) => this.#exchange(found),
    private: ({ pages }) => {
      const text = `A stores to ${counted(pages.length, 'page')} of a MAP_PRIVATE mapping of the same file`
      this.#step('private', text)
    },
    beforeSync: (state) => this.#state('before the sync', state, true),
    sync: ({ pages, milliseconds }) => {
      this.#step(
        'sync',
        `msync(MS_SYNC) wrote ${counted(pages.length, 'page')} in ${duration(milliseconds)}`,
      )
    },
    afterSync: (state) => this.#state('after the sync', state, false),
    disk: ({ bytes, changedPages, milliseconds }) => {
      const changed = `${counted(changedPages.length, 'page')} of ${size(bytes)} changed`
      this.#step('verify', `read again with node:fs in ${duration(milliseconds)}: ${changed}`)
      this.#screen.line()
    },
    checks: (checks) => this.#checks(checks),
    ok: (ok) => this.#verdict(ok),
  }

  /** A line of the story; what does not fit goes on below. */
  #step(label: string, text: string): void {
    const room = this.#screen.width - LABEL_WIDTH
    const lines: string[] = []
    for (const word of text.split(' ')) {
      const last = lines.at(-1)
      if (last !== undefined && last.length + word.length < room)
        lines.push(`${lines.pop()} ${word}`)
      else lines.push(word)
    }
    for (const [index, line] of lines.entries()) {
      const head = index === 0 ? label : ''
      this.#screen.line(this.#screen.styled('cyan', head.padEnd(LABEL_WIDTH)) + line)
    }
  }

  #kernel({ version, runtime, memory, pageSize, bootMilliseconds }: Report['kernel']): void {
    const { path, source, copyOf, bytes, mappedBytes, pages } = this.#file as Report['file']
    const { width, live } = this.#screen
    this.#pageSize = pageSize
    this.#screen.line(`${this.#style('bold', `isopage ${version}`)} on ${runtime}`)
    this.#screen.line()
    const shown = source === 'copy' ? (copyOf as string) : path
    this.#step('file', live ? shortened(shown, width - LABEL_WIDTH) : shown)
    const whole = `${size(bytes)}, ${counted(pages, 'page')} of ${size(pageSize)}`
    const part = mappedBytes < bytes ? `; its first ${size(mappedBytes)} are mapped` : ''
    this.#step('', `${whole}${part}; ${SOURCES[source]}`)
    this.#step(
      'kernel',
      `${size(memory)} of shared memory, booted in ${duration(bootMilliseconds)}`,
    )
  }

  readonly #style = (style: Style, text: string) => this.#screen.styled(style, text)

  #exchange(found: Report['exchange']): void {
    if (!found) {
      this.#step('meet', 'the file has no room for a word of both threads')
      return
    }
    const { rounds, page, medianMicroseconds } = found
    const each = duration(medianMicroseconds / 1000)
    const where = `a word of page ${grouped(page)}`
    this.#step(
      'meet',
      `${grouped(rounds)} round trips between A and B through ${where}: ${each} each`,
    )
  }

  #state(title: string, state: State, both: boolean): void {
    this.#screen.line()
    this.#table(title, state.mappings)
    this.#screen.line()
    this.#pages(`shared mapping, as thread A sees it`, state.shared, SHARED_LINES)
    this.#screen.line()
    if (!both) return
    this.#pages('private mapping of thread A', state.private, PRIVATE_LINES)
    this.#screen.line()
  }

  #table(title: string, rows: readonly MapRow[]): void {
    const { width, live } = this.#screen
    const [heads = '', ...lines] = table(
      COLUMNS,
      rows,
      live ? width - INDENT : Number.POSITIVE_INFINITY,
    )
    this.#screen.line(this.#style('bold', `mappings ${title}, pages of ${size(this.#pageSize)}`))
    this.#screen.line(' '.repeat(INDENT) + this.#style('gray', heads))
    for (const line of lines) this.#screen.line(' '.repeat(INDENT) + line)
  }

  #pages(title: string, runs: readonly Run[], linesMax: number): void {
    for (const line of pageLines(this.#screen, title, runs, linesMax)) this.#screen.line(line)
  }

  #checks(checks: Report['checks']): void {
    const longest = Math.max(...checks.map(({ name }) => name.length))
    for (const { name, ok, detail } of checks) {
      const mark = ok ? this.#style('green', '✔') : this.#style('red', '✘')
      this.#screen.line(`  ${mark} ${name.padEnd(longest)}  ${this.#style('gray', detail)}`)
    }
    this.#screen.line()
  }

  #verdict(ok: boolean): void {
    const { source, path } = this.#file as Report['file']
    const text = ok ? 'All of it holds.' : 'NOT all of it holds.'
    const after = source === 'original' ? `The edits stay in ${path}.` : AFTERWARDS[source]
    this.#screen.line(`${this.#style(ok ? ['bold', 'green'] : ['bold', 'red'], text)} ${after}`)
  }
}

const SOURCES: Readonly<Record<Report['file']['source'], string>> = {
  made: 'made for this run',
  copy: 'a temporary copy of it is edited (--write edits the file itself)',
  original: 'edited itself, as --write says',
}

const AFTERWARDS = {
  made: 'The file is removed; `isopage map FILE` takes one of yours.',
  copy: 'The copy is removed; your file was only read.',
} as const
