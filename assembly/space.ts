/**
 * Address spaces: what entries show, and taking it away again - by address (zap) or by page (unmapPage, the rmap walk).
 *
 * Invariants (checkSpace, checkPrivate): those of vma.ts and pte.ts, together; the commit account of charged private pages; an entry with WRITE names a
 * private page that no other entry names.
 * Guarded by the kernel lock, journalled.
 */
import {
  PANIC_MAPPED_COUNT,
  PANIC_PTE_FRAME,
  PANIC_PTE_RIGHTS,
  PANIC_PTE_WITHOUT_VMA,
  PANIC_SPACE_COUNT,
  PANIC_SPACE_OVERLAP,
  PROT_WRITE,
  WINDOW_END,
  WINDOW_START,
} from './abi'
import { isDirty, objectOf, retire } from './cache'
import { uncharge } from './commit'
import { FRAME_ANON, FRAME_PAGE, Frame, frameAddress, frameAt } from './frame'
import { revoke } from './grace'
import { put } from './journal'
import { relaxIfDeep } from './lock'
import { MemObject, OBJECT_FILE } from './object'
import { check } from './panic'
import { Space } from './process'
import {
  frameOfPte,
  nextPte,
  PTE_CHARGED,
  PTE_PRIVATE,
  PTE_READ,
  PTE_SHARED,
  PTE_WRITE,
  PTE_ZERO,
  pteAt,
  setPte,
  trimTables,
} from './pte'
import { K } from './root'
import { checkTree, findGap, findOverlap, firstOf, NO_GAP, Node } from './tree'
import { addressOf, findVma, indexOf, nextVma, VMA_SHARED, Vma, vmaByPage } from './vma'

function count(frame: Frame, field: usize, change: i32): u32 {
  const at = changetype<usize>(frame) + field
  put(at, load<u32>(at) + change)
  return load<u32>(at)
}

/** One entry more names this object page. */
export function countMapped(frame: Frame, change: i32): void {
  count(frame, offsetof<Frame>('mapped'), change)
}

/** One entry more names this private page. */
export function countShared(frame: Frame, change: i32): u32 {
  return count(frame, offsetof<Frame>('refs'), change)
}

/** Frees a private page that no entry names. */
function dropPrivate(frame: Frame): void {
  if (countShared(frame, -1) == 0) retire(frame)
}

/** Empties one entry of the space; a private page goes with it. => `at` holds an entry that is not empty. */
export function zapEntry(space: Space, at: usize): void {
  const entry = load<u32>(at)
  setPte(at, 0)
  if ((entry & PTE_ZERO) != 0) {
    revoke(space, null)
    return
  }
  const frame = frameOfPte(entry)
  revoke(space, frame)
  if ((entry & PTE_PRIVATE) == 0) {
    countMapped(frame, -1)
    return
  }
  if ((entry & PTE_CHARGED) != 0) uncharge(1)
  dropPrivate(frame)
}

/** Takes every page out of [start, end), and the tables that this leaves empty; relaxes when `mayRelax` and it grows long. => no new fault can come in between. */
export function zap(space: Space, start: u32, end: u32, mayRelax: bool): void {
  let address = nextPte(space, start, end)
  while (address < end) {
    zapEntry(space, pteAt(space, address))
    if (mayRelax) relaxIfDeep()
    address = nextPte(space, address + K.pageBytes, end)
  }
  trimTables(space, start, end)
}

/** Takes one object page out of every entry that shows it; private copies stay. => the page may be removed now. */
export function unmapPage(frame: Frame, object: MemObject): void {
  if (frame.mapped == 0) return
  const index = frame.index
  let node = findOverlap(object.mappers, index, index + 1, null)
  while (node != null && frame.mapped != 0) {
    const vma = vmaByPage(node)
    const at = pteAt(vma.space!, addressOf(vma, index))
    if (at != 0) {
      const entry = load<u32>(at)
      if ((entry & (PTE_PRIVATE | PTE_ZERO)) == 0 && entry != 0) zapEntry(vma.space!, at)
    }
    node = findOverlap(object.mappers, index, index + 1, node)
  }
  check(frame.mapped == 0, PANIC_MAPPED_COUNT, <u32>index)
}

/** => a vma that shows page `index` of the object satisfies `flags`: it has all of them. */
export function mappedWith(object: MemObject, index: u64, flags: u32): bool {
  let node: Node | null = findOverlap(object.mappers, index, index + 1, null)
  while (node != null) {
    if ((vmaByPage(node).flags & flags) == flags) return true
    node = findOverlap(object.mappers, index, index + 1, node)
  }
  return false
}

