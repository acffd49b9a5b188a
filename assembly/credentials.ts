/**
 * Making processes, and the numbers that they carry: credentials, umask, limits.
 *
 * Sources: POSIX.1-2017 setuid, setgid, getgroups, getrlimit. The host is trusted: it may set any of them, for itself and for guests.
 */
import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EAGAIN,
  EINVAL,
  ENOMEM,
  EPERM,
  ESRCH,
  FDS_MAX,
  GROUPS_MAX,
  PROCESS_EGID,
  PROCESS_EUID,
  PROCESS_GID,
  PROCESS_GROUPS,
  PROCESS_PARENT,
  PROCESS_THREADS,
  PROCESS_UID,
  PROCESS_UMASK,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_MEMLOCK,
  RLIMIT_NOFILE,
  THREADS_MAX,
} from './abi'
import { leaveProcess } from './exit'
import { edit } from './journal'
import { abandon, lock, unlock } from './lock'
import {
  findProcess,
  NO_ID,
  newProcess,
  Process,
  Space,
  setGroups,
  setThread,
  threadCount,
} from './process'
import { me, sequenceOf } from './thread'

/** A new process with this thread in it. `parent` 0: none. => pid, -EAGAIN (too many, or memory is out), -ESRCH (no such parent). */
export function sysCreate(parent: u32, uid: u32, gid: u32): i32 {
  lock()
  if (parent != 0 && findProcess(parent) == null) {
    unlock()
    return -ESRCH
  }
  const process = newProcess(parent)
  if (process == null) {
    abandon()
    unlock()
    return -EAGAIN
  }
  process.uid = uid
  process.euid = uid
  process.gid = gid
  process.egid = gid
  setThread(process, me().index, true)
  const pid = process.pid
  unlock()
  return pid
}

/** This thread runs the process too. => 0. */
export function sysJoin(process: Process): i32 {
  lock()
  setThread(process, me().index, true)
  unlock()
  return 0
}

/** This thread runs the process in the place of thread `index` of that sequence number: a child that another thread forked for it. => 0. */
export function sysTake(process: Process, index: u32, sequence: u32): i32 {
  lock()
  setThread(process, me().index, true)
  const there = index < THREADS_MAX && sequenceOf(index) == sequence
  if (there && index != me().index) setThread(process, index, false)
  unlock()
  return 0
}

/** This thread runs the process no longer; the last one ends it. => 0, -ESRCH. */
export function sysLeave(pid: u32): i32 {
  lock()
  const process = findProcess(pid)
  if (process != null) leaveProcess(process, me().index)
  unlock()
  return process == null ? -ESRCH : 0
}

/** => one of the PROCESS_* numbers, -EINVAL for another. */
export function sysGet(process: Process, what: u32): f64 {
  switch (what) {
    case PROCESS_UID:
      return process.uid
    case PROCESS_GID:
      return process.gid
    case PROCESS_EUID:
      return process.euid
    case PROCESS_EGID:
      return process.egid
    case PROCESS_UMASK:
      return process.umask
    case PROCESS_PARENT:
      return process.parent
    case PROCESS_GROUPS:
      return process.groupCount
    case PROCESS_THREADS:
      return threadCount(process)
    default:
      return -EINVAL
  }
}

/**
 * Sets an id: any for root, for others one that the process has already (POSIX setuid, seteuid; there is no saved one).
 * => 0, -EINVAL, -EPERM.
 */
export function sysSet(process: Process, what: u32, value: u32): i32 {
  if (what > PROCESS_EGID || value == NO_ID) return -EINVAL
  lock()
  const allowed = mayTake(process, what, value)
  if (allowed) {
    edit<Process>(process)
    if (what == PROCESS_UID) process.uid = value
    else if (what == PROCESS_GID) process.gid = value
    else if (what == PROCESS_EUID) process.euid = value
    else process.egid = value
  }
  unlock()
  return allowed ? 0 : -EPERM
}

