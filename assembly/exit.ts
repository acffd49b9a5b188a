/**
 * Ends: of a process, and of a thread that was stopped or has died.
 *
 * A reap makes the kernel whole again after a death: it takes the lock over if the dead thread held it and rolls its transaction
 * back (lock.ts), then releases what the thread's slot names, then leaves its processes on its behalf. Each step finds the next by what stands in the
 * slot, so a reaper that dies is itself reaped and the work goes on.
 *
 * A thread that left a call by the host's exception (a stall) lives on, and undoes what that call was doing at the beginning of its next one (mendCall). One that left
 * it because its stack ended may hold the lock: it undoes that too, as if it had died (abandonCall).
 */

import {
  EAGAIN,
  EBUSY,
  ESRCH,
  PROCESSES_MAX,
  STATE_SEQ_SHIFT,
  THREADS_MAX,
  WHERE_DEAD,
  WHERE_FREE,
  WHERE_MASK,
  WHERE_STOPPED,
  WINDOW_END,
  WINDOW_START,
} from './abi'
import { dropSpareMaker } from './buffer'
import { dropChanges, dropForks, forgetSpace } from './change'
import { contextAt, detachContext, dropContexts, tellStatus } from './context'
import { now } from './env'
import { closeFiles } from './fd'
import { abandonFill } from './fill'
import { freeGather } from './gather'
import { owe, raiseAttention, revoke } from './grace'
import { dropHanded } from './handed'
import { releaseHolds } from './hold'
import { sweepIdle } from './idle'
import { IO_FILL, IO_NONE, IO_RESIZE, IO_WRITE, letGoObject } from './io'
import { publish, put } from './journal'
import { lock, relax, takeOver, unlock } from './lock'
import { exitNamedSems } from './namedsem'
import { dropNotices } from './notice'
import { MemObject } from './object'
import { dropRequests, failRequestsTo } from './pager'
import { dropCwd } from './path'
import {
  findProcess,
  freeProcess,
  hasThread,
  Process,
  processAt,
  Space,
  setThread,
  threadCount,
} from './process'
import { trimTables } from './pte'
import { finishDoomed, releaseObject } from './release'
import { abandonResize, cut } from './resize'
import { releaseAllHeld, releaseHeld } from './robust'
import { K } from './root'
import { exitSems, mendSems } from './semop'
import {
  beginAbandon,
  bury,
  declareDead,
  endCall,
  leave,
  me,
  release,
  reportStall,
  ringAll,
  THREAD_BYTES,
  THREADS,
  Thread,
  threadAt,
  threadsUsed,
} from './thread'
import { finishDying, unmapRange } from './unmap'
import { dropViews } from './view'
import { dropWaits, interrupt, pauseForRing } from './wait'
import { abandonRun } from './writeback'

/**
 * From here on no call of the process begins: its beginning stores what it works for and then looks at this word (call.ts), and who ends the process does the reverse.
 */
function beginEnd(process: Process): void {
  publish(changetype<usize>(process) + offsetof<Process>('exiting'), me().index + 1)
}

/** Everything a process has is released: mappings, files, locks, working directory. => lock held; relaxes. */
export function endProcess(process: Process): void {
  beginEnd(process)
  relax()
  if (!awaitCalls(process)) return
  releaseAllHeld(process.pid)
  finishDying(process.space!)
  unmapRange(process.space!, WINDOW_START, WINDOW_END)
  trimTables(process.space!, WINDOW_START, WINDOW_END)
  endGuests(process.space!)
  relax()
  exitSems(process)
  exitNamedSems(process)
  closeFiles(process, true)
  dropCwd(process)
  relax()
  orphan(process.pid)
  forgetSpace(process.space!)
  freeProcess(process)
  relax()
  ringAll() // a thread of it may have been woken, and be no more in a call to use that
}

/** The guests of a process that ends hear of it at their next poll or entry, and end there (guest.ts). => lock held. */
function endGuests(space: Space): void {
  if (space.contexts == 0) return
  revoke(space, null)
  while (space.contexts != 0) detachContext(contextAt(space.contexts))
  raiseAttention()
}

