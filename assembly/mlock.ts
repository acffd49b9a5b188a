/**
 * mlock, munlock, mlockall, munlockall: pages that stay present.
 *
 * Sources: POSIX.1-2017 mlock, mlockall; Linux mlock(2). Locks do not nest. Eviction passes over a page that a locked vma shows (evict.ts);
 * private pages never leave anyway.
 */
import {
  EINVAL,
  ENOMEM,
  EPERM,
  EWOULDBLOCK_PARK,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  RLIM_INFINITY,
  WINDOW_END,
  WINDOW_START,
} from './abi'
import { beginChange, endChange } from './change'
import { edit } from './journal'
import { abandon, lock, relax, unlock } from './lock'
import { populate } from './populate'
import { Process, Space } from './process'
import { K, pageRound } from './root'
import { mayBlock } from './thread'
import { cutBoth } from './unmap'
import { mergeVma, nextVma, pagesIn, VMA_LOCKED, Vma } from './vma'

/** => 0, ENOMEM over RLIMIT_MEMLOCK, EPERM when that is 0; root may lock what it likes. */
export function lockLimit(process: Process, morePages: u32): i32 {
  const space = process.space!
  if (process.euid == 0 || space.limitMemlock == RLIM_INFINITY) return 0
  if (space.limitMemlock == 0) return EPERM
  const bytes = (<u64>(space.lockedPages + morePages)) << K.pageShift
  return bytes > space.limitMemlock ? ENOMEM : 0
}

/** Sets and clears flags of the vmas of [start, end), splitting and merging. => 0, or -ENOMEM at a hole or when a split fails (the part before is done). */
export function changeFlags(space: Space, start: u64, end: u64, on: u32, off: u32): i32 {
  let at = start
  while (at < end) {
    const found = nextVma(space, at)
    if (found == null || found.start > at) return -ENOMEM
    if (!cutBoth(space, at, min(end, found.end))) {
      abandon()
      return -ENOMEM
    }
    const vma = nextVma(space, at)!
    at = vma.end
    setFlags(space, vma, (vma.flags | on) & ~off)
    mergeVma(vma)
    relax()
  }
  return 0
}

function setFlags(space: Space, vma: Vma, flags: u32): void {
  const before = vma.flags & VMA_LOCKED
  const after = flags & VMA_LOCKED
  edit<Vma>(vma).flags = flags
  if (before == after) return
  edit<Space>(space)
  if (after != 0) space.lockedPages += pagesIn(vma)
  else space.lockedPages -= pagesIn(vma)
}

/** => pages of [start, end) that are not locked yet. */
function unlockedPages(space: Space, start: u64, end: u64): u32 {
  let pages: u64 = 0
  let vma = nextVma(space, start)
  while (vma != null && vma.start < end) {
    if ((vma.flags & VMA_LOCKED) == 0) pages += min(vma.end, end) - max(vma.start, start)
    vma = nextVma(space, vma.end)
  }
  return <u32>(pages >> K.pageShift)
}

function span(address: u64, length: u64): u64 {
  return pageRound((address & (<u64>K.pageBytes - 1)) + length)
}

function isOutside(start: u64, bytes: u64): bool {
  return start < WINDOW_START || start > WINDOW_END || bytes > WINDOW_END - start
}

/** mlock(2): the address is rounded down. => 0, -ENOMEM (a hole, over the limit, a page that cannot be had), -EPERM. */
export function sysMlock(process: Process, address: u64, length: u64): i32 {
  const start = address & ~(<u64>K.pageBytes - 1)
  const bytes = span(address, length)
  if (bytes == 0) return 0
  if (isOutside(start, bytes)) return -ENOMEM
  const space = process.space!
  // A thread that may not wait for the pages is told before any is locked.
  if (!mayBlock() && populate(space, <u32>start, bytes, true) == -EWOULDBLOCK_PARK) {
    return -EWOULDBLOCK_PARK
  }
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = -lockLimit(process, unlockedPages(space, start, start + bytes))
    if (result == 0) result = changeFlags(space, start, start + bytes, VMA_LOCKED, 0)
    endChange(space)
  }
  unlock()
  if (result != 0) return result
  const filled = populate(space, <u32>start, bytes, true)
  if (filled == -EWOULDBLOCK_PARK) return filled
  return filled == 0 ? 0 : -ENOMEM
}

/** munlock(2). => 0, -ENOMEM at a hole. */
export function sysMunlock(process: Process, address: u64, length: u64): i32 {
  const start = address & ~(<u64>K.pageBytes - 1)
  const bytes = span(address, length)
  if (bytes == 0) return 0
  if (isOutside(start, bytes)) return -ENOMEM
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = changeFlags(space, start, start + bytes, 0, VMA_LOCKED)
    endChange(space)
  }
  unlock()
  return result
}

/** mlockall(2). => 0, -EINVAL for no or unknown flags or ONFAULT alone, -ENOMEM, -EPERM. */
export function sysMlockall(process: Process, flags: u32): i32 {
  const known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT
  if (flags == 0 || (flags & ~known) != 0 || flags == MCL_ONFAULT) return -EINVAL
  const space = process.space!
  lock()
  const current = (flags & MCL_CURRENT) != 0
  let result = beginChange(space)
  if (result == 0) {
    result = -lockLimit(process, current ? space.mappedPages - space.lockedPages : 0)
    if (result == 0) {
      edit<Space>(space).lockFuture = flags & (MCL_FUTURE | MCL_ONFAULT)
      if (current) eachVma(space, VMA_LOCKED, 0)
    }
    endChange(space)
  }
  unlock()
  if (result != 0) return result
  if (current && (flags & MCL_ONFAULT) == 0) fillAll(space)
  return 0
}

/** munlockall(2). => 0, -EWOULDBLOCK_PARK. */
export function sysMunlockall(process: Process): i32 {
  const space = process.space!
  lock()
  const result = beginChange(space)
  if (result == 0) {
    edit<Space>(space).lockFuture = 0
    eachVma(space, 0, VMA_LOCKED)
    endChange(space)
  }
  unlock()
  return result
}

/** Changes the flags of every vma. => lock held; relaxes. */
function eachVma(space: Space, on: u32, off: u32): void {
  let vma = nextVma(space, 0)
  while (vma != null) {
    const next = vma.end
    setFlags(space, vma, (vma.flags | on) & ~off)
    mergeVma(vma)
    relax()
    vma = nextVma(space, next)
  }
}

/** Faults in what can be: mlockall ignores pages that cannot (Linux). */
function fillAll(space: Space): void {
  let at: u64 = 0
  while (at < WINDOW_END) {
    lock()
    const vma = nextVma(space, at)
    const start = vma == null ? WINDOW_END : vma.start
    const end = vma == null ? WINDOW_END : vma.end
    const readable = vma != null && vma.prot != 0
    unlock()
    if (readable) populate(space, <u32>start, end - start, true)
    at = end
  }
}
