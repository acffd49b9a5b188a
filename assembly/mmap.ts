/**
 * mmap and munmap.
 *
 * Sources: POSIX.1-2017 mmap, munmap; Linux mmap(2) for flags, hints and the order in which errors are found.
 * Invariant: whatever can fail is tried before anything is unmapped (MAP_FIXED), so a failing call changes nothing.
 */

import {
  EACCES,
  EAGAIN,
  EEXIST,
  EINVAL,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_INERT,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  MCL_FUTURE,
  MCL_ONFAULT,
  OFFSET_MAX,
  PANIC_COMMIT,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIM_INFINITY,
  WINDOW_END,
  WINDOW_START,
} from './abi'
import { beginChange, dropPromise, endChange, keepPromise, takePromise } from './change'
import { charge } from './commit'
import { Inode, touchAccess } from './inode'
import { holdObject, letGoObject } from './io'
import { edit } from './journal'
import { abandon, lock, unlock } from './lock'
import { lockLimit } from './mlock'
import { MemObject, newObject, OBJECT_ANON, OBJECT_TMPFS, retain } from './object'
import { check } from './panic'
import { populate } from './populate'
import { Process, Space } from './process'
import { frameOfPte, nextPte, PTE_PRIVATE, pteOf } from './pte'
import { K, pageRound } from './root'
import { create } from './slab'
import { noSource, Source, sourceOf } from './source'
import { findRoom, isFree } from './space'
import { me } from './thread'
import { unmapRange } from './unmap'
import {
  link,
  mergeVma,
  nextVma,
  VMA_ANONYMOUS,
  VMA_CHARGED,
  VMA_LOCKED,
  VMA_NORESERVE,
  VMA_SHARED,
  Vma,
} from './vma'

/** Lengths from here on are placed at multiples of it, so that a guest's tables and a host's views fall on round addresses. */
const BIG: u64 = 65536
const KNOWN: u32 =
  MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_INERT

/** => [address, address + bytes) lies in the window. */
export function inWindow(address: u64, bytes: u64): bool {
  return address >= WINDOW_START && address <= WINDOW_END && bytes <= WINDOW_END - address
}

/** => `value` is a multiple of the page size. */
export function aligned(value: u64): bool {
  return (value & (<u64>K.pageBytes - 1)) == 0
}

/**
 * mmap(2). `length` in bytes, any; `offset` in bytes. => the address, in the window (read it as u32); -EINVAL, -EBADF, -ENOMEM, -EOVERFLOW,
 * -EEXIST, -EOPNOTSUPP, -EACCES, -ENODEV, -EAGAIN, -EPERM (MAP_LOCKED, RLIMIT_MEMLOCK is 0).
 */
export function sysMmap(
  process: Process,
  address: u64,
  length: u64,
  prot: u32,
  flags: u32,
  fd: i32,
  offset: u64,
): i32 {
  if (!aligned(offset)) return -EINVAL
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = mmapLocked(process, address, length, prot & 7, flags, fd, offset)
    endChange(space)
  }
  unlock()
  if (result < 0 && result > -4096) return result
  const wanted = (flags & (MAP_POPULATE | MAP_LOCKED)) != 0 || mustFill(space)
  if (wanted && (prot & 7) != 0) populate(space, <u32>result, pageRound(length), true)
  return result
}

/** => a mapping made now is to be filled at once: mlockall(MCL_FUTURE). */
export function mustFill(space: Space): bool {
  return (space.lockFuture & (MCL_FUTURE | MCL_ONFAULT)) == MCL_FUTURE
}

function mmapLocked(
  process: Process,
  address: u64,
  length: u64,
  prot: u32,
  flags: u32,
  fd: i32,
  offset: u64,
): i32 {
  const source = (flags & MAP_ANONYMOUS) != 0 ? noSource() : sourceOf(process, fd)
  if (source.error != 0) return -source.error
  if (length == 0) return -EINVAL
  if (length > WINDOW_END - WINDOW_START) return -ENOMEM
  const bytes = pageRound(length)
  if (offset + bytes > OFFSET_MAX) return -EOVERFLOW
  const fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0
  if (fixed && !aligned(address)) return -EINVAL
  // Linux's addresses begin at 0, so that there a wrong type is seen first.
  if (fixed && !inWindow(address, bytes)) return hasType(flags) ? -ENOMEM : -EINVAL
  const space = process.space!
  if ((flags & MAP_FIXED_NOREPLACE) != 0 && !isFree(space, address, address + bytes)) return -EEXIST
  const wrong = checkRights(source, prot, flags)
  if (wrong != 0) return wrong
  const start = fixed ? <u32>address : place(space, address, bytes)
  if (start == 0) return -ENOMEM
  const result = mapAt(process, start, bytes, prot, flags, source, offset)
  const made = result >= 0 || result <= -4096
  // As Linux does; POSIX has it marked by the first reference at the latest.
  if (made && source.inode != 0) touchAccess(changetype<Inode>(<usize>source.inode))
  return result
}

