/**
 * Host views: `bytes`, a plain array over kernel memory. It cannot fault and is not told of stores, so its pages are present, private
 * ones its own, in one run of frames, and pinned: they stay where they are until the view is closed.
 *
 *   gather:  pages that lie elsewhere (or nowhere yet) move into a run of frames made for them, one page a transaction; the run
 *            stands in the thread's slot meanwhile (gatherFrame, gatherCount), so a death gives it back
 *   pin:     the run is checked page by page and pinned; the View says how far, so a death unpins just that
 *
 * Invariants: a frame's pins count the views over it; pages of files under a view are VIEWED, those of a mount HASHED or dirty, and charged. A page that is
 * truncated or unmapped under a view becomes an ORPHAN, charged, until the view is closed.
 * Guarded by the kernel lock, journalled.
 */
import {
  BUFFER_RESULT,
  EACCES,
  EINVAL,
  ENOMEM,
  ESRCH,
  PROT_READ,
  PROT_WRITE,
  SIGBUS,
  SIGSEGV,
  WINDOW_END,
} from './abi'
import { findPage, hashPage, inspect, objectOf, PAGE_BUSY, PAGE_VIEWED } from './cache'
import { beginChange, endChange } from './change'
import { charge, uncharge } from './commit'
import { isPast } from './fault'
import { FRAME_ORPHAN, FRAME_PAGE, Frame, frameAddress, frameAt, frameIndex } from './frame'
import { gather } from './gather'
import { isAwaited } from './grace'
import { holderOfFrame } from './grant'
import { edit, put } from './journal'
import { giveBack } from './limbo'
import { lock, relax, unlock } from './lock'
import { aligned, inWindow } from './mmap'
import { MemObject, OBJECT_ANON, OBJECT_FILE } from './object'
import { Process, Space } from './process'
import { frameOfPte, PTE_PRIVATE, pteOf } from './pte'
import { add, K, pageRound, Root } from './root'
import { create, destroy } from './slab'
import { me, Thread, threadAt, threadsUsed } from './thread'
import { findVma, indexOf, VMA_DYING, VMA_SHARED, Vma } from './vma'

@unmanaged
export class View {
  next: View | null
  id: u32
  first: u32
  /** Frames pinned so far, from `first`. */
  count: u32
  /** File pages among them: charged. */
  charged: u32
  pad: u32
}

const ATTEMPTS: u32 = 16
/** Frames hashed before others get the lock. */
const INSPECT_FRAMES: u32 = 256

/** => the frame that shows the page now and may be viewed as it is; null when there is none yet. */
export function settledFrame(space: Space, vma: Vma, address: u32): Frame | null {
  const object = vma.object
  if ((vma.flags & VMA_SHARED) != 0 && object != null) {
    const frame = findPage(object, indexOf(vma, address))
    return frame == null || (frame.flags & PAGE_BUSY) != 0 ? null : frame
  }
  const entry = pteOf(space, address)
  if ((entry & PTE_PRIVATE) == 0) return null
  const own = frameOfPte(entry)
  const alone = own.refs == 1 && holderOfFrame(own, false, space) < 0 && !isAwaited(own)
  return alone ? own : null
}

/** => 0 when the page may be under a view: -SIGSEGV (no mapping), -EACCES (not both rights), -SIGBUS (past the end). */
function viewable(space: Space, address: u32): i32 {
  const vma = findVma(space, address)
  if (vma == null || (vma.flags & VMA_DYING) != 0) return -SIGSEGV
  if ((vma.prot & PROT_READ) == 0 || (vma.prot & PROT_WRITE) == 0) return -EACCES
  const object: MemObject | null = vma.object
  return object != null && isPast(object, indexOf(vma, address)) ? -SIGBUS : 0
}

/**
 * Opens a view of [start, start + length), page-aligned start. => 0, and at BUFFER_RESULT the kernel address of the first byte and the
 * view's id; -EINVAL, -SIGSEGV, -EACCES, -SIGBUS, -ENOMEM (no contiguous run, pages pinned elsewhere, no promise), -EWOULDBLOCK_PARK.
 */
