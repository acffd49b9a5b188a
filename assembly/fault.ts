/**
 * Faults: what one access to one page of a space needs, by case.
 *
 *   vma            page                    read                          write
 *   none, DYING    -                       SIGSEGV                       SIGSEGV
 *   any            rights of prot missing  SIGSEGV                       SIGSEGV
 *   private anon   none yet                map the zero frame            clear a frame, map it writable
 *   private anon   zero frame              -                             clear a frame, map it writable
 *   private        own copy, unshared      give the right                give the right, once nobody of another space reads it
 *   private        own copy, shared (fork) give the right                copy, drop the old
 *   private        a fork is under way     -                             wait for its end, look again
 *   private        object page             map it read-only              copy (cow), map the copy writable
 *   shared         object page             map it                        map it writable; FILE: mark dirty first
 *   with object    wholly past the end     SIGBUS                        SIGBUS
 *   with object    absent                  make it present (fill.ts), look again
 *   any            no frame to be had      SIGBUS                        SIGBUS
 *
 * Everything is looked up again after the lock was free. Follows mmap(2), POSIX mmap "References to unmapped addresses..." and "within the
 * address range ... beyond the end of the object ... SIGBUS".
 */
import { ENOSPC, EWOULDBLOCK_PARK, PROT_EXEC, PROT_READ, PROT_WRITE, SIGBUS, SIGSEGV } from './abi'
import { findPage, isDirty, markDirty, PAGE_BUSY, PAGE_REFERENCED } from './cache'
import { awaitFork } from './change'
import { charge, uncharge } from './commit'
import { now } from './env'
import { makePresent, RETRY, retryWithRoom, runMax } from './fill'
import { Frame, frameAddress } from './frame'
import { awaitFrame, isAwaited, owe, owed } from './grace'
import { awaitHolder, holderOfFrame } from './grant'
import { edit, put } from './journal'
import { lock, relax, unlock } from './lock'
import { MemObject, OBJECT_FILE, touchTimes } from './object'
import { frameForPrivate } from './place'
import { Space } from './process'
import {
  frameOfPte,
  makePte,
  PTE_CHARGED,
  PTE_PRIVATE,
  PTE_READ,
  PTE_SHARED,
  PTE_WRITE,
  PTE_ZERO,
  pteAt,
  setPte,
} from './pte'
import { K, pageRound } from './root'
import { countMapped, zapEntry } from './space'
import {
  findVma,
  indexOf,
  VMA_DYING,
  VMA_NORESERVE,
  VMA_RANDOM,
  VMA_SEQUENTIAL,
  VMA_SHARED,
  Vma,
} from './vma'
import { pauseForRing } from './wait'
import { cleanSome } from './writeback'

/** Pages written at once when too many are dirty. */
const BALANCE_PAGES: u32 = 64
/** This fault has not yet waited in vain for guests that may still touch a page: then it leaves the page to them. */
let patient: bool = true
/** How often that is tried when every page was changed while it was written. */
const BALANCE_ROUNDS: u32 = 100

/** => the vma allows the access. WRITE or EXEC imply READ. */
export function allows(vma: Vma, write: bool): bool {
  if ((vma.flags & VMA_DYING) != 0) return false
  return (vma.prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC)) != 0
}

/**
 * Makes the page at `address` accessible. => lock held before and after, maybe free in between.
 * => 0: its entry has the right now; -SIGSEGV, -SIGBUS, -EWOULDBLOCK_PARK.
 */
export function fault(space: Space, address: u32, write: bool): i32 {
  let result = RETRY
  patient = true
  while (result == RETRY) {
    const vma = findVma(space, address)
    if (vma == null || !allows(vma, write)) return -SIGSEGV
    if (write && space.forking != 0 && (vma.flags & VMA_SHARED) == 0) {
      result = awaitFork(space) == 0 ? RETRY : -EWOULDBLOCK_PARK
    } else result = resolve(space, vma, address & ~(K.pageBytes - 1), write)
  }
  if (result < 0 && result != -SIGSEGV && result != -EWOULDBLOCK_PARK) return -SIGBUS
  return result
}