/** The children of a process have no parent from now on: its pid may be another's one day. => lock held. */
function orphan(pid: u32): void {
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process == null || process.parent != pid) continue
    put(changetype<usize>(process) + offsetof<Process>('parent'), 0)
  }
}

/** => another thread that is in a call of the process, -1 when none is. */
function callerOf(pid: u32): i32 {
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const at = THREADS + i * THREAD_BYTES
    const where = atomic.load<u32>(at) & WHERE_MASK
    if (i == me().index || where == WHERE_FREE || where == WHERE_DEAD) continue
    if (atomic.load<u32>(at + offsetof<Thread>('process')) == pid) return i
  }
  return -1
}

/** Calls of other threads in the process end before it does: their sleeps are interrupted. => false when somebody else ended it meanwhile. => lock held; free in between. */
function awaitCalls(process: Process): bool {
  const since = now(0)
  const pid = process.pid
  let caller = callerOf(pid)
  while (caller >= 0) {
    interrupt(<u32>caller)
    unlock()
    pauseForRing(0, 0)
    lock()
    if (now(0) - since > <f64>K.stallMs) {
      put(changetype<usize>(process) + offsetof<Process>('exiting'), 0)
      unlock()
      reportStall(<u32>caller)
      bury(<u32>caller)
      lock()
      if (findProcess(pid) != process || process.exiting != 0) return false
      beginEnd(process)
    }
    caller = callerOf(pid)
  }
  return true
}

/**
 * _exit(2): ends the process whatever its threads do; their next call with its pid is ESRCH. Where the host's exception ended this very call, it goes on
 * when it is made again. => 0, -ESRCH.
 */
export function sysExit(pid: u32, status: u32): i32 {
  lock()
  const process = findProcess(pid)
  if (process == null || (process.exiting != 0 && process.exiting != me().index + 1)) {
    unlock()
    return -ESRCH
  }
  put(changetype<usize>(process) + offsetof<Process>('status'), status)
  tellStatus(process.space!, status)
  endProcess(process)
  unlock()
  return 0
}

/** Thread `index` leaves a process; the last one ends it. => lock held; relaxes. */
export function leaveProcess(process: Process, index: u32): void {
  releaseHeld(index, process.pid)
  setThread(process, index, false)
  if (threadCount(process) == 0 && process.exiting == 0) endProcess(process)
}

/** What thread `index` was doing outside the lock is undone; a cut of a dead one is finished. => lock held; relaxes. */
function dropIo(index: u32, dead: bool): void {
  const thread = threadAt(index)
  const kind = thread.ioKind
  if (kind == IO_NONE) return
  const object = changetype<MemObject>(<usize>thread.ioObject)
  if (kind == IO_RESIZE && dead && object.uncut != 0) cut(object)
  put(changetype<usize>(thread) + offsetof<Thread>('ioKind'), IO_NONE)
  if (kind == IO_FILL) abandonFill(object, thread.ioIndex, thread.ioCount)
  else if (kind == IO_WRITE) abandonRun(object, thread.ioIndex, thread.ioCount)
  else if (kind == IO_RESIZE) abandonResize(object)
  releaseObject(object)
  relax()
}

/**
 * The processes that thread `index` ran lose it. What it had begun in one is finished: an exit, a fork that had no child yet (it gets none), and the unmaps of the
 * process whose call it was in. => lock held; relaxes.
 */
function dropProcesses(index: u32): void {
  const busy = findProcess(
    atomic.load<u32>(changetype<usize>(threadAt(index)) + offsetof<Thread>('process')),
  )
  dropForks(index)
  if (busy != null && busy.space!.changing == index + 1) finishDying(busy.space!)
  relax()
  dropChanges(index)
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process == null) continue
    if (process.exiting == index + 1) endProcess(process)
    else if (hasThread(process, index)) leaveProcess(process, index)
  }
}

