/**
 * semget and semctl: making, reading, setting and removing System V semaphore sets.
 *
 * Sources: POSIX.1-2017 semget, semctl; Linux semget(2), semctl(2), ipc/sem.c for the order in which errors are found.
 */
import { BUFFER_DATA, BUFFER_RESULT, EACCES, EINVAL, ENOSPC, ERANGE, ESRCH } from './abi'
import { now } from './env'
import {
  ipcAt,
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
  IPC_SEM,
  IPC_SET,
  IPC_STAT,
  IPCMNI,
  LIMIT_SEMMNI,
  LIMIT_SEMMNS,
  LIMIT_SEMMSL,
  LIMIT_SEMOPM,
  SEM_GETALL,
  SEM_GETPID,
  SEM_GETVAL,
  SEM_GETZCNT,
  SEM_INFO,
  SEM_SETALL,
  SEM_SETVAL,
  SEM_STAT,
  SEM_STAT_ANY,
  SEMAEM,
  SEMID_DS_CTIME,
  SEMID_DS_NSEMS,
  SEMID_DS_OTIME,
  SEMINFO_SEMAEM,
  SEMINFO_SEMMAP,
  SEMINFO_SEMMNI,
  SEMINFO_SEMMNS,
  SEMINFO_SEMMNU,
  SEMINFO_SEMMSL,
  SEMINFO_SEMOPM,
  SEMINFO_SEMUME,
  SEMINFO_SEMUSZ,
  SEMINFO_SEMVMX,
  SEMMNS,
  SEMOPM,
  SEMUSZ,
  SEMVMX,
} from './ipcabi'
import { edit, save } from './journal'
import { abandon, lock, relax, unlock } from './lock'
import { Process } from './process'
import {
  findSet,
  isOverLimit,
  newSet,
  removeSet,
  SemSet,
  saveSems,
  semAt,
  semsInUse,
  semValue,
} from './semset'
import { forgetUndo, forgetUndos, sweepSets } from './semundo'
import { countSleepers, lockSems, settle } from './semwait'
import { me } from './thread'

/**
 * semget(2). => the id; -EINVAL (more than SEMMSL, none for a new set, more than the set has), -EEXIST, -ENOENT, -EACCES, -ENOSPC (SEMMNI, SEMMNS), -ENOMEM.
 */
export function sysSemget(process: Process, key: i32, count: i32, flags: u32): i32 {
  if (count < 0 || <u32>count > limit(LIMIT_SEMMSL)) return -EINVAL
  lock()
  const result = find(process, key, count, flags)
  unlock()
  return result
}

function find(process: Process, key: i32, count: u32, flags: u32): i32 {
  const found = lookUp(IPC_SEM, key, flags)
  if (found == 0 || found == -ENOSPC) {
    if (count == 0) return -EINVAL
    return found != 0 || isOverLimit(count) ? -ENOSPC : make(process, key, count, flags)
  }
  if (found < 0) return <i32>found
  const set = changetype<SemSet>(<usize>found)
  if (count > set.count) return -EINVAL
  const denied = mayGet(process, set, flags)
  return denied != 0 ? denied : <i32>set.id
}

function make(process: Process, key: i32, count: u32, flags: u32): i32 {
  const id = newSet(process, key, count, flags)
  if (id < 0) abandon()
  return id
}

/**
 * semctl(2). `first`: the value of SETVAL, the number of values at BUFFER_DATA (u16 each) of SETALL, the uid of IPC_SET; `gid` and `mode`: IPC_SET's (NaN: as it is).
 * => what the command gives, or 0; SEMID_DS_* or seminfo at BUFFER_RESULT, GETALL's values at BUFFER_DATA. -EINVAL (id, semaphore, command, number of
 * values), -EACCES, -EPERM, -ERANGE.
 */
export function sysSemctl(
  process: Process,
  id: i32,
  num: i32,
  command: u32,
  first: f64,
  gid: f64,
  mode: f64,
): i32 {
  if (id < 0) return -EINVAL
  if (command == SEM_SETVAL && !(first >= 0 && first <= <f64>SEMVMX)) return -ERANGE
  lockSems()
  const result = control(process, id, num, command, first, gid, mode)
  unlock()
  return result
}

/** What observers ask, without a process: IPC_INFO, SEM_INFO, SEM_STAT_ANY, the GET commands. => as sysSemctl; -ESRCH for any other command. */
export function sysSemObserve(id: i32, num: i32, command: u32): i32 {
  const informs = command == IPC_INFO || command == SEM_INFO
  const reads = command >= SEM_GETPID && command <= SEM_GETZCNT
  if (!informs && !reads && command != SEM_STAT_ANY) return -ESRCH
  if (id < 0) return -EINVAL
  lockSems()
  const set = reads ? findSet(id) : inSlot(id)
  let result = -EINVAL
  if (informs) result = inform(command)
  else if (set != null) result = reads ? read(null, set, num, command) : stat(null, set, command)
  unlock()
  return result
}

function control(
  process: Process,
  id: i32,
  num: i32,
  command: u32,
  first: f64,
  gid: f64,
  mode: f64,
): i32 {
  if (command == IPC_INFO || command == SEM_INFO) return inform(command)
  if (command == SEM_STAT || command == SEM_STAT_ANY) return stat(process, inSlot(id), command)
  const found = findSet(id)
  if (!isKnown(command) || found == null) return -EINVAL
  const set = found
  if (command == IPC_STAT) return stat(process, set, command)
  if (command == SEM_SETVAL) return setValue(process, set, num, <i32>first)
  if (command == SEM_SETALL) return setAll(process, set, first)
  if (command == IPC_SET) return setOwner(process, set, first, gid, mode)
  if (command == IPC_RMID) return remove(process, set)
  return read(process, set, num, command)
}

