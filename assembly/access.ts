/**
 * Tracked access of the host: one call gives a stretch of kernel memory that holds the bytes at an address, as a grant.
 *
 * The host copies between that stretch and its own array, then asks for the next or lets go. Faults happen here, at the access.
 */
import { BUFFER_RESULT, EINVAL, WINDOW_END } from './abi'
import { PAGE_DIRTY } from './cache'
import { allows, fault, isPast, soil } from './fault'
import { dropGrant, grant } from './grant'
import { lock, unlock } from './lock'
import { inWindow } from './mmap'
import { OBJECT_FILE } from './object'
import { Process } from './process'
import { frameOfPte, PTE_FLAGS, PTE_PRIVATE, PTE_READ, PTE_WRITE, pteOf } from './pte'
import { K } from './root'
import { me } from './thread'
import { findVma, indexOf, VMA_SHARED, Vma } from './vma'

/** Longest stretch of one grant, bytes. */
const GRANT_BYTES_MAX: u32 = 1048576

/**
 * Grants the bytes at [address, address + length), as far as they are contiguous in kernel memory. => 0 and, at BUFFER_RESULT, kernel address and bytes (at
 * least 1); -EINVAL for length 0; -SIGSEGV, -SIGBUS; -EWOULDBLOCK_PARK. With `write` the pages are dirty from now on.
 */
export function sysAccess(process: Process, address: u64, length: u64, write: bool): i32 {
  dropGrant()
  if (length == 0) return -EINVAL
  const space = process.space!
  const first = inWindow(address, 1) ? <u32>address : 0
  lock()
  const result = fault(space, first, write)
  if (result == 0) {
    const entry = pteOf(space, first)
    const from = (entry & ~PTE_FLAGS) + (first & (K.pageBytes - 1))
    const vma = findVma(space, first)!
    const most = <u32>min<u64>(min<u64>(length, GRANT_BYTES_MAX), vma.end - first)
    const bytes = stretch(vma, first, most, write)
    grant(space, first, bytes, from, write)
    const to = <usize>me().buffer + BUFFER_RESULT
    store<u32>(to, from)
    store<u32>(to, bytes, 4)
  }
  unlock()
  return result
}

/** => bytes from `address` on, at most `most`, that lie in one run of frames and may be accessed without a fault. */
function stretch(vma: Vma, address: u32, most: u32, write: bool): u32 {
  const space = vma.space!
  const right = write ? PTE_READ | PTE_WRITE : PTE_READ
  let bytes = K.pageBytes - (address & (K.pageBytes - 1))
  let expected = (pteOf(space, address) & ~PTE_FLAGS) + K.pageBytes
  while (bytes < most && allows(vma, write)) {
    const next = address + bytes
    if (next >= WINDOW_END) break
    const entry = pteOf(space, next)
    if ((entry & right) != right || (entry & ~PTE_FLAGS) != expected) break
    if (!mayGrant(vma, next, entry, write)) break
    expected += K.pageBytes
    bytes += K.pageBytes
  }
  return min(bytes, most)
}

/** => one page more of a stretch needs no fault: inside the object, and if stored to dirty already or made so now. */
function mayGrant(vma: Vma, address: u32, entry: u32, write: bool): bool {
  const object = vma.object
  if (object == null || (entry & PTE_PRIVATE) != 0) return true
  if (isPast(object, indexOf(vma, address))) return false
  if (!write || object.kind != OBJECT_FILE || (vma.flags & VMA_SHARED) == 0) return true
  const frame = frameOfPte(entry)
  if ((frame.flags & PAGE_DIRTY) != 0) return true
  return K.dirtyPages < K.dirtyPagesMax && soil(object, frame) == 0
}

/** Lets go of the last grant. */
export function sysRelease(): void {
  dropGrant()
}

/** map.touch: the pages of the range were stored to untracked. => 0 or as sysAccess. */
export function sysTouch(process: Process, address: u64, length: u64): i32 {
  let at = address & ~(<u64>K.pageBytes - 1)
  while (at < address + length) {
    const result = sysAccess(process, at, K.pageBytes, true)
    dropGrant()
    if (result != 0) return result
    at += K.pageBytes
  }
  return 0
}