/** => thread `index` of that sequence number executes nothing more in the kernel: it is DEAD or STOPPED, or the host has proof. */
function isGone(index: u32, sequence: u32, proven: bool): bool {
  if (proven) return declareDead(index, sequence)
  const where = atomic.load<u32>(THREADS + index * THREAD_BYTES) & WHERE_MASK
  if (where == WHERE_STOPPED) return declareDead(index, sequence)
  return where == WHERE_DEAD
}

/** What thread `index`, dead or out of its call, was doing and holding in a call that had not ended. => lock held; relaxes. */
function dropCall(index: u32, dead: bool): void {
  dropIo(index, dead)
  dropSpareMaker(index)
  dropHanded(index)
  dropWaits(index)
  relax()
  letGoObject(index)
  finishDoomed(index)
  releaseHolds(index)
  relax()
  freeGather(index)
}

/** This thread left a call by the host's exception: nothing of that call stays. What it had done to mappings stands. => lock not held. */
export function mendCall(): void {
  const index = me().index
  lock()
  dropCall(index, false)
  mendSems()
  dropForks(index)
  dropChanges(index)
  put(changetype<usize>(me()) + offsetof<Thread>('left'), 0)
  unlock()
}

/**
 * This thread left a call by an exception that is not ours: its stack ended. What the call had begun is undone, unmaps are finished as after a death, and the thread goes
 * on. Nothing happens when it was in none. => called by the host, from no call.
 */
export function abandonCall(): void {
  if (!beginAbandon()) return
  const index = me().index
  while (dropRequests(index) != 0) pauseForRing(0, 0)
  owe(0)
  atomic.store<u32>(changetype<usize>(me()) + offsetof<Thread>('grantBytes'), 0)
  if (!takeOver(index)) lock()
  const busy = findProcess(atomic.load<u32>(changetype<usize>(me()) + offsetof<Thread>('process')))
  if (busy != null && busy.space!.changing == index + 1) finishDying(busy.space!)
  unlock()
  mendCall()
  ringAll()
  atomic.store<u32>(changetype<usize>(me()) + offsetof<Thread>('context'), 0)
  endCall()
  leave()
}

/**
 * Releases all that a dead thread held and frees its slot. => 0, -ESRCH (no such thread, or reaped already), -EBUSY (it may still run: stop it, or
 * bring proof), -EAGAIN (a file call of it is still being served: the kernel is whole, its slot follows later).
 */
export function sysReap(index: u32, sequence: u32, proven: bool): i32 {
  if (index >= THREADS_MAX) return -ESRCH
  const state = atomic.load<u32>(THREADS + index * THREAD_BYTES)
  if (state >> STATE_SEQ_SHIFT != sequence || (state & WHERE_MASK) == WHERE_FREE) return -ESRCH
  if (!isGone(index, sequence, proven)) return -EBUSY
  failRequestsTo(index)
  const served = dropRequests(index)
  if (!takeOver(index)) lock()
  if (served != 0) {
    unlock()
    return -EAGAIN
  }
  atomic.store<u32>(THREADS + index * THREAD_BYTES + offsetof<Thread>('grantBytes'), 0)
  dropContexts(index)
  atomic.store<u32>(THREADS + index * THREAD_BYTES + offsetof<Thread>('context'), 0)
  dropCall(index, true)
  dropNotices(index)
  relax()
  releaseHeld(index, 0)
  mendSems()
  dropViews(index)
  dropProcesses(index)
  release(index)
  unlock()
  ringAll()
  return 0
}

/** This thread lets go of all that it has and frees its slot. => no call of this instance may follow. */
export function detachThread(): void {
  const index = me().index
  if (me().left != 0) mendCall()
  lock()
  dropContexts(index)
  dropViews(index)
  dropNotices(index)
  dropHanded(index)
  dropWaits(index)
  relax()
  dropProcesses(index)
  unlock()
  sweepIdle()
  release(index)
  ringAll()
}
