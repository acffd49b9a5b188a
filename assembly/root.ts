/**
 * The root of all kernel state: what boot decided, and the counters that every layer shares.
 *
 *   0          64 KiB        STATIC_END      tableBase           framesBase                      memoryBytes
 *   | unused   | static data | (gap)         | frame descriptors | frames, pageBytes each ...    |
 *
 * Invariants:
 *  1. It lies in reserved static memory at an address that is the same in every thread's instance; `booted` is set last.
 *  2. The upper half is constant after boot and read without the lock; the lower half is guarded by the kernel lock and journalled.
 */
import { put, save } from './journal'

@unmanaged
export class Root {
  /** ABI_VERSION once boot is done, 0 before. */
  booted: u32
  pageShift: u32
  pageBytes: u32
  memoryBytes: u32
  tableBase: u32
  framesBase: u32
  frameCount: u32
  stallMs: u32
  mappingsMax: u32
  dirtyPagesMax: u32
  dirtyAgeMs: u32
  processesMax: u32
  bootRealtimeMs: f64
  flags: u32
  pad0: u32

  /** Frames in no use. */
  freeFrames: u32
  /** Frames promised: private writable and anonymous shared mappings, tmpfs pages, pins, kernel structures. */
  committed: u32
  commitLimit: u32
  /** Frames past the limit that the kernel's own structures may take. */
  kernelReserve: u32
  /** Dirty pages of objects with a backing store. */
  dirtyPages: u32
  /** Pages of objects with a backing store that are in the page cache. */
  cachedPages: u32
  /** Frames under host views whose mapping is gone. */
  orphanFrames: u32
  zeroFrame: u32
  evictHand: u32
  nextSerial: u64
  processes: u32
  nextPid: u32
  objects: u32
  rootInode: u32
  mappings: u32
  inodeLru: u32
  inodeLruTail: u32
  inodes: u32
  /** First of the objects that only their owner uses (object.ts). */
  idleObjects: u32
  /** First object with dirty pages (writeback.ts). */
  dirtyObjects: u32
  /** First private page whose last reader has not let go (space.ts). */
  limbo: u32
  /** Last id given to a host view. */
  nextView: u32
  /** A thread buffer that is nobody's, and the thread (index + 1) that makes one (buffer.ts). */
  spareBuffer: u32
  spareMaker: u32
  /** Pages that left to make room, modulo 2^32. */
  evictions: u32
  /** Directory of POSIX shared memory, in no tree (posixshm.ts). */
  shmInode: u32
  /** Directory of POSIX message queues, in no tree (mqopen.ts). */
  mqInode: u32
  /** The last number that an object was listed with, a write that is not durable has, or a fallocate (cache.ts). */
  notes: u64
}

export const K: Root = changetype<Root>(memory.data(256, 16))

/** Adds to one of the shared words of K: `add(offsetof<Root>('freeFrames'), -1)`. => lock held. */
export function add(field: usize, change: i32): void {
  const at = changetype<usize>(K) + field
  put(at, load<u32>(at) + change)
}

/** => a number never given before in this kernel's life. => lock held. */
export function serial(): u64 {
  return next(offsetof<Root>('nextSerial'))
}

/** => a number above all that were given for what is listed, written or allocated (cache.ts). => lock held. */
export function nextNote(): u64 {
  return next(offsetof<Root>('notes'))
}

/** => what one of the u64 words of K counts to. */
function next(field: usize): u64 {
  const at = changetype<usize>(K) + field
  save(at, 8)
  store<u64>(at, load<u64>(at) + 1)
  return load<u64>(at)
}

/** Bytes up to a page border, rounded up; 64-bit, so that nothing wraps. */
export function pageRound(bytes: u64): u64 {
  return (bytes + K.pageBytes - 1) & ~(<u64>K.pageBytes - 1)
}
