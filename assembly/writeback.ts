/**
 * Write-back: dirty pages to their provider, only dirty ones, in runs.
 *
 * A page leaves the dirty set only after its store took the bytes that it still has:
 *   1. under the lock the DIRTY bit is cleared, WRITEBACK set, guests lose the right to store to it without telling (takeStores), the page copied out
 *      and the copy hashed (the radix mark stays)
 *   2. the copy is written, lock free; meanwhile guests hear that the right is gone (grace.ts)
 *   3. under the lock: clean when nobody marked it meanwhile, nobody holds a grant to store to it, no guest may still store by what it
 *      had, and its bytes still have the copy's hash; else it is DIRTY as before. A store that came in between is thus never lost, whoever made it and however.
 * A failed write leaves every page of the run DIRTY and is counted in the object: `failures` and `failure` are what msync, fsync
 * and close report, once to each open description. (Linux marks the page clean: Rebello et al., "Can Applications Recover from fsync
 * Failures?", 2020.)
 */
import {
  BUFFER_BOUNCE,
  BUFFER_BOUNCE_BYTES,
  BUFFER_RESULT,
  EIO,
  EWOULDBLOCK_PARK,
  WASI_FD_DATASYNC,
  WASI_FD_PWRITE,
  WASI_FD_SYNC,
} from './abi'
import {
  findPage,
  inspect,
  keyOfPage,
  nextPage,
  noteUnsynced,
  PAGE_DIRTY,
  PAGE_FAILED,
  PAGE_HASHED,
  PAGE_VIEWED,
  PAGE_WRITEBACK,
  tick,
  unlistDirty,
  unmark,
  wakePage,
} from './cache'
import { contextCount } from './context'
import { Frame, frameAddress } from './frame'
import { awaitFrame, isAwaited, owe, owed, revoke } from './grace'
import { holderOfFrame } from './grant'
import { hash, hashHigh, hashLow } from './hash'
import { beginIo, endIo, holdObject, IO_WRITE, letGoObject } from './io'
import { edit, publish, put } from './journal'
import { lock, relax, unlock } from './lock'
import { keyOf, MemObject, OBJECT_FILE, touchTimes } from './object'
import { call, canCall } from './pager'
import { PTE_WRITE, pteAt } from './pte'
import { INDEX_END } from './radix'
import { K } from './root'
import { me } from './thread'
import { findOverlap } from './tree'
import { addressOf, VMA_SHARED, Vma, vmaByPage } from './vma'
import { park, wake } from './wait'

/** Pages that this thread made clean so far, and pages that their store took; modulo 2^32. */
let cleaned: u32 = 0
let taken: u32 = 0

function bounce(): usize {
  return <usize>me().buffer + BUFFER_BOUNCE
}

/** => bytes of page `index` that belong to the file. */
function bytesOf(object: MemObject, index: u64): u32 {
  const start = index << K.pageShift
  if (object.size <= start) return 0
  return <u32>min<u64>(object.size - start, K.pageBytes)
}

/** Copies a page to `to`, clears what is past the end of file and hashes the whole. */
function copyOut(object: MemObject, index: u64, frame: Frame, to: usize): void {
  const bytes = bytesOf(object, index)
  memory.copy(to, frameAddress(frame), bytes)
  memory.fill(to + bytes, 0, K.pageBytes - bytes)
  hash(to, K.pageBytes)
}

/** Step 1 for the run of dirty pages at `index`. => pages in it. => lock held, the first is DIRTY and not in write-back. */
function beginRun(object: MemObject, index: u64, end: u64): u32 {
  const most = <u32>min<u64>(BUFFER_BOUNCE_BYTES >> K.pageShift, end - index)
  let count: u32 = 0
  while (count < most) {
    const frame = findPage(object, index + count)
    if (frame == null) break
    if ((frame.flags & (PAGE_DIRTY | PAGE_WRITEBACK)) != PAGE_DIRTY) break
    edit<Frame>(frame).flags = (frame.flags & ~(PAGE_DIRTY | PAGE_HASHED)) | PAGE_WRITEBACK
    takeStores(object, frame)
    copyOut(object, index + count, frame, bounce() + ((<usize>count) << K.pageShift))
    frame.hashLow = hashLow
    frame.hashHigh = hashHigh
    count++
  }
  edit<MemObject>(object).writing += count
  beginIo(IO_WRITE, object, index, count)
  return count
}