/** One look at one page: 0, RETRY, or why not. */
function resolve(space: Space, vma: Vma, address: u32, write: bool): i32 {
  const object = vma.object
  if (object != null && isPast(object, indexOf(vma, address))) return -SIGBUS
  const at = pteAt(space, address)
  const entry = at == 0 ? 0 : load<u32>(at)
  const right = write ? PTE_READ | PTE_WRITE : PTE_READ
  if (entry != 0) {
    if ((entry & right) == right) return write ? touched(vma, entry) : 0
    if ((entry & PTE_PRIVATE) != 0) return resolvePrivate(space, vma, at, write)
    if (object == null) return write ? newPrivate(space, vma, address) : giveRead(at)
  }
  if (object == null) return write ? newPrivate(space, vma, address) : mapZero(space, address)
  return resolveObject(space, vma, object, address, write)
}

/** => page `index` lies wholly past the object's end. */
export function isPast(object: MemObject, index: u64): bool {
  return index << K.pageShift >= pageRound(object.size)
}

/** The entry allows the store already: a shared file page becomes dirty. */
function touched(vma: Vma, entry: u32): i32 {
  const object = vma.object
  if (object == null || (vma.flags & VMA_SHARED) == 0) return 0
  return soil(object, frameOfPte(entry))
}

/** Marks a page dirty, within dirtyPagesMax: past it some are written first, and when that fails the store is refused. */
export function soil(object: MemObject, frame: Frame): i32 {
  touchTimes(object)
  if (object.kind != OBJECT_FILE) return 0
  if (isDirty(frame) || K.dirtyPages < K.dirtyPagesMax) {
    markDirty(frame)
    return 0
  }
  return balance()
}

/**
 * Too many dirty pages: writes some, or waits until another thread has. => RETRY: some became clean, even if others dirtied as many
 * meanwhile; the -errno of the provider; -ENOSPC when pages are stored to faster than they can be written. => lock free in between.
 */
export function balance(): i32 {
  for (let round: u32 = 0; round < BALANCE_ROUNDS; round++) {
    unlock()
    const written = cleanSome(BALANCE_PAGES)
    if (written == 0) pauseForRing(0, 0)
    lock()
    if (written < 0) return written
    if (written > 0 || K.dirtyPages < K.dirtyPagesMax) return RETRY
  }
  return -ENOSPC
}

function giveRead(at: usize): i32 {
  put(at, load<u32>(at) | PTE_READ)
  return 0
}

function resolvePrivate(space: Space, vma: Vma, at: usize, write: bool): i32 {
  const entry = load<u32>(at)
  const frame = frameOfPte(entry)
  if (!write) return giveRead(at)
  if (frame.refs != 1) return copyPrivate(vma, at, frameAddress(frame))
  // A thread of the space that shared the page, and has its own copy by now, may still read this one.
  let holder = holderOfFrame(frame, false, space)
  if (holder >= 0) {
    const since = now(0)
    for (; holder >= 0; holder = holderOfFrame(frame, false, space)) awaitHolder(holder, since)
    return RETRY
  }
  // So may a guest that has not heard that its entry is gone: it keeps the page, if it takes its time.
  if (isAwaited(frame)) {
    if (!patient) return copyPrivate(vma, at, frameAddress(frame))
    patient = awaitFrame(frame)
    return RETRY
  }
  put(at, entry | PTE_READ | PTE_WRITE)
  return 0
}

