/**
 * System V segments as memory sees them: what one is, who counts its attaches, how it ends. The calls stand in shm.ts.
 *
 *   made (shmget) --IPC_RMID--> removed (SHM_DEST, no key) --last detach--> gone: id, pages and promise
 *
 * A segment owns an object and is one of its users; each attach is a vma that shows the object, and there is no other way to map it. So the object's users
 * decide when a removed segment ends (object.ts, idle.ts), and vma.ts counts: a vma more is an attach, one less a detach, whatever call that was.
 *
 * Invariants (checkSegments):
 *  1. segment.object.segment is the segment; the object has the segment's reference and one for each vma.
 *  2. nattch is the number of vmas that show the object.
 *  3. TOTAL is the sum of the segments' pages.
 * Guarded by the kernel lock, journalled. Source: Linux ipc/shm.c (shm_open, shm_close) for which time and pid moves when.
 */
import { PANIC_IPC } from './abi'
import { now } from './env'
import { Ipc, ipcAt, lastSlot, removeIpc } from './ipc'
import { IPC_SHM, IPCMNI, SHM_DEST } from './ipcabi'
import { edit, put } from './journal'
import { dropRef, MemObject } from './object'
import { check } from './panic'
import { Space } from './process'
import { destroyObject } from './release'
import { K, pageRound } from './root'
import { destroy } from './slab'
import { me } from './thread'
import { checkTree } from './tree'

@unmanaged
export class Segment extends Ipc {
  object: MemObject | null
  /** As asked for: shm_segsz. */
  bytes: u32
  nattch: u32
  cpid: u32
  lpid: u32
  /** The key that it was made with, which names it in maps for its whole life. */
  madeKey: i32
  /** SHM_LOCKED: on whose account, a real uid. */
  lockedBy: u32
  pad: u32
  /** Milliseconds since 1970, 0 for never. */
  atimeMs: f64
  dtimeMs: f64
  ctimeMs: f64
}

/** Pages of all segments. */
const TOTAL: usize = memory.data(16, 16)

/** => the segment that owns an object. => object.segment is not 0. */
export function segmentOf(object: MemObject): Segment {
  return changetype<Segment>(<usize>object.segment)
}

/** => the segment in `slot`, null when there is none. One that nobody can come to any more (removed, the last attach gone) is none. */
export function segmentAt(slot: u32): Segment | null {
  const segment = changetype<Segment | null>(ipcAt(IPC_SHM, slot))
  if (segment == null || ((segment.mode & SHM_DEST) != 0 && segment.nattch == 0)) return null
  return segment
}

/** => the segment of an id, null when it is stale or never was. */
export function findSegment(id: u32): Segment | null {
  const segment = segmentAt(id % IPCMNI)
  return segment != null && segment.id == id ? segment : null
}

export function pagesOfSegment(segment: Segment): u32 {
  return <u32>(pageRound(segment.bytes) >> K.pageShift)
}

/** => pages of all segments. */
export function segmentPages(): u32 {
  return load<u32>(TOTAL)
}

export function addPages(pages: u32): void {
  put(TOTAL, load<u32>(TOTAL) + pages)
}

/** Who does it: the process whose call this is; in an exit, which is in no call, the one that owns the space. */
function actor(space: Space): u32 {
  const caller = me().process
  return caller != 0 ? caller : space.pid
}

/** A vma of `space` more shows the object of a segment: shmat, fork, a split, a move. */
export function noteAttach(object: MemObject, space: Space): void {
  const segment = edit<Segment>(segmentOf(object))
  segment.nattch += 1
  segment.atimeMs = now(1)
  segment.lpid = actor(space)
}

/** One less: shmdt, munmap, a replacing mmap, exit. */
export function noteDetach(object: MemObject, space: Space): void {
  const segment = edit<Segment>(segmentOf(object))
  segment.nattch -= 1
  segment.dtimeMs = now(1)
  segment.lpid = actor(space)
}

/** Ends a removed segment that nobody shows. => object.refs is 1; lock held; relaxes. */
export function endSegment(object: MemObject): void {
  const segment = segmentOf(object)
  put(TOTAL, load<u32>(TOTAL) - pagesOfSegment(segment))
  edit<MemObject>(object).segment = 0
  dropRef(object)
  removeIpc(segment)
  destroy<Segment>(segment)
  destroyObject(object)
}

/** Panics at the first broken invariant. => lock held. */
export function checkSegments(): void {
  let pages: u32 = 0
  const last = lastSlot(IPC_SHM)
  for (let slot = 0; slot <= last; slot++) {
    const segment = changetype<Segment | null>(ipcAt(IPC_SHM, slot))
    if (segment == null) continue
    const object = segment.object!
    check(segmentOf(object) == segment, PANIC_IPC, segment.id)
    check(checkTree(object.mappers) == segment.nattch, PANIC_IPC, segment.id)
    check(object.refs > segment.nattch, PANIC_IPC, segment.id)
    check((object.removed != 0) == ((segment.mode & SHM_DEST) != 0), PANIC_IPC, segment.id)
    pages += pagesOfSegment(segment)
  }
  check(pages == load<u32>(TOTAL), PANIC_IPC, pages)
}