/** Guests have to fault before they store to the page again, and that marks it. The call owes no wait: step 3 looks. */
function takeStores(object: MemObject, frame: Frame): void {
  if (contextCount() == 0 || frame.mapped == 0) return
  const before = owed
  const index = frame.index
  let node = findOverlap(object.mappers, index, index + 1, null)
  while (node != null) {
    takeStore(vmaByPage(node), index, frame)
    node = findOverlap(object.mappers, index, index + 1, node)
  }
  owe(before)
}

function takeStore(vma: Vma, index: u64, frame: Frame): void {
  const space = vma.space!
  if (space.contexts == 0 || (vma.flags & VMA_SHARED) == 0) return
  const at = pteAt(space, addressOf(vma, index))
  const entry = at == 0 ? 0 : load<u32>(at)
  if ((entry & PTE_WRITE) == 0) return
  publish(at, entry & ~PTE_WRITE)
  revoke(space, frame)
}

/** Between step 2 and step 3: gives guests the moment that they need to hear. Who takes longer has a dirty page. => lock held before and after, free in between. */
function awaitStores(object: MemObject, index: u64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const frame = findPage(object, index + i)!
    if (isAwaited(frame) && !awaitFrame(frame)) return
  }
}

/** Step 2. => WASI errno. */
function writeRun(object: MemObject, index: u64, bytes: u32): u32 {
  const iov = <usize>me().buffer + BUFFER_RESULT + 2048
  let done: u32 = 0
  while (done < bytes) {
    store<u32>(iov, <u32>bounce() + done)
    store<u32>(iov, bytes - done, 4)
    const offset = (index << K.pageShift) + done
    const error = call(object.mount, WASI_FD_PWRITE, object.fd, iov, 1, offset, iov + 8)
    if (error != 0) return error
    const put = load<u32>(iov, 8)
    if (put == 0 || put > bytes - done) return EIO
    done += put
  }
  return 0
}

/** => somebody may store to the page untold. */
function mayBeStored(frame: Frame): bool {
  return holderOfFrame(frame, true) >= 0 || isAwaited(frame)
}

/** Step 3 for one page. */
function settlePage(object: MemObject, index: u64, frame: Frame, error: u32): void {
  edit<Frame>(frame)
  if (error != 0) {
    frame.flags = (frame.flags & ~PAGE_WRITEBACK) | PAGE_DIRTY | PAGE_FAILED
  } else if ((frame.flags & PAGE_DIRTY) != 0 || mayBeStored(frame)) {
    frame.flags = (frame.flags & ~PAGE_WRITEBACK) | PAGE_DIRTY
  } else {
    const low = frame.hashLow
    const high = frame.hashHigh
    copyOut(object, index, frame, bounce())
    if (low == hashLow && high == hashHigh) {
      unmark(frame)
      frame.flags |= PAGE_HASHED
      cleaned++
    } else frame.flags = (frame.flags & ~PAGE_WRITEBACK) | PAGE_DIRTY
  }
  wakePage(frame)
}

/** Step 3 for a run, and the failure's account. => lock held. */
export function finishRun(object: MemObject, index: u64, count: u32, error: u32): void {
  if (error == 0) noteUnsynced(object)
  for (let i: u32 = 0; i < count; i++)
    settlePage(object, index + i, findPage(object, index + i)!, error)
  edit<MemObject>(object).writing -= count
  if (error == 0) taken += count
  else {
    object.failures += 1
    object.failure = error
  }
  if (object.writing == 0) wake(keyOf(object), 0x7fffffff)
}

/** A thread died while it wrote a run: its pages are as dirty as before. => lock held. */
export function abandonRun(object: MemObject, index: u64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const frame = edit<Frame>(findPage(object, index + i)!)
    frame.flags = (frame.flags & ~PAGE_WRITEBACK) | PAGE_DIRTY
    wakePage(frame)
  }
  edit<MemObject>(object).writing -= count
  if (object.writing == 0) wake(keyOf(object), 0x7fffffff)
}

/**
 * Writes the dirty pages of [from, to) and waits for those that others are writing. => lock held before and after, free in between.
 * => 0, the first failure as -errno (later runs are written all the same), or -EWOULDBLOCK_PARK. `retain`ed by the caller.
 */
