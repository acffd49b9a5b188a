/** The page map as text: cells are squares with colour, letters without. `isopage map` and `isopage maps --pages`. */
import {
  LETTERS,
  type PageMap,
  type PageState,
  pageMap,
  type Run,
  STATES,
} from '../inspect/page-map.js'
import { grouped } from './columns.js'
import type { Screen, Style } from './screen.js'

const INDENT = 2
/** Lines of cells are a multiple of this long. */
const CELL_STEP = 8

const STYLES: Readonly<Record<PageState, Style>> = {
  written: 'greenBright',
  dirty: 'redBright',
  private: 'magentaBright',
  resident: 'blue',
  absent: 'gray',
}

const SQUARE = '■'
const DOT = '·'

/** => a title, the cells, each line after the number of its first page, and a legend. `linesMax`: of cells. */
export function pageLines(
  screen: Screen,
  title: string,
  runs: readonly Run[],
  linesMax: number,
): string[] {
  const pages = runs.reduce((sum, run) => sum + run.pages, 0)
  const gutter = INDENT + grouped(pages).length + 1
  const columns = Math.floor((screen.width - gutter - INDENT) / CELL_STEP) * CELL_STEP
  const map = pageMap(runs, columns, linesMax)
  const scale = map.pagesPerCell === 1 ? 'a cell is a page' : `a cell is ${map.pagesPerCell} pages`
  const lines = map.lines.map((cells, index) => {
    const first = grouped(index * columns * map.pagesPerCell).padStart(gutter - 1)
    const drawn = cells.map((state) => cell(screen, state)).join('')
    return `${screen.styled('gray', first)} ${drawn}`
  })
  return [
    `${screen.styled('bold', title)}, ${scale}`,
    ...lines,
    ' '.repeat(gutter) + legend(screen, map),
  ]
}

function cell(screen: Screen, state: PageState): string {
  if (!screen.color) return LETTERS[state]
  return screen.styled(STYLES[state], state === 'absent' ? DOT : SQUARE)
}

function legend(screen: Screen, { counts }: PageMap): string {
  const shown = STATES.filter((state) => counts[state] > 0)
  return shown
    .map((state) => `${cell(screen, state)} ${state} ${grouped(counts[state])}`)
    .join('   ')
}