export function sysViewOpen(process: Process, start: u64, length: u64): i32 {
  const space = process.space!
  if (!aligned(start) || length == 0 || length > WINDOW_END) return -EINVAL
  if (!inWindow(start, pageRound(length))) return -SIGSEGV
  lock()
  let result = beginChange(space)
  unlock()
  if (result != 0) return result
  result = openView(space, <u32>start, <u32>(pageRound(length) >> K.pageShift))
  lock()
  endChange(space)
  unlock()
  return result
}

/** As sysViewOpen, in a change of the space: a fork in between would take gathered pages apart again. */
function openView(space: Space, address: u32, pages: u32): i32 {
  let refused = false
  for (let i: u32 = 0; i < ATTEMPTS; i++) {
    lock()
    let result = checkRange(space, address, pages)
    if (result == 0) result = pinAll(space, address, pages)
    unlock()
    if (result != 1) return result
    if (refused) break
    const gathered = gather(space, address, pages)
    // Who opened a view of the same pages in between may have put them in one run, and holds them there.
    if (gathered == -ENOMEM) refused = true
    else if (gathered != 0) return gathered
  }
  return -ENOMEM
}

function checkRange(space: Space, address: u32, pages: u32): i32 {
  for (let i: u32 = 0; i < pages; i++) {
    const result = viewable(space, address + (i << K.pageShift))
    if (result != 0) return result
  }
  return 0
}

/** Pins the range if it lies in one run. => 0, 1 when it must be gathered first, -ENOMEM. => lock held; relaxes. */
function pinAll(space: Space, address: u32, pages: u32): i32 {
  const view = create<View>()
  if (changetype<usize>(view) == 0) return -ENOMEM
  const start = frameOfRun(space, address, -1)
  if (start < 0) {
    destroy<View>(view)
    return 1
  }
  add(offsetof<Root>('nextView'), 1)
  view.id = K.nextView
  view.first = start
  view.next = changetype<View | null>(<usize>me().views)
  put(changetype<usize>(me()) + offsetof<Thread>('views'), <u32>changetype<usize>(view))
  for (let i: u32 = 0; i < pages; i++) {
    const result = pinPage(space, view, address + (i << K.pageShift), start + i)
    if (result != 0) {
      closeView(me().index, view)
      return result
    }
    if ((i & 255) == 255) relax()
  }
  const to = <usize>me().buffer + BUFFER_RESULT
  store<u32>(to, <u32>frameAddress(frameAt(start)))
  store<u32>(to, view.id, 4)
  return 0
}

/** => index of the page's frame, when that is `wanted` (-1: any); else -1. */
function frameOfRun(space: Space, address: u32, wanted: i32): i32 {
  const vma = findVma(space, address)
  if (vma == null || (vma.flags & VMA_DYING) != 0) return -1
  const frame = settledFrame(space, vma, address)
  if (frame == null) return -1
  const index = <i32>frameIndex(frame)
  return wanted < 0 || index == wanted ? index : -1
}

function pinPage(space: Space, view: View, address: u32, wanted: u32): i32 {
  if (frameOfRun(space, address, wanted) < 0) return 1
  const frame = frameAt(wanted)
  const kind = frame.kind == FRAME_PAGE ? objectOf(frame).kind : OBJECT_ANON
  if (kind == OBJECT_FILE) {
    if (!charge(1)) return -ENOMEM
    edit<View>(view).charged += 1
  }
  if (kind != OBJECT_ANON) watch(frame)
  put(changetype<usize>(frame) + offsetof<Frame>('pins'), frame.pins + 1)
  put(changetype<usize>(view) + offsetof<View>('count'), view.count + 1)
  return 0
}

/** Keeps a frame where it is, as a view would, for the kernel's own stores. => it was charged for that; `unhold` with the same answer undoes it. */
export function hold(frame: Frame): bool {
  const charged = frame.kind == FRAME_PAGE && objectOf(frame).kind == OBJECT_FILE && charge(1)
  put(changetype<usize>(frame) + offsetof<Frame>('pins'), frame.pins + 1)
  return charged
}

