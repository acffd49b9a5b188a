/**
 * Deaths in transactions: the journal's promise, tried on every one that a spec runs.
 *
 * At lock() all kernel metadata is copied: static data, the frame table, frames of slabs and page tables. At the end of the transaction,
 * and with `everyPush` before each push too, the thread dies in play: the undo records are popped, every byte is compared
 * with the copy, and then put back (redo), so that the transaction goes on. A store that was not journalled shows as a differing byte.
 *
 * Not compared, as journal.ts excepts them: the journal, the lock's words, the atomic words of thread slots and their grants, page contents,
 * and what was free before: structures in a slab's free list (but for their link) and past where it was carved, and of a free frame's
 * descriptor all but its kind, or 16 bytes where it heads a free block.
 *
 * Inside a transaction specs may not allocate managed memory, because its headers would differ.
 */
import { Context, contextsUsed, recordAt } from '../../../assembly/context'
import {
  FRAME_BYTES,
  FRAME_FREE,
  FRAME_HEAD,
  FRAME_SLAB,
  FRAME_TABLE,
  Frame,
} from '../../../assembly/frame'
import { EPOCH } from '../../../assembly/grace'
import { CLEARS, depth, LOG, LOG_BYTES, rollback, TOP } from '../../../assembly/journal'
import { K } from '../../../assembly/root'
import { THREAD_BYTES, THREADS, Thread, threadsUsed } from '../../../assembly/thread'

/** memoryBase of as-pect.asconfig.json; what is below holds only ATTENTION. */
const STATIC_START: usize = 65536

/** Where the copies are: static data, frame table, frames by index, the redo log. 0: nothing is looked at. */
let copies: usize = 0
let copiedTable: usize = 0
let copiedFrames: usize = 0
let redo: usize = 0

let everyPush: bool = false
let inPlay: bool = false
/** Deaths played, and the first byte that differed (0: none). */
let deaths: u32 = 0
let differs: usize = 0
let pushes: u32 = 0
let moments: u32 = 0
let left: u32 = 0
let looker: (() => void) | null = null
let differsPush: u32 = 0
let was: u32 = 0
let is: u32 = 0

/** Static ranges that are not compared: pairs of address and bytes. */
const EXEMPT: usize = memory.data(256, 16)
let exempt: u32 = 0

/** Reserves the room for copies behind the kernel's memory. => called once, after boot. */
export function watchTransactions(): void {
  const frames = (<usize>K.frameCount) << K.pageShift
  const bytes = __data_end + <usize>K.frameCount * FRAME_BYTES + frames + LOG_BYTES * 2
  const base = (<usize>memory.grow(<i32>((bytes + 0xffff) >> 16))) << 16
  copies = base
  copiedTable = (base + __data_end + 63) & ~63
  copiedFrames = copiedTable + <usize>K.frameCount * FRAME_BYTES
  redo = copiedFrames + frames
}

/** From now on a death is played before every push (true), or only at the ends. */
export function dieAtEveryPush(on: bool): void {
  everyPush = on
}

/** Before the push, or the end of a transaction, after `after` others, this thread dies for good: it traps. 0: never. */
export function dieForGood(after: u32): void {
  left = after
}

/** => pushes and ends of transactions so far. */
export function momentsSoFar(): u32 {
  return moments
}

function passMoment(): void {
  moments++
  if (left == 0) return
  left--
  if (left != 0) return
  ignoreTransaction()
  unreachable()
}

/** Static memory that means nothing between two calls (scratch), or is atomic. */
export function exemptStatic(address: usize, bytes: usize): void {
  store<u32>(EXEMPT + (exempt << 3), <u32>address)
  store<u32>(EXEMPT + (exempt << 3), <u32>bytes, 4)
  exempt++
}

/** Calls `look` at the end of every transaction, lock held; null: no more. It must not allocate. */
export function lookAtEnds(look: (() => void) | null): void {
  looker = look
}

/** => deaths played so far. */
export function deathsPlayed(): u32 {
  return deaths
}

