/**
 * mremap.
 *
 * Source: Linux mremap(2); SEMANTICS of old size 0 (duplicates a shared mapping) and of growth past the end of file as there.
 * A move takes the entries along, so private pages keep their frames and nothing is copied.
 */
import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOMEM,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  RLIM_INFINITY,
  WINDOW_END,
} from './abi'
import { beginChange, endChange } from './change'
import { charge, uncharge } from './commit'
import { revoke } from './grace'
import { settle } from './grant'
import { edit } from './journal'
import { abandon, lock, relax, relaxIfDeep, unlock } from './lock'
import { lockLimit } from './mlock'
import { aligned, inWindow, mappedBytes } from './mmap'
import { retain } from './object'
import { populate } from './populate'
import { Process, Space } from './process'
import { frameOfPte, makePte, nextPte, pteAt, setPte, trimTables } from './pte'
import { makeRoom } from './room'
import { K, pageRound } from './root'
import { create, destroy } from './slab'
import { findRoom, isFree } from './space'
import { cutBoth, unmapRange } from './unmap'
import {
  findVma,
  link,
  mergePiece,
  mergeVma,
  setRange,
  unlink,
  VMA_CHARGED,
  VMA_DYING,
  VMA_LOCKED,
  VMA_SHARED,
  Vma,
} from './vma'

/** Pages moved in one transaction. */
const PIECE_PAGES: u32 = 4096

/**
 * => the mapping's address now; -EINVAL (unaligned, new size 0, unknown flags, FIXED without MAYMOVE, overlap, DONTUNMAP, old size 0 of a
 * private mapping), -EFAULT (a hole, or more than one mapping to grow or move), -ENOMEM, -EAGAIN (locked, over the limit).
 */
export function sysMremap(
  process: Process,
  address: u64,
  oldLength: u64,
  newLength: u64,
  flags: u32,
  wanted: u64,
): i32 {
  const fixed = (flags & MREMAP_FIXED) != 0
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 || !aligned(address)) return -EINVAL
  if (fixed && (flags & MREMAP_MAYMOVE) == 0) return -EINVAL
  if (newLength == 0) return -EINVAL
  if (newLength > WINDOW_END || oldLength > WINDOW_END) return -EINVAL
  const before = pageRound(oldLength)
  const after = pageRound(newLength)
  if (fixed && (!aligned(wanted) || !inWindow(wanted, after))) return -EINVAL
  if (fixed && wanted < address + max<u64>(before, 1) && address < wanted + after) return -EINVAL
  lock()
  let result = beginChange(process.space!)
  if (result == 0) {
    result = remapLocked(process, address, before, after, flags, fixed ? wanted : 0)
    endChange(process.space!)
  }
  const locked = result < -4096 && isLocked(process.space!, <u32>result)
  unlock()
  if (locked && after > before)
    populate(process.space!, <u32>result + <u32>before, after - before, true)
  return result
}

function isLocked(space: Space, address: u32): bool {
  const vma = findVma(space, address)
  return vma != null && (vma.flags & VMA_LOCKED) != 0
}

function remapLocked(
  process: Process,
  address: u64,
  before: u64,
  after: u64,
  flags: u32,
  wanted: u64,
): i32 {
  const space = process.space!
  if (!inWindow(address, max<u64>(before, 1))) return -EFAULT
  const vma = findVma(space, <u32>address)
  if (vma == null) return -EFAULT
  if (before == 0) return duplicate(process, vma, address, after, flags, wanted)
  if (wanted == 0 && after <= before) return shrinkTo(space, address, before, after)
  if (after > before && address + before > vma.end) return -EFAULT
  if (wanted != 0 && address + min(before, after) > vma.end) return -EFAULT
  const limited = checkGrowth(process, vma, before, after, wanted)
  if (limited != 0) return limited
  if (wanted == 0 && growInPlace(space, vma, address, before, after)) return <i32>address
  if (wanted == 0 && (flags & MREMAP_MAYMOVE) == 0) return -ENOMEM
  return moveTo(process, address, before, after, wanted)
}

function shrinkTo(space: Space, address: u64, before: u64, after: u64): i32 {
  if (after == before) return <i32>address
  const result = unmapRange(space, address + after, address + before)
  return result < 0 ? result : <i32>address
}

