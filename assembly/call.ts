/**
 * How a call comes in and goes out: enter and leave, the process it names, and numbers from JavaScript.
 *
 * A call names its process by pid; while it runs, its slot says so (`process`), and exit waits for it. What it leaves idle is swept at its end.
 */
import { OFFSET_MAX } from './abi'
import { mendCall } from './exit'
import { dropGrant } from './grant'
import { sweepIdle } from './idle'
import { settleOwed } from './laggard'
import { findProcess, isExiting, Process } from './process'
import { beginCall, endCall, enter, leave, me } from './thread'

/** What an f64 out of range becomes: unaligned, and past every limit. */
const REFUSED: u64 = 0x1000000000000001

/** => the number as u64, REFUSED when it is no whole number in range. */
export function whole(value: f64): u64 {
  return value >= 0 && value <= <f64>OFFSET_MAX && Math.floor(value) == value ? <u64>value : REFUSED
}

/** Enters for a process. => null when there is none of that pid, or it is exiting: the caller ends with -ESRCH. */
export function begin(pid: u32): Process | null {
  enter()
  dropGrant()
  if (me().left != 0) mendCall()
  beginCall(pid)
  const process = findProcess(pid)
  return process == null || isExiting(process) ? null : process
}

/** Leaves a call of a process with its result. Guests have heard of what it took away. */
export function end(result: i32): i32 {
  settleOwed()
  sweepIdle()
  endCall()
  leave()
  return result
}

/** Leaves a call that names no process. */
export function done(result: i32): i32 {
  settleOwed()
  sweepIdle()
  leave()
  return result
}
