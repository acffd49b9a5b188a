/**
 * System V shared memory: shmget, shmat, shmdt, shmctl; ftok.
 *
 * What a segment is, and how its attaches are counted, stands in segment.ts.
 * Sources: POSIX.1-2017 shmget, shmat, shmdt, shmctl, ftok; Linux ipc/shm.c for SHM_REMAP, SHM_EXEC, SHM_LOCK, the *_INFO and *_STAT commands and the order
 * in which errors are found; glibc's ftok.c. SHMLBA is the page size.
 * Differs from Linux: an address outside the window is EINVAL, as POSIX says ("an illegal address"), not ENOMEM.
 */
import {
  AT_FDCWD,
  BUFFER_RESULT,
  EINVAL,
  ENOMEM,
  ENOSPC,
  EPERM,
  ESRCH,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIM_INFINITY,
  STAT_DEV,
  STAT_INO,
} from './abi'
import { beginChange, endChange } from './change'
import { charge } from './commit'
import { now } from './env'
import {
  addIpc,
  dropKey,
  Ipc,
  ipcCount,
  lastSlot,
  limit,
  lookUp,
  mayGet,
  mayOwn,
  mayUse,
  orElse,
  seconds,
  setIpc,
  writePerm,
} from './ipc'
import {
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_SHM,
  IPC_STAT,
  IPCMNI,
  LIMIT_SHMALL,
  LIMIT_SHMMAX,
  LIMIT_SHMMNI,
  SHM_DEST,
  SHM_EXEC,
  SHM_HUGETLB,
  SHM_INFO,
  SHM_INFO_BYTES,
  SHM_INFO_RSS,
  SHM_INFO_TOT,
  SHM_INFO_USED_IDS,
  SHM_LOCK,
  SHM_LOCKED,
  SHM_NORESERVE,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
  SHMID_DS_ATIME,
  SHMID_DS_CPID,
  SHMID_DS_CTIME,
  SHMID_DS_DTIME,
  SHMID_DS_LPID,
  SHMID_DS_NATTCH,
  SHMID_DS_SEGSZ,
  SHMINFO_SHMALL,
  SHMINFO_SHMMAX,
  SHMINFO_SHMMIN,
  SHMINFO_SHMMNI,
  SHMINFO_SHMSEG,
  SHMMIN,
} from './ipcabi'
import { edit } from './journal'
import { abandon, lock, relax, unlock } from './lock'
import { aligned, inWindow, mapObject, mustFill, place } from './mmap'
import { MemObject, newObject, noteIdle, OBJECT_ANON, OBJECT_TMPFS } from './object'
import { populate } from './populate'
import { Process } from './process'
import { K, pageRound, serial } from './root'
import { addPages, findSegment, pagesOfSegment, Segment, segmentAt, segmentPages } from './segment'
import { create } from './slab'
import { isFree } from './space'
import { sysStat } from './statfile'
import { me } from './thread'
import { unmapRange } from './unmap'
import { nextVma, VMA_DYING, Vma } from './vma'

/** Mappings that shmdt looks at in one hold of the lock. */
const LOOKS: u32 = 1024

function resultAt(): usize {
  return <usize>me().buffer + BUFFER_RESULT
}

/**
 * shmget(2). `size` in bytes. => the id; of an existing key -EEXIST, -EINVAL (larger than the segment), -EACCES, in that order; -ENOENT; of a new one -EINVAL
 * (below SHMMIN, above SHMMAX, SHM_HUGETLB), -ENOSPC (SHMALL, SHMMNI), -ENOMEM (the frames are not there).
 */
export function sysShmget(process: Process, key: i32, size: u64, flags: u32): i32 {
  lock()
  const result = getSegment(process, key, size, flags)
  if (result < 0) abandon()
  unlock()
  return result
}

function getSegment(process: Process, key: i32, size: u64, flags: u32): i32 {
  const found = lookUp(IPC_SHM, key, flags)
  if (found > 0) {
    const segment = changetype<Segment>(<usize>found)
    if (size > segment.bytes) return -EINVAL
    const denied = mayGet(process, segment, flags)
    return denied != 0 ? denied : <i32>segment.id
  }
  if (found < 0 && found != -ENOSPC) return <i32>found
  if (size < SHMMIN || size > limit(LIMIT_SHMMAX)) return -EINVAL
  const pages = <u32>(pageRound(size) >> K.pageShift)
  if (<u64>segmentPages() + pages > limit(LIMIT_SHMALL)) return -ENOSPC
  if ((flags & SHM_HUGETLB) != 0) return -EINVAL
  return found != 0 ? <i32>found : newSegment(process, key, <u32>size, pages, flags)
}