/** Replaces the entry at `at` by a writable private copy of the bytes at `from`. */
function copyPrivate(vma: Vma, at: usize, from: usize): i32 {
  const charged = chargeTouch(vma)
  if (charged < 0) return charged
  const copy = frameForPrivate(at)
  if (copy == null) return noFrame(charged)
  if (from == <usize>K.zeroFrame) memory.fill(frameAddress(copy), 0, K.pageBytes)
  else memory.copy(frameAddress(copy), from, K.pageBytes)
  copy.refs = 1
  if (load<u32>(at) != 0) replaceEntry(vma.space!, at)
  setPte(at, <u32>frameAddress(copy) | PTE_READ | PTE_WRITE | PTE_PRIVATE | <u32>charged)
  return 0
}

/**
 * The page that a store replaces by a copy. Extents of a space with several contexts do not cover such pages (guest.ts), so nobody has to be waited for; the
 * one context of a space may have one.
 */
function replaceEntry(space: Space, at: usize): void {
  const before = owed
  zapEntry(space, at)
  if (space.contextCount > 1) owe(before)
}

/** => PTE_CHARGED when this page is charged now, 0 when its mapping was, -ENOSPC. */
function chargeTouch(vma: Vma): i32 {
  if ((vma.flags & VMA_NORESERVE) == 0) return 0
  return charge(1) ? PTE_CHARGED : -ENOSPC
}

/** No frame was free: takes the charge back and makes room. */
function noFrame(charged: i32): i32 {
  if (charged != 0) uncharge(1)
  relax()
  return retryWithRoom(1)
}

/** A cleared, writable private page at `address`. */
function newPrivate(space: Space, vma: Vma, address: u32): i32 {
  const at = makePte(space, address)
  if (at == 0) return noFrame(0)
  return copyPrivate(vma, at, K.zeroFrame)
}

function mapZero(space: Space, address: u32): i32 {
  const at = makePte(space, address)
  if (at == 0) return noFrame(0)
  setPte(at, K.zeroFrame | PTE_READ | PTE_ZERO)
  return 0
}

/** => pages to read when page `index` is missing: one at random, more and more in sequence. */
function runOf(vma: Vma, index: u64): u32 {
  if ((vma.flags & VMA_RANDOM) != 0) return 1
  const sequential = <u32>index == vma.nextIndex && vma.run != 0
  let run: u32 = sequential ? min<u32>(vma.run * 2, runMax()) : 1
  if ((vma.flags & VMA_SEQUENTIAL) != 0) run = runMax()
  edit<Vma>(vma)
  vma.run = run
  vma.nextIndex = <u32>index + run
  return run
}

function resolveObject(space: Space, vma: Vma, object: MemObject, address: u32, write: bool): i32 {
  const index = indexOf(vma, address)
  const found = findPage(object, index)
  if (found == null || (found.flags & PAGE_BUSY) != 0) {
    return makePresent(object, index, runOf(vma, index))
  }
  const frame = found
  const at = makePte(space, address)
  if (at == 0) return noFrame(0)
  put(changetype<usize>(frame) + offsetof<Frame>('flags'), frame.flags | PAGE_REFERENCED)
  const shared = (vma.flags & VMA_SHARED) != 0
  if (write && !shared) return copyPrivate(vma, at, frameAddress(frame))
  if (write) {
    const soiled = soil(object, frame)
    if (soiled != 0) return soiled
  }
  mapPage(at, frame, shared, shared && mayStore(vma, object, write))
  return 0
}

/** => the entry may carry the write right: file pages get it only when they are stored to, so that they are marked dirty. */
function mayStore(vma: Vma, object: MemObject, write: bool): bool {
  if ((vma.prot & PROT_WRITE) == 0) return false
  return write || object.kind != OBJECT_FILE
}

function mapPage(at: usize, frame: Frame, shared: bool, writable: bool): void {
  const entry = load<u32>(at)
  if (entry == 0) countMapped(frame, 1)
  const rights = PTE_READ | (writable ? PTE_WRITE : 0) | (shared ? PTE_SHARED : 0)
  setPte(at, <u32>frameAddress(frame) | rights)
}
