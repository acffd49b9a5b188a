/**
 * The commit account: frames that were promised. Strict: nothing is promised twice, so memory that a call was given can be touched.
 *
 * Charged are private writable and anonymous shared mappings when they are made, tmpfs pages and MAP_NORESERVE pages when they are
 * touched, slabs, and file pages that a host view pins. Clean file pages are not: they leave when frames are wanted, and dirty
 * ones after they were written. What boot keeps back from the limit pays for page tables and for pages on their way.
 * Invariant: promises to users never take committed past commitLimit; slabs may go kernelReserve beyond. Guarded by the kernel lock, journalled.
 */
import { PANIC_COMMIT } from './abi'
import { check } from './panic'
import { add, K, Root } from './root'

/** Promises `frames` more. => false, and nothing changed, when they are not there. */
export function charge(frames: u32): bool {
  if (<u64>K.committed + frames > K.commitLimit) return false
  if (frames != 0) add(offsetof<Root>('committed'), frames)
  return true
}

/** Takes a promise back. */
export function uncharge(frames: u32): void {
  check(K.committed >= frames, PANIC_COMMIT, frames)
  if (frames != 0) add(offsetof<Root>('committed'), -(<i32>frames))
}
