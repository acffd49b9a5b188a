/**
 * instrument, instrument-rate: the rewriter on SQLite, against Binaryen's parse and print of it, and against a wished rate.
 * size-code, size-module: what it makes of SQLite, against SQLite. Samples of these two are bytes, not nanoseconds.
 */

import { describe, instrument } from '../../dist/src/guest/index.js'
import { nsPerRound } from './clock.js'
import { moduleBytes } from './guest.js'

const CODE_SECTION = 10
/** As a kernel of the default size has it. */
const KERNEL_MEMORY = { initial: 16_384, maximum: 16_384 }

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export async function open({ name, rate }, { guest }) {
  const bytes = await moduleBytes(guest)
  if (name.startsWith('size-')) return sizes(name, bytes)
  const ours = () => nsPerRound(1, () => rewrite(bytes))
  const peer = rate ? () => (bytes.length / rate.wanted) * 1e3 : await binaryenPeer(bytes)
  return { ours, peer, close() {} }
}

function rewrite(bytes) {
  const made = instrument(bytes, { kernelMemory: KERNEL_MEMORY })
  if (!describe(made)) throw new Error('the rewriter left the module as it was')
  return made
}

function sizes(name, bytes) {
  const sizeOf = name === 'size-code' ? codeBytes : ({ length }) => length
  const ours = sizeOf(rewrite(bytes))
  const peer = sizeOf(bytes)
  return { ours: () => ours, peer: () => peer, close() {} }
}

/** Bytes of a module's code section. */
function codeBytes(bytes) {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++]
    let length = 0
    for (let shift = 0, byte = 128; byte & 128; shift += 7) {
      byte = bytes[at++]
      length |= (byte & 127) << shift
    }
    if (id === CODE_SECTION) return length
    at += length
  }
  throw new Error('the module has no code')
}

/** Binaryen is here with AssemblyScript. It is big: 13 MB are loaded and compiled before the first sample. */
async function binaryenPeer(bytes) {
  const { default: binaryen } = await import('../../node_modules/binaryen/index.js')
  return () =>
    nsPerRound(1, () => {
      const module = binaryen.readBinaryWithFeatures(bytes, binaryen.Features.All)
      const printed = module.emitBinary()
      module.dispose()
      if (printed.length < bytes.length / 2) throw new Error('Binaryen lost half of the module')
    })
}
