/**
 * Names of POSIX semaphores and queues: namedsem, posixname, mqopen. Their longest and strangest names, who shares and who ends them, and memory
 * that runs out at any structure. (The calls on what they name are in posixsem.spec and mq.spec.)
 */
import {
  BUFFER_BYTES,
  EACCES,
  EEXIST,
  EFAULT,
  EINVAL,
  ENAMETOOLONG,
  ENOENT,
  ENOMEM,
  ENOSPC,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_WRONLY,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { openFiles } from '../../assembly/file'
import { sysFork } from '../../assembly/fork'
import { sweepIdle } from '../../assembly/idle'
import { SEM_VALUE_MAX } from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { sysMunmap } from '../../assembly/mmap'
import { sysMqClose, sysMqOpen, sysMqUnlink } from '../../assembly/mqopen'
import {
  BUCKETS,
  NamedSem,
  namedSemAt,
  sysSemClose,
  sysSemOpen,
  sysSemUnlink,
} from '../../assembly/namedsem'
import { posixName, posixNameBytes } from '../../assembly/posixname'
import { posixQueues } from '../../assembly/posixqueue'
import { sysSemGetvalue, sysSemPost } from '../../assembly/posixsem'
import { findProcess, Process } from '../../assembly/process'
import { K } from '../../assembly/root'
import { noSource } from '../../assembly/source'
import { beginCall, endCall } from '../../assembly/thread'
import { bootSpec, checkAll, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import { feed, spare, starve, structures } from './support/shortage'
import { exemptStatic } from './support/transactions'

bootSpec(900)
exemptStatic(changetype<usize>(noSource()), 8192)

const process = spawn()

function step(result: i32): i32 {
  sweepIdle()
  checkAll()
  return result
}

function open(name: string, flags: u32 = O_CREAT, value: u32 = 1, by: Process = process): i32 {
  const bytes = putText(name, 0)
  return sysSemOpen(by, textAt(0), bytes, flags, 0o600, value)
}

function unlink(name: string, by: Process = process): i32 {
  const bytes = putText(name, 0)
  return step(sysSemUnlink(by, textAt(0), bytes))
}

function openQueue(name: string, flags: u32 = O_CREAT | O_RDWR): i32 {
  const bytes = putText(name, 0)
  return sysMqOpen(process, textAt(0), bytes, flags, 0o600, NaN, NaN)
}

function unlinkQueue(name: string): i32 {
  const bytes = putText(name, 0)
  return step(sysMqUnlink(process, textAt(0), bytes))
}

function isError(result: i32): bool {
  return result < 0 && result > -4096
}

/** => semaphores with a name. */
function named(): u32 {
  let count: u32 = 0
  lock()
  for (let chain: u32 = 0; chain < BUCKETS; chain++) {
    let sem: NamedSem | null = namedSemAt(chain, 0)
    for (let i: u32 = 1; sem != null; i++) {
      count++
      sem = namedSemAt(chain, i)
    }
  }
  unlock()
  return count
}

function judge(name: string, prefix: u32 = 0): i32 {
  const bytes = putText(name, 0)
  return posixName(textAt(0), bytes, prefix)
}

describe('names of POSIX objects', () => {
  it('are what follows the slashes: one part of 1 to 255 bytes, with what is stored before it', () => {
    expect(judge('x')).toBe(0)
    expect(judge('///x')).toBe(0)
    expect(posixNameBytes(textAt(0), 4)).toBe(1)
    expect(judge('...')).toBe(0)
    expect(judge('/'.repeat(4000) + 'n'.repeat(255))).toBe(0)
    expect(judge('n'.repeat(256))).toBe(-ENAMETOOLONG)
    expect(judge('n'.repeat(251), 4)).toBe(0)
    expect(judge('n'.repeat(252), 4)).toBe(-ENAMETOOLONG)
    const none = ['', '/', '///', '.', '/..', 'a/', 'a/b', '/a//b', 'a\0']
    for (let i = 0; i < none.length; i++) assert(judge(none[i]) == -EINVAL, none[i])
    expect(posixName(0, 1)).toBe(-EFAULT)
    expect(posixName(textAt(BUFFER_BYTES - 1), 2)).toBe(-EFAULT)
    expect(posixName(textAt(0), 0xffffffff)).toBe(-EFAULT)
  })

  it('of queues begin with one slash and have no other', () => {
    const fd = openQueue(`/${'q'.repeat(255)}`)
    expect(fd).toBe(0)
    expect(step(sysMqClose(process, fd))).toBe(0)
    expect(unlinkQueue(`/${'q'.repeat(255)}`)).toBe(0)
    expect(openQueue(`/${'q'.repeat(256)}`)).toBe(-ENAMETOOLONG)
    expect(openQueue('q')).toBe(-EINVAL)
    expect(openQueue('')).toBe(-EINVAL)
    expect(openQueue('/')).toBe(-ENOENT)
    expect(openQueue('//q')).toBe(-EACCES)
    expect(openQueue('/q/')).toBe(-EACCES)
    expect(openQueue('/..')).toBe(-EACCES)
    expect(openQueue('/q\0')).toBe(-EACCES)
    expect(openQueue('/q', O_WRONLY)).toBe(-ENOENT)
    expect(openQueue('/q', O_CREAT)).toBe(-EINVAL)
    expect(posixQueues()).toBe(0)
    expect(openFiles()).toBe(0)
  })
})

describe('named semaphores', () => {
  it('that are unlinked live on for who has them open, apart from a new one of the name', () => {
    const free = structures()
    const old = open('/s', O_CREAT, 3)
    expect(isError(old)).toBe(false)
    expect(unlink('/s')).toBe(0)
    expect(named()).toBe(0)
    expect(open('/s', 0)).toBe(-ENOENT)
    const fresh = open('/s', O_CREAT | O_EXCL, 7)
    expect(fresh != old).toBe(true)
    expect(sysSemPost(process, <u32>old)).toBe(0)
    expect(sysSemGetvalue(process, <u32>old)).toBe(4)
    expect(sysSemGetvalue(process, <u32>fresh)).toBe(7)
    expect(open('/s', O_CREAT | O_EXCL)).toBe(-EEXIST)
    expect(open('/t', O_CREAT, SEM_VALUE_MAX + 1)).toBe(-EINVAL)
    expect(step(sysSemClose(process, <u32>fresh + 4))).toBe(-EINVAL)
    expect(step(sysSemClose(process, 0xffffffffffffffff))).toBe(-EINVAL)
    expect(step(sysSemClose(process, <u32>old))).toBe(0)
    expect(step(sysSemClose(process, <u32>fresh))).toBe(0)
    expect(named()).toBe(1)
    expect(unlink('/s')).toBe(0)
    expect(unlink('/s')).toBe(-ENOENT)
    expect(structures()).toBe(free)
  })

  it('are a child’s too, as often as the parent’s; each closes for itself', () => {
    const objects = K.objects
    const at = open('/f', O_CREAT, 2)
    open('/f')
    expect(unlink('/f')).toBe(0)
    beginCall(process.pid)
    const pid = sysFork(process)
    endCall()
    const child = findProcess(<u32>pid)!
    step(0)
    expect(sysSemPost(child, <u32>at)).toBe(0)
    expect(sysSemGetvalue(process, <u32>at)).toBe(3)
    expect(step(sysSemClose(child, <u32>at))).toBe(0)
    expect(sysSemGetvalue(child, <u32>at)).toBe(3)
    expect(step(sysSemClose(child, <u32>at))).toBe(0)
    expect(step(sysSemClose(child, <u32>at))).toBe(-EINVAL)
    expect(sysSemGetvalue(process, <u32>at)).toBe(3)
    sysExit(child.pid, 0)
    step(0)
    expect(step(sysMunmap(process, <u32>at, 4096))).toBe(0)
    expect(step(sysSemClose(process, <u32>at))).toBe(0)
    expect(step(sysSemClose(process, <u32>at))).toBe(0)
    expect(K.objects).toBe(objects)
  })
})

describe('memory that runs out at any structure', () => {
  it('lets sem_open and mq_open fail with nothing changed', () => {
    sysSemClose(process, <u32>open('/m'))
    unlink('/m')
    sysMqClose(process, openQueue('/m'))
    unlinkQueue('/m')
    const full = structures()
    const committed = K.committed
    let failures: u32 = 0
    for (let round: u32 = 0; round < 26; round++) {
      const queues = round % 2 == 1
      const classes = (round >> 1) << 1
      starve()
      for (let i: u32 = 1; i <= classes; i++) spare(i * 16)
      const before = structures()
      const result = queues ? openQueue('/m') : open('/m')
      const failed = queues ? result < 0 : isError(result)
      const after = structures()
      feed()
      if (failed) {
        failures++
        assert(result == -ENOMEM || result == -ENOSPC, `${result}`)
        assert(after == before, `${after - before} structures were left`)
      } else if (queues) {
        assert(sysMqClose(process, result) == 0 && unlinkQueue('/m') == 0, 'queue')
      } else assert(sysSemClose(process, <u32>result) == 0 && unlink('/m') == 0, 'semaphore')
      step(0)
      assert(structures() == full && K.committed == committed, `after round ${round}`)
      assert(named() == 0 && posixQueues() == 0 && openFiles() == 0, 'something was left')
    }
    expect(failures).toBeGreaterThan(13)
  })
})
