/** One row in one runtime: samples of ours and of the peer in turn, and their medians. */

const NS_PER = { us: 1e3, ms: 1e6 }

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
  const per = NS_PER[unit]
  const figures = { ours: ours / per, peer: peer / per, peerName, ratio: ours / peer, runs }
  return { name, runtime: runtime.name, unit, ...figures }
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
