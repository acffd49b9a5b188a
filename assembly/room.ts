/**
 * The last resort before "no memory": evict clean pages, and when that is not enough, write dirty ones and evict those.
 *
 * It stands apart from evict.ts because writing needs the pager, and from fill.ts because both fill and write-back want room.
 */
import { evict } from './evict'
import { lock, relax, unlock } from './lock'
import { K } from './root'
import { cleanSome } from './writeback'

/** Frames freed beyond what is asked, so that not every fault has to evict. */
const SLACK: u32 = 32

/** => at least `wanted` frames are free. => lock held before and after, free in between: look everything up again. */
export function makeRoom(wanted: u32): bool {
  const target = min<u32>(wanted + SLACK, K.frameCount)
  for (let round = 0; round < 8; round++) {
    relax()
    if (evict(round == 0 ? target : wanted)) return true
    if (K.dirtyPages == 0) return false
    unlock()
    const written = cleanSome(target)
    lock()
    if (written <= 0) break
  }
  return evict(wanted)
}
