/**
 * Robust mutexes: what each thread owns, and what becomes of it when the thread, or its process, ends.
 *
 *   Thread.held -> Held -> Held -> 0        the last taken first, at most ROBUST_MAX
 *
 * A list in kernel memory, not through the locks as on Linux: there the heads lie in memory of the program, which for a guest is a memory
 * that the kernel cannot read, and the links in pages that anybody may scribble on or unmap. It costs a kernel call for each lock and unlock, and
 * that is why there is no pending slot: word and list change in one transaction (journal.ts), so a death between any two instructions
 * leaves both as they were before the call or as they are after it. Only the kernel stores to the word of a robust mutex.
 *
 * The page of a held mutex is pinned, so that the walk neither faults nor waits: not after munmap, not when its file was written
 * back. It may be an orphan by then, seen by views only.
 *
 * Invariants (checkHeld):
 *  1. A Held is in the list of its owner's thread, which has not been reaped; its frame is pinned.
 *  2. Its word has that owner, unless the program stored something else to it: then the walk leaves the word alone.
 * Guarded by the kernel lock, journalled. Source: Linux robust_list(2), futex_exit_release.
 */
import { EAGAIN, ENOMEM, PANIC_ROBUST, THREADS_MAX } from './abi'
import { frameOf } from './frame'
import { ROBUST_MAX, SYNC_OWNER, SYNC_OWNER_DIED, SYNC_WAITERS } from './ipcabi'
import { put } from './journal'
import { relax } from './lock'
import { slotOf } from './owner'
import { check } from './panic'
import { create, destroy } from './slab'
import { Thread, threadAt, threadsUsed } from './thread'
import { hold, unhold } from './view'
import { firstWait, wake } from './wait'

@unmanaged
export class Held {
  next: Held | null
  /** Kernel address of the mutex word. */
  word: u32
  pid: u32
  owner: u32
  /** The queue of those who wait for it. */
  key: u64
  detail: u64
  /** The pin was charged. */
  charged: u32
  pad: u32
}

function first(index: u32): usize {
  return changetype<usize>(threadAt(index)) + offsetof<Thread>('held')
}

function count(index: u32, change: i32): void {
  const at = changetype<usize>(threadAt(index)) + offsetof<Thread>('heldCount')
  put(at, load<u32>(at) + change)
}

/** `owner`, a living thread of process `pid`, is about to own the mutex at `word`. => 0, -EAGAIN (ROBUST_MAX), -ENOMEM. => lock held. */
export function recordHeld(owner: u32, pid: u32, word: usize, key: u64, detail: u64): i32 {
  const index = slotOf(owner)
  if (threadAt(index).heldCount >= ROBUST_MAX) return -EAGAIN
  const held = create<Held>()
  if (changetype<usize>(held) == 0) return -ENOMEM
  held.word = <u32>word
  held.pid = pid
  held.owner = owner
  held.key = key
  held.detail = detail
  held.charged = hold(frameOf(word)) ? 1 : 0
  held.next = changetype<Held | null>(<usize>load<u32>(first(index)))
  put(first(index), <u32>changetype<usize>(held))
  count(index, 1)
  return 0
}

/** `owner`, whatever word that is, has the mutex at `word` no longer. => lock held; nothing is allocated after it. */
export function forgetHeld(owner: u32, word: usize): void {
  if (slotOf(owner) >= THREADS_MAX) return
  let at = first(slotOf(owner))
  while (load<u32>(at) != 0) {
    const held = changetype<Held>(<usize>load<u32>(at))
    if (held.word == <u32>word && held.owner == owner) {
      drop(slotOf(owner), at)
      return
    }
    at = <usize>load<u32>(at) + offsetof<Held>('next')
  }
}

/** Takes the Held that the link at `at` names out of its list. */
function drop(index: u32, at: usize): void {
  const held = changetype<Held>(<usize>load<u32>(at))
  put(at, <u32>changetype<usize>(held.next))
  count(index, -1)
  unhold(frameOf(held.word), held.charged != 0)
  destroy<Held>(held)
}

/** The owner is no more: the mutex is OWNERDEAD, and who waited longest may have it. */
function bequeath(held: Held): void {
  const word = load<u32>(held.word)
  if ((word & SYNC_OWNER) != held.owner) return
  const awaited = firstWait(held.key, held.detail) != null
  put(held.word, SYNC_OWNER_DIED | (awaited ? SYNC_WAITERS : 0))
  wake(held.key, 1, held.detail)
}

/** Thread `index` ended, or left process `pid` (0: any): its mutexes of that process are bequeathed. => lock held; relaxes. */
export function releaseHeld(index: u32, pid: u32): void {
  let at = first(index)
  while (load<u32>(at) != 0) {
    const held = changetype<Held>(<usize>load<u32>(at))
    if (pid != 0 && held.pid != pid) {
      at = changetype<usize>(held) + offsetof<Held>('next')
      continue
    }
    bequeath(held)
    drop(index, at)
    relax()
    at = first(index)
  }
}

/** Process `pid` ended. => lock held; relaxes. */
export function releaseAllHeld(pid: u32): void {
  for (let i: u32 = 0; i < threadsUsed(); i++) releaseHeld(i, pid)
}

/** Panics when a list is broken. => lock held. */
export function checkHeld(): void {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    let found: u32 = 0
    let held = changetype<Held | null>(<usize>load<u32>(first(i)))
    while (held != null) {
      check(slotOf(held.owner) == i && frameOf(held.word).pins != 0, PANIC_ROBUST, i)
      check(++found <= ROBUST_MAX, PANIC_ROBUST, i)
      held = held.next
    }
    check(found == threadAt(i).heldCount, PANIC_ROBUST, i)
  }
}
