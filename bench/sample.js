/** One row in one runtime: samples of ours and of the peer in turn, and their medians. */

/** Nanoseconds; bytes of a kB. */
const PER = { us: 1e3, ms: 1e6, kB: 1e3 }

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {string} runtime
 * @property {string} unit of ours and peer
 * @property {number} ours
 * @property {number} peer
 * @property {string} peerName
 * @property {number} ratio ours / peer: lower is better
 * @property {number} runs pairs of samples, of which ours and peer are the medians
 */

/** @returns {Promise<Result>} */
export async function sample({ row, runtime, native, where, runs }) {
  await runtime.call('open', row, where)
  const sides = { ours: () => runtime.call('ours'), peer: peerOf(row, runtime, native, where) }
  for (const side of ['ours', 'peer']) await sides[side]() // warms up both
  const taken = { ours: [], peer: [] }
  for (let i = 0; i < runs; i++) {
    for (const side of i % 2 ? ['peer', 'ours'] : ['ours', 'peer']) {
      taken[side].push(await sides[side]())
    }
  }
  await runtime.call('close')
  const ours = median(taken.ours)
  const peer = median(taken.peer)
  const { name, unit, peerName } = row
  const per = PER[unit]
  const figures = { ours: ours / per, peer: peer / per, peerName, ratio: ours / peer, runs }
  return { name, runtime: runtime.name, unit, ...figures }
}

/**
 * A row that is the geometric mean of its parts.
 * @param {readonly Result[]} results of one runtime
 * @returns {Result | undefined} undefined unless all parts were measured
 */
export function meanOf({ name, unit, peerName, parts }, results) {
  const found = parts.map((part) => results.find((result) => result.name === part))
  if (found.includes(undefined)) return undefined
  const mean = (side) => Math.exp(average(found.map((result) => Math.log(result[side]))))
  const [ours, peer] = [mean('ours'), mean('peer')]
  const { runtime, runs } = found[0]
  return { name, runtime, unit, ours, peer, peerName, ratio: ours / peer, runs }
}

function average(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

function peerOf(row, runtime, native, { fileBytes }) {
  if (row.peerRow) return () => native.ask(row.peerRow, row.count)
  if (row.peerBytesPerNs) return () => fileBytes / row.peerBytesPerNs
  return () => runtime.call('peer')
}

/** @param {readonly number[]} samples at least one */
export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