/** RLIMIT_MEMLOCK and RLIMIT_AS for what is added; what `wanted` (0: none) replaces counts no more. => 0, -EAGAIN, -ENOMEM. */
function checkGrowth(process: Process, vma: Vma, before: u64, after: u64, wanted: u64): i32 {
  if (after <= before) return 0
  const space = process.space!
  const pages = <u32>((after - before) >> K.pageShift)
  if ((vma.flags & VMA_LOCKED) != 0 && lockLimit(process, pages) != 0) return -EAGAIN
  if (space.limitAs == RLIM_INFINITY) return 0
  const replaced = wanted == 0 ? 0 : mappedBytes(space, wanted, wanted + after)
  const bytes = ((<u64>(space.mappedPages + pages)) << K.pageShift) - replaced
  return bytes > space.limitAs ? -ENOMEM : 0
}

/** => `pages` more of the vma would be promised: asked before anything is unmapped for them. */
function mayCharge(vma: Vma, pages: u32): bool {
  if ((vma.flags & VMA_CHARGED) == 0) return true
  if (!charge(pages)) return false
  uncharge(pages)
  return true
}

/** Charges growth of a charged vma. */
function chargeGrowth(space: Space, vma: Vma, pages: u32): bool {
  if ((vma.flags & VMA_CHARGED) == 0) return true
  if (!charge(pages)) return false
  edit<Space>(space).charged += pages
  return true
}

function growInPlace(space: Space, vma: Vma, address: u64, before: u64, after: u64): bool {
  const end = address + before
  if (vma.end != end || address + after > WINDOW_END) return false
  if (!isFree(space, end, address + after)) return false
  if (!chargeGrowth(space, vma, <u32>((after - before) >> K.pageShift))) return false
  setRange(vma, vma.start, address + after)
  mergeVma(vma)
  return true
}

/** Old size 0: a second mapping of the same shared pages. */
function duplicate(
  process: Process,
  vma: Vma,
  address: u64,
  after: u64,
  flags: u32,
  wanted: u64,
): i32 {
  if ((vma.flags & VMA_SHARED) == 0) return -EINVAL
  if ((flags & MREMAP_MAYMOVE) == 0) return -ENOMEM
  const limited = checkGrowth(process, vma, 0, after, wanted)
  if (limited != 0) return limited
  const space = process.space!
  const to = prepare(process, after, wanted)
  if (to <= 0 && to > -4096) return to
  const source = findVma(space, <u32>address)
  if (source == null) return -ENOMEM
  const fresh = create<Vma>()
  if (changetype<usize>(fresh) == 0) return -ENOMEM
  memory.copy(changetype<usize>(fresh), changetype<usize>(source), offsetof<Vma>())
  fresh.pageStart = source.pageStart + ((address - source.start) >> K.pageShift)
  fresh.pageEnd = fresh.pageStart + (after >> K.pageShift)
  fresh.start = <u64>(<u32>to)
  fresh.end = fresh.start + after
  retain(source.object!)
  link(space, fresh)
  mergeVma(fresh)
  return to
}

/** => where the mapping will be: `wanted`, emptied, or new room; -errno. */
function prepare(process: Process, bytes: u64, wanted: u64): i32 {
  const space = process.space!
  if (space.count + 4 >= K.mappingsMax) return -ENOMEM
  if (wanted == 0) {
    const room = findRoom(space, bytes, bytes >= 65536 ? 65536 : K.pageBytes)
    return room == 0 ? -ENOMEM : <i32>room
  }
  const result = unmapRange(space, wanted, wanted + bytes)
  return result < 0 ? result : <i32>wanted
}

/**
 * Moves [address, address + min(before, after)) and gives the rest back, or adds what is missing. Piece by piece: each is a transaction, and the
 * mapping is whole between any two, part of it here and part there. DYING vmas keep the room until the pieces, and what is added, arrive.
 */
function moveTo(process: Process, address: u64, before: u64, after: u64, wanted: u64): i32 {
  const space = process.space!
  const kept = min(before, after)
  const added = <u32>((after - kept) >> K.pageShift)
  if (!mayCharge(findVma(space, <u32>address)!, added)) return -ENOMEM
  const to = prepare(process, after, wanted)
  if (to <= 0 && to > -4096) return to
  const start = <u64>(<u32>to)
  if (!keepRoom(space, <u32>address, kept, start, after)) {
    abandon()
    return -ENOMEM
  }
  relax()
  let result = 0
  if (after < before) result = unmapRange(space, address + after, address + before)
  let done: u64 = 0
  const piece = (<u64>PIECE_PAGES) << K.pageShift
  while (done < kept && result == 0) {
    const bytes = min(piece, kept - done)
    result = movePiece(space, <u32>(address + done), bytes, start + done, done != 0)
    if (result == 0) done += bytes
  }
  if (result != 0) unmapRange(space, start + done, start + after)
  else if (after > kept) arrive(space, start + kept)
  return result != 0 ? result : to
}

