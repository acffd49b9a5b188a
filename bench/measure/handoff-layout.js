/** What both workers of the shm-handoff rows know. */

export const HANDED_BYTES = 2 ** 20
/** What is handed over, then a page with the words below. */
export const SEGMENT_BYTES = HANDED_BYTES + 4096
/** Indices in the segment's words: the turn that was filled last, and the one that was summed last. */
export const FULL = HANDED_BYTES / 4
export const DONE = FULL + 16

/**
 * => the sum of words, whose number is a multiple of 8. Eight in a turn make it too long for V8's Maglev to inline: a loop that it has inlined into a short
 * function stays what it is, asks each turn whether there is better code, and takes 15 times as long, on either side.
 */
export function sum(words) {
  let total = 0
  for (let i = 0; i < words.length; i += 8) {
    const first = words[i] + words[i + 1] + words[i + 2] + words[i + 3]
    total = (total + first + words[i + 4] + words[i + 5] + words[i + 6] + words[i + 7]) | 0
  }
  return total
}
