/**
 * Making a page present: the one place where pages enter the cache.
 *
 * A page without backing is a cleared frame. A page of a file is read by WASI into frames that are in the cache already but BUSY, so
 * that whoever else wants them waits instead of reading them twice; the lock is free meanwhile, and the reader's slot says which pages
 * it is filling (`io*` in thread.ts): if it dies, `abandonFill` takes them out again. Sequential misses read longer runs, up to RUN_MAX.
 */
import { BUFFER_RESULT, ENOMEM, ENOSPC, EWOULDBLOCK_PARK, WASI_FD_PREAD } from './abi'
import { addPage, findPage, keyOfPage, PAGE_BUSY, removePage, wakePage } from './cache'
import { Frame, frameAddress, frameAt, frameIndex, freeFrame } from './frame'
import { beginIo, endIo, IO_FILL } from './io'
import { edit } from './journal'
import { lock, relax, unlock } from './lock'
import { MemObject, OBJECT_FILE } from './object'
import { call } from './pager'
import { framesFor } from './place'
import { makeRoom } from './room'
import { K, pageRound } from './root'
import { me } from './thread'
import { park } from './wait'

/** Longest run read at once, in bytes. */
const RUN_BYTES_MAX: u32 = 1048576

/** Frames that a new page leaves free, for the structures that name it: radix nodes, page tables. */
const KEPT: u32 = 16

/** The state changed, or may have: look everything up again. */
export const RETRY: i32 = 1

/** => pages that one read may bring, at most. */
export function runMax(): u32 {
  return RUN_BYTES_MAX >> K.pageShift
}

/**
 * Makes page `index` of the object present, or waits for who does. => lock held before and after, free in between.
 * => RETRY, or -EIO and what else the provider says, -ENOSPC when no frame can be had, -EWOULDBLOCK_PARK. `run`: pages to read at best.
 */
export function makePresent(object: MemObject, index: u64, run: u32): i32 {
  const found = findPage(object, index)
  if (found != null) {
    if ((found.flags & PAGE_BUSY) == 0) return RETRY
    const waited = park(keyOfPage(found), -1)
    return waited == -EWOULDBLOCK_PARK ? waited : RETRY
  }
  if (object.kind == OBJECT_FILE && index << K.pageShift < pageRound(object.size)) {
    return readRun(object, index, run)
  }
  return addCleared(object, index)
}

/** Makes room for `frames`. => RETRY, or as makeRoom. */
export function retryWithRoom(frames: u32): i32 {
  const result = makeRoom(frames)
  return result == 0 ? RETRY : result
}

/** Adds a page of zeros: for objects without backing, and for file pages that will be written whole. `more`: as for framesFor. */
export function addCleared(object: MemObject, index: u64, more: u32 = 1): i32 {
  if (K.freeFrames <= KEPT) return retryWithRoom(KEPT * 2)
  const frame = framesFor(object, index, 1, more)
  if (frame == null) return -ENOSPC
  if (!addPage(object, index, frame, 0)) {
    freeFrame(frame)
    relax()
    return makeRoom(2) == 0 ? -ENOSPC : -ENOMEM
  }
  memory.fill(frameAddress(frame), 0, K.pageBytes)
  return RETRY
}

/** Reads up to `run` pages from `index` on. => RETRY or -errno. */
function readRun(object: MemObject, index: u64, run: u32): i32 {
  const end = pageRound(object.size) >> K.pageShift
  let count = <u32>min<u64>(max<u32>(run, 1), end - index)
  let first: Frame | null = null
  if (K.freeFrames <= KEPT) return retryWithRoom(KEPT * 2)
  if (K.freeFrames < count + KEPT) count = 1
  while (first == null && count > 0) {
    first = framesFor(object, index, count)
    if (first == null) count >>= 1
  }
  if (first == null) return retryWithRoom(KEPT * 2)
  const added = addRun(object, index, first, count)
  if (added == 0) {
    relax()
    return -ENOMEM
  }
  return fillInto(object, index, added, 1)
}

/**
 * Reads `count` BUSY pages that lie in one run of frames, for the sake of the first `wanted`: when the run fails before those, they are read alone. => RETRY,
 * or -errno when one of them cannot be read. Pages that were read are visible, the others gone. => lock held before and after.
 */
export function fillInto(object: MemObject, index: u64, count: u32, wanted: u32): i32 {
  const to = frameAddress(findPage(object, index)!)
  beginIo(IO_FILL, object, index, count)
  unlock()
  let error = readInto(object, index, to, count << K.pageShift)
  if (pagesRead < wanted && wanted < count) {
    error = readInto(object, index, to, wanted << K.pageShift)
  }
  const good = pagesRead
  lock()
  finishFill(object, index, count, good)
  endIo(object)
  relax()
  return good >= wanted ? RETRY : -(<i32>error)
}

/** Puts frames into the cache, BUSY, up to the first page that is there already; frees the rest. => pages added. */
function addRun(object: MemObject, index: u64, first: Frame, count: u32): u32 {
  let added: u32 = 0
  const start = frameIndex(first)
  while (added < count && findPage(object, index + added) == null) {
    if (!addPage(object, index + added, frameAt(start + added), PAGE_BUSY)) break
    added++
  }
  for (let i = added; i < count; i++) freeFrame(frameAt(start + i))
  return added
}

/** Pages that this thread's last readInto has read whole. */
let pagesRead: u32 = 0

/** Reads `bytes` at page `index` from the provider to `to`; what lies past the end of file is cleared. => errno. */
function readInto(object: MemObject, index: u64, to: usize, bytes: u32): u32 {
  const iov = <usize>me().buffer + BUFFER_RESULT + 2048
  let done: u32 = 0
  pagesRead = 0
  while (done < bytes) {
    store<u32>(iov, <u32>to + done)
    store<u32>(iov, bytes - done, 4)
    const offset = (index << K.pageShift) + done
    const error = call(object.mount, WASI_FD_PREAD, object.fd, iov, 1, offset, iov + 8)
    if (error != 0) return error
    const got = load<u32>(iov, 8)
    if (got == 0 || got > bytes - done) break
    done += got
    pagesRead = done >> K.pageShift
  }
  memory.fill(to + done, 0, bytes - done)
  pagesRead = bytes >> K.pageShift
  return 0
}

/** The run is read, as far as it could be: its first `good` pages become visible, the others vanish. => lock held. */
function finishFill(object: MemObject, index: u64, count: u32, good: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const frame = findPage(object, index + i)!
    edit<Frame>(frame).flags &= ~PAGE_BUSY
    clearTail(object, index + i, frame)
    wakePage(frame)
    if (i >= good) removePage(frame)
  }
}

/** Clears what a page holds past the object's end. */
export function clearTail(object: MemObject, index: u64, frame: Frame): void {
  const start = index << K.pageShift
  if (object.size >= start + K.pageBytes) return
  const from = object.size > start ? <u32>(object.size - start) : 0
  memory.fill(frameAddress(frame) + from, 0, K.pageBytes - from)
}

/** A thread died while it filled: its pages vanish, whoever waits reads them itself. => lock held. */
export function abandonFill(object: MemObject, index: u64, count: u32): void {
  finishFill(object, index, count, 0)
}
