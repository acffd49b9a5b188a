/**
 * Guests: how rewritten code enters and leaves the kernel, and how it comes by the pages of its process.
 *
 *            guest_enter                           guest_fault, guest_poll, ... (wasm to wasm)
 *     OUT ----------------> IN --> GUEST <---------------------------------------> IN
 *      ^                             |
 *      +-------- guest_leave --------+      a fault that ends the process, a kill:  IN -> OUT, then a trap
 *
 * While its thread is GUEST, a module uses its extents and the page table. Whenever it comes back from an entry or a host's call, it compares its context's `generation` with the
 * one that it remembers, and forgets its extents when they differ (grace.ts says why that is enough).
 *
 *   extent:  frames side by side for pages side by side, each with the right; for storing each with PTE_WRITE. Pages that a store would replace (zero frame, another's page in a
 *            private mapping, shared by fork) are in one only while the space has a single context, which hears of the replacement before it goes on.
 *
 * A guest's entry never leaves by a host's exception, which the guest's code could catch: the failure is noted in the host (env.faulted), then it traps.
 * An entry called with another context than the one that runs, or with none running, traps.
 */
import {
  CONTEXT_BOUNCE,
  EBUSY,
  EINVAL,
  ENOMEM,
  ESRCH,
  EXTENT_PAGES_FAULT,
  EXTENT_PAGES_MAX,
  PANIC_GUEST,
  SIGKILL,
  SIGSEGV,
  WINDOW_END,
  WINDOW_START,
} from './abi'
import { isDirty, objectOf } from './cache'
import {
  Context,
  checkContexts,
  contextAt,
  contextsUsed,
  dropContext,
  isMine,
  newContext,
  recordAt,
} from './context'
import { faulted } from './env'
import { abandonCall } from './exit'
import { fault } from './fault'
import { endAttention, hear, revoke } from './grace'
import { sweepIdle } from './idle'
import { publish } from './journal'
import { settleOwed } from './laggard'
import { lock, relaxIfDeep, unlock } from './lock'
import { inWindow } from './mmap'
import { OBJECT_FILE } from './object'
import { check } from './panic'
import { findProcess, isExiting, Process, Space } from './process'
import {
  frameOfPte,
  nextPte,
  PTE_FLAGS,
  PTE_PRIVATE,
  PTE_READ,
  PTE_SHARED,
  PTE_WRITE,
  PTE_ZERO,
  pteAt,
  pteOf,
} from './pte'
import { K } from './root'
import {
  beginCall,
  endCall,
  enter,
  enterFromGuest,
  leave,
  leaveGuest,
  leaveToGuest,
  me,
  self,
  Thread,
} from './thread'

/** Pages that an extent around a page that was absent reaches back. */
const BACK_PAGES_FAULT: u32 = 32

/** Makes a context of this thread for a guest of the process. => its address; -ENOMEM when all are taken. Other threads' guests may load from a page until a store replaces it: no longer. */
export function sysGuestCreate(process: Process): i32 {
  const space = process.space!
  lock()
  revoke(space, null)
  const context = newContext(space)
  if (context != null && space.contextCount == 1) track(space)
  unlock()
  return context == null ? -ENOMEM : <i32>changetype<usize>(context)
}

/** From the first context on no entry lets anybody store to a clean page of a file: until now stores were told (access.ts). => lock held; relaxes. */
function track(space: Space): void {
  let address = nextPte(space, WINDOW_START, WINDOW_END)
  while (address < WINDOW_END) {
    const at = pteAt(space, address)
    const entry = load<u32>(at)
    if ((entry & (PTE_SHARED | PTE_WRITE)) == (PTE_SHARED | PTE_WRITE)) {
      const frame = frameOfPte(entry)
      if (objectOf(frame).kind == OBJECT_FILE && !isDirty(frame)) publish(at, entry & ~PTE_WRITE)
    }
    relaxIfDeep()
    address = nextPte(space, address + K.pageBytes, WINDOW_END)
  }
}

/** Drops a context of this thread. => 0; -EINVAL: it is none of its, or its guest runs. */
export function sysGuestDestroy(address: u32): i32 {
  if (!isMine(address) || me().context == address) return -EINVAL
  lock()
  dropContext(me().index, contextAt(address))
  unlock()
  return 0
}

/**
 * The guest's code of a context runs on this thread from now on. => 0; -EINVAL (no context of this thread), -EBUSY (another runs: leave it first), -ESRCH (its process
 * has ended). => the caller leaves the kernel by `goOn`, when 0.
 */
