/**
 * System V objects in common: ids, keys, permissions, limits.
 *
 * Each kind has a table of slots, a sparse array, and the objects of public keys in hash chains. An id is `sequence * IPCMNI + slot`, as on
 * Linux: slots go round before one is used again, and the sequence number moves when they do, so an id that is gone stays gone for long.
 *
 * Invariants (checkIpc):
 *  1. An object is in its kind's table exactly while it has an id; the table counts them.
 *  2. It is in a key chain exactly while its key is not IPC_PRIVATE; no two objects of a kind have one key.
 * Guarded by the kernel lock, journalled.
 * Sources: POSIX.1-2017 XSI IPC (2.7.1), Linux svipc(7) and ipc/util.c.
 */
import { EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, PANIC_IPC } from './abi'
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_KINDS,
  IPC_PERM_CGID,
  IPC_PERM_CUID,
  IPC_PERM_GID,
  IPC_PERM_ID,
  IPC_PERM_KEY,
  IPC_PERM_MODE,
  IPC_PERM_SEQ,
  IPC_PERM_UID,
  IPC_PRIVATE,
  IPCMNI,
  LIMIT_MQ_MSG,
  LIMIT_MQ_MSGSIZE,
  LIMIT_MQ_QUEUES,
  LIMIT_MSGMAX,
  LIMIT_MSGMNB,
  LIMIT_MSGMNI,
  LIMIT_SEMMNI,
  LIMIT_SEMMNS,
  LIMIT_SEMMSL,
  LIMIT_SEMOPM,
  LIMIT_SHMALL,
  LIMIT_SHMMAX,
  LIMIT_SHMMNI,
  LIMITS,
  MSGMAX,
  MSGMNB,
  MSGMNI,
  SEMMNI,
  SEMMNS,
  SEMMSL,
  SEMOPM,
  SHMALL,
  SHMMAX,
  SHMMNI,
} from './ipcabi'
import { edit, put } from './journal'
import { lock, unlock } from './lock'
import { check } from './panic'
import { inGroup, NO_ID, Process } from './process'
import { clear, get, INDEX_END, next, Radix, set } from './radix'

/** What every System V structure begins with; the times and counts of each kind follow it. */
@unmanaged
export class Ipc {
  /** IPC_PRIVATE once the object is removed, too. */
  key: i32
  id: u32
  uid: u32
  gid: u32
  cuid: u32
  cgid: u32
  mode: u32
  seq: u32
  /** Next of its hash chain. */
  nextKey: Ipc | null
  kind: u32
}

/** Slots before the first round is over, however few are in use: Linux's ipc_min_cycle. */
const CYCLE_MIN: u32 = 64
const SEQUENCES: u32 = 65536
const BUCKETS: u32 = 64

@unmanaged
class Table extends Radix {
  count: u32
  /** Slot given last, and the sequence number in use. */
  last: i32
  seq: u32
  pad: u32
}

const TABLES: usize = memory.data(96, 16)
const CHAINS: usize = memory.data(768, 16)
const VALUES: usize = memory.data(64, 16)

function tableOf(kind: u32): Table {
  return changetype<Table>(TABLES + ((<usize>kind) << 5))
}

function chainOf(kind: u32, key: i32): usize {
  const bucket = (<u32>key * 0x9e3779b1) >> 26
  return CHAINS + ((<usize>(kind * BUCKETS + bucket)) << 2)
}

/** The limits before boot's options. */
export function bootIpc(): void {
  for (let kind: u32 = 0; kind < IPC_KINDS; kind++) tableOf(kind).last = -1
  setLimit(LIMIT_SHMMNI, SHMMNI)
  setLimit(LIMIT_MSGMNI, MSGMNI)
  setLimit(LIMIT_SEMMNI, SEMMNI)
  setLimit(LIMIT_SHMMAX, SHMMAX)
  setLimit(LIMIT_SHMALL, SHMALL)
  setLimit(LIMIT_MSGMAX, MSGMAX)
  setLimit(LIMIT_MSGMNB, MSGMNB)
  setLimit(LIMIT_SEMMSL, SEMMSL)
  setLimit(LIMIT_SEMMNS, SEMMNS)
  setLimit(LIMIT_SEMOPM, SEMOPM)
  setLimit(LIMIT_MQ_QUEUES, 256)
  setLimit(LIMIT_MQ_MSG, 10)
  setLimit(LIMIT_MQ_MSGSIZE, 8192)
}

/** => the limit `what` (LIMIT_*). */
export function limit(what: u32): u32 {
  return load<u32>(VALUES + ((<usize>what) << 2))
}