export function unhold(frame: Frame, charged: bool): void {
  unpin(frame)
  if (charged) uncharge(1)
}

/** From now on the page of a mount's file is looked at by hash; one of tmpfs counts as stored to at every msync. */
function watch(frame: Frame): void {
  if ((frame.flags & PAGE_VIEWED) != 0) return
  const object = objectOf(frame)
  if (object.kind == OBJECT_FILE) hashPage(frame)
  edit<Frame>(frame).flags |= PAGE_VIEWED
  put(changetype<usize>(object) + offsetof<MemObject>('viewed'), object.viewed + 1)
}

/** Unpins one frame; the last view gone, an orphan is freed and a file page is looked at once more. */
function unpin(frame: Frame): void {
  put(changetype<usize>(frame) + offsetof<Frame>('pins'), frame.pins - 1)
  if (frame.pins != 0) return
  if (frame.kind == FRAME_ORPHAN) {
    add(offsetof<Root>('orphanFrames'), -1)
    uncharge(1)
    giveBack(frame)
    return
  }
  if ((frame.flags & PAGE_VIEWED) == 0) return
  inspect(frame)
  const object = objectOf(frame)
  edit<Frame>(frame).flags &= ~PAGE_VIEWED
  put(changetype<usize>(object) + offsetof<MemObject>('viewed'), object.viewed - 1)
}

/** Closes a view of thread `index`: frames first, from the last, so that a death leaves a shorter view. => lock held; relaxes. */
function closeView(index: u32, view: View): void {
  while (view.count != 0) {
    put(changetype<usize>(view) + offsetof<View>('count'), view.count - 1)
    unpin(frameAt(view.first + view.count))
    if ((view.count & 255) == 0) relax()
  }
  uncharge(view.charged)
  let at = changetype<usize>(threadAt(index)) + offsetof<Thread>('views')
  while (load<u32>(at) != <u32>changetype<usize>(view)) {
    at = changetype<usize>(load<u32>(at)) + offsetof<View>('next')
  }
  put(at, <u32>changetype<usize>(view.next))
  destroy<View>(view)
  relax()
}

/** Closes a view of this thread. => 0, -ESRCH when it has none of that id. => lock not held. */
export function sysViewClose(id: u32): i32 {
  lock()
  let view = changetype<View | null>(<usize>me().views)
  while (view != null && view.id != id) view = view.next
  if (view != null) closeView(me().index, view)
  unlock()
  return view != null ? 0 : -ESRCH
}

/** => the view of thread `index` with the lowest id above `id`, null when there is none. */
function viewAfter(index: u32, id: u32): View | null {
  let found: View | null = null
  let view = changetype<View | null>(<usize>threadAt(index).views)
  while (view != null) {
    if (view.id > id && (found == null || view.id < found.id)) found = view
    view = view.next
  }
  return found
}

/** Looks at INSPECT_FRAMES frames of a view from the one numbered `from`. => true when there are more. */
function inspectPart(view: View, from: u32): bool {
  const end = min(view.count, from + INSPECT_FRAMES)
  for (let at = from; at < end; at++) {
    const frame = frameAt(view.first + at)
    if (frame.kind == FRAME_PAGE && (frame.flags & PAGE_VIEWED) != 0) inspect(frame)
  }
  return end < view.count
}

/** Finds untracked stores under every view of every thread: their pages become dirty. => lock held; relaxes. */
export function inspectViews(): void {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    let last: u32 = 0
    let from: u32 = 0
    let view = viewAfter(i, last)
    while (view != null) {
      const more = inspectPart(view, from)
      from = more ? from + INSPECT_FRAMES : 0
      if (!more) last = view.id
      relax()
      view = viewAfter(i, last)
    }
  }
}

/** Closes all views of thread `index`, which is dead or about to detach. => lock held; relaxes. */
export function dropViews(index: u32): void {
  while (threadAt(index).views != 0) {
    closeView(index, changetype<View>(<usize>threadAt(index).views))
  }
}
