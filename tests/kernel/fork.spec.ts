import {
  BUFFER_RESULT,
  EAGAIN,
  ENOMEM,
  F_GETFD,
  FD_CLOEXEC,
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MCL_CURRENT,
  MCL_FUTURE,
  O_CLOEXEC,
  O_CREAT,
  O_RDWR,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { sysExit } from '../../assembly/exit'
import { fileAt } from '../../assembly/fd'
import { sysFork } from '../../assembly/fork'
import { sweepIdle } from '../../assembly/idle'
import { lock, unlock } from '../../assembly/lock'
import { sysMadvise } from '../../assembly/madvise'
import { sysMlockall } from '../../assembly/mlock'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { sysFcntl } from '../../assembly/open'
import { findProcess, Process, setGroups } from '../../assembly/process'
import { pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { sysFtruncate } from '../../assembly/truncate'
import { sysViewOpen } from '../../assembly/view'
import { checkAll, freeFrames, spawn } from './support/boot'
import {
  at,
  fork,
  loadByte,
  map,
  OWN,
  open,
  PAGES,
  parent,
  RIGHTS,
  refsOf,
  setParent,
  storeByte,
} from './support/forks'
import { dieAtEveryPush, expectUndone } from './support/transactions'

let child: Process = parent

describe('fork', () => {
  beforeEach(() => {
    setParent(spawn())
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    sysExit(parent.pid, 0)
    if (child != parent && findProcess(child.pid) == child) sysExit(child.pid, 0)
    child = parent
    sweepIdle()
    checkAll()
    expectUndone()
  })

  it('shares private pages until one side stores; who is left alone takes the page over', () => {
    map(0, PAGES)
    for (let page: u32 = 0; page < 4; page++) storeByte(parent, page, <u8>(page + 1))
    child = fork()
    checkAll()
    for (let page: u32 = 0; page < 4; page++) expect(refsOf(child, page)).toBe(2)
    expect(pteOf(child.space!, at(5))).toBe(0)
    storeByte(child, 0, 50)
    storeByte(parent, 1, 60)
    expect(refsOf(parent, 0)).toBe(1)
    const free = freeFrames()
    storeByte(parent, 0, 70)
    storeByte(child, 1, 80)
    expect(freeFrames()).toBe(free)
    checkAll()
    expect(loadByte(parent, 0)).toBe(70)
    expect(loadByte(child, 0)).toBe(50)
    expect(loadByte(parent, 1)).toBe(60)
    expect(loadByte(child, 1)).toBe(80)
    expect(loadByte(parent, 2)).toBe(3)
    expect(loadByte(child, 2)).toBe(3)
    expect(loadByte(child, 6)).toBe(0)
  })

  it('gives the child the same shared pages, which fault in', () => {
    map(0, 2, MAP_SHARED | MAP_ANONYMOUS)
    storeByte(parent, 0, 1)
    child = fork()
    expect(pteOf(child.space!, at(0))).toBe(0)
    storeByte(child, 0, 2)
    storeByte(child, 1, 3)
    expect(loadByte(parent, 0)).toBe(2)
    expect(loadByte(parent, 1)).toBe(3)
    sysExit(parent.pid, 0)
    checkAll()
    expect(loadByte(child, 1)).toBe(3)
  })

  it('copies what a process is: ids, groups, umask, limits, descriptors; not its memory locks', () => {
    parent.uid = 1
    parent.gid = 2
    parent.egid = 4
    parent.umask = 0o77
    parent.fdLimit = 99
    parent.space!.limitAs = 1 << 30
    parent.space!.limitMemlock = 1 << 20
    parent.fdHard = 100
    parent.space!.hardAs = 1 << 29
    parent.space!.hardMemlock = 1 << 21
    store<u32>(<usize>me().buffer, 42)
    lock()
    setGroups(parent, <usize>me().buffer, 1)
    unlock()
    expect(open(parent, '/f', O_CREAT | O_RDWR)).toBe(0)
    expect(open(parent, '/f', O_RDWR | O_CLOEXEC)).toBe(1)
    map(0, PAGES)
    expect(sysMlockall(parent, MCL_CURRENT | MCL_FUTURE)).toBe(0)
    child = fork()
    expect(child.parent).toBe(parent.pid)
    expect([child.uid, child.gid, child.euid, child.egid]).toStrictEqual([1, 2, 0, 4])
    expect([child.umask, child.fdLimit, child.groupCount]).toStrictEqual([0o77, 99, 1])
    expect(load<u32>(child.groups)).toBe(42)
    expect(child.space!.limitAs).toBe(1 << 30)
    expect(child.space!.limitMemlock).toBe(1 << 20)
    expect(child.fdHard).toBe(100)
    expect([child.space!.hardAs, child.space!.hardMemlock]).toStrictEqual([1 << 29, 1 << 21])
    expect(child.space!.lockedPages).toBe(0)
    expect(child.space!.lockFuture).toBe(0)
    expect(fileAt(child, 0) == fileAt(parent, 0)).toBe(true)
    expect(sysFcntl(child, 1, F_GETFD, 0)).toBe(FD_CLOEXEC)
    sysExit(parent.pid, 0)
    expect(child.parent).toBe(0)
  })

  it('charges the child what its parent is charged, and gives it back', () => {
    const before = K.committed
    map(0, PAGES)
    map(PAGES, 4, OWN | MAP_NORESERVE)
    for (let page: u32 = 0; page < PAGES + 2; page++) storeByte(parent, page, 1)
    const committed = K.committed
    child = fork()
    expect(K.committed - committed).toBeGreaterThanOrEqual(PAGES + 2)
    expect(child.space!.charged).toBe(PAGES)
    storeByte(child, PAGES, 9)
    storeByte(parent, PAGES + 1, 9)
    sysMadvise(child, at(PAGES), 8192, 4)
    checkAll()
    sysExit(child.pid, 0)
    expect(K.committed).toBe(committed)
    sysExit(parent.pid, 0)
    expect(K.committed).toBeLessThanOrEqual(before)
  })

  it('fails with ENOMEM when the promises are not there, with nothing done', () => {
    map(0, PAGES)
    for (let page: u32 = 0; page < PAGES; page++) storeByte(parent, page, 1)
    map(PAGES, 2, OWN | MAP_NORESERVE)
    for (let page: u32 = PAGES; page < PAGES + 2; page++) storeByte(parent, page, 1)
    const limit = K.commitLimit
    const processes = K.processes
    const committed = K.committed
    const free = freeFrames()
    let failed: u32 = 0
    for (let room: u32 = 0; room < PAGES + 4; room++) {
      K.commitLimit = committed + room
      const pid = sysFork(parent)
      if (pid > 0) sysExit(<u32>pid, 0)
      else {
        expect(pid).toBe(-ENOMEM)
        failed++
      }
      expect(K.processes).toBe(processes)
      expect(K.committed).toBe(committed)
      expect(freeFrames()).toBe(free)
      checkAll()
    }
    K.commitLimit = limit
    expect(failed).toBeGreaterThanOrEqual(PAGES + 2)
    storeByte(parent, 0, 2)
  })

  it('fails with ENOMEM when no frame is free, with nothing done', () => {
    map(0, 4)
    for (let page: u32 = 0; page < 4; page++) storeByte(parent, page, 7)
    expect(sysViewOpen(parent, at(2), 4096)).toBe(0)
    dieAtEveryPush(false)
    const hog = spawn()
    const far = sysMmap(hog, 0, 4000 << 12, RIGHTS, OWN | MAP_NORESERVE, -1, 0)
    const processes = K.processes
    let touched: u32 = 0
    let done: u32 = 0
    K.commitLimit += 1000
    while (sysAccess(hog, <u32>far + (touched << 12), 1, true) == 0) touched++
    sysRelease()
    for (let freed: u32 = 0; freed < 12; freed++) {
      const free = freeFrames()
      const pid = sysFork(parent)
      if (pid > 0) {
        sysExit(<u32>pid, 0)
        done++
      } else expect(pid).toBe(-ENOMEM)
      expect(K.processes).toBe(processes)
      expect(freeFrames()).toBe(free)
      checkAll()
      sysMunmap(hog, <u32>far + (freed << 12), 4096)
    }
    K.commitLimit -= 1000
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(12)
    sysExit(hog.pid, 0)
    expect(loadByte(parent, 2)).toBe(7)
  })

  it('fails with EAGAIN when there are too many processes', () => {
    const most = K.processesMax
    K.processesMax = K.processes
    expect(sysFork(parent)).toBe(-EAGAIN)
    K.processesMax = most
    child = fork()
  })

  it('copies pages under a host view at once: the view keeps the page of its own process', () => {
    map(0, 4)
    for (let page: u32 = 0; page < 4; page++) storeByte(parent, page, 1)
    expect(sysViewOpen(parent, at(1), 8192)).toBe(0)
    const bytes = <usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)
    store<u8>(bytes, 10)
    child = fork()
    store<u8>(bytes, 20)
    expect(loadByte(child, 1)).toBe(10)
    expect(loadByte(parent, 1)).toBe(20)
    storeByte(parent, 2, 30)
    expect(load<u8>(bytes + 4096)).toBe(30)
    expect(loadByte(child, 2)).toBe(1)
    expect(refsOf(child, 0)).toBe(2)
    expect(refsOf(child, 1)).toBe(1)
  })

  it('a view opened on pages that two processes share gets pages of its own', () => {
    map(0, 4)
    for (let page: u32 = 0; page < 4; page++) storeByte(parent, page, 5)
    child = fork()
    expect(sysViewOpen(parent, at(0), 4 << 12)).toBe(0)
    store<u8>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT), 6)
    expect(loadByte(child, 0)).toBe(5)
    expect(loadByte(parent, 0)).toBe(6)
  })

  it('leaves out private copies past the end of their file', () => {
    const fd = open(parent, '/g', O_CREAT | O_RDWR)
    sysFtruncate(parent, fd, 4 << 12)
    map(0, 4, MAP_PRIVATE, RIGHTS, fd)
    for (let page: u32 = 0; page < 4; page++) storeByte(parent, page, 5)
    sysFtruncate(parent, fd, 2 << 12)
    child = fork()
    sysFtruncate(parent, fd, 4 << 12)
    expect(loadByte(child, 1)).toBe(5)
    expect(loadByte(child, 3)).toBe(0)
  })
})