function mayTake(process: Process, what: u32, value: u32): bool {
  if (process.euid == 0) return true
  if (what == PROCESS_UID) return value == process.uid
  if (what == PROCESS_GID) return value == process.gid
  if (what == PROCESS_EUID) return value == process.uid || value == process.euid
  return value == process.gid || value == process.egid
}

/** Sets the supplementary groups to `count` words at BUFFER_DATA. => 0, -EINVAL (more than GROUPS_MAX), -EPERM unless root, -ENOMEM. */
export function sysSetGroups(process: Process, count: u32): i32 {
  if (count > GROUPS_MAX) return -EINVAL
  if (process.euid != 0) return -EPERM
  const groups = <usize>me().buffer + BUFFER_DATA
  for (let i: u32 = 0; i < count; i++) if (load<u32>(groups + (i << 2)) == NO_ID) return -EINVAL
  lock()
  const stored = setGroups(process, groups, count)
  if (!stored) abandon()
  unlock()
  return stored ? 0 : -ENOMEM
}

/** getgroups: leaves them at BUFFER_RESULT, a word each. => how many. */
export function sysGetGroups(process: Process): i32 {
  lock()
  const count = process.groupCount
  if (count > 0) memory.copy(<usize>me().buffer + BUFFER_RESULT, process.groups, count << 2)
  unlock()
  return count
}

function toLimit(value: f64): u32 {
  return value >= 0 && value < <f64>RLIM_INFINITY ? <u32>value : RLIM_INFINITY
}

/** The soft limit and the hard one. => lock held; there is such a resource. */
function putLimits(process: Process, what: u32, soft: u32, hard: u32): void {
  if (what == RLIMIT_NOFILE) {
    edit<Process>(process)
    process.fdLimit = min(soft, FDS_MAX)
    process.fdHard = min(hard, FDS_MAX)
    return
  }
  const space = edit<Space>(process.space!)
  if (what == RLIMIT_AS) {
    space.limitAs = soft
    space.hardAs = hard
  } else {
    space.limitMemlock = soft
    space.hardMemlock = hard
  }
}

/** The host's setrlimit, of both limits: bytes for AS and MEMLOCK, descriptors for NOFILE; from 2^32 - 1 on, none. => 0, -EINVAL. */
export function sysSetLimit(process: Process, what: u32, value: f64): i32 {
  if (sysGetLimit(process, what) < 0) return -EINVAL
  lock()
  putLimits(process, what, toLimit(value), toLimit(value))
  unlock()
  return 0
}

/** A guest's setrlimit. => 0, -EINVAL (no such resource, `soft` past `hard`), -EPERM (a hard limit past the one that was, unless root). */
export function sysSetLimits(process: Process, what: u32, soft: f64, hard: f64): i32 {
  if (sysGetLimit(process, what) < 0 || soft > hard) return -EINVAL
  lock()
  const allowed = process.euid == 0 || <f64>toLimit(hard) <= sysGetHardLimit(process, what)
  if (allowed) putLimits(process, what, toLimit(soft), toLimit(hard))
  unlock()
  return allowed ? 0 : -EPERM
}

/** getrlimit. => the limit, RLIM_INFINITY for none, -EINVAL. */
export function sysGetLimit(process: Process, what: u32): f64 {
  const space = process.space!
  if (what == RLIMIT_AS) return space.limitAs
  if (what == RLIMIT_MEMLOCK) return space.limitMemlock
  if (what == RLIMIT_NOFILE) return process.fdLimit
  return -EINVAL
}

/** => how far a guest may raise it: as sysGetLimit. */
export function sysGetHardLimit(process: Process, what: u32): f64 {
  const space = process.space!
  if (what == RLIMIT_AS) return space.hardAs
  if (what == RLIMIT_MEMLOCK) return space.hardMemlock
  if (what == RLIMIT_NOFILE) return process.fdHard
  return -EINVAL
}
