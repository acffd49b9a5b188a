/**
 * Named POSIX semaphores: sem_open, sem_close, sem_unlink.
 *
 *   NAMES -> NamedSem -> NamedSem       by hash; each has one page, with the semaphore (posixsem.ts) at its beginning
 *   Process.namedSems -> Open -> Open   what the process has open: how often, and where its page is mapped
 *
 * The address of the page is the sem_t *. A second sem_open of the same semaphore by the same process gives the same one; the last sem_close unmaps it.
 *
 * Invariants (checkNamedSems):
 *  1. A semaphore is in its name's chain exactly while it is `linked`; it exists while it is linked or open.
 *  2. `opens` counts the Open structures of all processes that name it; it holds one reference to its object.
 * Guarded by the kernel lock, journalled. Sources: POSIX.1-2017 sem_open, sem_close, sem_unlink; glibc for what they leave open.
 */
import {
  EACCES,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
  ENOSPC,
  O_CREAT,
  O_EXCL,
  PANIC_NAMED_SEMAPHORE,
  PROCESSES_MAX,
  PROT_READ,
  PROT_WRITE,
} from './abi'
import { addPage } from './cache'
import { beginChange, endChange } from './change'
import { charge } from './commit'
import { hashOf } from './dir'
import { allocRun, FRAME_PAGE, frameAddress } from './frame'
import { POSIX_SEM_NAMED, SEM_VALUE_MAX } from './ipcabi'
import { edit, put } from './journal'
import { abandon, lock, relax, unlock } from './lock'
import { inWindow, mapObject, mustFill, place } from './mmap'
import { MemObject, newObject, OBJECT_ANON } from './object'
import { check } from './panic'
import { populate } from './populate'
import { posixName, posixNameBytes } from './posixname'
import { fillSem } from './posixsem'
import { mayAccess, Process, processAt } from './process'
import { releaseObject } from './release'
import { makeRoom } from './room'
import { K } from './root'
import { allocate, create, destroy, free } from './slab'
import { unmapRange } from './unmap'
import { findVma } from './vma'

@unmanaged
export class NamedSem {
  /** Next of its chain. */
  next: NamedSem | null
  object: MemObject | null
  name: u32
  nameBytes: u32
  uid: u32
  gid: u32
  mode: u32
  linked: u32
  opens: u32
}

@unmanaged
class Open {
  next: Open | null
  sem: NamedSem | null
  address: u32
  count: u32
}

/** Chains of names. */
export const BUCKETS: u32 = 64
const NAMES: usize = memory.data(256, 16)
/** glibc keeps `sem.` before the name. */
const PREFIX_BYTES: u32 = 4
const ROOM_FRAMES: u32 = 8

function chainOf(name: usize, bytes: u32): usize {
  return NAMES + ((<usize>(hashOf(name, bytes) % BUCKETS)) << 2)
}

/** => the semaphore at `position` of a chain, for observers; null past its end, and past the last chain. => lock held. */
export function namedSemAt(chain: u32, position: u32): NamedSem | null {
  if (chain >= BUCKETS) return null
  let sem = changetype<NamedSem | null>(<usize>load<u32>(NAMES + ((<usize>chain) << 2)))
  for (let i: u32 = 0; i < position && sem != null; i++) sem = sem.next
  return sem
}

function findNamed(name: usize, bytes: u32): NamedSem | null {
  let sem = changetype<NamedSem | null>(<usize>load<u32>(chainOf(name, bytes)))
  while (sem != null) {
    if (sem.nameBytes == bytes && memory.compare(sem.name, name, bytes) == 0) return sem
    sem = sem.next
  }
  return null
}

function findOpen(process: Process, sem: NamedSem): Open | null {
  let open = changetype<Open | null>(<usize>process.namedSems)
  while (open != null && open.sem != sem) open = open.next
  return open
}

/**
 * sem_open(3). `path` and `bytes`: the name, in this thread's buffer. Of the flags O_CREAT and O_EXCL count; `mode` (less umask) and `value` are a new one's.
 * => its address (read it as u32); -EINVAL (the name; a value above SEM_VALUE_MAX for a new one), -ENAMETOOLONG, -ENOENT, -EEXIST, -EACCES (read and write are
 * asked for), -ENOMEM, -ENOSPC, -EAGAIN; -EWOULDBLOCK_PARK on a thread that may not wait for a fork of the process.
 */
