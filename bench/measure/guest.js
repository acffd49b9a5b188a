/**
 * Rows of programs: a module as a guest, by `kernel.load`, against the same module plain. Both work in their own memory; in the rows of mappings, ours works
 * on files that are mapped, and the peer on as many bytes of its own, filled alike.
 */

import { boot, O } from '../../dist/src/index.js'
import { nsPerRound } from './clock.js'
import { plainExports } from './plain.js'

/** Bytes that are mapped start at a border of this. */
const ALIGNMENT = 65_536

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export async function open(row, { guest }) {
  const bytes = await moduleBytes(guest)
  const kernel = await boot({ memory: '256MiB' })
  const process = kernel.process()
  const plugin = await kernel.load(bytes, { process })
  const plain = await plainExports(bytes)
  for (let index = 0; index < row.maps; index++) {
    plugin.exports.place(index, mapFile(process, index, row.bytes), row.bytes)
    plain.place(index, plain.allocate(row.bytes), row.bytes)
  }
  for (const { prepare } of [plugin.exports, plain]) if (row.maps) prepare()
  const expected = checked(row, plugin.exports, plain)
  const sampled = (work) => () => {
    let sum
    const ns = nsPerRound(1, () => {
      sum = work(row.count)
    })
    if (sum !== expected) throw new Error(`${row.program}: ${sum} is not ${expected}`)
    return ns / row.count
  }
  const sides = { ours: sampled(plugin.exports[row.call]), peer: sampled(plain[row.call]) }
  warm(sides, row.warmMs)
  return {
    ...sides,
    async close() {
      plugin[Symbol.dispose]()
      await kernel.close()
    },
  }
}

/** @param {string} guest a path from the root of the repository */
export async function moduleBytes(guest) {
  const url = new URL(`../../${guest}`, import.meta.url)
  if (url.protocol !== 'file:') return new Uint8Array(await (await fetch(url)).arrayBuffer())
  const { readFileSync } = await import('node:fs')
  return new Uint8Array(readFileSync(url))
}

/** => the address of a file of its own, mapped and shared. */
function mapFile(process, index, bytes) {
  const fd = process.open(`/${index}.bin`, O.CREAT | O.RDWR, 0o600)
  process.ftruncate(fd, Math.max(bytes, ALIGNMENT))
  const { address } = process.mmap({ fd, length: bytes })
  process.close(fd)
  return address
}

/** => what `count` rounds give: the same on both sides, and what the native program gives, where that is known. */
function checked({ program, call, count, checksum }, ours, plain) {
  const sums = [ours[call](count), plain[call](count)]
  const wanted = checksum === undefined ? sums[1] : checksum | 0
  if (sums.some((sum) => sum !== wanted)) {
    throw new Error(`${program}: ours gave ${sums[0]}, plain ${sums[1]}; wanted is ${wanted}`)
  }
  return wanted
}

/** In turns, until engines have had the time to compile what is hot for the second time. */
function warm({ ours, peer }, ms) {
  const endMs = performance.now() + ms
  while (performance.now() < endMs) {
    ours()
    peer()
  }
}
