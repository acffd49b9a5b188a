/**
 * Who owns a lock in a page: a thread of a process, as a word of 30 bits.
 *
 *   29      25 24      21 20            9 8          0
 *   | thread's | pid's    | process table | thread   |      never 0, never SYNC_UNRECOVERABLE
 *   | sequence | round    | index         | slot + 1 |
 *
 * One thread may run several processes, and several threads one, hence both. The low 21 bits are unique among the living; the upper ones
 * make a word that a dead owner left behind differ from those of the next 31 threads of that slot and the next 15 processes of that
 * table entry. A call that a service worker makes for another thread carries the word of that thread.
 */
import { PROCESSES_MAX, THREADS_MAX, WHERE_DEAD, WHERE_FREE, WHERE_MASK } from './abi'
import { Process } from './process'
import { me, sequenceOf, threadAt } from './thread'

const SLOT_BITS: u32 = 9
const TABLE_BITS: u32 = 12
const ROUND_BITS: u32 = 4
const SEQUENCE_BITS: u32 = 5

if (THREADS_MAX + 1 >= 1 << SLOT_BITS) ERROR('SLOT_BITS')
if (PROCESSES_MAX > 1 << TABLE_BITS) ERROR('TABLE_BITS')

/** => the owner word of thread `index`, as it lives now, in a process. */
function ownerOf(pid: u32, index: u32): u32 {
  const round = (pid / PROCESSES_MAX) & ((1 << ROUND_BITS) - 1)
  const sequence = sequenceOf(index) & ((1 << SEQUENCE_BITS) - 1)
  const life = (sequence << ROUND_BITS) | round
  return (((life << TABLE_BITS) | (pid % PROCESSES_MAX)) << SLOT_BITS) | (index + 1)
}

/** => the thread slot in an owner word; THREADS_MAX or more when it is none. */
export function slotOf(owner: u32): u32 {
  return (owner & ((1 << SLOT_BITS) - 1)) - 1
}

/** => the word is that of a thread that lives, in this process. What it takes under the kernel lock, its death finds. */
export function isLiving(process: Process, owner: u32): bool {
  const index = slotOf(owner)
  if (index >= THREADS_MAX || ownerOf(process.pid, index) != owner) return false
  const where = atomic.load<u32>(changetype<usize>(threadAt(index))) & WHERE_MASK
  return where != WHERE_FREE && where != WHERE_DEAD
}

/** => the owner word of this thread in the process. */
export function sysOwner(process: Process): i32 {
  return <i32>ownerOf(process.pid, me().index)
}
