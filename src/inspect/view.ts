/**
 * A live view of a kernel, for pages: memory, processes, their mappings, the pages of one of them, who sleeps, and what `ipcs` shows.
 *
 * Plain DOM in a shadow root of its own: styles of the page do not reach in, ours do not reach out. Rows are used again at each refresh, so that
 * what has the focus, or is selected, keeps it.
 */
import { IsopageError } from '../errors.js'
import type { Kernel } from '../kernel.js'
import type { MapEntry } from '../maps.js'
import { type PageState, pageMap, runsOf, STATES, statesOf } from './page-map.js'
import { type ProcessEntry, permissionsOf, sourceOf } from './processes.js'
import { type Column, cellsOf, element, Table } from './view-dom.js'
import { ipcSections, type Section } from './view-ipcs.js'
import { STYLE } from './view-style.js'

export interface ViewOptions {
  /** How often it looks; 1000 by default. */
  everyMs?: number
}

/** A view that is shown. */
export interface InspectView extends Disposable {
  /** Looks now. What a kernel that is busy does not tell stays as it was. */
  refresh(): void
  /** Looks no more, and takes itself out of the page. */
  close(): void
}

/** Cells of the page map. */
const MAP_COLUMNS = 64
const MAP_LINES = 8
const EVERY_MS = 1000

/** Shows `kernel` in `parent`, until it is closed there or the kernel is. */
export function inspectView(
  kernel: Kernel,
  parent: Element,
  options: ViewOptions = {},
): InspectView {
  const view = new View(kernel, options.everyMs ?? EVERY_MS)
  parent.append(view.host)
  view.refresh()
  return view
}

interface MapRow {
  readonly pid: number
  readonly map: MapEntry
}

const hex = (value: number) => value.toString(16).padStart(8, '0')
const count = (value: number) => value.toLocaleString('en-US')

const PROCESS_COLUMNS: readonly Column<ProcessEntry>[] = [
  ['pid', ({ pid }) => pid],
  ['parent', ({ parent }) => parent || '-'],
  ['uid', ({ euid }) => euid],
  ['gid', ({ egid }) => egid],
  ['threads', ({ threads }) => threads],
  ['mappings', ({ mappings }) => count(mappings)],
]

const MAP_COLUMNS_OF_TABLE: readonly Column<MapRow>[] = [
  ['pid', ({ pid }) => pid],
  ['range', ({ map }) => `${hex(map.start)}-${hex(map.end)}`],
  ['perm', ({ map }) => permissionsOf(map)],
  ['offset', ({ map }) => hex(map.offset)],
  ['resident', ({ map }) => count(map.resident)],
  ['dirty', ({ map }) => count(map.dirty)],
  ['private', ({ map }) => count(map.private)],
  ['of', ({ map }) => sourceOf(map)],
]

/** What has an id; of all else it is an address. */
const WITH_ID: readonly string[] = ['segment', 'queue', 'semaphores']

const SLEEPER_COLUMNS: readonly Column<ReturnType<Kernel['sleepers']>[number]>[] = [
  ['pid', ({ pid }) => pid || '-'],
  ['thread', ({ thread }) => thread],
  ['sleeps on', ({ on }) => on],
  ['id', ({ on, id }) => (WITH_ID.includes(on) ? id : `0x${id.toString(16)}`)],
]

class View implements InspectView {
  readonly host = document.createElement('div')
  readonly #kernel: Kernel
  readonly #timer: ReturnType<typeof setInterval>
  readonly #facts = element('dl', { class: 'facts' })
  readonly #status = element('p', { class: 'status', role: 'status' })
  readonly #pause = element('button', { type: 'button', 'aria-pressed': 'false' }, 'Pause')
  readonly #processes = new Table('Processes', PROCESS_COLUMNS)
  readonly #maps: Table<MapRow>
  readonly #pages = element('figure', { class: 'pages' })
  readonly #sleepers = new Table('Sleeping threads', SLEEPER_COLUMNS)
  readonly #ipcs: readonly Section[] = ipcSections()
  #paused = false
  /** The mapping whose pages are shown. */
  #chosen: { pid: number; start: number } | undefined

