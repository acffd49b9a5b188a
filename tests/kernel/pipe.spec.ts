import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EACCES,
  EAGAIN,
  EBADF,
  EEXIST,
  EINVAL,
  ENODEV,
  ENXIO,
  EPIPE,
  ESPIPE,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
  MAP_PRIVATE,
  MAP_SHARED,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PIPE_BUF,
  PIPE_BYTES,
  POLLERR,
  POLLFD_BYTES,
  POLLFD_EVENTS,
  POLLFD_REVENTS,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  PROT_READ,
  PROT_WRITE,
  S_IFIFO,
  S_IFMT,
  SEEK_SET,
  STAT_MODE,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { copyFiles, fileAt } from '../../assembly/fd'
import { sweepIdle } from '../../assembly/idle'
import { lock, unlock } from '../../assembly/lock'
import { sysMmap } from '../../assembly/mmap'
import { sysMkfifo, sysUnlink } from '../../assembly/names'
import { sysClose, sysDup, sysFcntl, sysOpen } from '../../assembly/open'
import { sysShareFd } from '../../assembly/pass'
import { Pipe, queueReader, queueWriter } from '../../assembly/pipe'
import { sysPipe } from '../../assembly/pipeio'
import { sysPoll } from '../../assembly/poll'
import {
  sysFsync,
  sysLseek,
  sysPread,
  sysPwrite,
  sysRead,
  sysWrite,
} from '../../assembly/readwrite'
import { noSource } from '../../assembly/source'
import { sysFstat } from '../../assembly/statfile'
import { beginCall, me } from '../../assembly/thread'
import { sysFallocate, sysFtruncate } from '../../assembly/truncate'
import { discard, resultOf, sleepUntil, Wait } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import { below, reseed } from './support/random'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(900)
exemptStatic(changetype<usize>(noSource()), 8192)

const process = spawn()
beginCall(process.pid)

let reads: i32 = -1
let writes: i32 = -1

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

/** Where sleepers' bytes are: the second half of the buffer's data. */
function theirs(): usize {
  return data() + 32768
}

function makePipe(flags: u32 = O_NONBLOCK): void {
  expect(sysPipe(process, flags)).toBe(0)
  reads = load<i32>(<usize>me().buffer + BUFFER_RESULT)
  writes = load<i32>(<usize>me().buffer + BUFFER_RESULT, 4)
  checkAll()
}

function write(bytes: u32, tag: u32, fd: i32 = writes): i32 {
  memory.fill(data(), <u8>tag, bytes)
  const result = sysWrite(process, fd, data(), bytes)
  checkAll()
  return result
}

function read(bytes: u32, fd: i32 = reads): i32 {
  memory.fill(data(), 0xee, bytes)
  const result = sysRead(process, fd, data(), bytes)
  checkAll()
  return result
}

function close(fd: i32): i32 {
  const result = sysClose(process, fd)
  sweepIdle()
  checkAll()
  return result
}

function closeBoth(): void {
  expect(close(reads)).toBe(0)
  expect(close(writes)).toBe(0)
}

function pipeOf(fd: i32): Pipe {
  return fileAt(process, fd)!.inode!.pipe!
}

function sleepingReader(bytes: u32): Wait {
  lock()
  const wait = queueReader(pipeOf(reads), theirs(), bytes)
  unlock()
  return wait!
}

function sleepingWriter(bytes: u32, tag: u32): Wait {
  memory.fill(theirs(), <u8>tag, bytes)
  lock()
  const wait = queueWriter(pipeOf(writes), theirs(), bytes)
  unlock()
  checkAll()
  return wait!
}

/** Ends a sleep, in time or not. => what the sleeper is told. */
function end(wait: Wait): i32 {
  lock()
  const told = sleepUntil(wait, 0)
  discard(wait)
  unlock()
  checkAll()
  return told
}

/** => the revents of one descriptor; -1 when poll said 0. */
function ask(fd: i32, events: u32 = POLLIN | POLLOUT, arm: bool = false): i32 {
  store<i32>(data(), fd)
  store<u16>(data(), <u16>events, POLLFD_EVENTS)
  const ready = sysPoll(process, 1, arm ? -1 : 0, arm)
  checkAll()
  return ready == 0 ? -1 : load<u16>(data(), POLLFD_REVENTS)
}

