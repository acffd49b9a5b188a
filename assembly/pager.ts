/**
 * The way down: file calls towards the provider of a mount, made here or handed to the thread that owns it.
 *
 *   a thread that serves the mount:  call() -> import of wasi_snapshot_preview1 -> provider
 *   every other thread:              call() -> ring slot FILLED, owner's doorbell; parks on its own -> DONE -> result
 *
 * A ring slot:  FREE -> CLAIMED -> FILLED (requester) -> TAKEN (owner's host: takeRequest) -> DONE (finishRequest) -> FREE (requester)
 *
 * Invariants:
 *  1. Never called with the kernel lock held. Pointers in the arguments are into kernel memory that stays the requester's until
 *     DONE: a dead requester's slot and buffer are kept until then (requestsOf).
 *  2. The state word is atomic and every change is made by the party named above; arguments are written before FILLED.
 *  3. A mount whose names a call may have changed is noted before the call, as its thread may die in it, and after it, as a sync may
 *     have come between. Who clears the note makes the names durable, or sets it again.
 */
import {
  EIO,
  EWOULDBLOCK_PARK,
  MOUNTS_MAX,
  PANIC_RING,
  RING_ARGS,
  RING_BYTES,
  RING_CLAIMED,
  RING_DONE,
  RING_FILLED,
  RING_FREE,
  RING_MOUNT,
  RING_OP,
  RING_REQUESTER,
  RING_RESULT,
  RING_SLOTS,
  RING_STATE,
  RING_TAKEN,
  WASI_FD_CLOSE,
  WASI_FD_DATASYNC,
  WASI_FD_FILESTAT_GET,
  WASI_FD_FILESTAT_SET_SIZE,
  WASI_FD_FILESTAT_SET_TIMES,
  WASI_FD_PREAD,
  WASI_FD_PWRITE,
  WASI_FD_READDIR,
  WASI_FD_SYNC,
  WASI_PATH_CREATE_DIRECTORY,
  WASI_PATH_FILESTAT_GET,
  WASI_PATH_FILESTAT_SET_TIMES,
  WASI_PATH_LINK,
  WASI_PATH_OPEN,
  WASI_PATH_READLINK,
  WASI_PATH_REMOVE_DIRECTORY,
  WASI_PATH_RENAME,
  WASI_PATH_SYMLINK,
  WASI_PATH_UNLINK_FILE,
} from './abi'
import { check } from './panic'
import { mayBlock, me, ring } from './thread'
import { pauseForRing } from './wait'
import * as wasi from './wasi_snapshot_preview1'

const RING: usize = memory.data(8192, 64)
/** Thread slot + 1 that owns each mount, 0: every thread serves it itself. Set at mount time. */
const OWNERS: usize = memory.data(256, 16)

/** Atomic: 1 for each mount whose names changed since they were last synced. */
const RENAMED: usize = memory.data(256, 16)

export const OFLAGS_CREAT: u32 = 1

if (MOUNTS_MAX * 4 != 256) ERROR('OWNERS and RENAMED hold MOUNTS_MAX mounts')

/** Requester of a close that nobody waits for: from a thread that may not sleep. */
const NOBODY: u32 = 0xffffffff

/** => this thread can make calls on the mount: it serves it, or may sleep until another has. */
export function canCall(mount: u32): bool {
  const owner = ownerOf(mount)
  return owner < 0 || <u32>owner == me().index || mayBlock()
}

/** Names thread `index` as the one that serves `mount`; -1: every thread does. => mount < MOUNTS_MAX. */
export function setOwner(mount: u32, index: i32): void {
  check(mount < MOUNTS_MAX, PANIC_RING, mount)
  atomic.store<u32>(OWNERS + ((<usize>mount) << 2), <u32>(index + 1))
}

/** => the thread that serves `mount`, -1 when every thread does. */
export function ownerOf(mount: u32): i32 {
  return <i32>atomic.load<u32>(OWNERS + ((<usize>mount) << 2)) - 1
}

/** Names of the mount are not durable yet. */
export function noteNames(mount: u32): void {
  atomic.store<u32>(RENAMED + ((<usize>mount) << 2), 1)
}

/** => names of the mount may have changed since this was last asked. */
export function takeNames(mount: u32): bool {
  return atomic.xchg<u32>(RENAMED + ((<usize>mount) << 2), 0) != 0
}

