/**
 * A kernel in the memory of a spec: booted by hand beside the spec's own heap, one thread, one process.
 *
 * `checkAll` is every structure checker at once; `restores` proves that a change is journalled: what it did is rolled back and every
 * byte that was in use must be as it was.
 */
import { THREAD_MAY_BLOCK } from '../../../assembly/abi'
import { checkTreeOf } from '../../../assembly/dir'
import { checkTable } from '../../../assembly/fd'
import {
  bootFrames,
  checkFrames,
  FRAME_BYTES,
  FRAME_FREE,
  FRAME_HEAD,
  FRAME_SLAB,
  Frame,
  frameAddress,
  frameAt,
} from '../../../assembly/frame'
import { checkIdle, sweepIdle } from '../../../assembly/idle'
import { checkMounted, Inode } from '../../../assembly/inode'
import { LOG, LOG_BYTES, rollback } from '../../../assembly/journal'
import { lock, unlock } from '../../../assembly/lock'
import { checkMounts } from '../../../assembly/mount'
import { newProcess, Process } from '../../../assembly/process'
import { K } from '../../../assembly/root'
import { checkSlabs } from '../../../assembly/slab'
import { claim, me } from '../../../assembly/thread'
import { bootTree } from '../../../assembly/tmpfs'

const PAGE_BYTES: u32 = 4096
const BUFFER_PAGES: u32 = 2

/** Where the snapshot of `restores` is. */
let copy: usize = 0
let staticBytes: usize = 0
/** The process of the spec. */
export let process: Process = changetype<Process>(0)

/** Boots a kernel of 1024 frames, once for this spec. */
export function bootForSpec(): void {
  bootWith(1024)
}

/** Boots a kernel of so many frames, once for this spec. */
export function bootWith(frames: u32): void {
  if (K.frameCount != 0) return
  const tablePages = (frames * FRAME_BYTES + 0xffff) >> 16
  const framePages = (frames * PAGE_BYTES) >> 16
  const area = (<usize>memory.grow(BUFFER_PAGES + tablePages + framePages)) << 16
  K.pageShift = 12
  K.pageBytes = PAGE_BYTES
  K.tableBase = <u32>area + (BUFFER_PAGES << 16)
  K.framesBase = K.tableBase + (tablePages << 16)
  K.frameCount = frames
  K.commitLimit = frames - 128
  K.kernelReserve = 32
  K.stallMs = 10000
  K.mappingsMax = 1000
  K.dirtyPagesMax = 256
  K.processesMax = 64
  K.nextPid = 1
  staticBytes = __data_end
  copy = (<usize>memory.grow(<i32>((staticBytes >> 16) + 1) + tablePages + framePages)) << 16
  claim(THREAD_MAY_BLOCK)
  me().buffer = <u32>area
  lock()
  bootFrames()
  bootTree()
  process = newProcess(0)!
  unlock()
}

/** => another process of the kernel, with these ids. */
export function anotherProcess(uid: u32, gid: u32): Process {
  lock()
  const made = newProcess(0)!
  made.uid = uid
  made.euid = uid
  made.gid = gid
  made.egid = gid
  unlock()
  return made
}

/** Puts a string at `offset` of the thread's buffer. => its bytes; `textAt` has the address. */
export function putText(text: string, offset: u32): u32 {
  const bytes = String.UTF8.byteLength(text)
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, textAt(offset))
  return bytes
}

export function textAt(offset: u32): usize {
  return <usize>me().buffer + offset
}

/** => the string of `bytes` bytes at `offset` of the thread's buffer. */
export function getText(offset: u32, bytes: u32): string {
  return String.UTF8.decodeUnsafe(textAt(offset), bytes)
}

/** Sweeps, then panics at the first broken invariant of any structure. */
export function checkAll(): void {
  sweepIdle()
  lock()
  checkFrames()
  checkSlabs()
  checkTreeOf(changetype<Inode>(<usize>K.rootInode))
  checkMounted()
  checkIdle()
  checkMounts()
  checkTable(process)
  unlock()
}

/** => rolling back what `change` does, one transaction under the lock, restores every byte in use. */
export function restores(change: () => void): bool {
  lock()
  const framesBytes = K.frameCount * PAGE_BYTES
  const tableBytes = K.frameCount * FRAME_BYTES
  memory.copy(copy, 0, staticBytes)
  memory.copy(copy + staticBytes, K.tableBase, tableBytes)
  memory.copy(copy + staticBytes + tableBytes, K.framesBase, framesBytes)
  change()
  rollback()
  let same = sameStatic()
  if (!sameTable()) same = false
  for (let i: u32 = 0; i < K.frameCount; i++) if (!sameFrame(i)) same = false
  unlock()
  return same
}

/** Static data but for the journal's own bytes, and what of this spec lies before the kernel's. */
function sameStatic(): bool {
  for (let at: usize = 65536; at < staticBytes; at += 4) {
    if (at == LOG) at += LOG_BYTES
    if (load<u32>(at) != load<u32>(copy + at)) return false
  }
  return true
}

/** Frame descriptors; of one that was free only its kind, and where it headed a block its links, mean anything. */
function sameTable(): bool {
  for (let offset: usize = 0; offset < K.frameCount * FRAME_BYTES; offset += FRAME_BYTES) {
    const before = copy + staticBytes + offset
    const kind = changetype<Frame>(before).kind
    const kept: usize = kind == FRAME_FREE ? 4 : kind == FRAME_HEAD ? 16 : FRAME_BYTES
    if (memory.compare(before, <usize>K.tableBase + offset, kept) != 0) return false
  }
  return true
}

function sameFrame(index: u32): bool {
  const frame = frameAt(index)
  if (frame.kind == FRAME_FREE || frame.kind == FRAME_HEAD) return true
  const at = frameAddress(frame)
  const before = copy + staticBytes + K.frameCount * FRAME_BYTES + (at - K.framesBase)
  if (memory.compare(at, before, PAGE_BYTES) == 0) return true
  if (frame.kind != FRAME_SLAB) return false
  const bytes = frame.order << 4
  for (let cell: u32 = 0; cell + bytes <= <u32>frame.index; cell += bytes) {
    if (isFree(frame.object, at + cell)) continue
    if (memory.compare(at + cell, before + cell, bytes) != 0) return false
  }
  return true
}

function isFree(list: u32, cell: usize): bool {
  for (let at: usize = list; at != 0; at = load<u32>(at)) if (at == cell) return true
  return false
}
