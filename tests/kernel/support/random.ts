/**
 * Randomness of the specs: xorshift32 (Marsaglia, "Xorshift RNGs", 2003), the same for the same seed everywhere.
 *
 * Each property begins with `reseed`, which prints the seed: run it again with ISOPAGE_SEED set to that.
 */
import { seed } from './disk'

let state: u32 = 1

/** Begins a property of that name. */
export function reseed(name: string): void {
  log<string>(`${name}: ISOPAGE_SEED=${seed()}`)
  state = seed() * 0x9e3779b1
  if (state == 0) state = 1
  for (let i = 0; i < name.length; i++) state = (state ^ name.charCodeAt(i)) * 0x01000193 + 1
  if (state == 0) state = 1
}

/** => a number below `limit`. */
export function below(limit: u32): u32 {
  state ^= state << 13
  state ^= state >> 17
  state ^= state << 5
  return <u32>((<u64>state * limit) >> 32)
}

/** => true `percent` times of a hundred. */
export function chance(percent: u32): bool {
  return below(100) < percent
}
