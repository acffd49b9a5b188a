/**
 * Moving the pages of a range into one run of frames, for a host view.
 *
 * A page that is present is copied and its entries are cleared (they fault in again); an absent one is made right in the run. It does not
 * work for pages that another view pins, or that a thread holds a grant on for longer than a moment: then the call fails.
 */
import { ENOMEM, EWOULDBLOCK_PARK, SIGSEGV } from './abi'
import { addPage, findPage, keyOfPage, movePage, PAGE_BUSY, PAGE_WRITEBACK } from './cache'
import { charge } from './commit'
import { now } from './env'
import { fillInto, makePresent, RETRY } from './fill'
import {
  allocRun,
  FRAME_ANON,
  FRAME_KERNEL,
  FRAME_PAGE,
  Frame,
  frameAddress,
  frameAt,
  frameIndex,
  freeFrame,
} from './frame'
import { awaitFrame, isAwaited, revoke } from './grace'
import { awaitHolder, holderOfFrame } from './grant'
import { edit, publish, put } from './journal'
import { lock, relax, relaxIfDeep, unlock } from './lock'
import { MemObject, OBJECT_FILE } from './object'
import { Space } from './process'
import { frameOfPte, makePte, PTE_CHARGED, PTE_PRIVATE, PTE_READ, PTE_WRITE, setPte } from './pte'
import { makeRoom } from './room'
import { K, pageRound } from './root'
import { unmapPage, zapEntry } from './space'
import { me, Thread, threadAt } from './thread'
import { findVma, indexOf, VMA_DYING, VMA_NORESERVE, VMA_SHARED, Vma } from './vma'
import { park } from './wait'

/** How many waits for guests a gather may take, and has taken. */
const WAITS_MAX: u32 = 64
let waits: u32 = 0
/** When this gather began, as now(0). */
let since: f64 = 0

/** => 0: the pages of the range are in one run now (as far as nobody changed it since), -ENOMEM, -SIGSEGV, -EWOULDBLOCK_PARK, -EIO. => lock not held. */
export function gather(space: Space, address: u32, pages: u32): i32 {
  lock()
  let run = allocRun(pages, FRAME_KERNEL)
  if (run == null && makeRoom(pages) == 0) run = allocRun(pages, FRAME_KERNEL)
  if (run == null) {
    unlock()
    return -ENOMEM
  }
  setGather(frameIndex(run), pages)
  waits = 0
  since = now(0)
  let result = 0
  let done: u32 = 0
  while (done < pages && result == 0) {
    relaxIfDeep()
    result = gatherAt(space, address + (done << K.pageShift))
    if (result == RETRY) result = 0
    done = pages - me().gatherCount
  }
  freeGather(me().index)
  unlock()
  return result
}

function setGather(frame: u32, count: u32): void {
  put(changetype<usize>(me()) + offsetof<Thread>('gatherFrame'), frame)
  put(changetype<usize>(me()) + offsetof<Thread>('gatherCount'), count)
}

/** The next frame of the run is in use now. */
function advance(count: u32): void {
  setGather(me().gatherFrame + count, me().gatherCount - count)
}

function nextFrame(kind: u32): Frame {
  const frame = edit<Frame>(frameAt(me().gatherFrame))
  frame.kind = kind
  return frame
}

/** Frees the rest of a run. => lock held; relaxes. */
export function freeGather(index: u32): void {
  const thread = threadAt(index)
  while (thread.gatherCount != 0) {
    const last = thread.gatherFrame + thread.gatherCount - 1
    put(changetype<usize>(thread) + offsetof<Thread>('gatherCount'), thread.gatherCount - 1)
    freeFrame(frameAt(last))
    relaxIfDeep()
  }
  relax()
}

/** Brings the page at `address` to the next frame of the run. => 0 (or RETRY), -errno. */
function gatherAt(space: Space, address: u32): i32 {
  const vma = findVma(space, address)
  if (vma == null || (vma.flags & VMA_DYING) != 0) return -SIGSEGV
  const object = vma.object
  if ((vma.flags & VMA_SHARED) != 0 && object != null) {
    return gatherObjectPage(object, indexOf(vma, address))
  }
  return gatherPrivate(space, vma, address)
}

function gatherObjectPage(object: MemObject, index: u64): i32 {
  const frame = findPage(object, index)
  if (frame == null) return makeInRun(object, index)
  const waited = waitSettled(frame)
  if (waited != 0) return waited
  unmapPage(frame, object)
  const heard = waitHeard(frame)
  if (heard != 0) return heard
  const fresh = nextFrame(FRAME_PAGE)
  memory.copy(frameAddress(fresh), frameAddress(frame), K.pageBytes)
  movePage(frame, fresh)
  advance(1)
  relax()
  return 0
}

