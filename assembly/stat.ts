/**
 * Counters and snapshots for observers: nothing here changes anything, nothing elsewhere depends on it.
 */
import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  BUFFER_RESULT,
  PROCESSES_MAX,
  STAT_KERNEL_BYTES,
  STAT_MAP_ANONYMOUS,
  STAT_MAP_BYTES,
  STAT_MAP_END,
  STAT_MAP_FLAGS,
  STAT_MAP_INO,
  STAT_MAP_KEY,
  STAT_MAP_LOCKED,
  STAT_MAP_MAX_PROT,
  STAT_MAP_MOUNT,
  STAT_MAP_OBJECT_DIRTY,
  STAT_MAP_OBJECT_RESIDENT,
  STAT_MAP_OFFSET,
  STAT_MAP_PROT,
  STAT_MAP_SEGMENT,
  STAT_MAP_SHARED,
  STAT_MAP_SHMID,
  STAT_MAP_START,
  STAT_PAGE_DIRTY,
  STAT_PAGE_PRESENT,
  STAT_PAGE_PRIVATE,
  STAT_PAGE_VIEWED,
  STAT_PAGE_WRITABLE,
  STAT_PAGE_ZERO,
  STAT_PROCESS_BYTES,
  STAT_PROCESS_EGID,
  STAT_PROCESS_EUID,
  STAT_PROCESS_MAPPINGS,
  STAT_PROCESS_PAGES,
  STAT_PROCESS_PARENT,
  STAT_PROCESS_PID,
  STAT_PROCESS_THREADS,
  STAT_WAIT_BYTES,
  STAT_WAIT_ID,
  STAT_WAIT_ON,
  STAT_WAIT_PID,
  STAT_WAIT_THREAD,
  WAIT_ON_OTHER,
  WAIT_ON_PIPE,
  WAIT_ON_POLL,
  WAIT_ON_POSIX_QUEUE,
  WAIT_ON_SEGMENT,
  WAIT_ON_WORD,
  WHERE_MASK,
  WHERE_PARKED,
  WINDOW_END,
} from './abi'
import { findPage, isDirty, PAGE_VIEWED } from './cache'
import { Frame, largestRun } from './frame'
import { Inode } from './inode'
import { Ipc, ipcAt, ipcCount, lastSlot } from './ipc'
import { IPC_KINDS, IPC_MSG, IPC_SEM, IPC_SHM } from './ipcabi'
import { lock, unlock } from './lock'
import { inWindow } from './mmap'
import { Process, processAt } from './process'
import { frameOfPte, PTE_PRIVATE, PTE_WRITE, PTE_ZERO, pteOf } from './pte'
import { K } from './root'
import { segmentOf } from './segment'
import { me, threadAt, threadsUsed } from './thread'
import { findVma, indexOf, nextVma, VMA_ANONYMOUS, VMA_LOCKED, VMA_SHARED, Vma } from './vma'
import { isQueued, ON_PIPE, ON_POSIX_QUEUE, POLLED, Wait } from './wait'

function result(): usize {
  return <usize>me().buffer + BUFFER_RESULT
}

/** Writes the kernel's counters, words in the order of STAT_KERNEL_* (abi.ts), to BUFFER_RESULT. => bytes written. */
export function sysStatKernel(): i32 {
  const to = result()
  lock()
  store<u32>(to, K.pageBytes)
  store<u32>(to, K.frameCount, 4)
  store<u32>(to, K.freeFrames, 8)
  store<u32>(to, K.committed, 12)
  store<u32>(to, K.commitLimit, 16)
  store<u32>(to, K.dirtyPages, 20)
  store<u32>(to, K.cachedPages, 24)
  store<u32>(to, K.orphanFrames, 28)
  store<u32>(to, K.processes, 32)
  store<u32>(to, K.objects, 36)
  store<u32>(to, K.mappings, 40)
  store<u32>(to, K.inodes, 44)
  store<u32>(to, largestRun(), 48)
  store<u32>(to, ipcCount(IPC_SHM), 52)
  store<u32>(to, ipcCount(IPC_MSG), 56)
  store<u32>(to, ipcCount(IPC_SEM), 60)
  store<u32>(to, sleepers(), 64)
  unlock()
  return STAT_KERNEL_BYTES
}

