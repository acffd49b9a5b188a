/** What both workers of the shm-handoff rows know. */

export const HANDED_BYTES = 2 ** 20
/** What is handed over, then a page with the words below. */
export const SEGMENT_BYTES = HANDED_BYTES + 4096
/** Indices in the segment's words: the turn that was filled last, and the one that was summed last. */
export const FULL = HANDED_BYTES / 4
export const DONE = FULL + 16

/** => the sum of bytes, by words. */
export function sum(bytes) {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  let total = 0
  for (let i = 0; i < words.length; i++) total = (total + words[i]) | 0
  return total
}

/** => what `sum` gives of bytes that are all `value`. */
export function expected(value, length) {
  const byte = value & 255
  return Math.imul(byte | (byte << 8) | (byte << 16) | (byte << 24), length / 4)
}