/** => the id, -ENOMEM, -ENOSPC: the caller abandons. */
function newSegment(process: Process, key: i32, size: u32, pages: u32, flags: u32): i32 {
  const promised = (flags & SHM_NORESERVE) == 0 ? pages : 0
  if (!charge(promised)) return -ENOMEM
  const kind = promised != 0 ? OBJECT_ANON : OBJECT_TMPFS
  const object = newObject(kind, (<u64>pages) << K.pageShift)
  const segment = create<Segment>()
  if (object == null || changetype<usize>(segment) == 0) return -ENOMEM
  object.reserved = promised
  object.segment = <u32>changetype<usize>(segment)
  segment.object = object
  segment.bytes = size
  segment.cpid = process.pid
  segment.madeKey = key
  segment.ctimeMs = now(1)
  addPages(pages)
  return addIpc(segment, process, IPC_SHM, key, flags)
}

/**
 * shmat(2). `address` 0: the kernel chooses. => the address of the attach (read it as u32), and the segment's size in bytes at BUFFER_RESULT; -EINVAL (no such id,
 * unaligned without SHM_RND, SHM_REMAP without an address, in use without SHM_REMAP, outside the window), -EACCES, -ENOMEM (no room, too many mappings, RLIMIT_AS), -EAGAIN (RLIMIT_MEMLOCK).
 */
export function sysShmat(process: Process, id: u32, address: u64, flags: u32): i32 {
  const start = startOf(address, flags)
  if (start < 0) return <i32>start
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = attach(process, id, <u32>start, flags)
    endChange(space)
  }
  unlock()
  if (result < 0 && result > -4096) return result
  if (mustFill(space)) {
    populate(space, <u32>result, pageRound(load<u32>(resultAt())), true)
  }
  return result
}

/** => where the caller wants it, 0 for anywhere; -EINVAL. */
function startOf(address: u64, flags: u32): i64 {
  const remaps = (flags & SHM_REMAP) != 0
  if (address == 0) return remaps ? -EINVAL : 0
  const start = address & ~(<u64>K.pageBytes - 1)
  if (start != address && (flags & SHM_RND) == 0) return -EINVAL
  return inWindow(start, K.pageBytes) ? <i64>start : -EINVAL
}

function attach(process: Process, id: u32, start: u32, flags: u32): i32 {
  const segment = findSegment(id)
  if (segment == null) return -EINVAL
  const writes = (flags & SHM_RDONLY) == 0
  const executes = (flags & SHM_EXEC) != 0
  const denied = mayUse(process, segment, 4 | (writes ? 2 : 0) | (executes ? 1 : 0))
  if (denied != 0) return denied
  const space = process.space!
  const bytes = pageRound(segment.bytes)
  if (start != 0 && !inWindow(start, bytes)) return -EINVAL
  const fixed = start != 0
  if (fixed && (flags & SHM_REMAP) == 0 && !isFree(space, start, start + bytes)) return -EINVAL
  const at = fixed ? start : place(space, 0, bytes)
  if (at == 0) return -ENOMEM
  const prot = PROT_READ | (writes ? PROT_WRITE : 0) | (executes ? PROT_EXEC : 0)
  store<u32>(resultAt(), segment.bytes)
  return mapObject(process, segment.object!, at, bytes, prot, writes, <u32>serial())
}

/** => the vma is a part of an attach that starts at `address`. */
function isPart(vma: Vma, address: u64): bool {
  if (vma.attach == 0 || vma.start < address || (vma.flags & VMA_DYING) != 0) return false
  return vma.start - address == vma.pageStart << K.pageShift
}

/**
 * shmdt(2): detaches every part that is left of the attach that starts at `address`, where an mremap may have moved it. => 0, -EINVAL (unaligned, no attach
 * starts there).
 */