function changesNames(op: u32, oflags: u64): bool {
  switch (op) {
    case WASI_PATH_OPEN:
      return (oflags & OFLAGS_CREAT) != 0
    case WASI_PATH_CREATE_DIRECTORY:
    case WASI_PATH_REMOVE_DIRECTORY:
    case WASI_PATH_UNLINK_FILE:
    case WASI_PATH_RENAME:
    case WASI_PATH_LINK:
    case WASI_PATH_SYMLINK:
      return true
    default:
      return false
  }
}

/**
 * Makes one WASI call on `mount`; arguments in the order of preview 1, unused ones 0. => WASI errno, 0 when done.
 * May sleep. A thread that may not gets EWOULDBLOCK_PARK, and nothing was done; its closes are done later. => lock not held.
 */
export function call(
  mount: u32,
  op: u32,
  a: u64,
  b: u64 = 0,
  c: u64 = 0,
  d: u64 = 0,
  e: u64 = 0,
  f: u64 = 0,
  g: u64 = 0,
  h: u64 = 0,
  i: u64 = 0,
): u32 {
  const names = changesNames(op, e)
  if (names) noteNames(mount)
  const owner = ownerOf(mount)
  if (owner < 0 || <u32>owner == me().index) {
    const error = direct(op, a, b, c, d, e, f, g, h, i)
    if (names) noteNames(mount)
    return error
  }
  const waits = mayBlock()
  if (!waits && op != WASI_FD_CLOSE) return EWOULDBLOCK_PARK
  const slot = claimSlot()
  const args = slot + RING_ARGS
  store<u64>(args, a)
  store<u64>(args, b, 8)
  store<u64>(args, c, 16)
  store<u64>(args, d, 24)
  store<u64>(args, e, 32)
  store<u64>(args, f, 40)
  store<u64>(args, g, 48)
  store<u64>(args, h, 56)
  store<u64>(args, i, 64)
  store<u32>(slot, op, RING_OP)
  store<u32>(slot, mount, RING_MOUNT)
  store<u32>(slot, waits ? me().index : NOBODY, RING_REQUESTER)
  atomic.store<u32>(slot + RING_STATE, RING_FILLED)
  ring(<u32>owner)
  if (!waits) return 0
  while (atomic.load<u32>(slot + RING_STATE) != RING_DONE)
    pauseForRing(slot + RING_STATE, RING_DONE)
  const result = load<u32>(slot, RING_RESULT)
  atomic.store<u32>(slot + RING_STATE, RING_FREE)
  if (names) noteNames(mount)
  return result
}

/** => a free ring slot, claimed by this thread. Waits while all are busy. */
function claimSlot(): usize {
  for (let i: u32 = 0; i < RING_SLOTS; i++) {
    const slot = RING + i * RING_BYTES
    if (atomic.load<u32>(slot + RING_STATE) != RING_FREE) continue
    store<u32>(slot, me().index, RING_REQUESTER)
    if (atomic.cmpxchg<u32>(slot + RING_STATE, RING_FREE, RING_CLAIMED) == RING_FREE) return slot
  }
  pauseForRing(0, 0)
  return claimSlot()
}

/** Where this thread looks first: behind the request it took last, so that busy requesters in low slots hold up nobody. */
let nextTaken: u32 = 0

/** The owner's host takes the next request. => address of its slot, 0 when there is none for this thread. */
export function takeRequest(): usize {
  for (let i: u32 = 0; i < RING_SLOTS; i++) {
    const slot = RING + ((nextTaken + i) % RING_SLOTS) * RING_BYTES
    if (atomic.load<u32>(slot + RING_STATE) != RING_FILLED) continue
    if (ownerOf(load<u32>(slot, RING_MOUNT)) != <i32>me().index) continue
    if (atomic.cmpxchg<u32>(slot + RING_STATE, RING_FILLED, RING_TAKEN) != RING_FILLED) continue
    nextTaken = (nextTaken + i + 1) % RING_SLOTS
    return slot
  }
  return 0
}

/** The owner's host gives the result of a request that it took. */
export function finishRequest(slot: usize, result: u32): void {
  check(
    slot >= RING && slot < RING + RING_SLOTS * RING_BYTES && (slot - RING) % RING_BYTES == 0,
    PANIC_RING,
    <u32>slot,
  )
  check(atomic.load<u32>(slot + RING_STATE) == RING_TAKEN, PANIC_RING, <u32>slot)
  const requester = load<u32>(slot, RING_REQUESTER)
  store<u32>(slot, result, RING_RESULT)
  atomic.store<u32>(slot + RING_STATE, requester == NOBODY ? RING_FREE : RING_DONE)
  if (requester != NOBODY) ring(requester)
}