/** Puts a DYING vma where the pieces will go, and the vma that is added behind them, DYING for now, with its promise. => false: memory is out. */
function keepRoom(space: Space, from: u32, kept: u64, start: u64, after: u64): bool {
  const room = create<Vma>()
  if (changetype<usize>(room) == 0) return false
  room.start = start
  room.end = start + kept
  room.pageEnd = kept >> K.pageShift
  room.flags = VMA_DYING
  link(space, room)
  if (after <= kept) return true
  const source = findVma(space, from)!
  const added = create<Vma>()
  if (changetype<usize>(added) == 0) return false
  const pages = (after - kept) >> K.pageShift
  if (!chargeGrowth(space, source, <u32>pages)) return false
  memory.copy(changetype<usize>(added), changetype<usize>(source), offsetof<Vma>())
  added.start = start + kept
  added.end = start + after
  added.pageStart = source.pageStart + ((from - source.start + kept) >> K.pageShift)
  added.pageEnd = added.pageStart + pages
  added.flags |= VMA_DYING
  link(space, added)
  const object = source.object
  if (object != null) retain(object)
  return true
}

/** What was added behind the pieces is a mapping now. */
function arrive(space: Space, at: u64): void {
  const added = edit<Vma>(findVma(space, <u32>at)!)
  added.flags &= ~VMA_DYING
  if (added.attach != 0) mergePiece(added)
  else mergeVma(added)
  relax()
}

/** Moves one piece to the front of the room kept for it, `next` to another. => 0, -ENOMEM, -EFAULT (it is not of one mapping). => lock held; relaxes. */
function movePiece(space: Space, from: u32, bytes: u64, to: u64, next: bool): i32 {
  if (!tablesFor(space, from, bytes, <u32>to)) return -ENOMEM
  settle(space, from, <u32>(from + bytes))
  if (!hasTables(space, from, bytes, <u32>to)) return movePiece(space, from, bytes, to, next)
  if (!cutBoth(space, from, from + bytes)) {
    abandon()
    return -ENOMEM
  }
  const vma = findVma(space, from)
  if (vma == null || vma.end < from + bytes || (vma.flags & VMA_DYING) != 0) return -EFAULT
  const room = findVma(space, <u32>to)!
  if (room.end > to + bytes) setRange(room, to + bytes, room.end)
  else {
    unlink(room)
    spent = room
  }
  moveVma(space, vma, <u32>to, bytes)
  moveEntries(space, from, <u32>(from + bytes), <u32>to)
  const moved = findVma(space, <u32>to)!
  if (next && moved.attach != 0) mergePiece(moved)
  else mergeVma(moved)
  const empty = spent
  spent = null
  if (empty != null) destroy<Vma>(empty)
  relax()
  return 0
}

/** The room that the last piece filled: freed after everything that may allocate (journal.ts, invariant 3). */
let spent: Vma | null = null

/** Takes the vma to its new place. */
function moveVma(space: Space, vma: Vma, to: u32, bytes: u64): void {
  unlink(vma)
  edit<Vma>(vma)
  vma.start = to
  vma.end = <u64>to + bytes
  vma.pageEnd = vma.pageStart + (bytes >> K.pageShift)
  link(space, vma)
}

/** Makes the tables that the entries will move to, so that the move itself cannot fail. */
function tablesFor(space: Space, from: u32, bytes: u64, to: u32): bool {
  const end = from + <u32>bytes
  let address = nextPte(space, from, end)
  while (address < end) {
    while (makePte(space, to + (address - from)) == 0) if (makeRoom(4) != 0) return false
    relaxIfDeep()
    address = nextPte(space, address + K.pageBytes, end)
  }
  return true
}

/** => those tables are all there still: none was trimmed while the lock was free. */
function hasTables(space: Space, from: u32, bytes: u64, to: u32): bool {
  const end = from + <u32>bytes
  let address = nextPte(space, from, end)
  while (address < end) {
    if (pteAt(space, to + (address - from)) == 0) return false
    address = nextPte(space, address + K.pageBytes, end)
  }
  return true
}

/** Moves entries; the vma stands at its new place already. One transaction: an entry is some 50 bytes in the journal. */
function moveEntries(space: Space, from: u32, end: u32, to: u32): void {
  let address = nextPte(space, from, end)
  while (address < end) {
    const at = pteAt(space, address)
    const entry = load<u32>(at)
    setPte(at, 0)
    revoke(space, frameOfPte(entry))
    setPte(pteAt(space, to + (address - from)), entry)
    address = nextPte(space, address + K.pageBytes, end)
  }
  trimTables(space, from, end)
}