export function sysShmdt(process: Process, address: u64): i32 {
  if (!aligned(address) || !inWindow(address, 0)) return -EINVAL
  const space = process.space!
  lock()
  const waited = beginChange(space)
  let vma = waited == 0 ? nextVma(space, address) : null
  for (let looks: u32 = 1; vma != null && !isPart(vma, address); looks++) {
    const end = vma.end
    if (looks % LOOKS == 0) relax()
    vma = nextVma(space, end)
  }
  if (vma != null) detach(process, vma, address)
  endChange(space)
  unlock()
  if (waited != 0) return waited
  return vma == null ? -EINVAL : 0
}

/** Unmaps the first part, then all that lie within the segment's size. => at the beginning of a transaction; relaxes. */
function detach(process: Process, first: Vma, address: u64): void {
  const space = process.space!
  const which = first.attach
  const end = address + first.object!.size
  let next = first.end
  unmapRange(space, first.start, next)
  let vma = nextVma(space, next)
  while (vma != null && vma.end <= end) {
    next = vma.end
    if (vma.attach == which && isPart(vma, address)) unmapRange(space, vma.start, next)
    vma = nextVma(space, next)
  }
}

/** => the command needs no right, and so no process: observers give it. */
function isObservation(command: u32): bool {
  return command == IPC_INFO || command == SHM_INFO || command == SHM_STAT_ANY
}

/**
 * shmctl(2), IPC_INFO (=> the highest slot in use, or 0; SHMINFO_* at BUFFER_RESULT), SHM_INFO (the same, SHM_INFO_*), SHM_STAT_ANY (=> the id in slot `id`;
 * SHMID_DS_*); -EINVAL (an empty slot), -ESRCH for any other command.
 */
export function sysShmObserve(id: u32, command: u32): i32 {
  if (!isObservation(command)) return -ESRCH
  if (<i32>id < 0) return -EINVAL
  lock()
  let result = max(lastSlot(IPC_SHM), 0)
  if (command == IPC_INFO) writeLimits()
  else if (command == SHM_INFO) writeUse()
  else {
    const segment = segmentAt(id % IPCMNI)
    result = segment == null ? -EINVAL : writeSegment(segment)
  }
  unlock()
  return result
}

function writeLimits(): void {
  const to = resultAt()
  store<u32>(to, limit(LIMIT_SHMMAX), SHMINFO_SHMMAX)
  store<u32>(to, SHMMIN, SHMINFO_SHMMIN)
  store<u32>(to, limit(LIMIT_SHMMNI), SHMINFO_SHMMNI)
  store<u32>(to, limit(LIMIT_SHMMNI), SHMINFO_SHMSEG)
  store<u32>(to, limit(LIMIT_SHMALL), SHMINFO_SHMALL)
}

function writeUse(): void {
  const to = resultAt()
  const last = lastSlot(IPC_SHM)
  let resident: u32 = 0
  for (let slot = 0; slot <= last; slot++) {
    const segment = segmentAt(slot)
    if (segment != null) resident += segment.object!.resident
  }
  memory.fill(to, 0, SHM_INFO_BYTES)
  store<u32>(to, ipcCount(IPC_SHM), SHM_INFO_USED_IDS)
  store<u32>(to, segmentPages(), SHM_INFO_TOT)
  store<u32>(to, resident, SHM_INFO_RSS)
}

/** Writes shmid_ds to BUFFER_RESULT. => the id. */
function writeSegment(segment: Segment): i32 {
  const to = resultAt()
  writePerm(segment, to)
  store<u32>(to, segment.bytes, SHMID_DS_SEGSZ)
  store<u32>(to, segment.nattch, SHMID_DS_NATTCH)
  store<u32>(to, segment.cpid, SHMID_DS_CPID)
  store<u32>(to, segment.lpid, SHMID_DS_LPID)
  store<i64>(to, seconds(segment.atimeMs), SHMID_DS_ATIME)
  store<i64>(to, seconds(segment.dtimeMs), SHMID_DS_DTIME)
  store<i64>(to, seconds(segment.ctimeMs), SHMID_DS_CTIME)
  return <i32>segment.id
}

/**
 * shmctl(2). `uid`, `gid`, `mode` are IPC_SET's; NaN leaves one as it is. What is written to BUFFER_RESULT says sysShmObserve. => 0; for SHM_STAT the id; -EINVAL (no such id or slot or command,
 * ids that are none), -EACCES (IPC_STAT, SHM_STAT without read permission), -EPERM (IPC_SET, IPC_RMID, SHM_LOCK and SHM_UNLOCK by others, RLIMIT_MEMLOCK 0), -ENOMEM (SHM_LOCK over
 * RLIMIT_MEMLOCK).
 */