/** => threads that sleep in a call until another does something. => lock held. */
function sleepers(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < threadsUsed(); i++) if (sleepOf(i) != null) count++
  return count
}

/**
 * => what thread `index` sleeps on, null when it does not. One that was rung, looks, and is about to sleep on counts as asleep; one that runs may have queued
 * itself to hear of something later (poll.ts) and does not.
 */
function sleepOf(index: u32): Wait | null {
  const wait = changetype<Wait | null>(<usize>threadAt(index).waits)
  if (wait == null || !isQueued(wait)) return null
  return wait.detail == POLLED && !isParked(index) ? null : wait
}

function isParked(index: u32): bool {
  const state = atomic.load<u32>(changetype<usize>(threadAt(index)))
  return (state & WHERE_MASK) == WHERE_PARKED
}

/** Writes a record of STAT_WAIT_* a sleeping thread to BUFFER_DATA. => records. */
export function sysStatWaits(): i32 {
  const base = <usize>me().buffer + BUFFER_DATA
  let count: u32 = 0
  lock()
  for (let i: u32 = 0; i < threadsUsed(); i++) {
    const wait = sleepOf(i)
    if (wait == null) continue
    writeWait(base + count * STAT_WAIT_BYTES, wait)
    count++
  }
  unlock()
  return count
}

function writeWait(to: usize, wait: Wait): void {
  const object = ipcOf(wait.key)
  store<u32>(to, wait.thread, STAT_WAIT_THREAD)
  store<u32>(to, threadAt(wait.thread).process, STAT_WAIT_PID)
  store<u32>(to, kindOf(wait.detail), STAT_WAIT_ON)
  store<u32>(to, <u32>wait.key, STAT_WAIT_ID)
  if (object == null) return
  store<u32>(to, WAIT_ON_SEGMENT + object.kind, STAT_WAIT_ON)
  store<u32>(to, object.id, STAT_WAIT_ID)
}

/** => the WAIT_ON_* of a sleep on what is no System V object. */
function kindOf(detail: u64): u32 {
  if (detail == POLLED) return WAIT_ON_POLL
  if ((detail & ON_PIPE) != 0) return WAIT_ON_PIPE
  if ((detail & ON_POSIX_QUEUE) != 0) return WAIT_ON_POSIX_QUEUE
  return detail != 0 ? WAIT_ON_WORD : WAIT_ON_OTHER
}

/** => the System V object at an address that is a key of waiters, null when it is another's. */
function ipcOf(key: u64): Ipc | null {
  for (let kind: u32 = 0; kind < IPC_KINDS; kind++) {
    const last = lastSlot(kind)
    for (let slot = 0; slot <= last; slot++) {
      const object = ipcAt(kind, slot)
      if (object != null && changetype<usize>(object) == <usize>key) return object
    }
  }
  return null
}

/** => what observers are told of one page: STAT_PAGE_* bits. */
function pageBits(process: Process, vma: Vma, address: u32): u32 {
  const object = vma.object
  const entry = pteOf(process.space!, address)
  let frame: Frame | null = null
  let bits: u32 = 0
  if ((entry & PTE_ZERO) != 0) return STAT_PAGE_PRESENT | STAT_PAGE_ZERO
  if ((entry & PTE_PRIVATE) != 0) bits |= STAT_PAGE_PRESENT | STAT_PAGE_PRIVATE
  else if (entry != 0) frame = frameOfPte(entry)
  else if (object != null) frame = findPage(object, indexOf(vma, address))
  if ((entry & PTE_WRITE) != 0) bits |= STAT_PAGE_WRITABLE
  if (frame == null) return bits
  bits |= STAT_PAGE_PRESENT
  if (isDirty(frame)) bits |= STAT_PAGE_DIRTY
  if ((frame.flags & PAGE_VIEWED) != 0) bits |= STAT_PAGE_VIEWED
  return bits
}

/** Writes one byte of STAT_PAGE_* bits a page from `address` on to BUFFER_DATA. => pages written; a hole is 0. */
export function sysStatPages(process: Process, address: u64, pages: u32): i32 {
  const count = min<u32>(pages, BUFFER_DATA_BYTES)
  const to = <usize>me().buffer + BUFFER_DATA
  lock()
  for (let i: u32 = 0; i < count; i++) {
    const at = address + ((<u64>i) << K.pageShift)
    const vma = inWindow(at, 1) ? findVma(process.space!, <u32>at) : null
    store<u8>(to + i, vma == null ? 0 : pageBits(process, vma, <u32>at))
  }
  unlock()
  return count
}