/** Frees what thread `index`, which is dead, has in the ring. => requests that are still being served: its slot must wait. */
export function dropRequests(index: u32): u32 {
  let open: u32 = 0
  for (let i: u32 = 0; i < RING_SLOTS; i++) {
    const slot = RING + i * RING_BYTES
    const state = atomic.load<u32>(slot + RING_STATE)
    if (state == RING_FREE || load<u32>(slot, RING_REQUESTER) != index) continue
    if (state == RING_DONE) atomic.cmpxchg<u32>(slot + RING_STATE, RING_DONE, RING_FREE)
    else if (state == RING_TAKEN) open++
    else if (atomic.cmpxchg<u32>(slot + RING_STATE, state, RING_FREE) != state) open++
  }
  return open
}

/** Fails every request towards thread `index`, which is dead and owned the mount. */
export function failRequestsTo(index: u32): void {
  for (let i: u32 = 0; i < RING_SLOTS; i++) {
    const slot = RING + i * RING_BYTES
    const state = atomic.load<u32>(slot + RING_STATE)
    if (state != RING_FILLED && state != RING_TAKEN) continue
    if (ownerOf(load<u32>(slot, RING_MOUNT)) != <i32>index) continue
    store<u32>(slot, EIO, RING_RESULT)
    const requester = load<u32>(slot, RING_REQUESTER)
    const next = requester == NOBODY ? RING_FREE : RING_DONE
    if (atomic.cmpxchg<u32>(slot + RING_STATE, state, next) != state) continue
    if (requester != NOBODY) ring(requester)
  }
}

function direct(
  op: u32,
  a: u64,
  b: u64,
  c: u64,
  d: u64,
  e: u64,
  f: u64,
  g: u64,
  h: u64,
  i: u64,
): u32 {
  const p = <u32>a
  const q = <u32>b
  const r = <u32>c
  const s = <u32>d
  const t = <u32>e
  switch (op) {
    case WASI_PATH_OPEN:
      return wasi.path_open(p, q, r, s, t, f, g, <u32>h, <u32>i)
    case WASI_FD_CLOSE:
      return wasi.fd_close(p)
    case WASI_FD_PREAD:
      return wasi.fd_pread(p, q, r, d, t)
    case WASI_FD_PWRITE:
      return wasi.fd_pwrite(p, q, r, d, t)
    case WASI_FD_FILESTAT_GET:
      return wasi.fd_filestat_get(p, q)
    case WASI_FD_FILESTAT_SET_SIZE:
      return wasi.fd_filestat_set_size(p, b)
    case WASI_FD_FILESTAT_SET_TIMES:
      return wasi.fd_filestat_set_times(p, b, c, s)
    case WASI_FD_SYNC:
      return wasi.fd_sync(p)
    case WASI_FD_DATASYNC:
      return wasi.fd_datasync(p)
    case WASI_FD_READDIR:
      return wasi.fd_readdir(p, q, r, d, t)
    case WASI_PATH_FILESTAT_GET:
      return wasi.path_filestat_get(p, q, r, s, t)
    case WASI_PATH_FILESTAT_SET_TIMES:
      return wasi.path_filestat_set_times(p, q, r, s, e, f, <u32>g)
    case WASI_PATH_CREATE_DIRECTORY:
      return wasi.path_create_directory(p, q, r)
    case WASI_PATH_REMOVE_DIRECTORY:
      return wasi.path_remove_directory(p, q, r)
    case WASI_PATH_UNLINK_FILE:
      return wasi.path_unlink_file(p, q, r)
    case WASI_PATH_RENAME:
      return wasi.path_rename(p, q, r, s, t, <u32>f)
    case WASI_PATH_LINK:
      return wasi.path_link(p, q, r, s, t, <u32>f, <u32>g)
    case WASI_PATH_SYMLINK:
      return wasi.path_symlink(p, q, r, s, t)
    case WASI_PATH_READLINK:
      return wasi.path_readlink(p, q, r, s, t, <u32>f)
    default:
      check(false, PANIC_RING, op)
      return EIO
  }
}
