/**
 * memory.copy and memory.fill in the window, for guests: page by page, each piece a transaction, so that a long one holds up nobody.
 *
 * Where Wasm traps before the first byte, these end the guest at the first page that cannot be accessed, with the pieces before it done: as a native memcpy.
 */
import { SIGSEGV } from './abi'
import { Context } from './context'
import { fault } from './fault'
import { beginGuest, end, endUnless, goOn, placeOf } from './guest'
import { sweepIdle } from './idle'
import { settleOwed } from './laggard'
import { lock, relax, unlock } from './lock'
import { inWindow } from './mmap'
import { Space } from './process'
import { PTE_READ, pteOf } from './pte'
import { K } from './root'

function spaceOf(context: Context): Space {
  return changetype<Space>(<usize>context.space)
}

/** => bytes from `at` to the end of its page, at most `bytes`. */
function ahead(at: u32, bytes: u32): u32 {
  return min(bytes, K.pageBytes - (at & (K.pageBytes - 1)))
}

/** => bytes before `end` in the page of its last byte, at most `bytes`. */
function behind(end: u32, bytes: u32): u32 {
  return min(bytes, ((end - 1) & (K.pageBytes - 1)) + 1)
}

/** The page of the last fault that failed. */
let failed: u32 = 0

/** Makes a piece's two pages accessible at once. => 0 or as fault. */
function faultBoth(space: Space, to: u32, from: u32): i32 {
  let result = 0
  do {
    failed = from
    result = fault(space, from, false)
    if (result != 0) return result
    failed = to
    result = fault(space, to, true)
  } while (result == 0 && (pteOf(space, from) & PTE_READ) == 0)
  return result
}

/** One piece, both ends in one page each. => 0 or as fault. */
function copyPiece(space: Space, to: u32, from: u32, bytes: u32): i32 {
  const result = faultBoth(space, to, from)
  if (result == 0) memory.copy(placeOf(space, to), placeOf(space, from), bytes)
  relax()
  return result
}

/** Forwards, or backwards where the end would be overwritten before it is read. => 0 or as fault. => lock held before and after, free in between. */
function copyAll(space: Space, to: u32, from: u32, bytes: u32): i32 {
  const backwards = to > from && to - from < bytes
  let result = 0
  let done: u32 = 0
  while (done < bytes && result == 0) {
    const left = bytes - done
    if (backwards) {
      const piece = behind(from + left, behind(to + left, left))
      result = copyPiece(space, to + left - piece, from + left - piece, piece)
      done += piece
    } else {
      const piece = ahead(from + done, ahead(to + done, left))
      result = copyPiece(space, to + done, from + done, piece)
      done += piece
    }
  }
  return result
}

/** What an entry does between the guest's code and the guest's code. */
function finish(context: Context, result: i32): void {
  unlock()
  settleOwed()
  sweepIdle()
  endUnless(result, failed)
  goOn(context)
}

/** guest_copy. */
export function sysGuestCopy(address: u32, to: u32, from: u32, bytes: u32): void {
  const context = beginGuest(address)
  if (!inWindow(from, bytes)) end(SIGSEGV, from)
  if (!inWindow(to, bytes)) end(SIGSEGV, to)
  lock()
  const result = copyAll(spaceOf(context), to, from, bytes)
  finish(context, result)
}

/** guest_fill. */
export function sysGuestFill(address: u32, to: u32, value: u32, bytes: u32): void {
  const context = beginGuest(address)
  if (!inWindow(to, bytes)) end(SIGSEGV, to)
  const space = spaceOf(context)
  let result = 0
  lock()
  for (let done: u32 = 0; done < bytes && result == 0; ) {
    const piece = ahead(to + done, bytes - done)
    failed = to + done
    result = fault(space, failed, true)
    if (result == 0) memory.fill(placeOf(space, failed), <u8>value, piece)
    relax()
    done += piece
  }
  finish(context, result)
}
