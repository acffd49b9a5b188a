/** What the kernel says of the mappings at one moment, in the words of the report. */
import { type MapEntry, type Mapping, PAGE, PROT, type Process } from '../index.js'
import type { Mapper } from './mapper.js'
import type { MapRow, PageState, Run, State, ThreadName } from './report.js'

/** The tables of both processes, and the pages of thread A's two mappings of the whole file. `ofB`: thread B's mappings. */
export function snapshot(a: Mapper, pidOfB: number, ofB: readonly MapEntry[], path: string): State {
  const rows = (thread: ThreadName, pid: number, maps: readonly MapEntry[]) =>
    maps.map((map) => rowOf(thread, pid, map, path))
  return {
    mappings: [...rows('A', a.process.pid, a.process.maps()), ...rows('B', pidOfB, ofB)],
    shared: runsOf(statesOf(a.process, a.map)),
    private: runsOf(statesOf(a.process, a.privateMap())),
  }
}

function rowOf(thread: ThreadName, pid: number, map: MapEntry, path: string): MapRow {
  return {
    thread,
    pid,
    start: map.start,
    end: map.end,
    permissions: permissionsOf(map),
    offset: map.offset,
    residentPages: map.resident,
    dirtyPages: map.dirty,
    privatePages: map.private,
    path: map.anonymous ? '' : path,
  }
}

function permissionsOf({ prot, shared }: MapEntry): string {
  const letter = (bit: number, name: string) => ((prot & bit) === 0 ? '-' : name)
  const access = letter(PROT.READ, 'r') + letter(PROT.WRITE, 'w') + letter(PROT.EXEC, 'x')
  return access + (shared ? 's' : 'p')
}

/** => the state of each page of a mapping. */
export function statesOf(process: Process, map: Mapping): PageState[] {
  const shared = process.maps().find(({ start }) => start === map.address)?.shared
  return Array.from(process.pages(map.address, map.length), (bits) => {
    if ((bits & PAGE.PRIVATE) !== 0) return 'private'
    // In a private mapping it is the file's page that shows, and not this mapping's to write.
    if (shared && (bits & PAGE.DIRTY) !== 0) return 'dirty'
    return (bits & PAGE.PRESENT) === 0 ? 'absent' : 'resident'
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
