/** What the kernel says of the mappings at one moment, in the words of the report. */
import type { MapEntry, Mapping, Process } from '../index.js'
import { type PageState, runsOf, statesOf } from '../inspect/page-map.js'
import { permissionsOf } from '../inspect/processes.js'
import type { Mapper } from './mapper.js'
import type { MapRow, State, ThreadName } from './report.js'

/** The tables of both processes, and the pages of thread A's two mappings of the whole file. `ofB`: thread B's mappings. */
export function snapshot(a: Mapper, pidOfB: number, ofB: readonly MapEntry[], path: string): State {
  const rows = (thread: ThreadName, pid: number, maps: readonly MapEntry[]) =>
    maps.map((map) => rowOf(thread, pid, map, path))
  return {
    mappings: [...rows('A', a.process.pid, a.process.maps()), ...rows('B', pidOfB, ofB)],
    shared: runsOf(statesOfMap(a.process, a.map)),
    private: runsOf(statesOfMap(a.process, a.privateMap())),
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

/** => the state of each page of a mapping. */
export function statesOfMap(process: Process, map: Mapping): PageState[] {
  const shared = process.maps().find(({ start }) => start === map.address)?.shared
  return statesOf(process.pages(map.address, map.length), shared === true)
}