/** => 0 when a page can be moved now; RETRY after a wait; -ENOMEM when a view pins it. */
function waitSettled(frame: Frame): i32 {
  if ((frame.flags & (PAGE_BUSY | PAGE_WRITEBACK)) != 0) {
    return park(keyOfPage(frame), -1) == -EWOULDBLOCK_PARK ? -EWOULDBLOCK_PARK : RETRY
  }
  if (frame.pins != 0) return -ENOMEM
  const holder = holderOfFrame(frame, false)
  if (holder < 0) return 0
  awaitHolder(holder, since)
  return RETRY
}

/** => 0 when no guest may still store to a page whose entries are gone; RETRY after a wait: it may be back; -ENOMEM when guests want it too often. */
function waitHeard(frame: Frame): i32 {
  if (!isAwaited(frame)) return 0
  if (++waits > WAITS_MAX) return -ENOMEM
  awaitFrame(frame)
  return RETRY
}

/** An absent page, and absent ones behind it, are made in the run: cleared, or read in one go. */
function makeInRun(object: MemObject, index: u64): i32 {
  const end = pageRound(object.size) >> K.pageShift
  if (object.kind == OBJECT_FILE) {
    const count = <u32>min<u64>(min<u32>(me().gatherCount, 256), end > index ? end - index : 1)
    return fillFromRun(object, index, count)
  }
  const frame = nextFrame(FRAME_PAGE)
  if (!addPage(object, index, frame, 0)) {
    put(changetype<usize>(frame) + offsetof<Frame>('kind'), FRAME_KERNEL)
    return -ENOMEM
  }
  memory.fill(frameAddress(frame), 0, K.pageBytes)
  advance(1)
  return 0
}

/** Reads `count` absent pages, as many as are absent, straight into the run. */
function fillFromRun(object: MemObject, index: u64, count: u32): i32 {
  const start = me().gatherFrame
  let added: u32 = 0
  while (added < count && findPage(object, index + added) == null) {
    const frame = edit<Frame>(frameAt(start + added))
    frame.kind = FRAME_PAGE
    if (!addPage(object, index + added, frame, PAGE_BUSY)) {
      frame.kind = FRAME_KERNEL
      break
    }
    added++
  }
  if (added == 0) return -ENOMEM
  advance(added)
  return fillInto(object, index, added, added)
}

/** A private page: the own copy moves; anything else is copied into the run. */
function gatherPrivate(space: Space, vma: Vma, address: u32): i32 {
  const at = makePte(space, address)
  if (at == 0) return -ENOMEM
  const entry = load<u32>(at)
  let from: usize = K.zeroFrame
  const object = vma.object
  if ((entry & PTE_PRIVATE) != 0) {
    const own = frameOfPte(entry)
    if (own.refs == 1) {
      const waited = waitSettled(own)
      if (waited != 0) return waited
      const heard = stopStores(space, at, own)
      if (heard != 0) return heard
    }
    from = frameAddress(own)
  } else if (object != null) {
    const frame = findPage(object, indexOf(vma, address))
    if (frame == null || (frame.flags & PAGE_BUSY) != 0) {
      return makePresent(object, indexOf(vma, address), 1)
    }
    from = frameAddress(frame)
  }
  return copyToRun(vma, at, entry, from)
}

/** Guests store to the page no more. => as waitHeard. */
function stopStores(space: Space, at: usize, own: Frame): i32 {
  const entry = load<u32>(at)
  if ((entry & PTE_WRITE) != 0 && space.contexts != 0) {
    publish(at, entry & ~PTE_WRITE)
    revoke(space, own)
  }
  return waitHeard(own)
}

function copyToRun(vma: Vma, at: usize, entry: u32, from: usize): i32 {
  let charged = entry & PTE_CHARGED
  const fresh0 = (entry & PTE_PRIVATE) == 0 || charged != 0
  if ((vma.flags & VMA_NORESERVE) != 0 && fresh0) {
    if (!charge(1)) return -ENOMEM
    charged = PTE_CHARGED
  }
  const fresh = nextFrame(FRAME_ANON)
  fresh.refs = 1
  memory.copy(frameAddress(fresh), from, K.pageBytes)
  advance(1)
  if (entry != 0) zapEntry(vma.space!, at)
  setPte(at, <u32>frameAddress(fresh) | PTE_READ | PTE_WRITE | PTE_PRIVATE | charged)
  relaxIfDeep()
  if (entry != 0) relax()
  return 0
}
