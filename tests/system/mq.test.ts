/** SEMANTICS: POSIX message queues. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boot, F, FD, type Kernel, O, PROT, type Process, S, SEEK } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'

const RW = O.CREAT | O.RDWR | O.NONBLOCK
const PAST = 1

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  const { inodes } = kernel.stats()
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ inodes, processes: 0 })
  }
})
afterAll(() => kernel.close())

const bytes = (...values: number[]) => new Uint8Array(values)
/** A queue without a name, so that it is gone with the test. */
function queue(options = {}, flags = RW): number {
  const mqd = p.mq_open('/q', flags, options)
  p.mq_unlink('/q')
  return mqd
}

describe('names', () => {
  test.for([
    ['', 'EINVAL'],
    ['name', 'EINVAL'],
    ['a/b', 'EINVAL'],
    ['/', 'ENOENT'],
    ['/a/b', 'EACCES'],
    ['//a', 'EACCES'],
    ['/a/', 'EACCES'],
    ['/.', 'EACCES'],
    ['/..', 'EACCES'],
    [`/${'x'.repeat(256)}`, 'ENAMETOOLONG'],
    [`/${'x'.repeat(5000)}`, 'ENAMETOOLONG'],
    ['/nobody', 'ENOENT'],
  ] as const)('%.12s is %s', ([name, code]) => {
    expect(outcome(() => p.mq_open(name, O.RDWR))).toBe(code)
    expect(outcome(() => p.mq_unlink(name))).toBe(code)
    if (name !== '/nobody') expect(outcome(() => p.mq_open(name, RW))).toBe(code)
  })

  test('255 bytes after the slash fit', () => {
    const name = `/${'x'.repeat(255)}`
    p.mq_open(name, RW)
    p.mq_unlink(name)
  })

  test('O.EXCL with O.CREAT is EEXIST when it is there; O.EXCL alone means nothing', () => {
    p.mq_open('/q', RW | O.EXCL)
    expect(outcome(() => p.mq_open('/q', RW | O.EXCL))).toBe('EEXIST')
    expect(outcome(() => p.mq_open('/q', O.RDWR | O.EXCL))).toBe('ok')
    expect(outcome(() => p.mq_open('/q', O.CREAT))).toBe('EINVAL')
    p.mq_unlink('/q')
  })

  test('an unlinked queue lives until its last descriptor is closed; its name is free at once', () => {
    const old = p.mq_open('/q', RW)
    p.mq_send(old, bytes(1))
    const copy = p.dup(old)
    p.mq_unlink('/q')
    expect(outcome(() => p.mq_unlink('/q'))).toBe('ENOENT')
    expect(outcome(() => p.mq_open('/q', O.RDWR))).toBe('ENOENT')
    const fresh = queue()
    expect(p.mq_getattr(fresh).curmsgs).toBe(0)
    p.mq_close(old)
    expect(p.mq_receive(copy).data).toEqual(bytes(1))
    p.close(copy)
    expect(outcome(() => p.mq_getattr(copy))).toBe('EBADF')
  })

  test('messages stay in a queue that nobody has open', () => {
    const mqd = p.mq_open('/q', RW)
    p.mq_send(mqd, bytes(7), 9)
    p.mq_close(mqd)
    const other = kernel.process()
    expect(other.mq_getattr(other.mq_open('/q', RW)).curmsgs).toBe(1)
    other.exit()
    expect(p.mq_receive(p.mq_open('/q', O.RDONLY))).toEqual({ data: bytes(7), priority: 9 })
    p.mq_unlink('/q')
  })
})

