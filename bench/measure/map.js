/** map-unmap, map-touch, map-many: anonymous mappings of 64 KiB; 100,000 mappings of one page that cannot merge. */

import { boot, PROT } from '../../dist/src/index.js'
import { nsPerRound } from './clock.js'

const MAP_BYTES = 65_536
const STORED = Uint8Array.of(1)

/**
 * @param {import('../rows.js').Row} row
 */
export async function open({ name, count }) {
  const kernel = await boot()
  const samples = { 'map-unmap': mapUnmap, 'map-touch': mapTouch, 'map-many': mapMany }
  return { ...samples[name](kernel, count), close: () => kernel.close() }
}

function mapUnmap(kernel, count) {
  const process = kernel.process()
  const round = () => process.mmap({ length: MAP_BYTES }).unmap()
  return { ours: () => nsPerRound(count, round) }
}

function mapTouch(kernel, count) {
  const process = kernel.process()
  const { pageSize } = kernel
  const round = () => {
    const map = process.mmap({ length: MAP_BYTES })
    for (let at = 0; at < MAP_BYTES; at += pageSize) map.write(at, STORED)
    map.unmap()
  }
  return { ours: () => nsPerRound(count, round) }
}

/**
 * A sample is a new process that maps and unmaps beside nothing (`peer`), then fills up to `count` mappings whose neighbours have another
 * protection, and maps and unmaps among those (`ours`).
 */
function mapMany(kernel, count) {
  const pairs = Math.max(count / 100, 1)
  let first = 0
  let last = 0
  const sample = () => {
    const process = kernel.process()
    const map = (i) => process.mmap({ length: kernel.pageSize, prot: protOf(i) })
    first = nsPerRound(pairs, (i) => map(i).unmap())
    for (let i = 0; i < count - 1; i++) map(i)
    last = nsPerRound(pairs, () => map(count - 1).unmap())
    process.exit()
  }
  // One sample gives both: whichever is asked for first makes it.
  let fresh = ''
  const take = (side) => {
    if (fresh === '' || fresh === side) sample()
    fresh = fresh === '' || fresh === side ? side : ''
    return side === 'ours' ? last : first
  }
  return { ours: () => take('ours'), peer: () => take('peer') }
}

function protOf(index) {
  return index % 2 === 0 ? PROT.READ : PROT.READ | PROT.WRITE
}