export function sysShmctl(
  process: Process,
  id: u32,
  command: u32,
  uid: f64,
  gid: f64,
  mode: f64,
): i32 {
  if (isObservation(command)) return sysShmObserve(id, command)
  lock()
  const segment = command == SHM_STAT && <i32>id >= 0 ? segmentAt(id % IPCMNI) : findSegment(id)
  const result = segment == null ? -EINVAL : control(process, segment, command, uid, gid, mode)
  unlock()
  return result
}

function control(
  process: Process,
  segment: Segment,
  command: u32,
  uid: f64,
  gid: f64,
  mode: f64,
): i32 {
  if (command == IPC_STAT || command == SHM_STAT) {
    const denied = mayUse(process, segment, 4)
    if (denied != 0) return denied
    const id = writeSegment(segment)
    return command == SHM_STAT ? id : 0
  }
  if (command == SHM_LOCK) return lockSegment(process, segment)
  if (command == SHM_UNLOCK) return unlockSegment(process, segment)
  if (command != IPC_SET && command != IPC_RMID) return -EINVAL
  const denied = mayOwn(process, segment)
  if (denied != 0) return denied
  return command == IPC_SET ? change(segment, uid, gid, mode) : remove(segment)
}

function change(segment: Segment, uid: f64, gid: f64, mode: f64): i32 {
  const owner = orElse(uid, segment.uid)
  const result = setIpc(segment, owner, orElse(gid, segment.gid), orElse(mode, segment.mode))
  if (result == 0) edit<Segment>(segment).ctimeMs = now(1)
  return result
}

/** IPC_RMID: its key is free at once; the last attach, or the sweep at the end of this call, ends it (idle.ts). */
function remove(segment: Segment): i32 {
  dropKey(segment)
  edit<Ipc>(segment).mode |= SHM_DEST
  const object = edit<MemObject>(segment.object!)
  object.removed = 1
  if (object.refs == 1) noteIdle(object)
  return 0
}

/** Pages that processes of a real uid have locked by SHM_LOCK. */
function lockedPages(uid: u32): u64 {
  const last = lastSlot(IPC_SHM)
  let pages: u64 = 0
  for (let slot = 0; slot <= last; slot++) {
    const segment = segmentAt(slot)
    if (segment == null || (segment.mode & SHM_LOCKED) == 0 || segment.lockedBy != uid) continue
    pages += pagesOfSegment(segment)
  }
  return pages
}

/** SHM_LOCK: its pages never leave memory anyway; what counts is the account. */
function lockSegment(process: Process, segment: Segment): i32 {
  const most = process.space!.limitMemlock
  if (process.euid != 0 && (mayOwn(process, segment) != 0 || most == 0)) return -EPERM
  if ((segment.mode & SHM_LOCKED) != 0) return 0
  if (process.euid != 0 && most != RLIM_INFINITY) {
    const bytes = (lockedPages(process.uid) + pagesOfSegment(segment)) << K.pageShift
    if (bytes > most) return -ENOMEM
  }
  edit<Segment>(segment)
  segment.mode |= SHM_LOCKED
  segment.lockedBy = process.uid
  return 0
}

function unlockSegment(process: Process, segment: Segment): i32 {
  const denied = mayOwn(process, segment)
  if (denied == 0) edit<Segment>(segment).mode &= ~SHM_LOCKED
  return denied
}

/**
 * ftok(3): low 16 bits of the file's inode number, low 8 of its device's, low 8 of `projectId`, as glibc has it. => 0, and the key, signed, at BUFFER_RESULT; -errno of stat.
 */
export function sysFtok(process: Process, path: usize, bytes: u32, projectId: u32): i32 {
  const result = sysStat(process, AT_FDCWD, path, bytes, 0)
  if (result != 0) return result
  const to = resultAt()
  const file = <u32>load<u64>(to, STAT_INO) & 0xffff
  const device = (<u32>load<u64>(to, STAT_DEV) & 0xff) << 16
  store<u32>(to, file | device | (projectId << 24))
  return 0
}