export function sysGuestEnter(address: u32): i32 {
  if (!isMine(address)) return -EINVAL
  if (me().context != 0) return -EBUSY
  const context = contextAt(address)
  if (processOf(context) == null) return -ESRCH
  atomic.store<u32>(self + offsetof<Thread>('context'), address)
  return 0
}

/** Enters the kernel for a host's call about guests. */
export function guestCall(): void {
  enter()
}

/** This thread is the host's again; nothing happens when another context runs, or none. An entry in which the stack ended is undone. */
export function leaveContext(address: u32): void {
  if (me().context != address) return
  if (!leaveGuest()) abandonCall()
  atomic.store<u32>(self + offsetof<Thread>('context'), 0)
}

/** => the context at `address` runs on this thread. */
export function isCurrent(address: u32): bool {
  return address != 0 && address == me().context
}

/** Enters from the guest's code of `address`, for a call of its process. => its context; a killed guest does not come back. */
export function beginGuest(address: u32): Context {
  if (!isCurrent(address)) unreachable()
  enterFromGuest()
  const context = contextAt(address)
  beginCall(context.pid)
  if (processOf(context) == null) end(SIGKILL, 0)
  return context
}

/** Back to the guest's code. => false: it was asked to forget meanwhile, and has; an extent just found may be one of what it forgot. */
export function goOn(context: Context): bool {
  endCall()
  leaveToGuest()
  return hear(context)
}

/** => the context's process, null when it has ended or is about to. */
export function processOf(context: Context): Process | null {
  const process = findProcess(context.pid)
  if (process == null || isExiting(process) || context.space == 0) return null
  return changetype<u32>(process.space) == context.space ? process : null
}

/** The guest ends here: `kind` says why. Does not return. => lock not held. */
export function end(kind: i32, address: u32): void {
  endCall()
  leave()
  atomic.store<u32>(self + offsetof<Thread>('context'), 0)
  faulted(kind, address)
  unreachable()
}

/** Ends the guest unless a fault's result is 0. => lock not held. */
export function endUnless(result: i32, address: u32): void {
  if (result != 0) end(-result, address)
}

/** guest_poll: hears, and ends attention when nobody is awaited any more. */
export function sysGuestPoll(address: u32): void {
  const context = beginGuest(address)
  endAttention()
  goOn(context)
}

/** guest_fault; see guestcalls.ts. */
export function sysGuestFault(address: u32, at: u32, bytes: u32, write: bool): u32 {
  let found: u32 = 0
  let fresh: bool = false
  while (!fresh) {
    const context = beginGuest(address)
    found = findExtent(context, at, bytes, write)
    fresh = goOn(context)
  }
  return found
}

/** => the kernel address of `at`, its extent in the context; 0 when [at, at + bytes) does not lie in one. What is not accessible ends the guest. */
function findExtent(context: Context, at: u32, bytes: u32, write: bool): u32 {
  if (!inWindow(at, bytes) || bytes == 0 || bytes > 16) end(SIGSEGV, at)
  lock()
  const right = write ? PTE_WRITE : PTE_READ
  const present = (pteOf(changetype<Space>(<usize>context.space), at) & right) != 0
  const result = faultAll(context, at, bytes, write)
  let found: u32 = 0
  let failed = at
  if (result == 0) {
    hear(context)
    setExtent(context, at, write, present)
    const whole = spans(context, at, bytes)
    if (whole) found = at + context.delta
  } else failed = max(at, faultedAt)
  unlock()
  settleOwed()
  sweepIdle()
  endUnless(result, failed)
  return found
}

/** The page of the last fault that failed. */
let faultedAt: u32 = 0

/** Makes the one or two pages of an access accessible, both at once. => 0 or as fault. => lock held before and after. */
export function faultAll(context: Context, at: u32, bytes: u32, write: bool): i32 {
  const space = changetype<Space>(<usize>context.space)
  const last = (at + bytes - 1) & ~(K.pageBytes - 1)
  const right = write ? PTE_READ | PTE_WRITE : PTE_READ
  let result = 0
  do {
    faultedAt = at
    result = fault(space, at, write)
    if (result != 0 || last <= at) return result
    faultedAt = last
    result = fault(space, last, write)
  } while (result == 0 && (pteOf(space, at) & right) != right)
  return result
}

/** => the access lies in the context's extent, or in the page that it is for. */
function spans(context: Context, at: u32, bytes: u32): bool {
  if (context.length != 0) return at - context.start + bytes <= context.length
  return (at & (K.pageBytes - 1)) + bytes <= K.pageBytes
}