/** Writes a record of STAT_MAP_* a mapping, from the first that ends past `from`, to BUFFER_DATA. => records written; 0 at the end. */
export function sysStatMaps(process: Process, from: u64): i32 {
  const base = <usize>me().buffer + BUFFER_DATA
  let count: u32 = 0
  lock()
  let vma = nextVma(process.space!, from)
  while (vma != null && (count + 1) * STAT_MAP_BYTES <= BUFFER_DATA_BYTES) {
    writeMap(base + count * STAT_MAP_BYTES, vma)
    count++
    vma = vma.end >= WINDOW_END ? null : nextVma(process.space!, vma.end)
  }
  unlock()
  return count
}

function writeMap(to: usize, vma: Vma): void {
  const object = vma.object
  store<u32>(to, <u32>vma.start, STAT_MAP_START)
  store<u32>(to, <u32>vma.end, STAT_MAP_END)
  store<u32>(to, vma.prot, STAT_MAP_PROT)
  store<u32>(to, mapFlags(vma), STAT_MAP_FLAGS)
  store<f64>(to, <f64>(vma.pageStart << K.pageShift), STAT_MAP_OFFSET)
  store<f64>(to, inodeNumber(vma), STAT_MAP_INO)
  store<u32>(to, vma.maxProt, STAT_MAP_MAX_PROT)
  store<i32>(to, object == null || vma.inode == 0 ? -1 : object.mount, STAT_MAP_MOUNT)
  store<u32>(to, object == null ? 0 : object.resident, STAT_MAP_OBJECT_RESIDENT)
  store<u32>(to, object == null ? 0 : object.dirtyPages, STAT_MAP_OBJECT_DIRTY)
  if (object == null || object.segment == 0) return
  store<u32>(to, segmentOf(object).id, STAT_MAP_SHMID)
  store<i32>(to, segmentOf(object).madeKey, STAT_MAP_KEY)
}

/** => what observers are told of a mapping: STAT_MAP_* bits. */
function mapFlags(vma: Vma): u32 {
  let flags: u32 = 0
  if ((vma.flags & VMA_SHARED) != 0) flags |= STAT_MAP_SHARED
  if ((vma.flags & VMA_LOCKED) != 0) flags |= STAT_MAP_LOCKED
  if ((vma.flags & VMA_ANONYMOUS) != 0) flags |= STAT_MAP_ANONYMOUS
  if (vma.attach != 0) flags |= STAT_MAP_SEGMENT
  return flags
}

function inodeNumber(vma: Vma): f64 {
  if (vma.inode == 0) return 0
  return <f64>changetype<Inode>(<usize>vma.inode).ino
}

/**
 * Writes a record of STAT_PROCESS_* a process, from entry `from` of the table on, to BUFFER_DATA. BUFFER_RESULT gets the entry to go on from,
 * PROCESSES_MAX at the end. => records written.
 */
export function sysStatProcesses(from: u32): i32 {
  const base = <usize>me().buffer + BUFFER_DATA
  let count: u32 = 0
  let entry = from
  lock()
  for (; entry < PROCESSES_MAX && (count + 1) * STAT_PROCESS_BYTES <= BUFFER_DATA_BYTES; entry++) {
    const process = processAt(entry)
    if (process == null) continue
    writeProcess(base + count * STAT_PROCESS_BYTES, process)
    count++
  }
  unlock()
  store<u32>(result(), entry)
  return count
}

function writeProcess(to: usize, process: Process): void {
  const threads =
    popcnt(process.threads0) +
    popcnt(process.threads1) +
    popcnt(process.threads2) +
    popcnt(process.threads3)
  store<u32>(to, process.pid, STAT_PROCESS_PID)
  store<u32>(to, process.parent, STAT_PROCESS_PARENT)
  store<u32>(to, process.euid, STAT_PROCESS_EUID)
  store<u32>(to, process.egid, STAT_PROCESS_EGID)
  store<u32>(to, <u32>threads, STAT_PROCESS_THREADS)
  store<u32>(to, process.space!.count, STAT_PROCESS_MAPPINGS)
  store<u32>(to, process.space!.mappedPages, STAT_PROCESS_PAGES)
}
