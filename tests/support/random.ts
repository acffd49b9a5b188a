/** Random numbers that a seed repeats: a linear congruence, the same in every runtime. */

/** => a function that gives whole numbers from 0 to below its argument. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 1
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}