/** => pages like this one may be in an extent for loading. */
function isSettled(space: Space, entry: u32): bool {
  if ((entry & PTE_READ) == 0) return false
  if (space.contextCount == 1 || (entry & PTE_SHARED) != 0) return true
  return (entry & (PTE_PRIVATE | PTE_WRITE)) == (PTE_PRIVATE | PTE_WRITE)
}

function mayJoin(space: Space, entry: u32, write: bool): bool {
  return write ? (entry & PTE_WRITE) != 0 && isSettled(space, entry) : isSettled(space, entry)
}

/**
 * Finds the extent around the page of `at`, which is accessible. Who faults page by page pays for few pages; who asks though the page is `present` will use what it gets
 * for long. => lock held.
 */
function setExtent(context: Context, at: u32, write: bool, present: bool): void {
  const space = changetype<Space>(<usize>context.space)
  const page = at & ~(K.pageBytes - 1)
  const entry = pteOf(space, page)
  const delta = (entry & ~PTE_FLAGS) - page
  context.start = page
  context.length = 0
  context.delta = delta
  if (!mayJoin(space, entry, write)) return
  const back = present ? EXTENT_PAGES_MAX : BACK_PAGES_FAULT
  let start = page
  while (start > WINDOW_START && page - start < back << K.pageShift) {
    if (!continues(space, start - K.pageBytes, delta, write)) break
    start -= K.pageBytes
  }
  const from = present ? page : start
  const pages = present ? EXTENT_PAGES_MAX : EXTENT_PAGES_FAULT
  const most = <u32>min<u64>(<u64>from + ((<u64>pages) << K.pageShift), WINDOW_END)
  let last = page + K.pageBytes
  while (last < most && continues(space, last, delta, write)) last += K.pageBytes
  context.start = start
  context.length = last - start
}

function continues(space: Space, page: u32, delta: u32, write: bool): bool {
  const entry = pteOf(space, page)
  if (entry == 0 || (entry & ~PTE_FLAGS) - page != delta) return false
  return (entry & PTE_ZERO) == 0 && mayJoin(space, entry, write)
}

function bounceOf(address: u32): usize {
  return <usize>address + CONTEXT_BOUNCE
}

/** The physical address of an accessible page's byte. */
export function placeOf(space: Space, at: u32): usize {
  return <usize>(pteOf(space, at) & ~PTE_FLAGS) + (at & (K.pageBytes - 1))
}

/** => bytes of an access in its first page. */
function firstPart(at: u32, bytes: u32): u32 {
  return min(bytes, K.pageBytes - (at & (K.pageBytes - 1)))
}

/** Copies between the bounce buffer and the one or two pages of an access, both accessible at once. Ends the guest when they cannot be. */
function crossing(context: Context, at: u32, bytes: u32, write: bool): void {
  if (!inWindow(at, bytes) || bytes == 0 || bytes > 16) end(SIGSEGV, at)
  const space = changetype<Space>(<usize>context.space)
  const bounce = bounceOf(<u32>changetype<usize>(context))
  lock()
  const result = faultAll(context, at, bytes, write)
  if (result == 0) {
    const first = firstPart(at, bytes)
    move(placeOf(space, at), bounce, first, write)
    if (first < bytes) move(placeOf(space, at + first), bounce + first, bytes - first, write)
  }
  unlock()
  settleOwed()
  sweepIdle()
  endUnless(result, max(at, faultedAt))
}

function move(place: usize, bounce: usize, bytes: u32, write: bool): void {
  if (write) memory.copy(place, bounce, bytes)
  else memory.copy(bounce, place, bytes)
}

/** guest_load. => the bounce buffer. */
export function sysGuestLoad(address: u32, at: u32, bytes: u32): u32 {
  const context = beginGuest(address)
  crossing(context, at, bytes, false)
  goOn(context)
  return <u32>bounceOf(address)
}

/** guest_store. */
export function sysGuestStore(address: u32, at: u32, bytes: u32): void {
  const context = beginGuest(address)
  crossing(context, at, bytes, true)
  goOn(context)
}

/** Panics when a context, or the extent that it found last and need not forget, is not as it should be. => lock held. */
export function checkGuests(): void {
  checkContexts()
  for (let i: u32 = 0; i < contextsUsed(); i++) {
    const context = recordAt(i)
    if (context.space == 0 || context.generation != context.wanted) continue
    const space = changetype<Space>(<usize>context.space)
    for (let done: u32 = 0; done < context.length; done += K.pageBytes) {
      const entry = pteOf(space, context.start + done)
      const there = (entry & ~PTE_FLAGS) == context.start + done + context.delta
      check(there && isSettled(space, entry), PANIC_GUEST, context.start + done)
    }
  }
}
