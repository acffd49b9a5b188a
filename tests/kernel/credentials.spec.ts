import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EAGAIN,
  EINVAL,
  EPERM,
  ESRCH,
  FDS_MAX,
  GROUPS_MAX,
  PROCESS_EGID,
  PROCESS_EUID,
  PROCESS_GID,
  PROCESS_PARENT,
  PROCESS_THREADS,
  PROCESS_UID,
  PROCESS_UMASK,
  RLIM_INFINITY,
  RLIMIT_AS,
  RLIMIT_MEMLOCK,
  RLIMIT_NOFILE,
} from '../../assembly/abi'
import {
  sysCreate,
  sysGet,
  sysGetGroups,
  sysGetHardLimit,
  sysGetLimit,
  sysJoin,
  sysLeave,
  sysSet,
  sysSetGroups,
  sysSetLimit,
  sysSetLimits,
} from '../../assembly/credentials'
import { findProcess, inGroup, mayAccess, Process, processAt } from '../../assembly/process'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { begin, bootMemory, end, process } from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

/** Sets `count` supplementary groups: 100, 101 ... */
function group(who: Process, count: u32): i32 {
  for (let i: u32 = 0; i < min(count, GROUPS_MAX); i++) {
    store<u32>(<usize>me().buffer + BUFFER_DATA + (i << 2), 100 + i)
  }
  return sysSetGroups(who, count)
}

describe('making processes', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('gives pids in order, the parent, and the ids that were asked for', () => {
    const pid = sysCreate(process.pid, 7, 8)
    const made = findProcess(pid)!
    expect(pid).toBeGreaterThan(process.pid)
    expect(sysGet(made, PROCESS_PARENT)).toBe(process.pid)
    expect(sysGet(made, PROCESS_UID)).toBe(7)
    expect(sysGet(made, PROCESS_EGID)).toBe(8)
    expect(sysGet(made, PROCESS_THREADS)).toBe(1)
    expect(sysGet(made, PROCESS_UMASK)).toBe(0o22)
    expect(sysGet(made, 99)).toBe(-EINVAL)
    expect(processAt(pid) == made).toBe(true)
    expect(sysJoin(made)).toBe(0)
    expect(sysLeave(pid)).toBe(0)
    expect(findProcess(pid) == null).toBe(true)
  })

  it('refuses a parent that is none with ESRCH, and one too many with EAGAIN', () => {
    expect(sysCreate(999, 0, 0)).toBe(-ESRCH)
    const most = K.processesMax
    K.processesMax = K.processes
    expect(sysCreate(0, 0, 0)).toBe(-EAGAIN)
    K.processesMax = most
  })
})

describe('ids', () => {
  beforeEach(begin)
  afterEach(end)

  it('are whatever root says, and for others those that they have', () => {
    expect(sysSet(process, PROCESS_EUID, 5)).toBe(0)
    expect(sysSet(process, PROCESS_EUID, 6)).toBe(-EPERM)
    expect(sysSet(process, PROCESS_UID, 6)).toBe(-EPERM)
    expect(sysSet(process, PROCESS_GID, 1)).toBe(-EPERM)
    expect(sysSet(process, PROCESS_EUID, 0)).toBe(0)
    expect(sysSet(process, PROCESS_UID, 6)).toBe(0)
    expect(sysSet(process, 99, 0)).toBe(-EINVAL)
    for (let what = PROCESS_UID; what <= PROCESS_EGID; what++) {
      expect(sysSet(process, what, 0xffffffff)).toBe(-EINVAL) // "as it is" of chown, nobody's id
    }
  })

  it('count with supplementary groups, which root alone sets', () => {
    expect(group(process, GROUPS_MAX + 1)).toBe(-EINVAL)
    store<u32>(<usize>me().buffer + BUFFER_DATA, 0xffffffff)
    expect(sysSetGroups(process, 1)).toBe(-EINVAL)
    expect(group(process, 3)).toBe(0)
    expect(sysGetGroups(process)).toBe(3)
    expect(load<u32>(<usize>me().buffer + BUFFER_RESULT, 8)).toBe(102)
    expect(inGroup(process, 101)).toBe(true)
    expect(inGroup(process, 103)).toBe(false)
    process.euid = 9
    expect(group(process, 1)).toBe(-EPERM)
    expect(mayAccess(process, 0o040, 1, 101, 4)).toBe(true)
    expect(mayAccess(process, 0o040, 1, 103, 4)).toBe(false)
    expect(mayAccess(process, 0o040, 9, 101, 4)).toBe(false)
    process.euid = 0
    expect(group(process, 0)).toBe(0)
    expect(sysGetGroups(process)).toBe(0)
  })
})

describe('limits', () => {
  beforeEach(begin)
  afterEach(end)

  it('are none at first, and none again past 32 bits', () => {
    expect(sysGetLimit(process, RLIMIT_AS)).toBe(<f64>RLIM_INFINITY)
    expect(sysSetLimit(process, RLIMIT_AS, 8192)).toBe(0)
    expect(sysGetLimit(process, RLIMIT_AS)).toBe(8192)
    expect(sysSetLimit(process, RLIMIT_MEMLOCK, 1)).toBe(0)
    expect(sysGetLimit(process, RLIMIT_MEMLOCK)).toBe(1)
    expect(sysSetLimit(process, RLIMIT_AS, 1e15)).toBe(0)
    expect(sysGetLimit(process, RLIMIT_AS)).toBe(<f64>RLIM_INFINITY)
    expect(sysSetLimit(process, RLIMIT_NOFILE, 3)).toBe(0)
    expect(sysGetLimit(process, RLIMIT_NOFILE)).toBe(3)
    expect(sysSetLimit(process, 99, 1)).toBe(-EINVAL)
    expect(sysGetLimit(process, 99)).toBe(-EINVAL)
  })

  it('go past the hard one for root alone, whose own the host sets too', () => {
    expect(sysSetLimits(process, RLIMIT_AS, 5, 9)).toBe(0)
    expect(sysGetLimit(process, RLIMIT_AS)).toBe(5)
    expect(sysGetHardLimit(process, RLIMIT_AS)).toBe(9)
    expect(sysSetLimits(process, RLIMIT_AS, 10, 9)).toBe(-EINVAL)
    expect(sysSetLimits(process, 99, 1, 1)).toBe(-EINVAL)
    expect(sysGetHardLimit(process, 99)).toBe(-EINVAL)
    expect(sysSetLimits(process, RLIMIT_AS, 5, 10)).toBe(0)
    expect(sysSetLimits(process, RLIMIT_NOFILE, 3, 1e9)).toBe(0)
    expect(sysGetHardLimit(process, RLIMIT_NOFILE)).toBe(FDS_MAX)
    process.euid = 7
    expect(sysSetLimits(process, RLIMIT_AS, 5, 11)).toBe(-EPERM)
    expect(sysSetLimits(process, RLIMIT_AS, 10, 10)).toBe(0)
    expect(sysSetLimit(process, RLIMIT_MEMLOCK, 8)).toBe(0)
    expect(sysGetHardLimit(process, RLIMIT_MEMLOCK)).toBe(8)
    expect(sysSetLimits(process, RLIMIT_MEMLOCK, 1, 1e15)).toBe(-EPERM)
    expect(sysSetLimits(process, RLIMIT_MEMLOCK, 8, 8)).toBe(0)
    process.euid = 0
  })
})
