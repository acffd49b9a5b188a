/** The columns that every table of mappings has: `isopage map` and `isopage maps`. */
import { type Column, grouped } from './columns.js'

/** A mapping of a process, in the words of a table. */
export interface MapCells {
  pid: number
  start: number
  end: number
  /** As in /proc/PID/maps: `rw-s`, `rw-p`. */
  permissions: string
  offset: number
  residentPages: number
  dirtyPages: number
  privatePages: number
}

export const mapColumns: readonly Column<MapCells>[] = [
  { head: 'PID', align: 'right', cell: ({ pid }) => String(pid) },
  { head: 'RANGE', align: 'left', cell: ({ start, end }) => `${hex(start)}-${hex(end)}` },
  { head: 'PERM', align: 'left', cell: ({ permissions }) => permissions },
  { head: 'OFFSET', align: 'right', cell: ({ offset }) => hex(offset) },
  { head: 'RESIDENT', align: 'right', cell: ({ residentPages }) => grouped(residentPages) },
  { head: 'DIRTY', align: 'right', cell: ({ dirtyPages }) => grouped(dirtyPages) },
  { head: 'PRIVATE', align: 'right', cell: ({ privatePages }) => grouped(privatePages) },
]

/** => eight hexadecimal digits, as in /proc/PID/maps. */
export function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