/** Fails when any transaction since the last call would not have been undone whole. */
export function expectUndone(): void {
  const at = differs
  const push = differsPush
  differs = 0
  if (at == 0) return
  const values = `was ${was}, is ${is}`
  assert(false, `not restored: ${place(at)}, ${values}, at push ${push}`)
}

/** The transaction that this thread is in is not looked at, nor what it showed so far: as-pect allocated in it. */
export function ignoreTransaction(): void {
  inPlay = false
  differs = 0
}

function place(at: usize): string {
  if (at < __data_end) return `static, __data_end - ${__data_end - at}`
  if (at < K.framesBase) {
    const offset = at - K.tableBase
    return `descriptor of frame ${offset / 64}, byte ${offset % 64}`
  }
  const offset = at - K.framesBase
  return `frame ${offset >> K.pageShift}, byte ${offset & (K.pageBytes - 1)}`
}

function copyState(): void {
  memory.copy(copies + STATIC_START, STATIC_START, LOG - STATIC_START)
  const after = LOG + LOG_BYTES
  memory.copy(copies + after, after, __data_end - after)
  memory.copy(copiedTable, K.tableBase, <usize>K.frameCount * FRAME_BYTES)
  for (let i: u32 = 0; i < K.frameCount; i++) {
    const kind = load<u32>(K.tableBase + i * FRAME_BYTES)
    if (kind != FRAME_SLAB && kind != FRAME_TABLE) continue
    const offset = (<usize>i) << K.pageShift
    memory.copy(copiedFrames + offset, <usize>K.framesBase + offset, K.pageBytes)
  }
}

/** => the first byte of [at, at + bytes) that differs from the copy at `copy`, 0 when none does. */
function compare(at: usize, copy: usize, bytes: usize): usize {
  let i: usize = 0
  for (; i + 8 <= bytes; i += 8) if (load<u64>(at + i) != load<u64>(copy + i)) break
  for (; i < bytes; i++) if (load<u8>(at + i) != load<u8>(copy + i)) return at + i
  return 0
}

function forgive(at: usize, bytes: usize): void {
  memory.copy(copies + at, at, bytes)
}

function forgiveAtomic(): void {
  forgive(TOP, 8)
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const slot = THREADS + i * THREAD_BYTES
    forgive(slot, 8)
    forgive(slot + offsetof<Thread>('grantBytes'), 20)
    forgive(slot + offsetof<Thread>('calls'), 4)
    forgive(slot + offsetof<Thread>('process'), 4)
    forgive(slot + offsetof<Thread>('context'), 4)
  }
  forgive(EPOCH, 8)
  for (let i: u32 = 0; i < contextsUsed(); i++) forgiveContext(recordAt(i))
  for (let i: u32 = 0; i < exempt; i++) {
    forgive(load<u32>(EXEMPT + (i << 3)), load<u32>(EXEMPT + (i << 3), 4))
  }
}

/** Words that the record's own thread writes, or whoever asks it to hear. */
function forgiveContext(context: Context): void {
  const at = changetype<usize>(context)
  forgive(at, 4)
  forgive(at + offsetof<Context>('start'), 12)
  forgive(at + offsetof<Context>('bounceLow'), 20)
}

/** What was free in a slab before may hold anything now, but for the links of its free list. */
function forgiveSlab(before: Frame, offset: usize): void {
  const live = <usize>K.framesBase + offset
  const copy = copiedFrames + offset
  let at = <usize>before.object
  while (at != 0) {
    const inside = at - live
    const bytes = (before.order << 4) - 4
    memory.copy(copy + inside + 4, at + 4, bytes)
    at = load<u32>(copy + inside)
  }
  const carved = <usize>before.index
  memory.copy(copy + carved, live + carved, <usize>K.pageBytes - carved)
}