describe('attributes', () => {
  test('without any a queue holds 10 messages of 8192 bytes', () => {
    expect(p.mq_getattr(queue())).toEqual({
      flags: O.NONBLOCK,
      maxmsg: 10,
      msgsize: 8192,
      curmsgs: 0,
    })
    expect(p.mq_getattr(queue({ maxmsg: 3 }))).toMatchObject({ maxmsg: 3, msgsize: 8192 })
    expect(p.mq_getattr(queue({ msgsize: 3 }))).toMatchObject({ maxmsg: 10, msgsize: 3 })
  })

  test.for([
    [{ maxmsg: 0 }, 'EINVAL', 'EINVAL'],
    [{ maxmsg: -1 }, 'EINVAL', 'EINVAL'],
    [{ msgsize: 0 }, 'EINVAL', 'EINVAL'],
    [{ msgsize: -8 }, 'EINVAL', 'EINVAL'],
    [{ maxmsg: 10, msgsize: 8192 }, 'ok', 'ok'],
    [{ maxmsg: 11 }, 'ok', 'EINVAL'],
    [{ msgsize: 8193 }, 'ok', 'EINVAL'],
    [{ maxmsg: 65_537 }, 'EINVAL', 'EINVAL'],
    [{ msgsize: 65_537 }, 'EINVAL', 'EINVAL'],
  ] as const)('%j: root %s, another %s', ([options, root, other]) => {
    const user = kernel.process({ uid: 5 })
    expect(outcome(() => p.mq_open('/root', RW, options))).toBe(root)
    expect(outcome(() => user.mq_open('/user', RW, options))).toBe(other)
    for (const name of ['/root', '/user']) outcome(() => p.mq_unlink(name))
    user.exit()
  })

  test('those of a queue that is there are not looked at', () => {
    p.mq_open('/q', RW, { maxmsg: 2 })
    const again = p.mq_open('/q', RW, { maxmsg: -5, msgsize: 0 })
    expect(p.mq_getattr(again)).toMatchObject({ maxmsg: 2, msgsize: 8192 })
    p.mq_unlink('/q')
  })

  test('mq_setattr changes O.NONBLOCK of the open description, and gives what was before', () => {
    const mqd = queue({ maxmsg: 4 })
    const copy = p.dup(mqd)
    const was = { flags: O.NONBLOCK, maxmsg: 4, msgsize: 8192, curmsgs: 1 }
    p.mq_send(mqd, bytes(1))
    expect(p.mq_setattr(mqd, { flags: 0 })).toEqual(was)
    expect(p.mq_getattr(copy)).toEqual({ ...was, flags: 0 })
    p.fcntl(copy, F.SETFL, O.NONBLOCK)
    expect(p.mq_getattr(mqd).flags).toBe(O.NONBLOCK)
    const more = { flags: O.NONBLOCK, maxmsg: 99, msgsize: 1, curmsgs: 0 }
    p.mq_setattr(mqd, more)
    expect(outcome(() => p.mq_setattr(mqd, { flags: O.CREAT }))).toBe('EINVAL')
    expect(p.mq_getattr(mqd)).toEqual(was)
  })

  test('past the limit of queues it is ENOSPC, whatever attributes it would have, but for root', async () => {
    await using small = await boot({ memory: '16MiB', limits: { mqQueues: 2 } })
    const root = small.process()
    const user = small.process({ uid: 5 })
    root.mq_open('/a', RW)
    const b = user.mq_open('/b', RW)
    expect(outcome(() => user.mq_open('/c', RW))).toBe('ENOSPC')
    expect(outcome(() => user.mq_open('/c', RW, { maxmsg: 0 }))).toBe('ENOSPC')
    expect(outcome(() => root.mq_open('/c', RW))).toBe('ok')
    root.mq_unlink('/c')
    user.mq_unlink('/b')
    expect(outcome(() => user.mq_open('/d', RW))).toBe('ENOSPC')
    user.close(b)
    root.exit()
    expect(outcome(() => user.mq_open('/d', RW))).toBe('ok')
    user.exit()
  })

  test('the limits are options of boot', async () => {
    await using small = await boot({ memory: '16MiB', limits: { mqMsg: 3, mqMsgsize: 50 } })
    const user = small.process({ uid: 5 })
    expect(user.mq_getattr(user.mq_open('/a', RW))).toMatchObject({ maxmsg: 3, msgsize: 50 })
    expect(outcome(() => user.mq_open('/b', RW, { maxmsg: 4 }))).toBe('EINVAL')
    expect(outcome(() => user.mq_open('/b', RW, { msgsize: 51 }))).toBe('EINVAL')
  })
})

describe('sending and receiving', () => {
  test('the highest priority comes first, of one priority the oldest', () => {
    const mqd = queue()
    for (const [i, priority] of [3, 32_767, 0, 3, 32_767].entries()) {
      p.mq_send(mqd, bytes(i), priority)
    }
    const got = Array.from({ length: 5 }, () => p.mq_receive(mqd))
    expect(got.map(({ data }) => data[0])).toEqual([1, 4, 0, 3, 2])
    expect(got.map(({ priority }) => priority)).toEqual([32_767, 32_767, 3, 3, 0])
  })

  test('a priority of 32768 is EINVAL', () => {
    const mqd = queue()
    expect(outcome(() => p.mq_send(mqd, bytes(), 32_768))).toBe('EINVAL')
    expect(outcome(() => p.mq_send(mqd, bytes(), 2 ** 32 - 1))).toBe('EINVAL')
  })

  test('a message of msgsize fits, one byte more is EMSGSIZE; none is fine', () => {
    const mqd = queue({ msgsize: 4 })
    p.mq_send(mqd, bytes(1, 2, 3, 4))
    p.mq_send(mqd, bytes())
    expect(outcome(() => p.mq_send(mqd, new Uint8Array(5)))).toBe('EMSGSIZE')
    expect(outcome(() => p.mq_send(mqd, new Uint8Array(70_000)))).toBe('EMSGSIZE')
    expect(p.mq_receive(mqd).data).toEqual(bytes(1, 2, 3, 4))
    expect(p.mq_receive(mqd).data).toEqual(bytes())
  })

  test('a buffer below msgsize is EMSGSIZE, even for a shorter message, and it stays', () => {
    const mqd = queue({ msgsize: 4 })
    expect(outcome(() => p.mq_receive(mqd, 3))).toBe('EMSGSIZE')
    p.mq_send(mqd, bytes(1))
    expect(outcome(() => p.mq_receive(mqd, 3))).toBe('EMSGSIZE')
    expect(outcome(() => p.mq_timedreceive(mqd, PAST, 3))).toBe('EMSGSIZE')
    expect(p.mq_receive(mqd, 4).data).toEqual(bytes(1))
  })
})

