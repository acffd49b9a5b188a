import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EACCES,
  EAGAIN,
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  EMSGSIZE,
  ENAMETOOLONG,
  ENOENT,
  ENOMEM,
  ETIMEDOUT,
  O_CREAT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFMT,
  SEEK_SET,
  STAT_MODE,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { sysExit, sysReap } from '../../assembly/exit'
import { copyFiles, fileAt } from '../../assembly/fd'
import { sweepIdle } from '../../assembly/idle'
import {
  MQ_ATTR_CURMSGS,
  MQ_ATTR_FLAGS,
  MQ_ATTR_MAXMSG,
  MQ_ATTR_MSGSIZE,
  NOTICE_COOKIE,
  NOTICE_FIRED,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { Message, newMessage } from '../../assembly/message'
import {
  queueReceiver,
  queueSender,
  sysMqAttributes,
  sysMqNotify,
  sysMqReceive,
  sysMqSend,
} from '../../assembly/mq'
import { sysMqClose, sysMqOpen, sysMqUnlink } from '../../assembly/mqopen'
import { takeNotice } from '../../assembly/notice'
import { sysClose, sysDup, sysDup2 } from '../../assembly/open'
import { PosixQueue, posixQueues } from '../../assembly/posixqueue'
import { Process } from '../../assembly/process'
import { sysFsync, sysLseek, sysPread, sysRead, sysWrite } from '../../assembly/readwrite'
import { sysFstat } from '../../assembly/statfile'
import { beginCall, enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { sysFtruncate } from '../../assembly/truncate'
import { sleep, Wait } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'
import { below, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(900)

const process = spawn()
beginCall(process.pid)

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function result(field: u32): u32 {
  return load<u32>(<usize>me().buffer + BUFFER_RESULT + field)
}

function open(
  name: string,
  flags: u32 = O_CREAT | O_RDWR | O_NONBLOCK,
  maxmsg: f64 = NaN,
  msgsize: f64 = NaN,
  by: Process = process,
): i32 {
  const bytes = putText(name, 0)
  const mqd = sysMqOpen(by, textAt(0), bytes, flags, 0o600, maxmsg, msgsize)
  checkAll()
  return mqd
}

function unlink(name: string, by: Process = process): i32 {
  const bytes = putText(name, 0)
  const result = sysMqUnlink(by, textAt(0), bytes)
  sweepIdle()
  checkAll()
  return result
}

function close(mqd: i32): i32 {
  const result = sysMqClose(process, mqd)
  sweepIdle()
  checkAll()
  return result
}

function send(mqd: i32, bytes: u32, priority: u32, tag: u32): i32 {
  memory.fill(data(), <u8>tag, bytes)
  const result = sysMqSend(process, mqd, bytes, priority, Infinity)
  checkAll()
  return result
}

/** => bytes, or -errno. */
function receive(mqd: i32): i32 {
  const got = sysMqReceive(process, mqd, 65536, Infinity)
  checkAll()
  return got
}

function attribute(mqd: i32, field: u32): u32 {
  assert(sysMqAttributes(process, mqd, NaN) == 0, 'mq_getattr')
  return result(field)
}

function queueOf(mqd: i32): PosixQueue {
  return fileAt(process, mqd)!.inode!.queue!
}

function sleepingReceiver(mqd: i32): Wait {
  lock()
  const wait = queueReceiver(queueOf(mqd))
  unlock()
  checkAll()
  return wait!
}

function sleepingSender(mqd: i32, bytes: u32, priority: u32, tag: u32): Wait {
  memory.fill(data(), <u8>tag, bytes)
  lock()
  const wait = queueSender(queueOf(mqd), newMessage(priority, bytes, data())!)
  unlock()
  checkAll()
  return wait!
}

/** Ends a sleep, in time or not. => what the sleeper is told. */
function end(wait: Wait): i32 {
  lock()
  const told = sleep(wait, 0)
  unlock()
  checkAll()
  return told
}

/** => the cookie of the next registration that ended, negative when it was taken back; 0 when there is none. */
function noticed(): i32 {
  const found = takeNotice()
  checkAll()
  if (found == 0) return 0
  return result(NOTICE_FIRED) != 0 ? <i32>result(NOTICE_COOKIE) : -(<i32>result(NOTICE_COOKIE))
}

describe('POSIX message queues', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    sweepIdle()
    checkAll()
    expectUndone()
    assert(me().waits == 0, 'a node was left')
    assert(posixQueues() == 0, 'a queue was left')
  })

  it('have names with the rules of Linux', () => {
    expect(open('q')).toBe(-EINVAL)
    expect(open('')).toBe(-EINVAL)
    expect(open('/')).toBe(-ENOENT)
    expect(open('/a/b')).toBe(-EACCES)
    expect(open('//a')).toBe(-EACCES)
    expect(open('/.')).toBe(-EACCES)
    expect(open('/..')).toBe(-EACCES)
    expect(open(`/${'x'.repeat(256)}`)).toBe(-ENAMETOOLONG)
    expect(unlink(`/${'x'.repeat(256)}`)).toBe(-ENAMETOOLONG)
    expect(open('/q', O_RDWR)).toBe(-ENOENT)
    const mqd = open(`/${'x'.repeat(255)}`)
    expect(mqd).toBeGreaterThan(-1)
    expect(unlink(`/${'x'.repeat(255)}`)).toBe(0)
    expect(unlink(`/${'x'.repeat(255)}`)).toBe(-ENOENT)
    expect(close(mqd)).toBe(0)
  })

  it('have attributes within the limits', () => {
    const user = spawn()
    user.euid = 7
    const flags = O_CREAT | O_RDWR
    expect(open('/q', flags, 0)).toBe(-EINVAL)
    expect(open('/q', flags, 10, -1)).toBe(-EINVAL)
    expect(open('/q', flags, 65537)).toBe(-EINVAL)
    expect(open('/q', flags, 10, 65537)).toBe(-EINVAL)
    expect(open('/q', flags, 11, NaN, user)).toBe(-EINVAL)
    expect(open('/q', flags, NaN, 8193, user)).toBe(-EINVAL)
    const mqd = open('/q', flags, 65536, 65536)
    expect(attribute(mqd, MQ_ATTR_MAXMSG)).toBe(65536)
    expect(attribute(mqd, MQ_ATTR_MSGSIZE)).toBe(65536)
    expect(open('/q', flags | O_EXCL)).toBe(-EEXIST)
    expect(open('/q', O_RDONLY, 0, 0, user)).toBe(-EACCES)
    expect(unlink('/q', user)).toBe(-EACCES)
    expect(unlink('/q')).toBe(0)
    expect(close(mqd)).toBe(0)
  })

  it('give the highest priority first, and of one priority the oldest', () => {
    const mqd = open('/q')
    unlink('/q')
    const priorities: u32[] = [3, 5, 0, 5, 3, 9, 0]
    for (let i = 0; i < priorities.length; i++) {
      expect(send(mqd, i, priorities[i], i)).toBe(0)
    }
    const order: i32[] = [5, 1, 3, 0, 4, 2, 6]
    for (let i = 0; i < order.length; i++) expect(receive(mqd)).toBe(order[i])
    expect(receive(mqd)).toBe(-EAGAIN)
    expect(close(mqd)).toBe(0)
  })

  it('refuse what does not fit, is not open for it, or is no queue', () => {
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 1, 4)
    const reads = open('/q', O_RDONLY)
    const writes = open('/q', O_WRONLY)
    expect(send(mqd, 5, 0, 0)).toBe(-EMSGSIZE)
    expect(send(mqd, 4, 32768, 0)).toBe(-EINVAL)
    expect(sysMqSend(process, mqd, 4, 0, NaN)).toBe(-EINVAL)
    expect(sysMqSend(process, mqd, 4, 0, -1)).toBe(-EINVAL)
    expect(send(reads, 4, 0, 0)).toBe(-EBADF)
    expect(send(999, 4, 0, 0)).toBe(-EBADF)
    expect(sysMqSend(process, mqd, 4, 32767, 0)).toBe(0)
    expect(send(mqd, 4, 0, 0)).toBe(-EAGAIN)
    expect(sysMqSend(process, writes, 4, 0, 1)).toBe(-ETIMEDOUT)
    expect(receive(writes)).toBe(-EBADF)
    expect(sysMqReceive(process, mqd, 3, Infinity)).toBe(-EMSGSIZE)
    expect(sysMqReceive(process, mqd, 4, NaN)).toBe(-EINVAL)
    expect(sysMqReceive(process, reads, 4, 1)).toBe(4)
    expect(sysMqReceive(process, reads, 4, 1)).toBe(-ETIMEDOUT)
    expect(unlink('/q')).toBe(0)
    expect(close(reads)).toBe(0)
    expect(close(reads)).toBe(-EBADF)
    expect(close(writes)).toBe(0)
    expect(close(mqd)).toBe(0)
  })

  it('are no files', () => {
    const mqd = open('/q')
    unlink('/q')
    expect(sysRead(process, mqd, data(), 10)).toBe(-EINVAL)
    expect(sysPread(process, mqd, data(), 10, 0)).toBe(-EINVAL)
    expect(sysWrite(process, mqd, data(), 10)).toBe(-EINVAL)
    expect(sysFtruncate(process, mqd, 10)).toBe(-EINVAL)
    expect(sysFsync(process, mqd, false)).toBe(-EINVAL)
    expect(sysLseek(process, mqd, 0, SEEK_SET)).toBe(0)
    expect(sysFstat(process, mqd)).toBe(0)
    expect(result(STAT_MODE) & S_IFMT).toBe(0)
    expect(result(STAT_MODE)).toBe(0o600)
    checkAll()
    expect(close(mqd)).toBe(0)
  })

  it('hand messages over to sleepers, first come first served', () => {
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 2, 16)
    unlink('/q')
    const first = sleepingReceiver(mqd)
    const second = sleepingReceiver(mqd)
    expect(send(mqd, 3, 7, 1)).toBe(0)
    expect(changetype<Message>(<usize>first.chain).type).toBe(7)
    expect(second.chain).toBe(0)
    expect(end(first)).toBe(0)
    expect(end(second)).toBe(-ETIMEDOUT)
    expect(send(mqd, 1, 1, 1)).toBe(0)
    expect(send(mqd, 2, 2, 2)).toBe(0)
    const large = sleepingSender(mqd, 3, 9, 3)
    const late = sleepingSender(mqd, 4, 0, 4)
    expect(receive(mqd)).toBe(2)
    expect(end(large)).toBe(0)
    expect(receive(mqd)).toBe(3)
    expect(end(late)).toBe(0)
    expect(receive(mqd)).toBe(1)
    expect(receive(mqd)).toBe(4)
    expect(close(mqd)).toBe(0)
  })

  it('tell who is registered once, when a message comes to the empty queue', () => {
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 1, 16)
    unlink('/q')
    expect(sysMqNotify(process, mqd, 5)).toBe(0)
    expect(sysMqNotify(process, mqd, 6)).toBe(-EBUSY)
    expect(noticed()).toBe(0)
    const receiver = sleepingReceiver(mqd)
    send(mqd, 1, 1, 1)
    expect(noticed()).toBe(0)
    expect(end(receiver)).toBe(0)
    send(mqd, 1, 1, 1)
    expect(noticed()).toBe(5)
    expect(noticed()).toBe(0)
    expect(sysMqNotify(process, mqd, 7)).toBe(0)
    const sender = sleepingSender(mqd, 1, 1, 1)
    expect(receive(mqd)).toBe(1)
    expect(end(sender)).toBe(0)
    expect(noticed()).toBe(7)
    expect(sysMqNotify(process, 77, 7)).toBe(-EBADF)
    expect(close(mqd)).toBe(0)
  })

  it('drop a registration at mq_notify(0), at the close of its number, at dup2 over it, at exit', () => {
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK)
    const other = sysDup(process, mqd)
    expect(sysMqNotify(process, mqd, 1)).toBe(0)
    expect(sysMqNotify(process, mqd, 0)).toBe(0)
    expect(noticed()).toBe(-1)
    expect(sysMqNotify(process, other, 2)).toBe(0)
    const third = sysDup(process, mqd)
    expect(sysClose(process, third)).toBe(0)
    expect(noticed()).toBe(0)
    expect(sysDup2(process, mqd, other, 0)).toBe(other)
    expect(noticed()).toBe(-2)
    expect(sysMqNotify(process, other, 3)).toBe(0)
    expect(sysClose(process, other)).toBe(0)
    expect(noticed()).toBe(-3)
    const child = spawn()
    lock()
    copyFiles(process, child)
    unlock()
    expect(sysMqNotify(child, mqd, 4)).toBe(0)
    expect(sysMqNotify(process, mqd, 0)).toBe(0)
    expect(sysMqNotify(process, mqd, 5)).toBe(-EBUSY)
    expect(sysExit(child.pid, 0)).toBe(0)
    expect(noticed()).toBe(-4)
    unlink('/q')
    expect(close(mqd)).toBe(0)
  })

  it('lose what a dead thread had, and nothing else', () => {
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 2, 16)
    unlink('/q')
    const dead = me().index
    const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    sleepingReceiver(mqd)
    sleepingReceiver(mqd)
    expect(send(mqd, 1, 1, 1)).toBe(0)
    expect(sysMqNotify(process, mqd, 9)).toBe(0)
    expect(attachThread(0)).toBeGreaterThan(<i32>dead)
    enter()
    beginCall(process.pid)
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(sysMqNotify(process, mqd, 10)).toBe(0)
    expect(send(mqd, 2, 1, 1)).toBe(0)
    expect(attribute(mqd, MQ_ATTR_CURMSGS)).toBe(1)
    expect(noticed()).toBe(10)
    expect(sysMqNotify(process, mqd, 11)).toBe(0)
    expect(send(mqd, 2, 1, 1)).toBe(0)
    expect(noticed()).toBe(0)
    expect(close(mqd)).toBe(0)
    expect(noticed()).toBe(-11)
  })

  it('set and clear O_NONBLOCK, and nothing else', () => {
    const mqd = open('/q', O_CREAT | O_RDWR)
    unlink('/q')
    expect(attribute(mqd, MQ_ATTR_FLAGS)).toBe(0)
    expect(sysMqAttributes(process, mqd, O_NONBLOCK)).toBe(0)
    expect(result(MQ_ATTR_FLAGS)).toBe(0)
    expect(attribute(mqd, MQ_ATTR_FLAGS)).toBe(O_NONBLOCK)
    expect(sysMqAttributes(process, mqd, 1)).toBe(-EINVAL)
    expect(sysMqAttributes(process, 99, NaN)).toBe(-EBADF)
    expect(close(mqd)).toBe(0)
  })

  it('refuse with ENOMEM when memory is out, and give it back with their last descriptor', () => {
    dieAtEveryPush(false)
    const before = freeFrames()
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 65536, 8192)
    unlink('/q')
    let sent: u32 = 0
    while (sysMqSend(process, mqd, 8192, sent & 3, Infinity) == 0) sent++
    dieAtEveryPush(true)
    expect(send(mqd, 8192, 1, 1)).toBe(-ENOMEM)
    expect(attribute(mqd, MQ_ATTR_CURMSGS)).toBe(sent)
    dieAtEveryPush(false)
    expect(close(mqd)).toBe(0)
    expect(freeFrames()).toBeGreaterThan(before - 8)
  })

  it('agree with a list, and a death at any push leaves no trace', () => {
    reseed('mq')
    const mqd = open('/q', O_CREAT | O_RDWR | O_NONBLOCK, 12, 3000)
    const list: u32[] = []
    for (let step: u32 = 0; step < 1200; step++) {
      dieAtEveryPush(step % 8 == 0)
      if (below(2) == 0) {
        const priority = below(4) * 9000
        const bytes = below(10) == 0 ? 2000 + below(1000) : below(30)
        const sent = send(mqd, bytes, priority, step & 0xff)
        assert(sent == (list.length < 12 ? 0 : -EAGAIN), 'sent')
        if (sent == 0) list.push(priority | (bytes << 16))
      } else {
        let best = -1
        for (let i = 0; i < list.length; i++) {
          if (best < 0 || (list[i] & 0xffff) > (list[best] & 0xffff)) best = i
        }
        const got = receive(mqd)
        assert(got == (best < 0 ? -EAGAIN : <i32>(list[best] >> 16)), 'received')
        if (best >= 0) assert(result(0) == (list[best] & 0xffff), 'priority')
        if (best >= 0) list.splice(best, 1)
      }
      expectUndone()
    }
    dieAtEveryPush(false)
    unlink('/q')
    close(mqd)
  })
})