export function writeRange(object: MemObject, from: u64, to: u64): i32 {
  let result = 0
  let index = nextPage(object, from, true)
  if (index < to && !canCall(object.mount)) return -EWOULDBLOCK_PARK
  while (index < to) {
    const frame = findPage(object, index)!
    if (object.resizing != 0 || (frame.flags & PAGE_WRITEBACK) != 0) {
      const waited = park(object.resizing != 0 ? keyOf(object) : keyOfPage(frame), -1)
      if (waited == -EWOULDBLOCK_PARK) return waited
      index = nextPage(object, index, true)
      continue
    }
    const count = beginRun(object, index, to)
    unlock()
    const last = bytesOf(object, index + count - 1)
    const error = writeRun(object, index, ((count - 1) << K.pageShift) + last)
    lock()
    awaitStores(object, index, count)
    finishRun(object, index, count, error)
    endIo(object)
    relax()
    if (error != 0 && result == 0) result = -(<i32>error)
    index = nextPage(object, index + count, true)
  }
  return result
}

/** Finds untracked stores, which move the times of the file: every page of [from, to) under a host view whose bytes differ from the store's becomes dirty. => lock held; relaxes. */
export function inspectRange(object: MemObject, from: u64, to: u64): void {
  if (object.viewed == 0) return
  if (object.kind != OBJECT_FILE) {
    touchTimes(object) // nobody can tell whether it was stored to
    return
  }
  let index = nextPage(object, from, false)
  while (index < to) {
    const frame = findPage(object, index)!
    if ((frame.flags & PAGE_VIEWED) != 0 && !inspect(frame)) {
      if ((frame.flags & PAGE_DIRTY) != 0) touchTimes(object) // perhaps stored to once more
    }
    relax()
    index = nextPage(object, index + 1, false)
  }
}

/**
 * Makes what was written durable, and unless `dataOnly` what else the provider keeps of the file: of that there is no note, so it is asked always. What the
 * store takes meanwhile has another number, and is not durable yet; who wants to sync meanwhile finds the number still there, and calls the store too.
 * => 0 or -errno. => lock held before and after, free in between; `retain`ed by the caller.
 */
export function syncStore(object: MemObject, dataOnly: bool): i32 {
  if (object.kind != OBJECT_FILE || object.fd < 0) return 0
  if (object.unsynced == 0 && (dataOnly || object.writable == 0)) return 0
  if (!canCall(object.mount)) return -EWOULDBLOCK_PARK
  const mount = object.mount
  const fd = object.fd
  const written = object.unsynced
  unlock()
  const error = call(mount, dataOnly ? WASI_FD_DATASYNC : WASI_FD_SYNC, fd)
  lock()
  edit<MemObject>(object)
  if (error != 0) {
    object.failures += 1
    object.failure = error
    return -(<i32>error)
  }
  if (object.unsynced == written) object.unsynced = 0
  if (object.dirtyPages == 0 && object.unsynced == 0 && object.listed != 0) unlistDirty(object)
  return 0
}

/** fsync, fdatasync: all dirty pages of the object, then the store. => 0 or -errno. => lock not held; the caller keeps the object alive. */
export function syncObject(object: MemObject, dataOnly: bool): i32 {
  if (object.kind != OBJECT_FILE) return 0
  lock()
  inspectRange(object, 0, INDEX_END)
  let result = writeRange(object, 0, INDEX_END)
  if (result == 0) result = syncStore(object, dataOnly)
  unlock()
  return result
}

/**
 * Makes up to `pages` dirty pages clean, of whatever objects have them; where others are writing all there is, waits for one of them.
 * => how many, by this thread or others: 1 or more means that the caller looks again, however many are dirty by now; 0: nothing is
 * dirty, or what the stores took was changed meanwhile; the -errno of the first failure, or -EWOULDBLOCK_PARK, when none was. => lock not held.
 */
export function cleanSome(pages: u32): i32 {
  const before = taken
  const written = writeOld(pages, 0)
  if (written != 0 || taken != before) return written
  return awaitWriter()
}