export function sysSemOpen(
  process: Process,
  path: usize,
  bytes: u32,
  flags: u32,
  mode: u32,
  value: u32,
): i32 {
  const named = posixName(path, bytes, PREFIX_BYTES)
  if (named < 0) return named
  const exclusive = O_CREAT | O_EXCL
  if ((flags & exclusive) == exclusive && value > SEM_VALUE_MAX) return -EINVAL
  const nameBytes = posixNameBytes(path, bytes)
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    makeRoom(ROOM_FRAMES)
    result = openLocked(process, path + (bytes - nameBytes), nameBytes, flags, mode, value)
    if (isError(result)) abandon()
    endChange(space)
  }
  unlock()
  if (!isError(result) && mustFill(space)) populate(space, <u32>result, K.pageBytes, true)
  return result
}

/** => it is a negative errno, not an address. */
function isError(result: i32): bool {
  return result < 0 && result > -4096
}

function openLocked(
  process: Process,
  name: usize,
  nameBytes: u32,
  flags: u32,
  mode: u32,
  value: u32,
): i32 {
  const found = findNamed(name, nameBytes)
  if (found != null) {
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST
    return mayAccess(process, found.mode, found.uid, found.gid, 6)
      ? attach(process, found)
      : -EACCES
  }
  if ((flags & O_CREAT) == 0) return -ENOENT
  if (value > SEM_VALUE_MAX) return -EINVAL
  const sem = newNamed(process, name, nameBytes, mode, value)
  return sem == null ? -ENOSPC : attach(process, sem)
}

/** => a linked semaphore that nobody has open, null when memory is out: the caller abandons. */
function newNamed(
  process: Process,
  name: usize,
  nameBytes: u32,
  mode: u32,
  value: u32,
): NamedSem | null {
  const sem = create<NamedSem>()
  if (changetype<usize>(sem) == 0) return null
  const copy = allocate(nameBytes)
  if (copy == 0) return null
  const object = newPage(value)
  if (object == null) return null
  memory.copy(copy, name, nameBytes)
  const chain = chainOf(name, nameBytes)
  sem.object = object
  sem.name = <u32>copy
  sem.nameBytes = nameBytes
  sem.uid = process.euid
  sem.gid = process.egid
  sem.mode = mode & 0o777 & ~process.umask
  sem.linked = 1
  sem.next = changetype<NamedSem | null>(<usize>load<u32>(chain))
  put(chain, <u32>changetype<usize>(sem))
  return sem
}

/** => an object of one page, with a semaphore at its beginning; null when memory is out. */
function newPage(value: u32): MemObject | null {
  if (!charge(1)) return null
  const object = newObject(OBJECT_ANON, K.pageBytes)
  if (object == null) return null
  object.reserved = 1
  const frame = allocRun(1, FRAME_PAGE)
  if (frame == null || !addPage(object, 0, frame, 0)) return null
  memory.fill(frameAddress(frame), 0, K.pageBytes)
  fillSem(frameAddress(frame), value, POSIX_SEM_NAMED)
  return object
}

/** Opens it for the process once more. => its address, -ENOMEM, -EAGAIN: the caller abandons. */
function attach(process: Process, sem: NamedSem): i32 {
  const found = findOpen(process, sem)
  if (found != null) {
    edit<Open>(found).count += 1
    return found.address
  }
  const open = create<Open>()
  const start = place(process.space!, 0, K.pageBytes)
  if (changetype<usize>(open) == 0 || start == 0) return -ENOMEM
  const rights = PROT_READ | PROT_WRITE
  const mapped = mapObject(process, sem.object!, start, K.pageBytes, rights, true, 0)
  if (<u32>mapped != start) return mapped
  open.sem = sem
  open.address = start
  open.count = 1
  open.next = changetype<Open | null>(<usize>process.namedSems)
  edit<Process>(process).namedSems = <u32>changetype<usize>(open)
  edit<NamedSem>(sem).opens += 1
  return start
}

/**
 * sem_close(3). => 0, -EINVAL (no named semaphore of the process is at that address), -EWOULDBLOCK_PARK (on a thread that may not wait for a fork of the
 * process).
 */
export function sysSemClose(process: Process, address: u64): i32 {
  if (!inWindow(address, 1)) return -EINVAL
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    const open = openAt(process, <u32>address)
    if (open == null) result = -EINVAL
    else if (open.count > 1) edit<Open>(open).count -= 1
    else closeAndUnmap(process, open)
    endChange(space)
  }
  unlock()
  return result
}

/** The last sem_close: the page goes too, where it still is. => relaxes. */
function closeAndUnmap(process: Process, open: Open): void {
  const start = open.address
  const object = open.sem!.object
  closeOpen(process, open)
  relax()
  const vma = findVma(process.space!, start)
  if (vma == null || vma.object != object) return
  unmapRange(process.space!, start, <u64>start + K.pageBytes)
}