/** => one of the types that a mapping must have. */
function hasType(flags: u32): bool {
  const type = flags & MAP_TYPE
  return type == MAP_SHARED || type == MAP_PRIVATE || type == MAP_SHARED_VALIDATE
}

/** Flag type, then what the descriptor allows. => 0 or -errno. */
function checkRights(source: Source, prot: u32, flags: u32): i32 {
  const type = flags & MAP_TYPE
  if (!hasType(flags)) return -EINVAL
  if ((flags & MAP_ANONYMOUS) != 0) return type == MAP_SHARED_VALIDATE ? -EINVAL : 0
  if (type == MAP_SHARED_VALIDATE && (flags & ~(KNOWN | MAP_FIXED_NOREPLACE)) != 0) {
    return -EOPNOTSUPP
  }
  if (!source.readable) return -EACCES
  const shared = type != MAP_PRIVATE
  if (shared && (prot & PROT_WRITE) != 0 && !source.writable) return -EACCES
  return source.unmappable != 0 ? -source.unmappable : 0
}

/** => where a mapping of `bytes` goes: the hint when that is free, else the lowest room; 0 when there is none. */
export function place(space: Space, hint: u64, bytes: u64): u32 {
  const wanted = (hint + K.pageBytes - 1) & ~(<u64>K.pageBytes - 1)
  if (hint != 0 && inWindow(wanted, bytes) && isFree(space, wanted, wanted + bytes)) {
    return <u32>wanted
  }
  return findRoom(space, bytes, bytes >= BIG ? BIG : K.pageBytes)
}

/** Bytes of [start, end) that are mapped already: MAP_FIXED and MREMAP_FIXED give them back. */
export function mappedBytes(space: Space, start: u64, end: u64): u64 {
  let bytes: u64 = 0
  let vma = nextVma(space, start)
  while (vma != null && vma.start < end) {
    bytes += min(vma.end, end) - max(vma.start, start)
    vma = nextVma(space, vma.end)
  }
  return bytes
}

/** => frames that are promised to private mappings in [start, end), and come free with them. */
function promisedWithin(space: Space, start: u64, end: u64): u32 {
  let frames: u32 = 0
  let vma = nextVma(space, start)
  while (vma != null && vma.start < end) {
    if ((vma.flags & VMA_CHARGED) != 0) {
      const first = <u32>max(vma.start, start)
      const last = <u32>min(vma.end, end)
      frames += ((last - first) >> K.pageShift) - pinnedWithin(space, first, last)
    }
    vma = nextVma(space, vma.end)
  }
  return frames
}

/** => private pages in [from, end) that views hold: unmapped they are orphans, and charged on. */
function pinnedWithin(space: Space, from: u32, end: u32): u32 {
  let pages: u32 = 0
  let address = nextPte(space, from, end)
  while (address < end) {
    const entry = pteOf(space, address)
    if ((entry & PTE_PRIVATE) != 0 && frameOfPte(entry).pins != 0) pages++
    address = nextPte(space, address + K.pageBytes, end)
  }
  return pages
}

/** RLIMIT_AS, the number of mappings, RLIMIT_MEMLOCK. => 0, -ENOMEM, -EAGAIN, -EPERM. */
function checkLimits(process: Process, start: u64, bytes: u64, flags: u32): i32 {
  const space = process.space!
  if (space.count >= K.mappingsMax) return -ENOMEM
  if (space.limitAs != RLIM_INFINITY) {
    const had = ((<u64>space.mappedPages) << K.pageShift) - mappedBytes(space, start, start + bytes)
    if (had + bytes > space.limitAs) return -ENOMEM
  }
  const asked = (flags & MAP_LOCKED) != 0
  if (!asked && (space.lockFuture & MCL_FUTURE) == 0) return 0
  const over = lockLimit(process, <u32>(bytes >> K.pageShift))
  if (over == 0) return 0
  return asked && over == EPERM ? -EPERM : -EAGAIN
}

/** => rights that mprotect may give later. */
function maxProtOf(source: Source, flags: u32): u32 {
  const all = PROT_READ | PROT_WRITE | PROT_EXEC
  const shared = (flags & MAP_TYPE) != MAP_PRIVATE
  if ((flags & MAP_ANONYMOUS) != 0 || !shared || source.writable) return all
  return PROT_READ | PROT_EXEC
}

function vmaFlags(space: Space, flags: u32): u32 {
  let result: u32 = 0
  if ((flags & MAP_TYPE) != MAP_PRIVATE) result |= VMA_SHARED
  if ((flags & MAP_ANONYMOUS) != 0) result |= VMA_ANONYMOUS
  if ((flags & MAP_NORESERVE) != 0) result |= VMA_NORESERVE
  if ((flags & MAP_LOCKED) != 0 || (space.lockFuture & MCL_FUTURE) != 0) result |= VMA_LOCKED
  return result
}

