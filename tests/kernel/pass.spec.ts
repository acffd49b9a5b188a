import {
  EBADF,
  ESRCH,
  F_GETFD,
  FDS_MAX,
  O_CREAT,
  O_RDWR,
  SEEK_CUR,
  SEEK_SET,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { fileAt, reserveFd } from '../../assembly/fd'
import { openFiles } from '../../assembly/file'
import { lock, unlock } from '../../assembly/lock'
import { sysFcntl } from '../../assembly/open'
import { sysShareFd } from '../../assembly/pass'
import { Process } from '../../assembly/process'
import { sysLseek } from '../../assembly/readwrite'
import { K } from '../../assembly/root'
import { close, open, read, step, write } from './support/files'
import { anotherProcess, bootForSpec, checkAll, process } from './support/kernel'
import { dieAtEveryPush, expectUndone } from './support/transactions'

const NEW: u32 = O_CREAT | O_RDWR
let other: Process = changetype<Process>(0)

describe('passing a descriptor', () => {
  beforeAll(() => {
    bootForSpec()
  })
  beforeEach(() => {
    other = anotherProcess(0, 0)
    dieAtEveryPush(true)
  })
  afterEach(() => {
    dieAtEveryPush(false)
    sysExit(other.pid, 0)
    expectUndone()
    checkAll()
  })

  it('gives the other process the same open description, at the number asked for', () => {
    const fd = step(open(process, '/passed', NEW))
    step(write(process, fd, 'shared'))
    expect(sysShareFd(process, fd, other.pid, 7)).toBe(7)
    expect(fileAt(other, 7) == fileAt(process, fd)).toBe(true)
    sysLseek(process, fd, 2, SEEK_SET)
    expect(read(other, 7, 2)).toBe('ar')
    expect(<i32>sysLseek(process, fd, 0, SEEK_CUR)).toBe(4)
    expect(sysFcntl(other, 7, F_GETFD, 0)).toBe(0)
    close(process, fd)
    expect(read(other, 7, 2)).toBe('ed')
  })

  it('closes what the number was open on', () => {
    const fd = step(open(process, '/passed', NEW))
    step(open(other, '/closed', NEW))
    const before = openFiles()
    expect(sysShareFd(process, fd, other.pid, 0)).toBe(0)
    expect(openFiles()).toBe(before - 1)
    expect(fileAt(other, 0) == fileAt(process, fd)).toBe(true)
    expect(sysShareFd(process, fd, other.pid, 0)).toBe(0)
    expect(openFiles()).toBe(before - 1)
    close(process, fd)
  })

  it('refuses what is not open, no number, no process, and changes nothing', () => {
    const fd = step(open(process, '/passed', NEW))
    const free = K.freeFrames
    expect(sysShareFd(process, fd + 1, other.pid, 0)).toBe(-EBADF)
    expect(sysShareFd(process, -1, other.pid, 0)).toBe(-EBADF)
    expect(sysShareFd(process, fd, other.pid, -1)).toBe(-EBADF)
    expect(sysShareFd(process, fd, other.pid, FDS_MAX)).toBe(-EBADF)
    expect(sysShareFd(process, fd, other.pid + 1, 0)).toBe(-ESRCH)
    expect(sysShareFd(process, fd, 0, 0)).toBe(-ESRCH)
    expect(fileAt(other, 0) == null).toBe(true)
    expect(K.freeFrames).toBe(free)
    close(process, fd)
  })

  it('leaves alone a number at which an open is on its way', () => {
    const fd = step(open(process, '/passed', NEW))
    lock()
    const reserved = reserveFd(other, 0)
    unlock()
    expect(reserved).toBeGreaterThanOrEqual(0)
    expect(sysShareFd(process, fd, other.pid, reserved)).toBe(-EBADF)
    close(process, fd)
  })
})