/** Writes up to `pages` pages that are dirty for `ageMs` or longer. => pages made clean, or the -errno of the first failure when none was. => lock not held. */
export function writeOld(pages: u32, ageMs: u32): i32 {
  const before = cleaned
  let failed = 0
  lock()
  let object = firstListed()
  while (object != null && cleaned - before < pages) {
    const place = object.listed
    holdObject(object)
    const result = writeAged(object, ageMs, pages - (cleaned - before))
    if (result < 0 && failed == 0) failed = result
    object = nextListed(object, place)
  }
  unlock()
  return cleaned == before ? failed : <i32>(cleaned - before)
}

/** Waits until another thread has written a run, or resized an object that has dirty pages. => 1; 0 when nobody is at it; -EWOULDBLOCK_PARK. => lock not held. */
function awaitWriter(): i32 {
  let result = 0
  lock()
  const object = firstBusy()
  if (object != null) {
    const key = object.resizing != 0 ? keyOf(object) : writtenKey(object)
    result = park(key, -1) == -EWOULDBLOCK_PARK ? -EWOULDBLOCK_PARK : 1
  }
  unlock()
  return result
}

/** => a listed object that somebody writes or resizes. */
function firstBusy(): MemObject | null {
  let object = firstListed()
  while (
    object != null &&
    object.writing == 0 &&
    (object.resizing == 0 || object.dirtyPages == 0)
  ) {
    object = changetype<MemObject | null>(<usize>object.nextDirty)
  }
  return object
}

/** => what waiters for the first page in write-back of an object use. => it has one. */
function writtenKey(object: MemObject): u64 {
  let index = nextPage(object, 0, true)
  while ((findPage(object, index)!.flags & PAGE_WRITEBACK) == 0) {
    index = nextPage(object, index + 1, true)
  }
  return keyOfPage(findPage(object, index)!)
}

function firstListed(): MemObject | null {
  return changetype<MemObject | null>(<usize>K.dirtyObjects)
}

/** => the object that was listed last before number `place`. */
function listedBefore(place: u64): MemObject | null {
  let object = firstListed()
  while (object != null && object.listed >= place) {
    object = changetype<MemObject | null>(<usize>object.nextDirty)
  }
  return object
}

/**
 * Lets go of an object whose number in the list was `place`, and => the next one. Who goes on like this comes once to each object that was listed when it
 * began, whatever is listed or leaves the list meanwhile. => lock held; relaxes.
 */
function nextListed(object: MemObject, place: u64): MemObject | null {
  relax()
  const stays = object.listed == place && object.refs > 1
  const next = object.nextDirty
  letGoObject(me().index)
  return stays ? changetype<MemObject | null>(<usize>next) : listedBefore(place)
}

/** Writes and makes durable everything that is dirty. => 0, or the first failure as -errno; the rest was written all the same. => lock not held. */
export function syncAll(): i32 {
  let failed = 0
  lock()
  let object = firstListed()
  while (object != null && failed != -EWOULDBLOCK_PARK) {
    const place = object.listed
    holdObject(object)
    let result = writeRange(object, 0, INDEX_END)
    if (result == 0) result = syncStore(object, false)
    if (result < 0 && failed == 0) failed = result
    object = nextListed(object, place)
  }
  unlock()
  return failed
}

function writeAged(object: MemObject, ageMs: u32, pages: u32): i32 {
  const now = tick()
  let left = pages
  let index = nextPage(object, 0, true)
  while (index != INDEX_END && left > 0) {
    const frame = findPage(object, index)!
    const ripe = now - frame.dirtySince >= ageMs || object.scheduled != 0
    if (!ripe || (frame.flags & PAGE_WRITEBACK) != 0 || object.resizing != 0) {
      index = nextPage(object, index + 1, true)
      continue
    }
    const end = index + min<u32>(left, BUFFER_BOUNCE_BYTES >> K.pageShift)
    const before = taken
    const result = writeRange(object, index, end)
    if (result < 0) return result
    left -= min<u32>(left, taken - before)
    index = nextPage(object, end, true)
  }
  if (left > 0 && object.scheduled != 0) edit<MemObject>(object).scheduled = 0
  return 0
}

/** MS_ASYNC: the next background round writes the object whatever its pages' age. => lock held. */
export function schedule(object: MemObject): void {
  if (object.dirtyPages == 0) return
  put(changetype<usize>(object) + offsetof<MemObject>('scheduled'), 1)
}
