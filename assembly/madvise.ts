/**
 * madvise, posix_madvise, mincore.
 *
 * Sources: Linux madvise(2), mincore(2); POSIX.1-2017 posix_madvise, whose DONTNEED changes no contents.
 */

import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  EACCES,
  EINVAL,
  ENOMEM,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  POSIX_MADV_DONTNEED,
  PROT_WRITE,
  WINDOW_END,
} from './abi'
import { findPage, PAGE_BUSY } from './cache'
import { beginChange, endChange } from './change'
import { settle } from './grant'
import { holdObject, letGoObject } from './io'
import { lock, relax, unlock } from './lock'
import { changeFlags } from './mlock'
import { aligned, inWindow } from './mmap'
import { MemObject, OBJECT_FILE } from './object'
import { populate } from './populate'
import { Process, Space } from './process'
import { pteOf } from './pte'
import { punchObject } from './resize'
import { K, pageRound } from './root'
import { isCovered, zap } from './space'
import { me } from './thread'
import { indexOf, nextVma, VMA_LOCKED, VMA_RANDOM, VMA_SEQUENTIAL, VMA_SHARED, Vma } from './vma'

/** madvise(2). => 0, -EINVAL (unaligned, unknown, DONTNEED on locked, FREE on shared), -ENOMEM (a hole, after the rest was done), -EACCES. */
export function sysMadvise(process: Process, address: u64, length: u64, advice: u32): i32 {
  if (!aligned(address) || !isKnown(advice)) return -EINVAL
  if (length == 0) return 0
  if (!inWindow(address, pageRound(length))) return -ENOMEM
  const space = process.space!
  const end = address + pageRound(length)
  lock()
  const whole = isCovered(space, address, end)
  unlock()
  let at = address
  while (at < end) {
    lock()
    const waited = changes(advice) ? beginChange(space) : 0
    const vma = nextVma(space, at)
    if (waited != 0 || vma == null || vma.start >= end) {
      endChange(space)
      unlock()
      if (waited != 0) return waited
      break
    }
    const from = max(at, vma.start)
    const to = min(vma.end, end)
    at = to
    const result = adviseVma(space, vma, from, to, advice)
    if (result != 0) return result
  }
  return whole ? 0 : -ENOMEM
}

function isKnown(advice: u32): bool {
  return advice <= MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE
}

/** => the advice changes entries or vmas at once. */
function changes(advice: u32): bool {
  return advice != MADV_WILLNEED && advice != MADV_REMOVE
}

/** One vma's part. => lock held at entry, in a change if `changes` says so; free at return. */
function adviseVma(space: Space, vma: Vma, from: u64, to: u64, advice: u32): i32 {
  if (advice <= MADV_SEQUENTIAL) {
    const on = advice == MADV_RANDOM ? VMA_RANDOM : advice == MADV_NORMAL ? 0 : VMA_SEQUENTIAL
    const result = changeFlags(space, from, to, on, (VMA_RANDOM | VMA_SEQUENTIAL) & ~on)
    endChange(space)
    unlock()
    return result
  }
  if (advice == MADV_WILLNEED) {
    const reachable = vma.prot != 0
    unlock()
    if (reachable) populate(space, <u32>from, to - from, false)
    return 0
  }
  if (advice == MADV_REMOVE) return removePages(vma, from, to)
  const locked = (vma.flags & VMA_LOCKED) != 0
  const freeShared = advice == MADV_FREE && ((vma.flags & VMA_SHARED) != 0 || vma.object != null)
  const refused = locked || freeShared
  if (!refused) dropEntries(space, from, to)
  endChange(space)
  unlock()
  return refused ? -EINVAL : 0
}

/** MADV_DONTNEED, MADV_FREE: entries go, and private pages with them; what is touched again is zero, or the object's. */
function dropEntries(space: Space, from: u64, to: u64): void {
  settle(space, <u32>from, <u32>to)
  zap(space, <u32>from, <u32>to, true)
  relax()
}

/** MADV_REMOVE: a hole in a shared writable object without backing. => lock held at entry, free at return. */
function removePages(vma: Vma, from: u64, to: u64): i32 {
  const object = vma.object
  if (object == null || (vma.flags & VMA_LOCKED) != 0) {
    unlock()
    return -EINVAL
  }
  if ((vma.flags & VMA_SHARED) == 0 || (vma.maxProt & PROT_WRITE) == 0) {
    unlock()
    return -EACCES
  }
  if (object.kind == OBJECT_FILE) {
    unlock()
    return -EINVAL
  }
  const first = indexOf(vma, <u32>from) << K.pageShift
  holdObject(object)
  unlock()
  const result = punchObject(object, first, first + (to - from))
  lock()
  letGoObject(me().index)
  unlock()
  return result
}

/** posix_madvise: as madvise, but DONTNEED keeps all contents. => 0, -EINVAL, -ENOMEM. */
export function sysPosixMadvise(process: Process, address: u64, length: u64, advice: u32): i32 {
  if (advice > POSIX_MADV_DONTNEED || !aligned(address)) return -EINVAL
  if (advice != POSIX_MADV_DONTNEED) return sysMadvise(process, address, length, advice)
  if (length == 0) return 0
  if (!inWindow(address, pageRound(length))) return -ENOMEM
  lock()
  const whole = isCovered(process.space!, address, address + pageRound(length))
  unlock()
  return whole ? 0 : -ENOMEM
}

/** mincore(2): one byte a page at BUFFER_DATA, low bit set when present. => pages written (65536 at most a call), -EINVAL, -ENOMEM (a hole). */
export function sysMincore(process: Process, address: u64, length: u64): i32 {
  if (!aligned(address)) return -EINVAL
  if (length == 0) return 0
  if (length > WINDOW_END || !inWindow(address, pageRound(length))) return -ENOMEM
  const space = process.space!
  const pages = <u32>min<u64>(pageRound(length) >> K.pageShift, BUFFER_DATA_BYTES)
  const to = <usize>me().buffer + BUFFER_DATA
  lock()
  const whole = isCovered(space, address, address + pageRound(length))
  if (whole) {
    for (let i: u32 = 0; i < pages; i++) {
      store<u8>(to + i, isPresent(space, <u32>address + (i << K.pageShift)) ? 1 : 0)
    }
  }
  unlock()
  return whole ? <i32>pages : -ENOMEM
}

/** => a touch of the page would find it in memory. */
export function isPresent(space: Space, address: u32): bool {
  if (pteOf(space, address) != 0) return true
  const vma = nextVma(space, address)
  if (vma == null || vma.start > address) return false
  const object: MemObject | null = vma.object
  if (object == null) return false
  const frame = findPage(object, indexOf(vma, address))
  return frame != null && (frame.flags & PAGE_BUSY) == 0
}
