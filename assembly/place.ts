/**
 * Which frames new pages get: side by side where their addresses are, so that extents of guests, views and reads of runs find long runs.
 *
 *   object:   page i  ->  frame place + i, as long as that is free          (MemObject.place; 0: none yet)
 *   private:  page i  ->  the frame after that of page i - 1
 *
 * Nothing is kept free for an object, so this is a hope and no promise. Where it fails an object goes on in another block: its first page in one that has
 * room for all of it, but not more than a part of memory, as files may be sparse; a later one in a block as long as what it has. Neither is shorter than what
 * is written at once.
 * Guarded by the kernel lock, journalled.
 */
import {
  allocFrame,
  allocRun,
  allocRunAt,
  FRAME_ANON,
  FRAME_PAGE,
  Frame,
  frameIndex,
} from './frame'
import { put } from './journal'
import { MemObject } from './object'
import { frameOfPte, PTE_PRIVATE, PTE_ZERO } from './pte'
import { K, pageRound } from './root'

/** An object's first page asks for 1 of so many parts of memory at most. */
const PARTS: u32 = 4

/** => the first of `count` frames in a run for the object's pages from `index` on, null when there is none. `more`: how many will be asked for in turn, from `index` on. => lock held. */
export function framesFor(object: MemObject, index: u64, count: u32, more: u32 = 1): Frame | null {
  if (object.place != 0) {
    const beside = allocRunAt(object.place + <u32>index, count, FRAME_PAGE)
    if (beside != null) return beside
  }
  const run = allocRun(count, FRAME_PAGE, roomFor(object, index, more))
  if (run == null) return null
  put(changetype<usize>(object) + offsetof<MemObject>('place'), frameIndex(run) - <u32>index)
  return run
}

/** => frames that the object could do with from page `index` on. */
function roomFor(object: MemObject, index: u64, more: u32): u32 {
  const pages = pageRound(object.size) >> K.pageShift
  const left = object.resident != 0 || pages < index ? object.resident : pages - index
  return <u32>min<u64>(max<u64>(left, more), K.frameCount / PARTS)
}

/** => a frame for a private page whose entry is at `at`, null when none is free. => lock held. */
export function frameForPrivate(at: usize): Frame | null {
  const before = (at & (K.pageBytes - 1)) == 0 ? 0 : load<u32>(at - 4)
  if ((before & (PTE_PRIVATE | PTE_ZERO)) == PTE_PRIVATE) {
    const beside = allocRunAt(frameIndex(frameOfPte(before)) + 1, 1, FRAME_ANON)
    if (beside != null) return beside
  }
  return allocFrame(FRAME_ANON)
}