describe('what refuses to send or receive', () => {
  test('with O.NONBLOCK full and empty are EAGAIN', () => {
    const mqd = queue({ maxmsg: 1 })
    expect(outcome(() => p.mq_receive(mqd))).toBe('EAGAIN')
    p.mq_send(mqd, bytes(1))
    expect(outcome(() => p.mq_send(mqd, bytes(2), 5))).toBe('EAGAIN')
    expect(outcome(() => p.mq_timedsend(mqd, bytes(3), 9, Number.POSITIVE_INFINITY))).toBe('EAGAIN')
    expect(p.mq_receive(mqd)).toEqual({ data: bytes(1), priority: 0 })
    expect(p.mq_getattr(mqd).curmsgs).toBe(0)
  })

  test('a deadline that has passed is ETIMEDOUT only when there is need to wait', () => {
    const mqd = queue({ maxmsg: 1 }, O.CREAT | O.RDWR)
    expect(outcome(() => p.mq_timedreceive(mqd, PAST))).toBe('ETIMEDOUT')
    expect(outcome(() => p.mq_timedsend(mqd, bytes(1), 0, PAST))).toBe('ok')
    expect(outcome(() => p.mq_timedsend(mqd, bytes(1), 0, PAST))).toBe('ETIMEDOUT')
    expect(outcome(() => p.mq_timedreceive(mqd, new Date(PAST)))).toBe('ok')
  })

  test('a deadline before 1970 is EINVAL, always', () => {
    const mqd = queue()
    expect(outcome(() => p.mq_timedsend(mqd, bytes(1), 0, -1))).toBe('EINVAL')
    expect(outcome(() => p.mq_timedreceive(mqd, -1))).toBe('EINVAL')
  })

  test('a descriptor is EBADF when it is not open for it, closed, or of no queue', () => {
    p.mq_open('/q', RW)
    const reads = p.mq_open('/q', O.RDONLY | O.NONBLOCK)
    const writes = p.mq_open('/q', O.WRONLY | O.NONBLOCK)
    p.mq_unlink('/q')
    const file = p.open('/file', O.CREAT | O.RDWR)
    const codes = (fd: number) => [
      outcome(() => p.mq_send(fd, bytes(1))),
      outcome(() => p.mq_receive(fd)),
      outcome(() => p.mq_getattr(fd)),
      outcome(() => p.mq_setattr(fd, { flags: O.NONBLOCK })),
      outcome(() => p.mq_notify(fd, null)),
    ]
    expect(codes(reads)).toEqual(['EBADF', 'EAGAIN', 'ok', 'ok', 'ok'])
    expect(codes(writes)).toEqual(['ok', 'EBADF', 'ok', 'ok', 'ok'])
    for (const fd of [-1, 1000, file]) {
      expect(codes(fd)).toEqual(['EBADF', 'EBADF', 'EBADF', 'EBADF', 'EBADF'])
      expect(outcome(() => p.mq_close(fd))).toBe('EBADF')
    }
    expect(outcome(() => p.fstat(file))).toBe('ok')
    p.unlink('/file')
  })
})

describe('permissions', () => {
  test('the nine mode bits of owner, group and others decide, less umask', () => {
    const owner = kernel.process({ uid: 11, gid: 12 })
    owner.umask(0o003)
    const mqd = owner.mq_open('/q', RW, { mode: 0o647 })
    expect(owner.fstat(mqd).mode).toBe(0o644)
    const group = kernel.process({ uid: 1, gid: 12 })
    const other = kernel.process({ uid: 1, gid: 1 })
    const codes = (by: Process) =>
      [O.RDONLY, O.WRONLY, O.RDWR].map((flags) => outcome(() => by.mq_open('/q', flags)))
    expect(codes(owner)).toEqual(['ok', 'ok', 'ok'])
    expect(codes(group)).toEqual(['ok', 'EACCES', 'EACCES'])
    owner.fchmod(mqd, 0o602)
    expect(codes(group)).toEqual(['EACCES', 'EACCES', 'EACCES'])
    expect(codes(other)).toEqual(['EACCES', 'ok', 'EACCES'])
    expect(outcome(() => p.mq_open('/q', O.RDWR))).toBe('ok')
    expect(outcome(() => other.mq_unlink('/q'))).toBe('EACCES')
    expect(outcome(() => owner.mq_unlink('/q'))).toBe('ok')
    for (const each of [owner, group, other]) each.exit()
  })
})