  constructor(kernel: Kernel, everyMs: number) {
    this.#kernel = kernel
    this.#maps = new Table('Mappings', MAP_COLUMNS_OF_TABLE, {
      label: ({ pid, map }) => `Show the pages of ${hex(map.start)} of process ${pid}`,
      isChosen: ({ pid, map }) => this.#chosen?.pid === pid && this.#chosen.start === map.start,
      choose: ({ pid, map }) => {
        this.#chosen = { pid, start: map.start }
        this.refresh()
      },
    })
    this.#pause.addEventListener('click', () => this.#toggle())
    const head = element('header', {}, element('h2', {}, 'Isopage kernel'), this.#pause)
    const tables = [this.#processes, this.#maps, this.#pages, this.#sleepers, ...this.#ipcs]
    const body = tables.map((part) => ('root' in part ? part.root : part))
    const style = element('style', {}, STYLE)
    this.host.attachShadow({ mode: 'open' }).append(style, head, this.#status, this.#facts, ...body)
    this.#timer = setInterval(() => {
      if (!this.#paused) this.refresh()
    }, everyMs)
  }

  refresh(): void {
    try {
      this.#show()
      this.#say('')
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === 'ERR_KERNEL_CLOSED') this.#end()
      // A page may not wait for the kernel: what it did not tell now it tells at the next look.
      else if (code !== 'ERR_WOULD_BLOCK' && code !== 'ESRCH') this.#say(String(error))
      if (!(error instanceof IsopageError)) throw error
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.host.remove()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #toggle(): void {
    this.#paused = !this.#paused
    this.#pause.textContent = this.#paused ? 'Resume' : 'Pause'
    this.#pause.setAttribute('aria-pressed', String(this.#paused))
    if (!this.#paused) this.refresh()
  }

  #end(): void {
    clearInterval(this.#timer)
    this.#pause.setAttribute('disabled', '')
    this.#say('The kernel was closed. This is what it held last.')
  }

  /** Read out where it changes, and only then. */
  #say(text: string): void {
    if (this.#status.textContent !== text) this.#status.textContent = text
    this.#status.hidden = text === ''
  }

  #show(): void {
    const kernel = this.#kernel
    const processes = kernel.processes()
    this.#showFacts()
    this.#processes.show(processes)
    const maps = processes.flatMap(({ pid }) => kernel.mapsOf(pid).map((map) => ({ pid, map })))
    const chosen = maps.find(
      ({ pid, map }) => pid === this.#chosen?.pid && map.start === this.#chosen.start,
    )
    const shown = chosen ?? maps[0]
    this.#chosen = shown && { pid: shown.pid, start: shown.map.start }
    this.#maps.show(maps)
    this.#showPages(shown)
    this.#sleepers.show(kernel.sleepers())
    const ipcs = kernel.ipcs()
    for (const section of this.#ipcs) section.show(ipcs)
  }

  #showFacts(): void {
    const { frames, framesFree, pageSize, dirtyPages, cachedPages, processes, sleepers } =
      this.#kernel.stats()
    const mebibytes = (pages: number) => `${((pages * pageSize) / 2 ** 20).toFixed(1)} MiB`
    const facts: readonly (readonly [string, string])[] = [
      ['memory', `${mebibytes(frames - framesFree)} of ${mebibytes(frames)}`],
      ['page size', `${count(pageSize)} bytes`],
      ['cached pages', count(cachedPages)],
      ['dirty pages', count(dirtyPages)],
      ['processes', count(processes)],
      ['sleepers', count(sleepers)],
    ]
    cellsOf(this.#facts, facts.flat(), (index) => (index % 2 === 0 ? 'dt' : 'dd'))
  }

  #showPages(shown: MapRow | undefined): void {
    this.#pages.hidden = shown === undefined
    if (!shown) return
    const { pid, map } = shown
    const pages = this.#kernel.pagesOf(pid, map.start, map.end - map.start)
    const drawn = pageMap(runsOf(statesOf(pages, map.shared)), MAP_COLUMNS, MAP_LINES)
    const states = STATES.filter((state) => drawn.counts[state] > 0)
    const told = states.map((state) => `${state} ${count(drawn.counts[state])}`).join(', ')
    const each = drawn.pagesPerCell === 1 ? 'one page' : `${drawn.pagesPerCell} pages`
    const title = `Pages of ${hex(map.start)}-${hex(map.end)} of process ${pid}, a cell is ${each}`
    const [caption, cells, legend] = this.#partsOfPages()
    caption.textContent = title
    cells.setAttribute('aria-label', told)
    const flat: readonly PageState[] = drawn.lines.flat()
    cellsOf(
      cells,
      flat.map(() => ''),
      () => 'i',
    )
    for (const [at, state] of flat.entries()) setClass(cells.children[at] as Element, state)
    cellsOf(
      legend,
      states.map((state) => `${state} ${count(drawn.counts[state])}`),
      () => 'li',
    )
    for (const [at, state] of states.entries()) setClass(legend.children[at] as Element, state)
  }

  #partsOfPages(): [Element, Element, Element] {
    if (this.#pages.children.length === 0) {
      this.#pages.append(
        element('figcaption'),
        element('div', { class: 'cells', role: 'img' }),
        element('ul', { class: 'legend' }),
      )
    }
    return [...this.#pages.children] as [Element, Element, Element]
  }
}

function setClass(cell: Element, name: string): void {
  if (cell.className !== name) cell.className = name
}
