/**
 * Broken invariants. A caller's mistake is a negative errno, never a panic; a panic says that the kernel itself is wrong.
 *
 * The kernel has no strings (a string is a data segment, and every thread's instantiation would write it over live memory), so a
 * panic is a number of abi.ts and the host prints its name. After a panic every later call fails: the word at PANIC is set.
 */
import { panicked } from './env'

/** The code of the first panic, 0 while the kernel is whole. Never journalled: it outlives a roll-back. */
export const PANIC: usize = memory.data(16, 16)

/** Records the first panic and leaves by the host's exception. */
export function panic(code: u32, detail: u32): void {
  atomic.cmpxchg<u32>(PANIC, 0, code)
  panicked(code, detail)
  unreachable()
}

/** Panics with `code` unless `fact` holds. */
export function check(fact: bool, code: u32, detail: u32 = 0): void {
  if (!fact) panic(code, detail)
}
