/**
 * Single words in the window, for guests: wait and notify, and the loads, stores and atomic operations of modules that cannot address the kernel's memory themselves.
 *
 * An accessor is the guest's code as far as grace periods go (grace.ts): it takes a page from the page table, uses it at once, and its thread stays GUEST. Only when the
 * entry does not allow the access does it enter the kernel. Atomic accesses that are not aligned end the guest with SIGBUS, as on most machines.
 */
import {
  CONTEXT_BOUNCE,
  EAGAIN,
  EINTR,
  ENOMEM,
  ETIMEDOUT,
  GUEST_NOT_EQUAL,
  GUEST_TIMED_OUT,
  GUEST_WOKEN,
  RMW_ADD,
  RMW_AND,
  RMW_CMPXCHG,
  RMW_LOAD,
  RMW_OR,
  RMW_SUB,
  RMW_XCHG,
  RMW_XOR,
  SIGBUS,
} from './abi'
import { contextAt } from './context'
import { futexWait, sysFutexWake } from './futex'
import {
  beginGuest,
  end,
  endUnless,
  goOn,
  isCurrent,
  processOf,
  sysGuestFault,
  sysGuestLoad,
  sysGuestStore,
} from './guest'
import { sweepIdle } from './idle'
import { settleOwed } from './laggard'
import { PTE_FLAGS, PTE_READ, PTE_WRITE } from './pte'
import { K } from './root'

/** => the kernel address of [at, at + bytes), 0 when that is not in one page, or its entry does not allow the access. => the context runs. */
function placeIn(address: u32, at: u32, bytes: u32, right: u32): usize {
  if (!isCurrent(address)) unreachable()
  const offset = at & (K.pageBytes - 1)
  const directory = contextAt(address).directory
  if (directory == 0 || offset + bytes > K.pageBytes) return 0
  const shift = K.pageShift - 2
  const table = load<u32>(<usize>directory + ((<usize>(at >> (K.pageShift + shift))) << 2))
  if (table == 0) return 0
  const index = (at >> K.pageShift) & ((1 << shift) - 1)
  const entry = load<u32>(<usize>table + ((<usize>index) << 2))
  return (entry & right) == right ? <usize>(entry & ~PTE_FLAGS) + offset : 0
}

/** => where the bytes to load are: in their page, or in the bounce buffer. */
function loadable(address: u32, at: u32, bytes: u32): usize {
  const place = placeIn(address, at, bytes, PTE_READ)
  return place != 0 ? place : <usize>sysGuestLoad(address, at, bytes)
}

/** => the page's place for a store that lies in one page, once it is accessible; 0 for one that crosses. */
function storable(address: u32, at: u32, bytes: u32): usize {
  const place = placeIn(address, at, bytes, PTE_READ | PTE_WRITE)
  return place != 0 ? place : <usize>sysGuestFault(address, at, bytes, true)
}

/** The bytes of a load, zero-extended; of an aligned one at once. => bytes 1 to 4. */
export function readWord(address: u32, at: u32, bytes: u32): u32 {
  const place = loadable(address, at, bytes)
  if (bytes == 4) return (place & 3) == 0 ? atomic.load<u32>(place) : load<u32>(place)
  if (bytes == 2) return (place & 1) == 0 ? atomic.load<u16>(place) : load<u16>(place)
  if (bytes == 1) return atomic.load<u8>(place)
  return load<u16>(place) | ((<u32>load<u8>(place, 2)) << 16)
}

export function readLong(address: u32, at: u32): u64 {
  const place = loadable(address, at, 8)
  return (place & 7) == 0 ? atomic.load<u64>(place) : load<u64>(place)
}

export function writeWord(address: u32, at: u32, bytes: u32, value: u32): void {
  const place = storable(address, at, bytes)
  put(place != 0 ? place : <usize>address + CONTEXT_BOUNCE, bytes, value)
  if (place == 0) sysGuestStore(address, at, bytes)
}

function put(place: usize, bytes: u32, value: u32): void {
  if (bytes == 4) store<u32>(place, value)
  else if (bytes == 2) store<u16>(place, <u16>value)
  else store<u8>(place, <u8>value)
  if (bytes != 3) return
  store<u8>(place, <u8>(value >> 8), 1)
  store<u8>(place, <u8>(value >> 16), 2)
}

export function writeLong(address: u32, at: u32, value: u64): void {
  const place = storable(address, at, 8)
  store<u64>(place != 0 ? place : <usize>address + CONTEXT_BOUNCE, value)
  if (place == 0) sysGuestStore(address, at, 8)
}

/** => the place of an atomic operation; a misaligned one ends the guest. */
function atomicPlace(address: u32, at: u32, bytes: u32, op: u32): usize {
  if ((at & (bytes - 1)) != 0) {
    beginGuest(address)
    end(SIGBUS, at)
  }
  return op == RMW_LOAD ? loadable(address, at, bytes) : storable(address, at, bytes)
}

/** => the value before, zero-extended. => bytes 1, 2 or 4. */
export function operateWord(
  address: u32,
  at: u32,
  bytes: u32,
  op: u32,
  operand: u32,
  expected: u32,
): u32 {
  const place = atomicPlace(address, at, bytes, op)
  if (bytes == 4) return operate<u32>(place, op, operand, expected)
  if (bytes == 2) return operate<u16>(place, op, <u16>operand, <u16>expected)
  return operate<u8>(place, op, <u8>operand, <u8>expected)
}

export function operateLong(address: u32, at: u32, op: u32, operand: u64, expected: u64): u64 {
  return operate<u64>(atomicPlace(address, at, 8, op), op, operand, expected)
}

function operate<T>(place: usize, op: u32, operand: T, expected: T): T {
  if (op == RMW_LOAD) return atomic.load<T>(place)
  if (op == RMW_ADD) return atomic.add<T>(place, operand)
  if (op == RMW_SUB) return atomic.sub<T>(place, operand)
  if (op == RMW_AND) return atomic.and<T>(place, operand)
  if (op == RMW_OR) return atomic.or<T>(place, operand)
  if (op == RMW_XOR) return atomic.xor<T>(place, operand)
  if (op == RMW_XCHG) return atomic.xchg<T>(place, operand)
  if (op != RMW_CMPXCHG) unreachable()
  return atomic.cmpxchg<T>(place, expected, operand)
}

/** memory.atomic.wait on the window, by the kernel's futex. => GUEST_*. A signal or a notify meant for another may wake it early, as any futex. */
export function sysGuestWait(address: u32, at: u32, bytes: u32, expected: u64, ns: i64): i32 {
  const context = beginGuest(address)
  if ((at & (bytes - 1)) != 0 || (bytes != 4 && bytes != 8)) end(SIGBUS, at)
  const ms: f64 = ns < 0 ? -1 : <f64>ns / 1e6
  const result = futexWait(processOf(context)!, at, bytes, expected, ms)
  settleOwed()
  sweepIdle()
  goOn(context)
  if (result == -ETIMEDOUT) return GUEST_TIMED_OUT
  if (result == -EAGAIN) return GUEST_NOT_EQUAL
  if (result == 0 || result == -EINTR || result == -ENOMEM) return GUEST_WOKEN
  beginGuest(address)
  end(-result, at)
  return 0
}

/** memory.atomic.notify on the window. => how many woke. */
export function sysGuestNotify(address: u32, at: u32, count: u32): u32 {
  const context = beginGuest(address)
  if ((at & 3) != 0) end(SIGBUS, at)
  const woken = sysFutexWake(processOf(context)!, at, count)
  sweepIdle()
  if (woken < 0) endUnless(woken, at)
  goOn(context)
  return woken
}
