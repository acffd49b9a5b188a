/**
 * The calls that guests make, and those that the host makes about them. What each does stands in guest.ts, guestbulk.ts and guestword.ts.
 *
 * guest_create to guest_leave are the host's. The others are called by a rewritten module, wasm to wasm, while its context runs; `context` is the address that guest_create gave. They
 * do not return when the access is refused or the process was ended: the host has the reason (env.faulted), then they trap.
 */
import { ESRCH } from './abi'
import { begin, done, end } from './call'
import { contextAt } from './context'
import {
  goOn,
  guestCall,
  leaveContext,
  sysGuestCreate,
  sysGuestDestroy,
  sysGuestEnter,
  sysGuestFault,
  sysGuestLoad,
  sysGuestPoll,
  sysGuestStore,
} from './guest'
import { sysGuestCopy, sysGuestFill } from './guestbulk'
import {
  operateLong,
  operateWord,
  readLong,
  readWord,
  sysGuestNotify,
  sysGuestWait,
  writeLong,
  writeWord,
} from './guestword'

/** => address of a context of this thread for a guest of the process, -ESRCH, -ENOMEM. */
export function guest_create(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysGuestCreate(process))
}

/** => 0, -EINVAL (no context of this thread, or it runs). */
export function guest_destroy(context: u32): i32 {
  guestCall()
  return done(sysGuestDestroy(context))
}

/** This thread runs the guest from now on: to be called before its code, and after each of the host's functions that it called. => 0, -EINVAL, -EBUSY, -ESRCH. */
export function guest_enter(context: u32): i32 {
  guestCall()
  const result = sysGuestEnter(context)
  if (result != 0) return done(result)
  goOn(contextAt(context))
  return 0
}

/** This thread is the host's: to be called after the guest's code, however that ended, and before the work of a function that it calls. */
export function guest_leave(context: u32): i32 {
  leaveContext(context)
  return 0
}

/**
 * Makes [address, address + bytes) accessible, bytes 1 to 16. => the kernel address of its first byte, good until the guest's next poll, entry or import; CONTEXT_START, CONTEXT_LENGTH and
 * CONTEXT_DELTA are its extent (length 0: this access alone). 0: it does not lie in one extent; both its pages were accessible: guest_load, guest_store.
 */
export function guest_fault(context: u32, address: u32, bytes: u32, write: u32): u32 {
  return sysGuestFault(context, address, bytes, write != 0)
}

/** => address of CONTEXT_BOUNCE, where the bytes are now. */
export function guest_load(context: u32, address: u32, bytes: u32): u32 {
  return sysGuestLoad(context, address, bytes)
}

/** Stores what is at CONTEXT_BOUNCE, both pages or none. */
export function guest_store(context: u32, address: u32, bytes: u32): void {
  sysGuestStore(context, address, bytes)
}

/** Called when ATTENTION is not 0. The guest forgets its extents when the generation moved. */
export function guest_poll(context: u32): void {
  sysGuestPoll(context)
}

/** memory.copy with both ends in the window; they may overlap. */
export function guest_copy(context: u32, to: u32, from: u32, bytes: u32): void {
  sysGuestCopy(context, to, from, bytes)
}

/** memory.fill in the window. */
export function guest_fill(context: u32, to: u32, value: u32, bytes: u32): void {
  sysGuestFill(context, to, value, bytes)
}

/** memory.atomic.wait32 and wait64 (bytes 4, 8) in the window; a timeout below 0 is none. => 0 woken, 1 the word is not `expected` (of 4 bytes: zero-extended), 2 timed out. */
export function guest_wait(
  context: u32,
  address: u32,
  bytes: u32,
  expected: i64,
  timeoutNs: i64,
): i32 {
  const value: u64 = bytes == 4 ? <u64>(<u32>expected) : <u64>expected
  return sysGuestWait(context, address, bytes, value, timeoutNs)
}

/** memory.atomic.notify in the window. => how many woke. */
export function guest_notify(context: u32, address: u32, count: u32): u32 {
  return sysGuestNotify(context, address, count)
}

// ---- accessors, for modules that have the private memory alone; any alignment but for rmw ----

/** => 1 to 4 bytes, zero-extended; aligned ones atomically. */
export function guest_read32(context: u32, address: u32, bytes: u32): u32 {
  return readWord(context, address, bytes)
}

/** => 8 bytes, aligned ones atomically. */
export function guest_read64(context: u32, address: u32): u64 {
  return readLong(context, address)
}

/** Stores the low 1 to 4 bytes of `value`, both pages or none. */
export function guest_write32(context: u32, address: u32, bytes: u32, value: u32): void {
  writeWord(context, address, bytes, value)
}

export function guest_write64(context: u32, address: u32, value: u64): void {
  writeLong(context, address, value)
}

/** Atomic RMW_* on 1, 2 or 4 bytes; `expected` is cmpxchg's. An atomic store is RMW_XCHG. => the value before, zero-extended. */
export function guest_rmw32(
  context: u32,
  address: u32,
  bytes: u32,
  op: u32,
  operand: u32,
  expected: u32,
): u32 {
  return operateWord(context, address, bytes, op, operand, expected)
}

/** The same on 8 bytes. */
export function guest_rmw64(context: u32, address: u32, op: u32, operand: u64, expected: u64): u64 {
  return operateLong(context, address, op, operand, expected)
}

/** Makes [address, address + bytes) accessible, as guest_fault: for an access that is made in parts. */
export function guest_check(context: u32, address: u32, bytes: u32, write: u32): void {
  sysGuestFault(context, address, bytes, write != 0)
}