function setLimit(what: u32, value: u32): void {
  store<u32>(VALUES + ((<usize>what) << 2), value)
}

/** Boot's option for a limit. => 0, -EINVAL. => nothing was made yet. */
export function sysIpcLimit(what: u32, value: u32): i32 {
  if (what >= LIMITS || (what < IPC_KINDS && value > IPCMNI)) return -EINVAL
  setLimit(what, value)
  return 0
}

/** => objects of a kind. */
export function ipcCount(kind: u32): u32 {
  return tableOf(kind).count
}

/** => the object in `slot` of a kind's table, null when it is free; for walks and the *_STAT calls, whose ids are slots. */
export function ipcAt(kind: u32, slot: u32): Ipc | null {
  return slot < IPCMNI ? changetype<Ipc | null>(<usize>get(tableOf(kind), slot)) : null
}

/** => the object of an id, null when it is stale or never was. */
export function findIpc(kind: u32, id: u32): Ipc | null {
  const object = ipcAt(kind, id % IPCMNI)
  return object != null && object.id == id ? object : null
}

/** => the highest slot in use, -1 for none: what IPC_INFO and the like return is this, or 0. */
export function lastSlot(kind: u32): i32 {
  let last = -1
  let slot = next(tableOf(kind), 0, false)
  while (slot != INDEX_END) {
    last = <i32>slot
    slot = next(tableOf(kind), slot + 1, false)
  }
  return last
}

/** => the object of a public key, null when there is none. */
export function findKey(kind: u32, key: i32): Ipc | null {
  if (key == IPC_PRIVATE) return null
  let object = changetype<Ipc | null>(<usize>load<u32>(chainOf(kind, key)))
  while (object != null && object.key != key) object = object.nextKey
  return object
}

/**
 * The first half of *get: what `key` and `flags` mean. => the object's address when there is one that may be had (the caller has its own
 * checks between EEXIST and EACCES: see mayGet), 0 to make one, -EEXIST, -ENOENT, -ENOSPC. 64 bits, as an address of the upper half of
 * memory is no error.
 */
export function lookUp(kind: u32, key: i32, flags: u32): i64 {
  const object = findKey(kind, key)
  if (object == null) {
    if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0) return -ENOENT
    return tableOf(kind).count >= min(limit(kind), IPCMNI) ? -ENOSPC : 0
  }
  if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) return -EEXIST
  return <i64>changetype<usize>(object)
}

/** Whether the mode bits that *get asks for, of whichever class, are granted. => 0, -EACCES. */
export function mayGet(process: Process, object: Ipc, flags: u32): i32 {
  return mayUse(process, object, ((flags >> 6) | (flags >> 3) | flags) & 7)
}

/** => 0 when the process has `want` (4 read, 2 write or alter, 1 execute) on the object, else -EACCES. Root passes. Linux's ipcperms. */
export function mayUse(process: Process, object: Ipc, want: u32): i32 {
  if (process.euid == 0) return 0
  let bits = object.mode
  if (process.euid == object.uid || process.euid == object.cuid) bits >>= 6
  else if (inGroup(process, object.gid) || inGroup(process, object.cgid)) bits >>= 3
  return (bits & want) == want ? 0 : -EACCES
}

/** => 0 when the process is owner, creator or root, else -EPERM: IPC_SET, IPC_RMID and their like. */
export function mayOwn(process: Process, object: Ipc): i32 {
  const uid = process.euid
  return uid == 0 || uid == object.uid || uid == object.cuid ? 0 : -EPERM
}

/** The next slot, and the sequence number with it. => -1 when all are taken. */
function nextSlot(table: Table): i32 {
  const inUse = table.count
  const end = min(max(inUse + (inUse >> 1), CYCLE_MIN), IPCMNI)
  const first = <u32>(table.last + 1)
  for (let i: u32 = 0; i < end; i++) {
    const slot = ((first < end ? first : 0) + i) % end
    if (get(table, slot) != 0) continue
    edit<Table>(table)
    if (<i32>slot <= table.last) table.seq = (table.seq + 1) % SEQUENCES
    table.last = <i32>slot
    return <i32>slot
  }
  return -1
}

/**
 * Gives a new object its id, key, owner and mode. => the id; -ENOSPC when slots are out, -ENOMEM when memory is: the caller abandons.
 * => lock held; `object` is of this transaction; `kind` has room (lookUp).
 */
