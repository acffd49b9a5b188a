/**
 * The kernel is instantiated by every thread over one live memory, so its binary may do nothing by
 * itself at instantiation: active data would be written again over live memory, and a start
 * function would run again.
 */

const START = 8
const DATA = 11
const NAMES = new Map([
  [START, 'Start'],
  [DATA, 'Data'],
])

/**
 * Throws when the binary holds a Start section or a Data section.
 * @param {Uint8Array} bytes a whole WebAssembly binary
 */
export function refuseSections(bytes) {
  const found = sectionIds(bytes).flatMap((id) => NAMES.get(id) ?? [])
  if (found.length === 0) return
  throw new Error(
    `build/core.wasm holds a ${found.join(' and a ')} section, which each thread would run again over ` +
      'live memory. Look for string or array literals, non-constant globals and top-level statements ' +
      'in assembly/; static data is reserved by memory.data(lengthBytes).',
  )
}

/**
 * The ids of a binary's sections, in order.
 * @param {Uint8Array} bytes
 * @returns {number[]}
 */
export function sectionIds(bytes) {
  const ids = []
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at])
    const [length, next] = leb128(bytes, at + 1)
    at = next + length
  }
  return ids
}

/** One unsigned LEB128 number at `at`: its value, and where the next byte stands. */
function leb128(bytes, at) {
  let value = 0
  let scale = 1
  for (; bytes[at] & 0x80; at++, scale *= 128) value += (bytes[at] & 0x7f) * scale
  return [value + bytes[at] * scale, at + 1]
}

/** memory.atomic.wait32, aligned, offset 0. */
const WAIT = [0xfe, 0x01, 0x02, 0x00]

/**
 * Throws when the binary does not hold exactly one wait instruction: sleepAt of assembly/thread.ts was inlined, and V8 11.3 (Node 20)
 * would lose locals of the functions that got it.
 * @param {Uint8Array} bytes a whole WebAssembly binary
 */
export function refuseInlinedWaits(bytes) {
  let count = 0
  for (let at = bytes.indexOf(WAIT[0]); at >= 0; at = bytes.indexOf(WAIT[0], at + 1)) {
    if (WAIT.every((byte, index) => bytes[at + index] === byte)) count++
  }
  if (count === 1) return
  throw new Error(
    `build/core.wasm holds ${count} wait instructions, not 1: see sleepAt in assembly/thread.ts`,
  )
}