describe('descriptors', () => {
  test('a queue is a descriptor with FD.CLOEXEC, which shares the table with files', () => {
    const mqd = queue()
    expect(p.fcntl(mqd, F.GETFD)).toBe(FD.CLOEXEC)
    p.setrlimit(7, mqd + 1)
    expect(outcome(() => p.mq_open('/q', RW))).toBe('EMFILE')
    expect(outcome(() => p.mq_unlink('/q'))).toBe('ENOENT')
  })

  test('it cannot be read, written, mapped, resized or made durable', () => {
    const mqd = queue()
    expect(outcome(() => p.read(mqd, new Uint8Array(4)))).toBe('EINVAL')
    expect(outcome(() => p.pread(mqd, new Uint8Array(4), 0))).toBe('EINVAL')
    expect(outcome(() => p.write(mqd, bytes(1)))).toBe('EINVAL')
    expect(outcome(() => p.pwrite(mqd, bytes(1), 0))).toBe('EINVAL')
    expect(outcome(() => p.mmap({ fd: mqd, length: 4096, prot: PROT.READ }))).toBe('ENODEV')
    expect(outcome(() => p.ftruncate(mqd, 0))).toBe('EINVAL')
    expect(outcome(() => p.fallocate(mqd, 0, 0, 1))).toBe('ENODEV')
    expect(outcome(() => p.fsync(mqd))).toBe('EINVAL')
    expect(outcome(() => p.readdir(mqd))).toBe('ENOTDIR')
    expect(outcome(() => p.fchdir(mqd))).toBe('ENOTDIR')
    expect(p.lseek(mqd, 0, SEEK.SET)).toBe(0)
  })

  test('fstat tells owner, mode without a file type, and when it was used', () => {
    const user = kernel.process({ uid: 5, gid: 6 })
    const mqd = user.mq_open('/q', RW, { mode: 0o640 })
    const { mode, uid, gid, size, nlink, mtimeMs } = user.fstat(mqd)
    expect({ mode, uid, gid, size, nlink }).toEqual({
      mode: 0o640,
      uid: 5,
      gid: 6,
      size: 0,
      nlink: 1,
    })
    expect(mode & S.IFMT).toBe(0)
    user.mq_send(mqd, bytes(1))
    expect(user.fstat(mqd).mtimeMs).toBeGreaterThanOrEqual(mtimeMs)
    user.mq_unlink('/q')
    expect(user.fstat(mqd).nlink).toBe(0)
    user.exit()
  })

  test('memory is ENOMEM, with nothing half done, and comes back with the last descriptor', async () => {
    await using small = await boot({ memory: '8MiB' })
    const q = small.process()
    const free = small.stats().framesFree
    const mqd = q.mq_open('/q', RW, { maxmsg: 65_536, msgsize: 65_536 })
    q.mq_unlink('/q')
    const data = new Uint8Array(65_536)
    let sent = 0
    while (outcome(() => q.mq_send(mqd, data, sent % 3)) === 'ok') sent++
    expect(outcome(() => q.mq_send(mqd, data))).toBe('ENOMEM')
    expect(q.mq_getattr(mqd).curmsgs).toBe(sent)
    small.check()
    q.exit()
    expect(small.stats().framesFree).toBeGreaterThan(free - 8)
    small.check()
  })
})

describe('arguments', () => {
  test.for([
    ['name', () => p.mq_open(5 as never, 0)],
    ['flags', () => p.mq_open('/q', -1)],
    ['options', () => p.mq_open('/q', RW, 5 as never)],
    ['options.mode', () => p.mq_open('/q', RW, { mode: -1 })],
    ['options.maxmsg', () => p.mq_open('/q', RW, { maxmsg: 1.5 })],
    ['mqd', () => p.mq_send(1.5, bytes())],
    ['data', () => p.mq_send(1, 'text' as never)],
    ['priority', () => p.mq_send(1, bytes(), -1)],
    ['deadline', () => p.mq_timedsend(1, bytes(), 0, Number.NaN)],
    ['deadline', () => p.mq_timedreceive(1, 'now' as never)],
    ['size', () => p.mq_receive(1, -1)],
    ['callback', () => p.mq_notify(1, undefined as never)],
    ['attr.flags', () => p.mq_setattr(1, { flags: 'x' as never })],
  ] as const)('a wrong %s is refused by name', ([name, act]) => {
    expect(act).toThrow(`"${name}"`)
  })
})
