import {
  BUFFER_BYTES,
  EACCES,
  EEXIST,
  EFAULT,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  F_GETFD,
  FD_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { sweepIdle } from '../../assembly/idle'
import { Inode } from '../../assembly/inode'
import { sysClose, sysFcntl } from '../../assembly/open'
import { posixName, posixNameBytes } from '../../assembly/posixname'
import { sysShmOpen, sysShmUnlink } from '../../assembly/posixshm'
import { Process } from '../../assembly/process'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { sysFtruncate } from '../../assembly/truncate'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(1024)

const NEW: u32 = O_CREAT | O_RDWR

function named(text: string, prefix: u32 = 0): i32 {
  return posixName(textAt(0), putText(text, 0), prefix)
}

/** One call, a death played before each of its stores, every checker after it. */
function shmOpen(process: Process, name: string, flags: u32, mode: u32 = 0o600): i32 {
  const bytes = putText(name, 0)
  dieAtEveryPush(true)
  const result = sysShmOpen(process, textAt(0), bytes, flags, mode)
  return checked(result)
}

function shmUnlink(process: Process, name: string): i32 {
  const bytes = putText(name, 0)
  dieAtEveryPush(true)
  return checked(sysShmUnlink(process, textAt(0), bytes))
}

function checked(result: i32): i32 {
  dieAtEveryPush(false)
  expectUndone()
  sweepIdle()
  checkAll()
  return result
}

function directory(): Inode {
  return changetype<Inode>(<usize>K.shmInode)
}

describe('posixName', () => {
  it('takes names with and without leading slashes', () => {
    expect(named('/a')).toBe(0)
    expect(named('a')).toBe(0)
    expect(named('///a.b')).toBe(0)
    expect(posixNameBytes(textAt(0), putText('//abc', 0))).toBe(3)
  })

  it('refuses what is no name with EINVAL', () => {
    const wrong: StaticArray<string> = ['', '/', '//', '/a/b', 'a/b', 'a/', '.', '/..', '/a\0b']
    for (let i = 0; i < wrong.length; i++) expect(named(wrong[i])).toBe(-EINVAL)
    expect(named('...')).toBe(0)
  })

  it('takes 255 bytes and refuses 256 with ENAMETOOLONG, less what a prefix takes', () => {
    expect(named(`/${'x'.repeat(255)}`)).toBe(0)
    expect(named(`/${'x'.repeat(256)}`)).toBe(-ENAMETOOLONG)
    expect(named(`/${'x'.repeat(251)}`, 4)).toBe(0)
    expect(named(`/${'x'.repeat(252)}`, 4)).toBe(-ENAMETOOLONG)
    expect(named(`/${'x'.repeat(300)}/`)).toBe(-EINVAL)
  })

  it('refuses bytes outside the buffer of the thread with EFAULT', () => {
    expect(posixName(<usize>me().buffer - 1, 1)).toBe(-EFAULT)
    expect(posixName(<usize>me().buffer, BUFFER_BYTES + 1)).toBe(-EFAULT)
    expect(posixName(0xffffffff, 0xffffffff)).toBe(-EFAULT)
  })
})

describe('shm_open', () => {
  it('makes, finds, truncates and removes objects, and a death leaves no half of it', () => {
    const process = spawn()
    expect(shmOpen(process, '/o', O_RDWR)).toBe(-ENOENT)
    expect(shmOpen(process, '/o', NEW | O_EXCL)).toBe(0)
    expect(sysFcntl(process, 0, F_GETFD, 0)).toBe(FD_CLOEXEC)
    expect(shmOpen(process, 'o', NEW | O_EXCL)).toBe(-EEXIST)
    expect(shmOpen(process, 'o', O_RDONLY)).toBe(1)
    expect(sysFtruncate(process, 1, 0)).toBe(-EINVAL)
    expect(sysFtruncate(process, 0, 8192)).toBe(0)
    expect(shmOpen(process, 'o', O_RDONLY | O_TRUNC)).toBe(2)
    expect(shmOpen(process, 'o', O_DIRECTORY | O_RDWR)).toBe(-EINVAL)
    expect(shmOpen(process, 'o', O_CREAT)).toBe(-EINVAL)
    expect(directory().entryCount).toBe(1)
    expect(shmUnlink(process, '/o')).toBe(0)
    expect(shmUnlink(process, '/o')).toBe(-ENOENT)
    expect(directory().entryCount).toBe(0)
    sysExit(process.pid, 0)
    checked(0)
  })

  it('with no descriptor to give makes no object', () => {
    const process = spawn()
    process.fdLimit = 0
    expect(shmOpen(process, '/x', NEW)).toBe(-EMFILE)
    expect(directory().entryCount).toBe(0)
    sysExit(process.pid, 0)
  })

  it('lets only the owner and root unlink: EACCES to others, whatever the mode', () => {
    const owner = spawn()
    owner.euid = 10
    const other = spawn()
    other.euid = 11
    owner.umask = 0
    expect(shmOpen(owner, '/s', NEW, 0o777)).toBe(0)
    expect(shmOpen(other, '/s', O_RDWR)).toBe(0)
    expect(shmUnlink(other, '/s')).toBe(-EACCES)
    expect(shmUnlink(owner, '/s')).toBe(0)
    sysExit(owner.pid, 0)
    sysExit(other.pid, 0)
    checked(0)
  })

  it('gives frames and inode back with the last user', () => {
    const first = spawn()
    sysClose(first, shmOpen(first, '/f', NEW))
    shmUnlink(first, '/f')
    const free = freeFrames()
    const inodes = K.inodes
    const fd = shmOpen(first, '/f', NEW)
    shmUnlink(first, '/f')
    expect(K.inodes).toBe(inodes + 1)
    sysClose(first, fd)
    checked(0)
    expect(K.inodes).toBe(inodes)
    expect(freeFrames()).toBe(free)
    sysExit(first.pid, 0)
  })
})
