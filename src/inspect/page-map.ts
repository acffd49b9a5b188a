/**
 * The page map: the pages of a mapping as cells, as many as fit. A cell of several pages shows the rarest state in it, so that one
 * dirty page among many is seen. Cells are letters where there is no colour, squares where there is.
 */
import { STAT_PAGE_DIRTY, STAT_PAGE_PRESENT, STAT_PAGE_PRIVATE } from '../../assembly/abi.js'

/** `written`: dirty before a sync that was just made. */
export type PageState = 'absent' | 'resident' | 'private' | 'dirty' | 'written'

/** Pages after each other in one state. */
export interface Run {
  page: number
  pages: number
  state: PageState
}

/** The rarest first. */
export const STATES = ['written', 'dirty', 'private', 'resident', 'absent'] as const

export const LETTERS: Readonly<Record<PageState, string>> = {
  written: 'W',
  dirty: 'D',
  private: 'P',
  resident: 'r',
  absent: '.',
}

export interface PageMap {
  /** Cells by line. */
  readonly lines: readonly (readonly PageState[])[]
  /** A power of two. */
  readonly pagesPerCell: number
  /** Pages in each state. */
  readonly counts: Readonly<Record<PageState, number>>
}

/** @param columns cells of a line. @param rows lines at most. */
export function pageMap(runs: readonly Run[], columns: number, rows: number): PageMap {
  const states = runs.flatMap(({ pages, state }) => Array<PageState>(pages).fill(state))
  const pagesPerCell = 2 ** Math.max(Math.ceil(Math.log2(states.length / (columns * rows))), 0)
  const cells = chunks(states, pagesPerCell).map(
    (pages) => STATES.find((state) => pages.includes(state)) ?? 'absent',
  )
  return { lines: chunks(cells, columns), pagesPerCell, counts: countsOf(states) }
}

function chunks<T>(items: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  )
}

function countsOf(states: readonly PageState[]): Record<PageState, number> {
  const counts = { written: 0, dirty: 0, private: 0, resident: 0, absent: 0 }
  for (const state of states) counts[state]++
  return counts
}

/** => the state of each page of a mapping from its PAGE.* bits. */
export function statesOf(pages: Uint8Array, shared: boolean): PageState[] {
  return Array.from(pages, (bits) => {
    if ((bits & STAT_PAGE_PRIVATE) !== 0) return 'private'
    // In a private mapping it is the file's page that shows, and not this mapping's to write.
    if (shared && (bits & STAT_PAGE_DIRTY) !== 0) return 'dirty'
    return (bits & STAT_PAGE_PRESENT) === 0 ? 'absent' : 'resident'
  })
}

/** => the states, like ones together. */
export function runsOf(states: readonly PageState[]): Run[] {
  const runs: Run[] = []
  for (const [page, state] of states.entries()) {
    const last = runs.at(-1)
    if (last?.state === state) last.pages++
    else runs.push({ page, pages: 1, state })
  }
  return runs
}