function isKnown(command: u32): bool {
  const values = command >= SEM_GETPID && command <= SEM_SETALL
  return values || command == IPC_STAT || command == IPC_SET || command == IPC_RMID
}

/** IPC_INFO, SEM_INFO: the limits; with SEM_INFO sets and semaphores in use. => the highest slot in use, or 0. */
function inform(command: u32): i32 {
  const to = <usize>me().buffer + BUFFER_RESULT
  const use = command == SEM_INFO
  store<u32>(to, SEMMNS, SEMINFO_SEMMAP)
  store<u32>(to, limit(LIMIT_SEMMNI), SEMINFO_SEMMNI)
  store<u32>(to, limit(LIMIT_SEMMNS), SEMINFO_SEMMNS)
  store<u32>(to, SEMMNS, SEMINFO_SEMMNU)
  store<u32>(to, limit(LIMIT_SEMMSL), SEMINFO_SEMMSL)
  store<u32>(to, limit(LIMIT_SEMOPM), SEMINFO_SEMOPM)
  store<u32>(to, SEMOPM, SEMINFO_SEMUME)
  store<u32>(to, use ? ipcCount(IPC_SEM) : SEMUSZ, SEMINFO_SEMUSZ)
  store<u32>(to, SEMVMX, SEMINFO_SEMVMX)
  store<u32>(to, use ? semsInUse() : SEMAEM, SEMINFO_SEMAEM)
  return max(lastSlot(IPC_SEM), 0)
}

function inSlot(slot: i32): SemSet | null {
  return changetype<SemSet | null>(ipcAt(IPC_SEM, <u32>slot % IPCMNI))
}

/** IPC_STAT; SEM_STAT and SEM_STAT_ANY, whose id is a slot. `process` null: nobody in particular. => 0, of the latter the id. */
function stat(process: Process | null, found: SemSet | null, command: u32): i32 {
  if (found == null) return -EINVAL
  const set = found
  const asks = process != null && command != SEM_STAT_ANY
  if (asks && mayUse(process!, set, 4) != 0) return -EACCES
  const to = <usize>me().buffer + BUFFER_RESULT
  writePerm(set, to)
  store<u32>(to, set.count, SEMID_DS_NSEMS)
  store<i64>(to, seconds(set.otimeMs), SEMID_DS_OTIME)
  store<i64>(to, seconds(set.ctimeMs), SEMID_DS_CTIME)
  return command == IPC_STAT ? 0 : <i32>set.id
}

/** GETALL, GETVAL, GETPID, GETNCNT, GETZCNT. `process` null: nobody in particular. */
function read(process: Process | null, set: SemSet, num: i32, command: u32): i32 {
  if (process != null && mayUse(process, set, 4) != 0) return -EACCES
  if (command == SEM_GETALL) return readAll(set)
  if (num < 0 || <u32>num >= set.count) return -EINVAL
  if (command == SEM_GETVAL) return semValue(set, num)
  if (command == SEM_GETPID) return load<u32>(semAt(set, num), 4)
  return countSleepers(set, num, command == SEM_GETZCNT)
}

/** => how many values it left. */
function readAll(set: SemSet): i32 {
  const to = <usize>me().buffer + BUFFER_DATA
  for (let i: u32 = 0; i < set.count; i++) store<u16>(to + (i << 1), <u16>semValue(set, i))
  return set.count
}

/** The last change of the set, by semctl. => the time, ms. */
function touch(set: SemSet): f64 {
  edit<SemSet>(set).ctimeMs = now(1)
  return set.ctimeMs
}

/** SETVAL: forgets what anybody would undo to the semaphore, and completes who can go on. */
function setValue(process: Process, set: SemSet, num: i32, value: i32): i32 {
  if (num < 0 || <u32>num >= set.count) return -EINVAL
  if (mayUse(process, set, 2) != 0) return -EACCES
  const at = semAt(set, num)
  forgetUndo(set, num)
  save(at, 8)
  store<i32>(at, value)
  store<u32>(at, process.pid, 4)
  settle(set, 0, 0, touch(set))
  return 0
}

/** SETALL, of `given` values at BUFFER_DATA. */
function setAll(process: Process, set: SemSet, given: f64): i32 {
  if (mayUse(process, set, 2) != 0) return -EACCES
  const count = set.count
  if (given != <f64>count) return -EINVAL
  const from = <usize>me().buffer + BUFFER_DATA
  for (let i: u32 = 0; i < count; i++) if (load<u16>(from + (i << 1)) > SEMVMX) return -ERANGE
  forgetUndos(set)
  saveSems(set)
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(semAt(set, i), load<u16>(from + (i << 1)))
    store<u32>(semAt(set, i), process.pid, 4)
  }
  settle(set, 0, 0, touch(set))
  return 0
}

function setOwner(process: Process, set: SemSet, uid: f64, gid: f64, mode: f64): i32 {
  const denied = mayOwn(process, set)
  if (denied != 0) return denied
  const result = setIpc(set, orElse(uid, set.uid), orElse(gid, set.gid), orElse(mode, set.mode))
  if (result == 0) touch(set)
  return result
}

function remove(process: Process, set: SemSet): i32 {
  const denied = mayOwn(process, set)
  if (denied != 0) return denied
  removeSet(set)
  relax()
  sweepSets()
  return 0
}