/** Of a free frame's descriptor only its kind means anything, of the first of a free block 16 bytes. */
function compareTable(): usize {
  const bytes = <usize>K.frameCount * FRAME_BYTES
  if (compare(K.tableBase, copiedTable, bytes) == 0) return 0
  for (let offset: usize = 0; offset < bytes; offset += FRAME_BYTES) {
    const before = changetype<Frame>(copiedTable + offset)
    if (before.kind != FRAME_FREE && before.kind != FRAME_HEAD) continue
    const kept: usize = before.kind == FRAME_FREE ? 4 : 16
    const at = copiedTable + offset + kept
    memory.copy(at, <usize>K.tableBase + offset + kept, <usize>FRAME_BYTES - kept)
  }
  return compare(K.tableBase, copiedTable, bytes)
}

function compareFrames(): usize {
  for (let i: u32 = 0; i < K.frameCount; i++) {
    const before = changetype<Frame>(copiedTable + i * FRAME_BYTES)
    if (before.kind != FRAME_SLAB && before.kind != FRAME_TABLE) continue
    const offset = (<usize>i) << K.pageShift
    const live = <usize>K.framesBase + offset
    if (compare(live, copiedFrames + offset, K.pageBytes) == 0) continue
    if (before.kind == FRAME_TABLE) return compare(live, copiedFrames + offset, K.pageBytes)
    forgiveSlab(before, offset)
    const at = compare(live, copiedFrames + offset, K.pageBytes)
    if (at != 0) return at
  }
  return 0
}

/** => the first byte of kernel metadata that differs from the copies, 0 when all are as they were. */
function compareState(): usize {
  forgiveAtomic()
  let at = compare(STATIC_START, copies + STATIC_START, LOG - STATIC_START)
  if (at != 0) return at
  const after = LOG + LOG_BYTES
  at = compare(after, copies + after, __data_end - after)
  if (at != 0) return at
  at = compareTable()
  return at != 0 ? at : compareFrames()
}

/** => where the copy of the byte at `at` is. */
function copyOf(at: usize): usize {
  if (at < __data_end) return copies + at
  return at < K.framesBase ? copiedTable + at - K.tableBase : copiedFrames + at - K.framesBase
}

/** Copies what a roll-back would overwrite (`back`: puts it there again). */
function keep(top: u32, back: bool): void {
  let words = redo + LOG_BYTES
  while (top != 0) {
    const count = load<u32>(LOG + top - 4)
    const clears = (count & CLEARS) != 0
    const bytes = clears ? 4 : count
    const address = <usize>load<u32>(LOG + top - 8)
    const at = redo + top - 8 - bytes
    if (clears) words = keepWords(words, address, load<u32>(LOG + top - 12), count & ~CLEARS, back)
    else if (back) memory.copy(address, at, bytes)
    else memory.copy(at, address, bytes)
    top -= bytes + 8
  }
}

/** The same for a record of words that are cleared. => where the next words are kept. */
function keepWords(at: usize, address: usize, stride: u32, count: u32, back: bool): usize {
  for (let i: u32 = 0; i < count; i++) {
    if (back) store<u32>(address + i * stride, load<u32>(at))
    else store<u32>(at, load<u32>(address + i * stride))
    at += 4
  }
  return at
}

/** Dies here, in play. */
function die(): void {
  const top = load<u32>(TOP)
  const freed = load<u32>(TOP, 4)
  keep(top, false)
  rollback()
  const at = compareState()
  if (at != 0 && differs == 0) note(at)
  keep(top, true)
  store<u32>(TOP, top)
  store<u32>(TOP, freed, 4)
  deaths++
}

function note(at: usize): void {
  differs = at
  was = load<u8>(copyOf(at))
  is = load<u8>(at)
  differsPush = pushes
}

/** What journal.ts and lock.ts call. */
@global
export class TransactionProbe {
  static began(): void {
    if (copies == 0) return
    copyState()
    pushes = 0
    inPlay = true
  }

  static saving(): void {
    if (!inPlay) return
    pushes++
    passMoment()
    if (everyPush) die()
  }

  static ending(): void {
    if (!inPlay) return
    passMoment()
    if (depth() != 0 || everyPush) die()
    const look = looker
    if (look != null) look()
    copyState()
    pushes = 0
  }
}
