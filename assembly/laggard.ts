/**
 * The end of a wait for guests: who does not hear within the stall time loses its process.
 *
 * A guest polls in each loop, so it hears within milliseconds; one that was built without polls, or whose host blocks without having left it, may never. Its
 * process is ended, so the call that waits can return; what its thread may still touch stays in limbo until the thread polls, leaves, or is reaped.
 */
import { SIGKILL } from './abi'
import { Context } from './context'
import { endProcess } from './exit'
import { awaitEpoch, owe, owed } from './grace'
import { put } from './journal'
import { sweepLimbo } from './limbo'
import { lock, unlock } from './lock'
import { findProcess, Process } from './process'
import { K } from './root'

/** Exit status of a process that a signal ended, less the signal's number. */
const STATUS_SIGNAL: u32 = 128
/** SIGKILL is 1000 and its number. */
const SIGNAL_BASE: i32 = 1000

/** Waits for what this call owes, then frees what that held up. => lock not held. */
export function settleOwed(): void {
  if (owed == 0) return
  for (;;) {
    const laggard = awaitEpoch(owed, <f64>K.stallMs)
    if (laggard == null) break
    endLaggard(laggard)
  }
  owe(0)
  if (K.limbo == 0) return
  lock()
  sweepLimbo()
  unlock()
}

function endLaggard(context: Context): void {
  lock()
  const process = findProcess(context.pid)
  if (process != null && process.exiting == 0 && context.space != 0) {
    const status = STATUS_SIGNAL + <u32>(SIGKILL - SIGNAL_BASE)
    put(changetype<usize>(process) + offsetof<Process>('status'), status)
    endProcess(process)
  }
  unlock()
}
