/**
 * The last resort before "no memory": evict clean pages, and when that is not enough, write dirty ones and evict those.
 *
 * It stands apart from evict.ts because writing needs the pager, and from fill.ts because both fill and write-back want room.
 *
 * Memory is out when no page can leave, not when others were faster: as long as anybody evicts or cleans pages it goes on, so that of
 * several threads that want room at once each gets its turn.
 */
import { ENOSPC, EWOULDBLOCK_PARK } from './abi'
import { evict, passedSome } from './evict'
import { raiseAttention } from './grace'
import { lock, relax, unlock } from './lock'
import { K } from './root'
import { pauseForRing } from './wait'
import { cleanSome } from './writeback'

/** Frames freed beyond what is asked, so that not every fault has to evict. */
const SLACK: u32 = 32
/** Rounds in a row in which no page left, before memory is out: pages on their way to or from a store take a moment. */
const PATIENCE: u32 = 64

/**
 * Makes room. => 0: at least `wanted` frames are free; -ENOSPC; -EWOULDBLOCK_PARK when this thread may not wait for what would free them.
 * => lock held before and after, free in between: look everything up again.
 */
export function makeRoom(wanted: u32): i32 {
  const target = min<u32>(wanted + SLACK, K.frameCount)
  let written = 0
  for (let fruitless: u32 = 0; fruitless < PATIENCE; fruitless++) {
    const before = K.evictions
    relax()
    if (evict(fruitless == 0 ? target : wanted)) return 0
    if (K.evictions != before) fruitless = 0
    if (!passedSome() && K.evictions == before && K.limbo == 0) break
    if (K.limbo != 0) raiseAttention()
    unlock()
    written = cleanSome(target)
    if (written == 0) pauseForRing(0, 0)
    lock()
    if (written < 0) break
  }
  if (evict(wanted)) return 0
  return written == -EWOULDBLOCK_PARK ? written : -ENOSPC
}
