/**
 * msync.
 *
 * Sources: POSIX.1-2017 msync; Linux msync(2). MS_INVALIDATE is stronger than Linux's, as POSIX reads: clean pages of a file are
 * dropped, so that what others wrote to it is seen; dirty pages never are.
 */

import { EBUSY, EINVAL, ENOMEM, EWOULDBLOCK_PARK, MS_ASYNC, MS_INVALIDATE, MS_SYNC } from './abi'
import { findPage, isDirty, nextPage, PAGE_VIEWED } from './cache'
import { dropCleanRange } from './evict'
import { holdObject, letGoObject } from './io'
import { put } from './journal'
import { lock, unlock } from './lock'
import { aligned, inWindow } from './mmap'
import { statFd, statSize } from './mountfs'
import { MemObject, OBJECT_FILE } from './object'
import { Process, Space } from './process'
import { K, pageRound } from './root'
import { isCovered } from './space'
import { me } from './thread'
import { findVma, indexOf, nextVma, VMA_LOCKED, VMA_SHARED, Vma } from './vma'
import { inspectRange, schedule, syncStore, writeRange } from './writeback'

/**
 * => 0; -EINVAL (unaligned, unknown flags, SYNC with ASYNC), -ENOMEM (a hole, after the rest was done), -EBUSY (INVALIDATE of locked or viewed
 * pages), -EWOULDBLOCK_PARK, or the errno of a failed write-back, whose pages stay dirty.
 */
export function sysMsync(process: Process, address: u64, length: u64, flags: u32): i32 {
  if (!aligned(address) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0) return -EINVAL
  if ((flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0) return -EINVAL
  if (length == 0) return 0
  if (!inWindow(address, pageRound(length))) return -ENOMEM
  const space = process.space!
  const end = address + pageRound(length)
  lock()
  const whole = isCovered(space, address, end)
  let result = (flags & MS_INVALIDATE) != 0 ? checkBusy(space, address, end) : 0
  let at = address
  while (at < end && result != -EBUSY) {
    const vma = nextVma(space, at)
    if (vma == null || vma.start >= end) break
    const from = max(at, vma.start)
    at = min(vma.end, end)
    const synced = syncVma(space, vma, <u32>from, at, flags)
    if (result == 0) result = synced
  }
  unlock()
  if (result != 0) return result
  return whole ? 0 : -ENOMEM
}

/** => -EBUSY when a page that MS_INVALIDATE would drop is locked or under a host view. */
function checkBusy(space: Space, start: u64, end: u64): i32 {
  let vma = nextVma(space, start)
  while (vma != null && vma.start < end) {
    if ((vma.flags & VMA_LOCKED) != 0) return -EBUSY
    const object = vma.object
    if (object != null && object.kind == OBJECT_FILE && object.viewed != 0) {
      const from = indexOf(vma, <u32>max(start, vma.start))
      const to = from + ((min(end, vma.end) - max(start, vma.start)) >> K.pageShift)
      if (isViewed(object, from, to)) return -EBUSY
    }
    vma = nextVma(space, vma.end)
  }
  return 0
}

function isViewed(object: MemObject, from: u64, to: u64): bool {
  let index = nextPage(object, from, false)
  while (index < to) {
    if ((findPage(object, index)!.flags & PAGE_VIEWED) != 0) return true
    index = nextPage(object, index + 1, false)
  }
  return false
}

/** The part of one vma. => 0 or -errno. => lock held; free in between. */
function syncVma(space: Space, vma: Vma, start: u32, end: u64, flags: u32): i32 {
  const object = vma.object
  if (object == null) return 0
  if (object.kind != OBJECT_FILE) {
    if ((vma.flags & VMA_SHARED) != 0) inspectRange(object, 0, 0)
    return 0
  }
  const from = indexOf(vma, start)
  const to = from + ((end - start) >> K.pageShift)
  const shared = (vma.flags & VMA_SHARED) != 0
  holdObject(object)
  let result = 0
  if (shared) {
    inspectRange(object, from, to)
    if ((flags & MS_SYNC) != 0) {
      result = writeRange(object, from, to)
      if (result == 0) result = writeEnd(object, to)
      if (result == 0) result = syncStore(object, true)
    } else schedule(object)
    if (result == 0) result = pendingFailure(space, start, object)
    else if (result != -EWOULDBLOCK_PARK) noteFailure(space, start, object)
  }
  if (result == 0 && (flags & MS_INVALIDATE) != 0) dropCleanRange(object, from, to)
  letGoObject(me().index)
  return result
}

/**
 * Zeros of the range that nobody stored are durable once the provider's file is as long as they reach. It is shorter than the object only while the last page is
 * dirty, which is behind the range then, and is written if need be. => 0 or -errno. => lock held before and after; free in between.
 */
function writeEnd(object: MemObject, to: u64): i32 {
  const last = object.size == 0 ? 0 : (object.size - 1) >> K.pageShift
  if (last < to || object.fd < 0) return 0
  const page = findPage(object, last)
  if (page == null || !isDirty(page)) return 0
  const mount = object.mount
  const fd = object.fd
  unlock()
  const asked = statFd(mount, fd)
  lock()
  if (asked < 0) return asked
  return statSize() < to << K.pageShift ? writeRange(object, last, last + 1) : 0
}

/** A write-back that failed since this mapping was last told: its errno, once. */
function pendingFailure(space: Space, address: u32, object: MemObject): i32 {
  const vma = findVma(space, address)
  if (vma == null || vma.object != object || vma.failuresSeen == object.failures) return 0
  noteFailure(space, address, object)
  return -object.failure
}

function noteFailure(space: Space, address: u32, object: MemObject): void {
  const vma = findVma(space, address)
  if (vma == null || vma.object != object) return
  put(changetype<usize>(vma) + offsetof<Vma>('failuresSeen'), object.failures)
}
