/**
 * Byte-range locks: what fcntl's F_SETLK puts on a file, by process.
 *
 * An inode's locks are a list in the order of `start`. A process's locks on one inode never touch
 * when they are of one kind (they merge) and never overlap: a new one cuts what it covers.
 *
 * Who waits (F_SETLKW) is in a table by thread: inode, its process, the process it waits for. These
 * are the edges in which a cycle is looked for before a sleep (EDEADLK). An edge goes when its
 * inode's locks change: the waiter looks again.
 *
 * Invariants (checkRanges):
 *  1. Sorted by start; start < end; at most RANGES_MAX a file, past it ENOLCK.
 *  2. Locks of one process do not overlap; those of one kind do not touch.
 *  3. Locks of two processes overlap only when both are F_RDLCK.
 * Guarded by the kernel lock, journalled. Source: POSIX fcntl.
 */
import { ENOLCK, F_RDLCK, F_UNLCK, PANIC_FLOCK, RANGES_MAX, THREADS_MAX } from './abi'
import { Inode } from './inode'
import { edit, put, save } from './journal'
import { check } from './panic'
import { create, destroy } from './slab'
import { me } from './thread'
import { wake } from './wait'

@unmanaged
export class Range {
  next: Range | null
  kind: u32
  pid: u32
  pad: u32
  start: u64
  /** First byte past it; RANGE_END for the end of every file. */
  end: u64
}

/** Past every offset. */
export const RANGE_END: u64 = 0x7fffffffffffffff

@unmanaged
class Waiter {
  inode: u32
  pid: u32
  /** Process whose lock is in the way, 0 when that is to be looked at again. */
  blocker: u32
}

const WAITERS: usize = memory.data(3072, 16)

if (offsetof<Waiter>() * THREADS_MAX != 3072) ERROR('a waiter for each thread')

function waiterAt(index: u32): Waiter {
  return changetype<Waiter>(WAITERS + <usize>index * offsetof<Waiter>())
}

/** => the key that waiters for a range of the inode use. */
export function keyOfRanges(inode: Inode): u64 {
  return changetype<usize>(inode) + offsetof<Inode>('ranges')
}

/** => the first lock, null when there is none. */
export function firstRange(inode: Inode): Range | null {
  return changetype<Range | null>(<usize>inode.ranges)
}

/**
 * => the first lock of another process that forbids a lock of `kind` on [start, end), null when
 * none does.
 */
export function findConflict(
  inode: Inode,
  pid: u32,
  start: u64,
  end: u64,
  kind: u32,
): Range | null {
  for (let range = firstRange(inode); range != null; range = range!.next) {
    if (range.start >= end) break
    if (range.pid == pid || range.end <= start) continue
    if (kind != F_RDLCK || range.kind != F_RDLCK) return range
  }
  return null
}

/** Takes `range` out of the list. `link`: address of the word that points at it. */
function unlink(inode: Inode, link: usize, range: Range): void {
  put(link, <u32>changetype<usize>(range.next))
  count(inode, -1)
  destroy<Range>(range)
}

function insert(inode: Inode, range: Range): void {
  let link = changetype<usize>(inode) + offsetof<Inode>('ranges')
  let next = firstRange(inode)
  while (next != null && next.start < range.start) {
    link = changetype<usize>(next) + offsetof<Range>('next')
    next = next.next
  }
  edit<Range>(range).next = next
  put(link, <u32>changetype<usize>(range))
  count(inode, 1)
}

/** One word, not the whole inode: a close may drop RANGES_MAX locks in one transaction. */
function count(inode: Inode, change: i32): void {
  put(changetype<usize>(inode) + offsetof<Inode>('rangeCount'), inode.rangeCount + change)
}

/**
 * Puts a lock of `kind` (F_UNLCK: none) of process `pid` on [start, end), in the place of what it
 * had there.
 * => 0 or -ENOLCK, and then the caller abandons what was changed. => nobody else's lock is in the
 * way. What is counted is the outcome: a full file can be unlocked, and its locks replaced.
 */
export function setRange(inode: Inode, pid: u32, start: u64, end: u64, kind: u32): i32 {
  const fresh = create<Range>()
  const tail = create<Range>()
  if (changetype<usize>(fresh) == 0 || changetype<usize>(tail) == 0) return -ENOLCK
  fresh.kind = kind
  fresh.pid = pid
  fresh.start = start
  fresh.end = end
  clearWay(inode, fresh, tail)
  if (tail.end != 0) insert(inode, tail)
  else destroy<Range>(tail)
  if (kind != F_UNLCK) insert(inode, fresh)
  else destroy<Range>(fresh)
  if (inode.rangeCount > RANGES_MAX) return -ENOLCK
  wakeRanges(inode)
  return 0
}

/**
 * Merges `fresh` with the same process's locks of its kind, cuts others; what is left behind it of
 * a lock that it splits becomes `tail`.
 */