function openAt(process: Process, address: u32): Open | null {
  let open = changetype<Open | null>(<usize>process.namedSems)
  while (open != null && open.address != address) open = open.next
  return open
}

/** The process has it open no longer; what is neither open nor linked ends. Its page stays mapped. => relaxes when it ends. */
function closeOpen(process: Process, open: Open): void {
  let at = changetype<usize>(process) + offsetof<Process>('namedSems')
  while (load<u32>(at) != <u32>changetype<usize>(open)) {
    check(load<u32>(at) != 0, PANIC_NAMED_SEMAPHORE)
    at = <usize>load<u32>(at) + offsetof<Open>('next')
  }
  put(at, <u32>changetype<usize>(open.next))
  const sem = edit<NamedSem>(open.sem!)
  sem.opens -= 1
  destroy<Open>(open)
  if (sem.opens == 0 && sem.linked == 0) end(sem)
}

function end(sem: NamedSem): void {
  const object = sem.object!
  free(sem.name, sem.nameBytes)
  destroy<NamedSem>(sem)
  releaseObject(object)
}

/**
 * sem_unlink(3): takes the name away; who has it open keeps it. => 0, -ENOENT (no semaphore of that name, and none can have it), -ENAMETOOLONG, -EACCES (for its
 * owner and root only).
 */
export function sysSemUnlink(process: Process, path: usize, bytes: u32): i32 {
  const named = posixName(path, bytes, PREFIX_BYTES)
  if (named < 0) return named == -EINVAL ? -ENOENT : named
  const nameBytes = posixNameBytes(path, bytes)
  lock()
  const sem = findNamed(path + (bytes - nameBytes), nameBytes)
  let result = 0
  if (sem == null) result = -ENOENT
  else if (process.euid != 0 && process.euid != sem.uid) result = -EACCES
  else unlink(sem)
  unlock()
  return result
}

function unlink(sem: NamedSem): void {
  let at = chainOf(sem.name, sem.nameBytes)
  while (load<u32>(at) != <u32>changetype<usize>(sem)) {
    check(load<u32>(at) != 0, PANIC_NAMED_SEMAPHORE)
    at = <usize>load<u32>(at) + offsetof<NamedSem>('next')
  }
  put(at, <u32>changetype<usize>(sem.next))
  edit<NamedSem>(sem).linked = 0
  if (sem.opens == 0) end(sem)
}

/** The process ends: it closes all that it has open. => its space is empty; lock held; relaxes. */
export function exitNamedSems(process: Process): void {
  while (process.namedSems != 0) {
    closeOpen(process, changetype<Open>(<usize>process.namedSems))
    relax()
  }
}

/** fork(2): the child has open what the parent has, at the same addresses. => false when memory is out: the caller abandons. */
export function inheritNamedSems(parent: Process, child: Process): bool {
  let from = changetype<Open | null>(<usize>parent.namedSems)
  while (from != null) {
    const open = create<Open>()
    if (changetype<usize>(open) == 0) return false
    open.sem = from.sem
    open.address = from.address
    open.count = from.count
    open.next = changetype<Open | null>(<usize>child.namedSems)
    edit<Process>(child).namedSems = <u32>changetype<usize>(open)
    edit<NamedSem>(open.sem!).opens += 1
    from = from.next
  }
  return true
}

/** Panics at the first broken invariant. => lock held. */
export function checkNamedSems(): void {
  for (let bucket: u32 = 0; bucket < BUCKETS; bucket++) {
    let sem = changetype<NamedSem | null>(<usize>load<u32>(NAMES + ((<usize>bucket) << 2)))
    while (sem != null) {
      check(sem.linked == 1 && findNamed(sem.name, sem.nameBytes) == sem, PANIC_NAMED_SEMAPHORE)
      checkOpens(sem)
      sem = sem.next
    }
  }
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process != null) checkOpened(process)
  }
}

/** What a process has open is open once in its list; of one without a name nobody else would count the opens. */
function checkOpened(process: Process): void {
  let open = changetype<Open | null>(<usize>process.namedSems)
  while (open != null) {
    const sem = open.sem!
    check(open.count != 0 && findOpen(process, sem) == open, PANIC_NAMED_SEMAPHORE, sem.opens)
    if (sem.linked == 0) checkOpens(sem)
    open = open.next
  }
}

function checkOpens(sem: NamedSem): void {
  let opens: u32 = 0
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process != null && findOpen(process, sem) != null) opens++
  }
  check(opens == sem.opens && sem.object!.refs != 0, PANIC_NAMED_SEMAPHORE, opens)
}
