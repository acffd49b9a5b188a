/**
 * Making room: clean file pages leave when frames are wanted.
 *
 * CLOCK (Corbato 1968): a hand goes round the frame table; a page referenced since the last round is passed over once. A page leaves only
 * if it is clean, settled, not pinned by a view, not locked, and no thread holds a grant on it; its entries are cleared first, under the same
 * lock, so a fault that wants it back simply reads it again. Where guests run that may still load from it, it leaves the second time that the hand comes by:
 * a fault in between finds it in the cache, and it stays.
 */
import {
  findPage,
  isDirty,
  nextPage,
  objectOf,
  PAGE_BUSY,
  PAGE_REFERENCED,
  removePage,
} from './cache'
import { FRAME_PAGE, Frame, frameAt } from './frame'
import { awaitFrame, isAwaited, owe, owed, raiseAttention } from './grace'
import { holderOfFrame } from './grant'
import { put } from './journal'
import { sweepLimbo } from './limbo'
import { relax } from './lock'
import { MemObject, OBJECT_FILE } from './object'
import { INDEX_END } from './radix'
import { add, K, Root } from './root'
import { mappedWith, unmapPage } from './space'
import { VMA_LOCKED } from './vma'

/** Frames looked at before others get the lock. */
const STRIDE: u32 = 4096

/** => the page may leave now. */
export function mayLeave(frame: Frame): bool {
  if (frame.kind != FRAME_PAGE || frame.pins != 0) return false
  if ((frame.flags & PAGE_BUSY) != 0 || isDirty(frame)) return false
  const object = objectOf(frame)
  if (object.kind != OBJECT_FILE || object.resizing != 0) return false
  return holderOfFrame(frame, false) < 0 && !isAwaited(frame)
}

/**
 * Takes a page that may leave out of its mappings and the cache. => it is gone; false: it is locked, or guests may still load from it: it stays until they have
 * heard, and longer if one of them wants it back.
 */
export function evictPage(frame: Frame): bool {
  const object = objectOf(frame)
  if (frame.mapped != 0) {
    if (mappedWith(object, frame.index, VMA_LOCKED)) return false
    const before = owed
    unmapPage(frame, object)
    owe(before) // the page waits, not the call
    if (isAwaited(frame)) {
      raiseAttention()
      return false
    }
  }
  removePage(frame)
  add(offsetof<Root>('evictions'), 1)
  return true
}

/** The hand passed a page that may leave soon: dirty, on its way to or from its store, or read by a thread this moment. */
let passed: bool = false

/** One step of the hand. => a frame was freed. */
function step(): bool {
  const frame = frameAt(K.evictHand)
  const next = K.evictHand + 1
  put(changetype<usize>(K) + offsetof<Root>('evictHand'), next == K.frameCount ? 0 : next)
  if (!mayLeave(frame)) {
    if (frame.kind == FRAME_PAGE && frame.pins == 0 && objectOf(frame).kind == OBJECT_FILE) {
      passed = true
    }
    return false
  }
  if ((frame.flags & PAGE_REFERENCED) != 0) {
    put(changetype<usize>(frame) + offsetof<Frame>('flags'), frame.flags & ~PAGE_REFERENCED)
    return false
  }
  if (evictPage(frame)) return true
  if (isAwaited(frame)) passed = true
  return false
}

/**
 * Evicts clean pages until `wanted` frames are free, two rounds at most. => lock held; it may have been free in between, so
 * what the caller knew it must look up again. => frames are free now.
 */
export function evict(wanted: u32): bool {
  passed = false
  sweepLimbo()
  const steps = K.frameCount * 2
  for (let i: u32 = 0; i < steps && K.freeFrames < wanted; i++) {
    if (K.cachedPages == 0) break
    const freed = step()
    if (i % STRIDE == STRIDE - 1 || freed) relax()
  }
  relax()
  return K.freeFrames >= wanted
}

/** => the last `evict` of this thread passed pages that may leave soon. */
export function passedSome(): bool {
  return passed
}

/** How often a drop waits for guests, for one page that they want back. */
const TRIES: u32 = 8

/** Drops the clean pages of [from, to) of an object, those that may leave. => pages that stayed. => lock held; relaxes. */
export function dropCleanRange(object: MemObject, from: u64, to: u64): u32 {
  let stayed: u32 = 0
  let tries: u32 = 0
  let index = nextPage(object, from, false)
  while (index < to) {
    const frame = findPage(object, index)!
    const left = mayLeave(frame) && evictPage(frame)
    relax()
    if (!left && isAwaited(frame) && tries++ < TRIES) awaitFrame(frame)
    else {
      if (!left) stayed++
      tries = 0
      index++
    }
    index = nextPage(object, index, false)
  }
  return stayed
}

/** Drops every clean page of an object that may leave. => lock held; relaxes. */
export function dropClean(object: MemObject): void {
  dropCleanRange(object, 0, INDEX_END)
}