function clearWay(inode: Inode, fresh: Range, tail: Range): void {
  let link = changetype<usize>(inode) + offsetof<Inode>('ranges')
  let range = firstRange(inode)
  while (range != null) {
    const next = range.next
    const touches = range.end >= fresh.start && range.start <= fresh.end
    if (range.pid == fresh.pid && range.kind == fresh.kind && touches) {
      fresh.start = min(fresh.start, range.start)
      fresh.end = max(fresh.end, range.end)
      unlink(inode, link, range)
    } else {
      const overlaps = range.end > fresh.start && range.start < fresh.end
      const kept = range.pid != fresh.pid || !overlaps || cut(range, fresh, tail)
      if (kept) link = changetype<usize>(range) + offsetof<Range>('next')
      else unlink(inode, link, range)
    }
    range = next
  }
}

/**
 * Takes what `fresh` covers from `range`. => something is left of it in its place (before `fresh`).
 */
function cut(range: Range, fresh: Range, tail: Range): bool {
  if (range.end > fresh.end) {
    tail.kind = range.kind
    tail.pid = range.pid
    tail.start = fresh.end
    tail.end = range.end
  }
  if (range.start >= fresh.start) return false
  edit<Range>(range).end = fresh.start
  return true
}

/** Takes all locks of process `pid` on the inode away. It may free. */
export function dropRanges(inode: Inode, pid: u32): void {
  let link = changetype<usize>(inode) + offsetof<Inode>('ranges')
  let range = firstRange(inode)
  let dropped = false
  while (range != null) {
    const next = range.next
    if (range.pid == pid) {
      unlink(inode, link, range)
      dropped = true
    } else link = changetype<usize>(range) + offsetof<Range>('next')
    range = next
  }
  if (dropped) wakeRanges(inode)
}

function wakeRanges(inode: Inode): void {
  if (wake(keyOfRanges(inode), 0x7fffffff) == 0) return
  for (let i: u32 = 0; i < THREADS_MAX; i++) {
    const waiter = waiterAt(i)
    if (waiter.inode != <u32>changetype<usize>(inode)) continue
    put(changetype<usize>(waiter) + offsetof<Waiter>('blocker'), 0)
  }
}

/** This thread of process `pid` is about to wait for a lock of process `blocker`. */
export function noteWaiter(inode: Inode, pid: u32, blocker: u32): void {
  const waiter = waiterAt(me().index)
  save(changetype<usize>(waiter), offsetof<Waiter>())
  waiter.inode = <u32>changetype<usize>(inode)
  waiter.pid = pid
  waiter.blocker = blocker
}

/** Thread `index` waits for no lock any more. */
export function forgetWaiter(index: u32): void {
  const waiter = waiterAt(index)
  if (waiter.inode == 0) return
  save(changetype<usize>(waiter), offsetof<Waiter>())
  memory.fill(changetype<usize>(waiter), 0, offsetof<Waiter>())
}

/** Marks of the search below, one byte a thread; means nothing between two calls. */
const REACHED: usize = memory.data(256, 16)

/**
 * => process `pid`, if it waits for `blocker`, waits for itself: `blocker` waits, directly or
 * through others, for `pid`.
 */
export function wouldDeadlock(pid: u32, blocker: u32): bool {
  memory.fill(REACHED, 0, THREADS_MAX)
  let grown = mark(blocker, pid)
  while (grown == 1) {
    grown = 0
    for (let i: u32 = 0; i < THREADS_MAX && grown < 2; i++) {
      if (load<u8>(REACHED + i) != 1) continue
      store<u8>(REACHED + i, 2)
      grown = max(grown, mark(waiterAt(i).blocker, pid))
    }
  }
  return grown == 2
}

/**
 * Marks the waiting threads of process `pid`. => 0 none new, 1 some, 2 one of them waits for
 * `wanted`.
 */
function mark(pid: u32, wanted: u32): u32 {
  if (pid == wanted) return 2
  let found: u32 = 0
  for (let i: u32 = 0; i < THREADS_MAX; i++) {
    const waiter = waiterAt(i)
    if (waiter.pid != pid || waiter.blocker == 0 || load<u8>(REACHED + i) != 0) continue
    if (waiter.blocker == wanted) return 2
    store<u8>(REACHED + i, 1)
    found = 1
  }
  return found
}

/** Panics at the first broken invariant of an inode's locks; => how many. => lock held. */
export function checkRanges(inode: Inode): u32 {
  let count: u32 = 0
  for (let range = firstRange(inode); range != null; range = range!.next) {
    check(range.start < range.end, PANIC_FLOCK, range.pid)
    for (let later = range.next; later != null; later = later!.next) {
      check(later.start >= range.start, PANIC_FLOCK, later.pid)
      const overlaps = later.start < range.end
      if (later.pid != range.pid)
        check(!overlaps || (later.kind == F_RDLCK && range.kind == F_RDLCK), PANIC_FLOCK)
      else check(!overlaps && (later.kind != range.kind || later.start > range.end), PANIC_FLOCK)
    }
    count++
  }
  check(count == inode.rangeCount && count <= RANGES_MAX, PANIC_FLOCK, count)
  return count
}