/** => start of a free range of `bytes` in the window, `align`ed; 0 when there is none. */
export function findRoom(space: Space, bytes: u64, align: u64): u32 {
  const start = findGap(space.root, WINDOW_START, WINDOW_END, bytes + align - K.pageBytes)
  if (start == NO_GAP) {
    const tight = findGap(space.root, WINDOW_START, WINDOW_END, bytes)
    return tight == NO_GAP ? 0 : <u32>tight
  }
  return <u32>((start + align - 1) & ~(align - 1))
}

/** => [start, end) holds no vma. */
export function isFree(space: Space, start: u64, end: u64): bool {
  const vma = nextVma(space, start)
  return vma == null || vma.start >= end
}

/** => every address of [start, end) is mapped. */
export function isCovered(space: Space, start: u64, end: u64): bool {
  let at = start
  while (at < end) {
    const vma = nextVma(space, at)
    if (vma == null || vma.start > at) return false
    at = vma.end
  }
  return true
}

/** Panics at the first broken invariant of a space; => its entries that name private pages. => lock held. */
export function checkSpace(space: Space): u32 {
  check(checkTree(space.root) == space.count, PANIC_SPACE_COUNT, space.count)
  let end: u64 = WINDOW_START
  let pages: u32 = 0
  let node = firstOf(space.root)
  while (node != null) {
    const vma = changetype<Vma>(node)
    check(vma.start >= end && vma.end > vma.start && vma.end <= WINDOW_END, PANIC_SPACE_OVERLAP)
    check(vma.space == space, PANIC_SPACE_OVERLAP)
    pages += <u32>((vma.end - vma.start) >> K.pageShift)
    check(vma.pageEnd - vma.pageStart == (vma.end - vma.start) >> K.pageShift, PANIC_SPACE_COUNT)
    end = vma.end
    node = nextVma(space, end)
  }
  check(pages == space.mappedPages, PANIC_SPACE_COUNT, pages)
  let address = nextPte(space, WINDOW_START, WINDOW_END)
  let own: u32 = 0
  while (address < WINDOW_END) {
    if (checkEntry(space, address)) own++
    address = nextPte(space, address + K.pageBytes, WINDOW_END)
  }
  return own
}

/** Panics unless private pages are named by `entries` entries in all: each by as many as its `refs` says. => lock held. */
export function checkPrivate(entries: u32): void {
  let refs: u32 = 0
  for (let i: u32 = 0; i < K.frameCount; i++) {
    const frame = frameAt(i)
    if (frame.kind == FRAME_ANON) refs += frame.refs
  }
  check(refs == entries, PANIC_MAPPED_COUNT, refs)
}

/** => the entry lets nobody store to the page untold: a page with a store behind it that guests may store to is in the dirty set. */
function isTracked(frame: Frame, entry: u32): bool {
  return (entry & PTE_WRITE) == 0 || objectOf(frame).kind != OBJECT_FILE || isDirty(frame)
}

/** => the entry names a private page. */
function checkEntry(space: Space, address: u32): bool {
  const entry = load<u32>(pteAt(space, address))
  const found = findVma(space, address)
  check(found != null, PANIC_PTE_WITHOUT_VMA, address)
  const vma = found!
  if ((entry & PTE_WRITE) != 0) check((vma.prot & PROT_WRITE) != 0, PANIC_PTE_RIGHTS, address)
  if ((entry & PTE_READ) != 0) check(vma.prot != 0, PANIC_PTE_RIGHTS, address)
  const frame = frameOfPte(entry)
  if ((entry & PTE_ZERO) != 0) {
    check(<u32>frameAddress(frame) == K.zeroFrame, PANIC_PTE_FRAME, address)
    check((entry & PTE_WRITE) == 0, PANIC_PTE_RIGHTS, address)
  } else if ((entry & PTE_PRIVATE) != 0) {
    check(frame.kind == FRAME_ANON && frame.refs > 0, PANIC_PTE_FRAME, address)
    check((vma.flags & VMA_SHARED) == 0, PANIC_PTE_RIGHTS, address)
    check((entry & PTE_WRITE) == 0 || frame.refs == 1, PANIC_PTE_RIGHTS, address)
    return true
  } else {
    check(frame.kind == FRAME_PAGE && frame.mapped > 0, PANIC_PTE_FRAME, address)
    check(changetype<usize>(vma.object) == <usize>frame.object, PANIC_PTE_FRAME, address)
    const shared = (vma.flags & VMA_SHARED) != 0
    check(shared == ((entry & PTE_SHARED) != 0), PANIC_PTE_RIGHTS, address)
    check(space.contexts == 0 || isTracked(frame, entry), PANIC_PTE_RIGHTS, address)
    check(frame.index == indexOf(vma, address), PANIC_PTE_FRAME, address)
  }
  return false
}
