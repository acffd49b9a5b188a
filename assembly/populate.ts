/**
 * Faulting pages in ahead of use: MAP_POPULATE, MAP_LOCKED, mlock, MADV_WILLNEED, and host views.
 */

import { PROT_WRITE } from './abi'
import { fault } from './fault'
import { lock, relax, unlock } from './lock'
import { Space } from './process'
import { K } from './root'
import { findVma, VMA_SHARED } from './vma'

/**
 * Makes every page of [start, start + bytes) present; with `own`, private writable ones get their own frame, so that a store will not
 * fault. => 0, or the first fault's -SIGSEGV, -SIGBUS, -EWOULDBLOCK_PARK (the pages before it are present). => lock not held.
 */
export function populate(space: Space, start: u32, bytes: u64, own: bool): i32 {
  const end = <u64>start + bytes
  for (let at: u64 = start; at < end; at += K.pageBytes) {
    lock()
    const result = touchPage(space, <u32>at, own)
    unlock()
    if (result != 0) return result
  }
  return 0
}

function touchPage(space: Space, address: u32, own: bool): i32 {
  const vma = findVma(space, address)
  const isPrivate = vma != null && (vma.flags & VMA_SHARED) == 0 && (vma.prot & PROT_WRITE) != 0
  const result = fault(space, address, own && isPrivate)
  relax()
  return result
}