describe('pipes', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    sweepIdle()
    checkAll()
    expectUndone()
    assert(me().waits == 0, 'a node was left')
  })

  it('give bytes in the order in which they came, across the end of the ring', () => {
    makePipe()
    dieAtEveryPush(false)
    expect(write(1, 1)).toBe(1)
    expect(read(1)).toBe(1)
    closeBoth()
    const before = freeFrames()
    makePipe()
    reseed('pipes')
    let sent: u32 = 0
    let got: u32 = 0
    for (let step = 0; step < 400; step++) {
      const bytes: u32 = 1 + <u32>below(9000)
      for (let i: u32 = 0; i < bytes; i++) store<u8>(data() + i, <u8>((sent + i) * 7))
      const put = sysWrite(process, writes, data(), bytes)
      if (put > 0) sent += put
      const most: u32 = 1 + <u32>below(9000)
      const taken = sysRead(process, reads, data(), most)
      for (let i = 0; i < taken; i++) {
        assert(load<u8>(data() + i) == <u8>((got + i) * 7), 'a byte out of order')
      }
      if (taken > 0) got += taken
      checkAll()
    }
    expect(sent).toBeGreaterThan(PIPE_BYTES * 4)
    closeBoth()
    expect(freeFrames()).toBe(before)
  })

  it('refuse what does not fit: PIPE_BUF bytes and fewer whole, more in part', () => {
    makePipe()
    dieAtEveryPush(false)
    for (let i: u32 = 0; i < PIPE_BYTES / PIPE_BUF - 1; i++)
      expect(write(PIPE_BUF, 1)).toBe(PIPE_BUF)
    expect(write(1, 2)).toBe(1)
    dieAtEveryPush(true)
    expect(write(PIPE_BUF, 3)).toBe(-EAGAIN)
    expect(write(PIPE_BUF + 1, 3)).toBe(PIPE_BUF - 1)
    expect(write(PIPE_BUF + 1, 3)).toBe(-EAGAIN)
    expect(ask(writes)).toBe(-1)
    expect(read(PIPE_BUF)).toBe(PIPE_BUF)
    expect(ask(writes)).toBe(POLLOUT)
    closeBoth()
  })

  it('are at their end when nobody writes, and EPIPE when nobody reads', () => {
    makePipe()
    expect(read(10)).toBe(-EAGAIN)
    expect(write(3, 9)).toBe(3)
    expect(close(writes)).toBe(0)
    expect(ask(reads)).toBe(POLLIN | POLLHUP)
    expect(read(10)).toBe(3)
    expect(read(10)).toBe(0)
    expect(ask(reads)).toBe(POLLHUP)
    expect(close(reads)).toBe(0)
    makePipe()
    expect(close(reads)).toBe(0)
    expect(write(3, 9)).toBe(-EPIPE)
    expect(write(0, 9)).toBe(0)
    expect(ask(writes)).toBe(POLLERR | POLLOUT)
    expect(close(writes)).toBe(0)
  })

  it('complete sleeping readers, first come first served', () => {
    makePipe()
    const first = sleepingReader(4)
    const second = sleepingReader(100)
    expect(write(10, 5)).toBe(10)
    expect(load<u8>(theirs())).toBe(5)
    expect(end(first)).toBe(4)
    expect(end(second)).toBe(6)
    expect(read(10)).toBe(-EAGAIN)
    const late = sleepingReader(4)
    expect(end(late)).toBe(-ETIMEDOUT)
    const last = sleepingReader(4)
    expect(close(writes)).toBe(0)
    expect(end(last)).toBe(0)
    expect(close(reads)).toBe(0)
  })

  it('complete sleeping writers when there is room, a long one in parts', () => {
    makePipe()
    dieAtEveryPush(false)
    expect(write(32000, 1)).toBe(32000)
    expect(write(33536, 1)).toBe(33536)
    const small = sleepingWriter(PIPE_BUF, 2)
    const long = sleepingWriter(6000, 3)
    expect(read(100)).toBe(100)
    dieAtEveryPush(true)
    expect(small.value).toBe(PIPE_BUF)
    expect(read(5000)).toBe(5000)
    expect(long.value).toBe(6000 - 1004)
    expect(end(small)).toBe(0)
    expect(close(reads)).toBe(0)
    expect(end(long)).toBe(-EPIPE)
    expect(close(writes)).toBe(0)
  })

  it('are no files that can be sought, mapped, resized or synced', () => {
    makePipe()
    expect(sysLseek(process, reads, 0, SEEK_SET)).toBe(-ESPIPE)
    expect(sysPread(process, reads, data(), 1, 0)).toBe(-ESPIPE)
    expect(sysPwrite(process, writes, data(), 1, 0)).toBe(-ESPIPE)
    expect(sysRead(process, writes, data(), 1)).toBe(-EBADF)
    expect(sysWrite(process, reads, data(), 1)).toBe(-EBADF)
    expect(sysFtruncate(process, writes, 1)).toBe(-EINVAL)
    expect(sysFallocate(process, writes, 0, 0, 1)).toBe(-ESPIPE)
    expect(sysFallocate(process, reads, 0, 0, 1)).toBe(-EBADF)
    expect(sysFsync(process, writes, false)).toBe(-EINVAL)
    expect(sysMmap(process, 0, 4096, PROT_READ, MAP_PRIVATE, reads, 0)).toBe(-ENODEV)
    expect(sysMmap(process, 0, 4096, PROT_WRITE, MAP_SHARED, writes, 0)).toBe(-EACCES)
    expect(sysPipe(process, O_CREAT)).toBe(-EINVAL)
    expect(sysFstat(process, reads)).toBe(0)
    const mode = load<u32>(<usize>me().buffer + BUFFER_RESULT, STAT_MODE)
    expect(mode & S_IFMT).toBe(S_IFIFO)
    closeBoth()
  })

  it('stay while a copy of an end is open: dup, fork, a description passed on', () => {
    makePipe()
    const again = sysDup(process, writes)
    const child = spawn()
    lock()
    copyFiles(process, child)
    unlock()
    expect(close(writes)).toBe(0)
    expect(close(again)).toBe(0)
    expect(read(1)).toBe(-EAGAIN)
    expect(sysExit(child.pid, 0)).toBe(0)
    expect(read(1)).toBe(0)
    const other = spawn()
    expect(sysShareFd(process, reads, other.pid, 7)).toBe(7)
    expect(sysShareFd(process, 999, other.pid, 7)).toBe(-EBADF)
    assert(fileAt(other, 7) == fileAt(process, reads), 'another description')
    expect(sysExit(other.pid, 0)).toBe(0)
    expect(close(reads)).toBe(0)
  })
})

