/** Numbers, sizes and tables as text. */

/** => '4,096'. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** => '1 page', '4,096 pages'. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** => '16 MiB', '4.5 KiB', '12 bytes'. */
export function size(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB'] as const
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length)
  if (power === 0) return counted(bytes, 'byte')
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power - 1]}`
}

/** => '7.1 ms', '1.2 s'. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`
  if (milliseconds < 1000) return `${Number(milliseconds.toPrecision(3))} ms`
  return `${(milliseconds / 1000).toFixed(1)} s`
}

export interface Column<Row> {
  readonly head: string
  readonly align: 'left' | 'right'
  readonly cell: (row: Row) => string
}

/** => lines of a table, heads first, two spaces between columns; the last column is cut at its start to fit `width`. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string[] {
  const lines = [
    columns.map(({ head }) => head),
    ...rows.map((row) => columns.map((c) => c.cell(row))),
  ]
  const widths = columns.map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)))
  const before = widths.slice(0, -1).reduce((sum, column) => sum + column + 2, 0)
  const room = Math.max(width - before, 12)
  return lines.map((cells) =>
    cells
      .map((cell, at) => {
        if (at === cells.length - 1) return shortened(cell, room)
        const pad = columns[at]?.align === 'right' ? 'padStart' : 'padEnd'
        return cell[pad](widths[at] ?? 0)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** => `text`, its start replaced by an ellipsis when it is longer than `room`. */
export function shortened(text: string, room: number): string {
  return text.length <= room ? text : `…${text.slice(text.length - room + 1)}`
}
