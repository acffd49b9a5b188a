/**
 * Who changes the mappings of a space, and what is left behind by a call that its thread left by the host's exception: change, call, source.
 * (What a fork waits for is in fork-death.spec.)
 */
import {
  AT_FDCWD,
  BUFFER_RESULT,
  EBADF,
  ENODEV,
  ESRCH,
  EWOULDBLOCK_PARK,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from '../../assembly/abi'
import { sysAccess, sysRelease } from '../../assembly/access'
import { begin as beginCall, end as endCall, whole } from '../../assembly/call'
import { beginChange, beginFork, endChange, keepPromise } from '../../assembly/change'
import { charge } from '../../assembly/commit'
import { sysExit, sysReap } from '../../assembly/exit'
import { fileAt } from '../../assembly/fd'
import { openFiles } from '../../assembly/file'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap } from '../../assembly/mmap'
import { sysClose, sysOpen } from '../../assembly/open'
import { Space } from '../../assembly/process'
import { K } from '../../assembly/root'
import { noSource, sourceOf } from '../../assembly/source'
import { leave, me, recover, sequenceOf, threadAt } from '../../assembly/thread'
import { sysFtruncate } from '../../assembly/truncate'
import { unmapRange } from '../../assembly/unmap'
import { sysViewClose, sysViewOpen } from '../../assembly/view'
import { checkAll, freeFrames, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import {
  AT,
  begin,
  bootMemory,
  end,
  goOnAsAnother,
  map,
  PAGE,
  process,
  RIGHTS,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory(700)
K.stallMs = 2

function open(path: string, flags: u32): i32 {
  const bytes = putText(path, 0)
  return sysOpen(process, AT_FDCWD, textAt(0), bytes, flags, 0o644)
}

function change(space: Space): i32 {
  lock()
  const result = beginChange(space)
  unlock()
  checkAll()
  return result
}

function endOf(space: Space): void {
  lock()
  endChange(space)
  unlock()
  checkAll()
}

function fork(space: Space): i32 {
  lock()
  const result = beginFork(space)
  unlock()
  checkAll()
  return result
}

function reap(index: u32): void {
  assert(sysReap(index, sequenceOf(index), true) == 0, 'reap')
  checkAll()
}

describe('changes of a space', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('keep a promise for what they map, and take it back when it does not come to that', () => {
    const space = process.space!
    for (let way = 0; way < 3; way++) {
      const at = map(2)
      const first = me().index
      expect(change(space)).toBe(0)
      lock()
      charge(3)
      keepPromise(space, 3, 1)
      unmapRange(space, at, at + 2 * PAGE)
      unlock()
      expect(space.kept).toBe(4)
      if (way == 2) recover()
      if (way != 0) goOnAsAnother()
      const committed = K.committed
      if (way == 0) endOf(space)
      else if (way == 1) reap(first)
      else expect(change(space)).toBe(0)
      expect(space.kept).toBe(0)
      expect(K.committed).toBe(committed - 4)
      if (way != 2) continue
      endOf(space)
      reap(first)
    }
  })

  it('are one thread’s at a time: another waits until it is whole, or its thread dead', () => {
    const space = process.space!
    expect(change(space)).toBe(0)
    const first = me().index
    expect(space.changing).toBe(first + 1)
    expect(me().changing).toBe(<u32>changetype<usize>(space))
    goOnAsAnother()
    expect(change(space)).toBe(-EWOULDBLOCK_PARK)
    expect(fork(space)).toBe(-EWOULDBLOCK_PARK)
    expect(space.forking).toBe(0)
    expect(me().changing).toBe(0)
    expect(me().waits).toBe(0)
    expect(space.contended).toBe(1)
    endOf(space) // by one who does not change it
    expect(space.changing).toBe(first + 1)
    reap(first)
    expect(space.changing).toBe(0)
    expect(space.contended).toBe(0)
    expect(change(space)).toBe(0)
    endOf(space)
    expect(space.changing).toBe(0)
    expect(me().changing).toBe(0)
  })

  it('wait for a fork, which is nobody’s any more once its thread is out of its call or dead', () => {
    const space = process.space!
    expect(fork(space)).toBe(0)
    const first = me().index
    expect(fork(space)).toBe(0)
    expect(change(space)).toBe(0)
    endOf(space)
    goOnAsAnother()
    expect(change(space)).toBe(-EWOULDBLOCK_PARK)
    reap(first)
    expect(change(space)).toBe(0)
    endOf(space)
    expect(fork(space)).toBe(0)
    leave()
    goOnAsAnother()
    expect(change(space)).toBe(0)
    expect(space.forking).toBe(0)
    endOf(space)
  })

  it('that a thread left by the host’s exception hold up nobody, whatever that thread does next', () => {
    const space = process.space!
    expect(change(space)).toBe(0)
    const first = me().index
    recover()
    beginCall(process.pid) // and sleeps in that call, perhaps for ever
    goOnAsAnother()
    expect(change(space)).toBe(0)
    endOf(space)
    reap(first)
  })

  it('that a thread left so are not remembered past the end of the space', () => {
    const other = spawn()
    expect(change(other.space!)).toBe(0)
    const first = me().index
    recover()
    goOnAsAnother()
    expect(change(other.space!)).toBe(0)
    endOf(other.space!)
    expect(sysExit(other.pid, 0)).toBe(0)
    expect(threadAt(first).changing).toBe(0)
    reap(first)
  })
})

let fd: i32 = 0

function truncate(): void {
  sysFtruncate(process, fd, 0)
}

/** Where the view of a test is. */
let viewed: u32 = 0

function view(): void {
  sysViewOpen(process, viewed, 3 * PAGE)
}

function exit(): void {
  sysExit(process.pid, 0)
}

/** Another thread has a page of `at` and does not let go. => its slot. */
function letAnotherHold(at: u32): u32 {
  assert(sysAccess(process, at, 1, true) == 0, 'access')
  return goOnAsAnother()
}

describe('a call that was left by the host’s exception', () => {
  beforeEach(() => {
    dieAtEveryPush(false)
    begin()
  })
  afterEach(end)

  it('holds nothing any more when its thread calls again: file, turns, object, resize', () => {
    fd = open('/stalled', O_CREAT | O_RDWR)
    expect(sysFtruncate(process, fd, PAGE)).toBe(0)
    const at = <u32>sysMmap(process, AT, PAGE, RIGHTS, MAP_SHARED, fd, 0)
    lock()
    const file = fileAt(process, fd)!
    unlock()
    const files = openFiles()
    const holder = letAnotherHold(at)
    expect(truncate).toThrow()
    recover()
    expect(beginCall(process.pid) == process).toBe(true)
    expect(me().file).toBe(0)
    expect(me().ioKind).toBe(0)
    expect(file.refs).toBe(1)
    expect(file.inode!.writer).toBe(0)
    expect(file.inode!.object!.resizing).toBe(0)
    const again = open('/stalled', O_RDWR)
    expect(again).toBe(fd + 1)
    expect(openFiles()).toBe(files + 1)
    checkAll()
    expect(endCall(0)).toBe(0)
    beginCall(0)
    reap(holder)
    expect(sysFtruncate(process, again, 0)).toBe(0)
    expect(sysClose(process, again)).toBe(0)
    checkAll()
  })

  it('to make a view has given back the frames that it gathered pages in', () => {
    const at = map(3, MAP_PRIVATE, AT)
    for (let page: u32 = 3; page > 0; page--) sysAccess(process, at + (page - 1) * PAGE, 1, true)
    sysRelease()
    viewed = at
    expect(sysViewOpen(process, at, PAGE)).toBe(0) // slabs stay once they are there
    expect(sysViewClose(load<u32>(textAt(BUFFER_RESULT) + 4))).toBe(0)
    const free = freeFrames()
    const holder = letAnotherHold(at + 2 * PAGE)
    expect(view).toThrow()
    expect(me().gatherCount).toBeGreaterThan(0)
    recover()
    beginCall(process.pid)
    expect(me().gatherCount).toBe(0)
    expect(process.space!.changing).toBe(0)
    checkAll()
    reap(holder)
    expect(sysViewOpen(process, at, 3 * PAGE)).toBe(0)
    expect(sysViewClose(load<u32>(textAt(BUFFER_RESULT) + 4))).toBe(0)
    expect(freeFrames()).toBe(free)
  })

  it('to end a process goes on with the next one to end it', () => {
    const at = map(2, MAP_PRIVATE, AT)
    expect(sysAccess(process, at, 1, true)).toBe(0)
    sysRelease()
    const shared = map(40, MAP_SHARED, AT + 64 * PAGE)
    const holder = letAnotherHold(shared)
    expect(exit).toThrow()
    recover()
    expect(beginCall(process.pid) == null).toBe(true)
    reap(holder)
    expect(sysExit(process.pid, 0)).toBe(0)
    expect(sysExit(process.pid, 0)).toBe(-ESRCH)
  })
})

describe('numbers from JavaScript', () => {
  it('are whole and in range, or past every limit', () => {
    expect(whole(0)).toBe(0)
    expect(whole(-0.0)).toBe(0)
    expect(whole(9007199254740991)).toBe(9007199254740991)
    const refused = whole(NaN)
    expect(whole(-1)).toBe(refused)
    expect(whole(0.5)).toBe(refused)
    expect(whole(Infinity)).toBe(refused)
    expect(whole(1e300)).toBe(refused)
    expect(refused & 4095).toBe(1)
  })
})

function source(fd: i32): i32 {
  lock()
  const found = sourceOf(process, fd)
  unlock()
  if (found.error != 0) return -found.error
  return (found.readable ? 1 : 0) + (found.writable ? 2 : 0) + found.unmappable * 4
}

describe('sources of mappings', () => {
  beforeEach(begin)
  afterEach(end)

  it('say what a descriptor offers, and keep nothing from one question to the next', () => {
    expect(source(-1)).toBe(-EBADF)
    expect(source(0)).toBe(-EBADF)
    expect(source(0x7fffffff)).toBe(-EBADF)
    expect(source(open('/s', O_CREAT | O_RDWR))).toBe(3)
    expect(source(open('/s', O_RDONLY))).toBe(1)
    expect(source(open('/s', O_WRONLY))).toBe(2)
    expect(source(open('/s', O_PATH))).toBe(-EBADF)
    expect(source(open('/', O_RDONLY | O_DIRECTORY))).toBe(1 + ENODEV * 4)
    const none = noSource()
    expect(none.error).toBe(0)
    expect(none.unmappable).toBe(0)
    expect(none.inode).toBe(0)
    expect(none.object == null && !none.readable && !none.writable).toBe(true)
  })
})