describe('FIFOs', () => {
  afterEach(() => {
    sweepIdle()
    checkAll()
    expectUndone()
  })

  it('are opened by name, and empty when nobody has them open', () => {
    dieAtEveryPush(true)
    const bytes = putText('/fifo', 0)
    expect(sysMkfifo(process, -2, textAt(0), bytes, 0o600)).toBe(0)
    expect(sysMkfifo(process, -2, textAt(0), bytes, 0o600)).toBe(-EEXIST)
    expect(sysOpen(process, -2, textAt(0), bytes, O_WRONLY | O_NONBLOCK, 0)).toBe(-ENXIO)
    reads = sysOpen(process, -2, textAt(0), bytes, O_RDONLY | O_NONBLOCK, 0)
    writes = sysOpen(process, -2, textAt(0), bytes, O_WRONLY, 0)
    expect(write(3, 1)).toBe(3)
    closeBoth()
    const both = sysOpen(process, -2, textAt(0), bytes, O_RDWR, 0)
    expect(sysFcntl(process, both, 4, O_NONBLOCK)).toBe(0)
    expect(read(3, both)).toBe(-EAGAIN)
    expect(sysUnlink(process, -2, textAt(0), bytes)).toBe(0)
    expect(close(both)).toBe(0)
    dieAtEveryPush(false)
  })
})

describe('poll', () => {
  it('says what each kind of descriptor can say', () => {
    dieAtEveryPush(true)
    makePipe()
    expect(ask(reads)).toBe(-1)
    expect(ask(writes)).toBe(POLLOUT)
    expect(ask(writes, POLLIN)).toBe(-1)
    expect(ask(999)).toBe(POLLNVAL)
    expect(ask(-1)).toBe(-1)
    const path = putText('/file', 0)
    const file = sysOpen(process, -2, textAt(0), path, O_CREAT | O_RDWR, 0o600)
    expect(ask(file)).toBe(POLLIN | POLLOUT)
    expect(close(file)).toBe(0)
    expect(sysPoll(process, 5000, 0, false)).toBe(-EINVAL)
    closeBoth()
    dieAtEveryPush(false)
    expectUndone()
  })

  it('takes back its nodes, and leaves nodes behind only when armed', () => {
    makePipe()
    store<i32>(data(), reads)
    store<u16>(data(), <u16>POLLIN, POLLFD_EVENTS)
    expect(sysPoll(process, 1, 1, false)).toBe(-EWOULDBLOCK_PARK)
    expect(sysPoll(process, 0, 1, false)).toBe(-EWOULDBLOCK_PARK)
    expect(me().waits).toBe(0)
    expect(ask(reads, POLLIN, true)).toBe(-1)
    expect(me().waits).not.toBe(0)
    const node = changetype<Wait>(<usize>me().waits)
    expect(write(1, 1)).toBe(1)
    expect(resultOf(node)).toBe(0)
    expect(ask(reads, POLLIN, true)).toBe(POLLIN)
    expect(me().waits).toBe(0)
    expect(POLLFD_BYTES).toBe(8)
    closeBoth()
  })
})
