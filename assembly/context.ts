/**
 * Contexts of guests: what the code of one rewritten module, in one thread, knows of its process's memory.
 *
 *   a thread's list (thread.contexts, sibling)    made there, runs there, goes with it
 *   a space's list (space.contexts, next)         who has to hear when an entry of the space goes away (grace.ts)
 *
 * Records lie in a table and never become anything else: a module that outlives its context reads a record without pages. Those of a process that
 * ended (space 0) stay until their thread drops them, for guests that have not heard of it yet.
 *
 * Invariants (checkContexts):
 *  1. A used record is in the list of its thread; while `space` is not 0, in that space's, whose `contextCount` counts them.
 *  2. `directory` is its space's.
 *  3. `generation` is written by its own thread, in kernel entries; `wanted` by whoever revokes, under the lock.
 * Guarded by the kernel lock, journalled, but for `generation`, `wanted`, and the extent, which only the own thread touches.
 */
import {
  CONTEXT_BOUNCE,
  CONTEXT_BYTES,
  CONTEXT_DELTA,
  CONTEXT_DIRECTORY,
  CONTEXT_GENERATION,
  CONTEXT_LENGTH,
  CONTEXT_PAGE_SHIFT,
  CONTEXT_PID,
  CONTEXT_SPACE,
  CONTEXT_START,
  CONTEXT_STATUS,
  CONTEXTS_MAX,
  PANIC_GUEST,
} from './abi'
import { edit, put, save } from './journal'
import { check } from './panic'
import { Space } from './process'
import { K } from './root'
import { me, Thread, threadAt, threadsUsed } from './thread'

@unmanaged
export class Context {
  /** Atomic: the last epoch (grace.ts) that this context has heard of: nothing that it remembers is older. */
  generation: u32
  directory: u32
  start: u32
  length: u32
  delta: u32
  pageShift: u32
  pid: u32
  space: u32
  bounceLow: u64
  bounceHigh: u64
  /** Atomic: the last epoch in which it was asked to forget. */
  wanted: u32
  /** Thread (index + 1); 0: the record is free. */
  thread: u32
  next: u32
  sibling: u32
  /** Exit status of its process, once somebody ended that. */
  status: u32
}

if (offsetof<Context>() > CONTEXT_BYTES) ERROR('Context outgrew its record')
if (offsetof<Context>('generation') != CONTEXT_GENERATION) ERROR('CONTEXT_GENERATION')
if (offsetof<Context>('directory') != CONTEXT_DIRECTORY) ERROR('CONTEXT_DIRECTORY')
if (offsetof<Context>('start') != CONTEXT_START) ERROR('CONTEXT_START')
if (offsetof<Context>('length') != CONTEXT_LENGTH) ERROR('CONTEXT_LENGTH')
if (offsetof<Context>('delta') != CONTEXT_DELTA) ERROR('CONTEXT_DELTA')
if (offsetof<Context>('pageShift') != CONTEXT_PAGE_SHIFT) ERROR('CONTEXT_PAGE_SHIFT')
if (offsetof<Context>('pid') != CONTEXT_PID) ERROR('CONTEXT_PID')
if (offsetof<Context>('space') != CONTEXT_SPACE) ERROR('CONTEXT_SPACE')
if (offsetof<Context>('bounceLow') != CONTEXT_BOUNCE) ERROR('CONTEXT_BOUNCE')
if (offsetof<Context>('status') != CONTEXT_STATUS) ERROR('CONTEXT_STATUS')

const TABLE: usize = memory.data(131072, 64)
/** Records below this one were ever used; records in use. */
const USED: usize = memory.data(16, 16)
const COUNT: usize = USED + 4

if (CONTEXTS_MAX * CONTEXT_BYTES != 131072) ERROR('the table holds CONTEXTS_MAX records')

/** => record `index`. */
export function recordAt(index: u32): Context {
  return changetype<Context>(TABLE + index * CONTEXT_BYTES)
}

/** => records to look at in a walk over all. */
export function contextsUsed(): u32 {
  return load<u32>(USED)
}

/** => records in use, in all processes. */
export function contextCount(): u32 {
  return load<u32>(COUNT)
}

/** => the context at an address, 0 for none. */
export function contextAt(address: u32): Context {
  return changetype<Context>(<usize>address)
}

function freeRecord(): Context | null {
  const used = load<u32>(USED)
  for (let i: u32 = 0; i < used; i++) if (recordAt(i).thread == 0) return recordAt(i)
  if (used == CONTEXTS_MAX) return null
  put(USED, used + 1)
  return recordAt(used)
}

