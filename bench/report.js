/** The tables: on a terminal coloured by whether the goal was reached, plain when piped. */

import { styleText } from 'node:util'
import { rows } from './rows.js'

const HEAD = ['row', 'runtime', 'ours', 'peer', 'unit', 'ratio', 'goal', 'against']
const LEFT = new Set(['row', 'runtime', 'unit', 'against'])

/** @param {readonly import('./sample.js').Result[]} results */
export function printRows(results) {
  const wantedRows = new Map(rows.map((row) => [row.name, row]))
  const cells = results.map((result) => {
    const { name, runtime, ours, peer, unit, ratio, peerName } = result
    const { goals, goal: usual } = wantedRows.get(name)
    const goal = goals?.[runtime] ?? usual
    const reached = Number.isFinite(goal) ? ratio <= goal : undefined
    const wanted = Number.isFinite(goal) ? `<= ${goal}` : ''
    const line = [name, runtime, digits(ours), digits(peer), unit, digits(ratio), wanted, peerName]
    return { line, reached }
  })
  printTable([{ line: HEAD }, ...cells])
  for (const { name, runtime, ratio } of results) {
    const { rate } = rows.find((row) => row.name === name)
    if (rate) console.log(`${name} in ${runtime}: ${digits(rate.wanted / ratio)} ${rate.unit}`)
  }
}

/** @param {readonly { name: string, value: string }[]} sizes */
export function printSizes(sizes) {
  console.log('')
  for (const { name, value } of sizes) console.log(`${name.padEnd(34)} ${value}`)
}

function printTable(table) {
  const widths = HEAD.map((_, column) => Math.max(...table.map(({ line }) => line[column].length)))
  console.log('')
  for (const { line, reached } of table) {
    const padded = line.map((cell, column) => {
      const width = widths[column]
      return LEFT.has(HEAD[column]) ? cell.padEnd(width) : cell.padStart(width)
    })
    console.log(coloured(padded.join('  ').trimEnd(), reached))
  }
}

/** styleText leaves colours out by itself when standard output is no terminal. */
function coloured(text, reached) {
  if (reached === undefined) return text
  return styleText(reached ? 'green' : 'yellow', text, { stream: process.stdout })
}

/** Three significant digits. */
function digits(number) {
  if (number >= 100) return number.toFixed(0)
  return number.toPrecision(3)
}