export function addIpc(object: Ipc, process: Process, kind: u32, key: i32, flags: u32): i32 {
  const table = tableOf(kind)
  const slot = nextSlot(table)
  if (slot < 0) return -ENOSPC
  if (!set(table, slot, <u32>changetype<usize>(object))) return -ENOMEM
  edit<Table>(table).count += 1
  object.kind = kind
  object.key = key
  object.seq = table.seq
  object.id = table.seq * IPCMNI + <u32>slot
  object.uid = process.euid
  object.cuid = process.euid
  object.gid = process.egid
  object.cgid = process.egid
  object.mode = flags & 0o777
  if (key == IPC_PRIVATE) return <i32>object.id
  const chain = chainOf(kind, key)
  object.nextKey = changetype<Ipc | null>(<usize>load<u32>(chain))
  put(chain, <u32>changetype<usize>(object))
  return <i32>object.id
}

/** The key finds the object no longer; its id still does. => lock held. */
export function dropKey(object: Ipc): void {
  if (object.key == IPC_PRIVATE) return
  let at = chainOf(object.kind, object.key)
  while (load<u32>(at) != <u32>changetype<usize>(object)) {
    check(load<u32>(at) != 0, PANIC_IPC, object.id)
    at = <usize>load<u32>(at) + offsetof<Ipc>('nextKey')
  }
  put(at, <u32>changetype<usize>(object.nextKey))
  edit<Ipc>(object).key = IPC_PRIVATE
  object.nextKey = null
}

/** The object has no id any more; the caller frees it. => lock held. */
export function removeIpc(object: Ipc): void {
  dropKey(object)
  const table = tableOf(object.kind)
  clear(table, object.id % IPCMNI)
  edit<Table>(table).count -= 1
}

/** IPC_SET's part of ipc_perm: owner, group, the nine mode bits. => the caller checked mayOwn. -EINVAL for ids that are none. */
export function setIpc(object: Ipc, uid: u32, gid: u32, mode: u32): i32 {
  if (uid == NO_ID || gid == NO_ID) return -EINVAL
  edit<Ipc>(object)
  object.uid = uid
  object.gid = gid
  object.mode = (object.mode & ~0o777) | (mode & 0o777)
  return 0
}

/** => what IPC_SET makes of a number that may be left out: NaN is "as it is". */
export function orElse(value: f64, otherwise: u32): u32 {
  return isNaN(value) ? otherwise : <u32>value
}

/** Writes ipc_perm (IPC_PERM_*) to `to`. */
export function writePerm(object: Ipc, to: usize): void {
  store<i32>(to, object.key, IPC_PERM_KEY)
  store<u32>(to, object.uid, IPC_PERM_UID)
  store<u32>(to, object.gid, IPC_PERM_GID)
  store<u32>(to, object.cuid, IPC_PERM_CUID)
  store<u32>(to, object.cgid, IPC_PERM_CGID)
  store<u32>(to, object.mode, IPC_PERM_MODE)
  store<u32>(to, object.seq, IPC_PERM_SEQ)
  store<u32>(to, object.id, IPC_PERM_ID)
}

/** => a time in ms as System V shows it: whole seconds. */
export function seconds(ms: f64): i64 {
  return <i64>Math.floor(ms / 1000)
}

/** => the first slot in use from `slot` on, -1 for none: observers walk a table with it. => lock not held. */
export function sysIpcNext(kind: u32, slot: u32): i32 {
  if (kind >= IPC_KINDS || slot >= IPCMNI) return -1
  lock()
  const found = next(tableOf(kind), slot, false)
  unlock()
  return found == INDEX_END ? -1 : <i32>found
}

/** Panics when a table or chain is broken. => lock held. */
export function checkIpc(): void {
  for (let kind: u32 = 0; kind < IPC_KINDS; kind++) {
    let keyed: u32 = 0
    let count: u32 = 0
    let slot = next(tableOf(kind), 0, false)
    for (; slot != INDEX_END; slot = next(tableOf(kind), slot + 1, false)) {
      const object = ipcAt(kind, <u32>slot)!
      count++
      check(object.kind == kind && object.id % IPCMNI == slot, PANIC_IPC, object.id)
      if (object.key == IPC_PRIVATE) continue
      keyed++
      check(findKey(kind, object.key) == object, PANIC_IPC, object.id)
    }
    check(count == tableOf(kind).count && keyed == keyedIn(kind), PANIC_IPC, kind)
  }
}

function keyedIn(kind: u32): u32 {
  let count: u32 = 0
  for (let bucket: u32 = 0; bucket < BUCKETS; bucket++) {
    const at = CHAINS + ((<usize>(kind * BUCKETS + bucket)) << 2)
    let object = changetype<Ipc | null>(<usize>load<u32>(at))
    while (object != null) {
      count++
      object = object.nextKey
    }
  }
  return count
}
