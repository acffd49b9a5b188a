/**
 * Ranges of a space: clipping vmas to them, and unmapping what they hold.
 *
 * A small range is unmapped in one transaction. A large one is first marked DYING, piece by piece: no fault, no grant and no merge can
 * come in, grants are waited for, then pages and vmas go in as many transactions as it takes. A thread that dies in between
 * leaves DYING vmas behind; exit.ts finishes them.
 */
import { ENOMEM } from './abi'
import { holderOf, settle } from './grant'
import { edit } from './journal'
import { abandon, relax, relaxIfDeep } from './lock'
import { Space } from './process'
import { releaseObject } from './release'
import { K } from './root'
import { destroy } from './slab'
import { zap } from './space'
import {
  findVma,
  firstWithin,
  nextVma,
  pagesIn,
  splitVma,
  unchargeVma,
  unlink,
  VMA_DYING,
  VMA_SHARED,
  Vma,
} from './vma'
import { inspectRange } from './writeback'

const SMALL_PAGES: u32 = 256
const SMALL_VMAS: u32 = 16

/** => a vma border stands at `at` now; false when memory or the number of mappings is out. => lock held. */
export function cut(space: Space, at: u64): bool {
  const vma = findVma(space, <u32>at)
  if (vma == null || vma.start == at) return true
  if (space.count >= K.mappingsMax) return false
  return splitVma(vma, at) != null
}

/** => borders stand at both ends of [start, end). */
export function cutBoth(space: Space, start: u64, end: u64): bool {
  return cut(space, start) && cut(space, end)
}

/** => one transaction unmaps it. Freeing an object relaxes, so a vma that has one is small only alone. */
function isSmall(space: Space, start: u64, end: u64): bool {
  if ((end - start) >> K.pageShift > SMALL_PAGES) return false
  let count: u32 = 0
  let objects: u32 = 0
  let vma = firstWithin(space, start, end)
  while (vma != null) {
    const object = vma.object
    if (object != null && object.viewed != 0) return false
    if (object != null) objects++
    count++
    vma = firstWithin(space, vma.end, end)
  }
  if (objects != 0 && count > 1) return false
  return count <= SMALL_VMAS && holderOf(space, <u32>start, <u32>end) < 0
}

/** Takes a vma whose pages are gone out of its space and frees it. */
function removeVma(vma: Vma): void {
  const object = vma.object
  unlink(vma)
  unchargeVma(vma, pagesIn(vma))
  destroy<Vma>(vma)
  if (object != null) releaseObject(object)
}

/** Untracked stores under host views become dirty pages before the mapping that made them goes. */
function inspectVma(vma: Vma): void {
  const object = vma.object
  if (object == null || (vma.flags & VMA_SHARED) == 0) return
  if (object.viewed != 0) inspectRange(object, vma.pageStart, vma.pageEnd)
}

function markDying(space: Space, start: u64, end: u64): void {
  let vma = firstWithin(space, start, end)
  while (vma != null) {
    const next = vma.end
    edit<Vma>(vma).flags |= VMA_DYING
    relaxIfDeep()
    vma = firstWithin(space, next, end)
  }
  relax()
}

function removeAll(space: Space, start: u64, end: u64): void {
  let vma = firstWithin(space, start, end)
  while (vma != null) {
    const next = vma.end
    removeVma(vma)
    relaxIfDeep()
    vma = firstWithin(space, next, end)
  }
}

/**
 * Unmaps [start, end), aligned and inside the window; holes are fine. => 0, or -ENOMEM with nothing changed when a split is not
 * possible. => lock held, at the beginning of a transaction; relaxes.
 */
export function unmapRange(space: Space, start: u64, end: u64): i32 {
  if (!cutBoth(space, start, end)) {
    abandon()
    return -ENOMEM
  }
  if (!isSmall(space, start, end)) markDying(space, start, end)
  finishUnmap(space, start, end)
  return 0
}

/** Unmaps a range whose ends are borders. => small, or DYING. */
function finishUnmap(space: Space, start: u64, end: u64): void {
  const first = firstWithin(space, start, end)
  if (first == null) return
  const dying = (first.flags & VMA_DYING) != 0
  inspectVmas(space, start, end)
  if (dying) settle(space, <u32>start, <u32>end)
  zap(space, <u32>start, <u32>end, dying)
  removeAll(space, start, end)
  relax()
}

function inspectVmas(space: Space, start: u64, end: u64): void {
  let vma = firstWithin(space, start, end)
  while (vma != null) {
    const next = vma.end
    inspectVma(vma)
    vma = firstWithin(space, next, end)
  }
}

/** Finishes what a dead thread had marked DYING in a space. => lock held; relaxes. */
export function finishDying(space: Space): void {
  let vma = nextVma(space, 0)
  while (vma != null) {
    const next = vma.end
    if ((vma.flags & VMA_DYING) != 0) finishUnmap(space, vma.start, vma.end)
    vma = nextVma(space, next)
  }
}
