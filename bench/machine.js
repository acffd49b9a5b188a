/** The machine that the figures are of. */

import { cpus, loadavg, release, totalmem, type } from 'node:os'

/** Prints processor, memory, system, and how busy it is: figures of a busy machine are to be taken again. */
export function printMachine() {
  const [cpu] = cpus()
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`
  console.log(
    `isopage: ${cpu?.model.trim()}, ${cpus().length} cores, ${memory}; ${type()} ${release()}`,
  )
  console.log(`isopage: load before the first row: ${loadavg()[0].toFixed(2)}`)
}