/** => frames that the mapping will be promised. */
function promiseOf(prot: u32, flags: u32, pages: u32): u32 {
  if ((flags & MAP_NORESERVE) != 0) return 0
  const shared = (flags & MAP_TYPE) != MAP_PRIVATE
  if (shared) return (flags & MAP_ANONYMOUS) != 0 ? pages : 0
  return (prot & PROT_WRITE) != 0 ? pages : 0
}

/** Places a mapping at [start, start + bytes), replacing what is there. => start or -errno. => lock held. */
function mapAt(
  process: Process,
  start: u32,
  bytes: u64,
  prot: u32,
  flags: u32,
  source: Source,
  offset: u64,
): i32 {
  const space = process.space!
  const limited = checkLimits(process, start, bytes, flags)
  if (limited != 0) return limited
  const pages = <u32>(bytes >> K.pageShift)
  const end = <u64>start + bytes
  const promised = promiseOf(prot, flags, pages)
  const free = isFree(space, start, end)
  const had = free ? 0 : min(promised, promisedWithin(space, start, end))
  if (!charge(promised - had)) return -ENOMEM
  if (!free) {
    keepPromise(space, promised - had, had)
    const cleared = clearPlace(space, start, end, source)
    if (cleared < 0) {
      dropPromise(space)
      return cleared
    }
    check(takePromise(space) == promised, PANIC_COMMIT, promised)
  }
  const vma = newVma(space, prot, flags, source)
  if (vma == null) {
    abandon()
    dropPromise(space)
    return -ENOMEM
  }
  setPlace(vma, start, pages, offset)
  settlePromise(space, vma, promised)
  link(space, vma)
  mergeVma(vma)
  return start
}

/**
 * Maps an object from its beginning, shared, at [start, start + bytes), in the place of what is there: shmat. `writable`: mprotect may give PROT_WRITE.
 * => start or -errno (-ENOMEM, -EAGAIN). => lock held; `object` stays alive; aligned, in the window.
 */
export function mapObject(
  process: Process,
  object: MemObject,
  start: u32,
  bytes: u64,
  prot: u32,
  writable: bool,
  attach: u32,
): i32 {
  const source = noSource()
  source.object = object
  source.readable = true
  source.writable = writable
  source.attach = attach
  return mapAt(process, start, bytes, prot, MAP_SHARED, source, 0)
}

/** MAP_FIXED: unmaps what is there; nobody maps there meanwhile (change.ts). The source stays alive. => 0, -ENOMEM. */
function clearPlace(space: Space, start: u64, end: u64, source: Source): i32 {
  const object = source.object
  if (object != null) holdObject(object)
  const result = unmapRange(space, start, end)
  if (object != null) letGoObject(me().index)
  return result
}

/** => a vma with its object and one reference to it, not placed; null when memory is out: the caller abandons. */
function newVma(space: Space, prot: u32, flags: u32, source: Source): Vma | null {
  const vma = create<Vma>()
  if (changetype<usize>(vma) == 0) return null
  let object: MemObject | null = source.object
  const shared = (flags & MAP_TYPE) != MAP_PRIVATE
  if (object != null) retain(object)
  else if (shared) {
    object = newObject((flags & MAP_NORESERVE) != 0 ? OBJECT_TMPFS : OBJECT_ANON, 0)
    if (object == null) return null
  }
  vma.object = object
  vma.prot = prot
  vma.maxProt = maxProtOf(source, flags)
  vma.flags = vmaFlags(space, flags)
  vma.inode = source.inode
  vma.attach = source.attach
  if (object != null) vma.failuresSeen = object.failures
  return vma
}

function setPlace(vma: Vma, start: u32, pages: u32, offset: u64): void {
  vma.start = start
  vma.end = <u64>start + ((<u64>pages) << K.pageShift)
  vma.pageStart = offset >> K.pageShift
  const object = vma.object
  if ((vma.flags & VMA_ANONYMOUS) != 0) {
    vma.pageStart = 0
    if (object != null) object.size = (<u64>pages) << K.pageShift
  }
  vma.pageEnd = vma.pageStart + pages
}

/** Writes down who keeps the promise: the shared object, or the private vma. */
function settlePromise(space: Space, vma: Vma, promised: u32): void {
  if (promised == 0) return
  const object = vma.object
  if ((vma.flags & VMA_SHARED) != 0 && object != null) object.reserved = promised
  else {
    vma.flags |= VMA_CHARGED
    edit<Space>(space).charged += promised
  }
}

/** munmap(2). => 0, -EINVAL (unaligned, empty, outside the window), -ENOMEM when a split is not possible. */
export function sysMunmap(process: Process, address: u64, length: u64): i32 {
  if (!aligned(address) || length == 0) return -EINVAL
  if (length > WINDOW_END - WINDOW_START || !inWindow(address, pageRound(length))) return -EINVAL
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = unmapRange(space, address, address + pageRound(length))
    endChange(space)
  }
  unlock()
  return result
}