/** => a context of this thread on a space, null when there are CONTEXTS_MAX. => lock held. */
export function newContext(space: Space): Context | null {
  const context = freeRecord()
  if (context == null) return null
  const at = <u32>changetype<usize>(context)
  edit<Context>(context)
  context.directory = space.directory
  context.start = 0
  context.length = 0
  context.delta = 0
  context.pageShift = K.pageShift
  context.pid = space.pid
  context.space = <u32>changetype<usize>(space)
  context.thread = me().index + 1
  context.next = space.contexts
  context.sibling = me().contexts
  context.status = 0
  put(changetype<usize>(me()) + offsetof<Thread>('contexts'), at)
  edit<Space>(space).contexts = at
  space.contextCount += 1
  put(COUNT, load<u32>(COUNT) + 1)
  return context
}

/** => this thread made the context at `address` and has not dropped it. */
export function isMine(address: u32): bool {
  let at = me().contexts
  while (at != 0 && at != address) at = contextAt(at).sibling
  return at != 0
}

/** Takes a context out of its space's list: its process ends, or it goes. => lock held. */
export function detachContext(context: Context): void {
  if (context.space == 0) return
  const space = edit<Space>(changetype<Space>(<usize>context.space))
  let link = changetype<usize>(space) + offsetof<Space>('contexts')
  while (load<u32>(link) != <u32>changetype<usize>(context)) {
    check(load<u32>(link) != 0, PANIC_GUEST)
    link = <usize>load<u32>(link) + offsetof<Context>('next')
  }
  put(link, context.next)
  space.contextCount -= 1
  clear(context, offsetof<Context>('space'))
  clear(context, offsetof<Context>('directory'))
  clear(context, offsetof<Context>('next'))
}

/** Clears one word; not a whole record, whose thread may be writing to it. */
function clear(context: Context, field: usize): void {
  put(changetype<usize>(context) + field, 0)
}

/** Frees a context of thread `index`. => lock held, the guest's code does not run. */
export function dropContext(index: u32, context: Context): void {
  detachContext(context)
  let link = changetype<usize>(threadAt(index)) + offsetof<Thread>('contexts')
  while (load<u32>(link) != <u32>changetype<usize>(context)) {
    check(load<u32>(link) != 0, PANIC_GUEST)
    link = <usize>load<u32>(link) + offsetof<Context>('sibling')
  }
  put(link, context.sibling)
  clear(context, offsetof<Context>('thread'))
  clear(context, offsetof<Context>('sibling'))
  clear(context, offsetof<Context>('length'))
  put(COUNT, load<u32>(COUNT) - 1)
}

/** Frees all contexts of thread `index`, which has left or is dead. => lock held. */
export function dropContexts(index: u32): void {
  while (threadAt(index).contexts != 0) dropContext(index, contextAt(threadAt(index).contexts))
}

/** The space's page directory is another one, or none: its contexts learn it. => lock held. */
export function tellDirectory(space: Space): void {
  for (let at = space.contexts; at != 0; at = contextAt(at).next) {
    const word = <usize>at + CONTEXT_DIRECTORY
    save(word, 4)
    atomic.store<u32>(word, space.directory)
  }
}

/** The process of the space ends with `status`: its contexts learn it. => lock held. */
export function tellStatus(space: Space, status: u32): void {
  for (let at = space.contexts; at != 0; at = contextAt(at).next) {
    put(<usize>at + CONTEXT_STATUS, status)
  }
}

/** Panics at the first broken invariant. => lock held. */
export function checkContexts(): void {
  let count: u32 = 0
  for (let i: u32 = 0; i < contextsUsed(); i++) {
    const context = recordAt(i)
    if (context.thread == 0) {
      check(context.space == 0 && context.directory == 0, PANIC_GUEST, i)
      continue
    }
    count++
    check(context.thread <= threadsUsed() && isListed(context), PANIC_GUEST, i)
    if (context.space == 0) continue
    const space = changetype<Space>(<usize>context.space)
    check(space.pid == context.pid && space.directory == context.directory, PANIC_GUEST, i)
    check(countOf(space, context) == space.contextCount, PANIC_GUEST, i)
  }
  check(count == load<u32>(COUNT), PANIC_GUEST, count)
}

function isListed(context: Context): bool {
  let at = threadAt(context.thread - 1).contexts
  while (at != 0 && at != <u32>changetype<usize>(context)) at = contextAt(at).sibling
  return at != 0
}

/** => contexts in the space's list, 0 when `context` is not among them. */
function countOf(space: Space, context: Context): u32 {
  let count: u32 = 0
  let found = false
  for (let at = space.contexts; at != 0; at = contextAt(at).next) {
    if (contextAt(at) == context) found = true
    count++
  }
  return found ? count : 0
}
