/**
 * SEMANTICS, the one difference between threads: one that may not block, and would have to, gets ERR_WOULD_BLOCK with the promise form
 * named, and nothing is done.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  custom,
  F,
  IPC,
  type Kernel,
  LOCK,
  MADV,
  MAP,
  MS,
  O,
  PROT,
  type Process,
  SEM,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { unableToBlock } from '../support/non-blocking.ts'

const PAGE = 4096
const RW = O.CREAT | O.RDWR
const BLOCKS = 'ERR_WOULD_BLOCK'

let kernel: Kernel
let p: Process
beforeAll(async () => {
  const module = new URL('../support/store.provider.ts', import.meta.url)
  const mount = custom(module, [
    { op: 'pwrite', path: 'failing', nth: 1, effect: { error: 'EIO' } },
  ])
  const options = { memory: '16MiB', mounts: { '/m': mount }, dirtyAgeMs: 3_600_000 }
  kernel = await unableToBlock(() => boot(options))
})
beforeEach(() => {
  p = kernel.process()
  return async () => {
    await p.promises.exit()
    kernel.check()
    expect(kernel.sleepers()).toEqual([])
  }
})
afterAll(() => kernel.close())

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)

/** A file of the mount with pages of 1, 2, 3 ..., open in `p`; none of them is cached. */
async function file(pages: number, flags = O.RDWR): Promise<number> {
  const { promises } = p
  const fd = await promises.open('/m/f', RW | O.TRUNC)
  for (let page = 0; page < pages; page++)
    await promises.pwrite(fd, fill(PAGE, page + 1), page * PAGE)
  await promises.fsync(fd)
  const map = await promises.mmap({ fd, length: pages * PAGE })
  await map.promises.sync({ flags: MS.INVALIDATE })
  await map.promises.unmap()
  expect(kernel.stats()).toMatchObject({ cachedPages: 0, dirtyPages: 0 })
  await promises.close(fd)
  return promises.open('/m/f', flags)
}

/** The bytes of the file, one of each page, as another process reads them. */
async function bytes(): Promise<number[]> {
  const other = kernel.process()
  const fd = await other.promises.open('/m/f', O.RDONLY)
  const { size } = await other.promises.fstat(fd)
  const all = new Uint8Array(size)
  await other.promises.pread(fd, all, 0)
  await other.promises.exit()
  return [...all].filter((_, at) => at % PAGE === 0)
}

describe('a thread that may not block', () => {
  test('is told the promise form by its name', async () => {
    const fd = await file(1)
    expect(() => p.pread(fd, new Uint8Array(1), 0)).toThrow(
      expect.objectContaining({
        code: BLOCKS,
        syscall: 'pread',
        message: expect.stringContaining('promises.pread'),
      }),
    )
  })

  const calls: [string, (fd: number) => unknown][] = [
    ['open', () => p.open('/m/f', O.RDWR)],
    ['open with O_CREAT', () => p.open('/m/new', RW)],
    ['open with O_TRUNC', () => p.open('/m/f', O.RDWR | O.TRUNC)],
    ['truncate', () => p.truncate('/m/f', 1)],
    ['ftruncate', (fd) => p.ftruncate(fd, 1)],
    ['ftruncate that grows', (fd) => p.ftruncate(fd, 9 * PAGE)],
    ['fallocate', (fd) => p.fallocate(fd, 0, 0, 9 * PAGE)],
    ['read', (fd) => p.read(fd, new Uint8Array(1))],
    ['a write to a part of a page', (fd) => p.write(fd, fill(1, 9))],
    ['fstat', (fd) => p.fstat(fd)],
    ['stat', () => p.stat('/m/f')],
    ['readdir', () => p.readdir(p.open('/m', O.RDONLY))],
    ['unlink', () => p.unlink('/m/f')],
    ['rename', () => p.rename('/m/f', '/m/g')],
    ['link', () => p.link('/m/f', '/m/g')],
    ['utimens', () => p.utimens('/m/f', { mtimeMs: 0 })],
  ]
  test.for(calls)('does nothing in %s of a file that another thread serves', async ([, call]) => {
    const fd = await file(3)
    const before = await p.promises.fstat(fd)
    expect(outcome(() => call(fd))).toBe(BLOCKS)
    expect(await p.promises.fstat(fd)).toEqual(before)
    expect(await bytes()).toEqual([1, 2, 3])
    expect(p.lseek(fd, 0, 1)).toBe(0)
    const names = await p.promises.readdir(await p.promises.open('/m', O.RDONLY))
    expect(names.map(({ name }) => name)).toEqual(['f'])
    expect(p.open('/', O.RDONLY)).toBe(fd + 2)
  })
})

describe('a mapping, in a thread that may not block', () => {
  test('a load, a store, bytes and mlock of a page that is not there do nothing', async () => {
    const fd = await file(3)
    const map = p.mmap({ fd, length: 3 * PAGE })
    const own = p.mmap({ fd, length: 3 * PAGE, flags: MAP.PRIVATE })
    for (const one of [map, own]) {
      expect(outcome(() => one.read(0, 1))).toBe(BLOCKS)
      expect(outcome(() => one.write(0, fill(1, 9)))).toBe(BLOCKS)
      expect(outcome(() => one.bytes)).toBe(BLOCKS)
      expect(outcome(() => one.lock())).toBe(BLOCKS)
    }
    expect(p.maps().map(({ locked, resident }) => [locked, resident])).toEqual([
      [false, 0],
      [false, 0],
    ])
    expect(kernel.stats()).toMatchObject({ dirtyPages: 0, orphanFrames: 0 })
    expect([...(await map.promises.read(0, 1)), ...(await own.promises.read(0, 1))]).toEqual([1, 1])
  })

  test('a store over two pages, the second of which is not there, stores nothing', async () => {
    const fd = await file(3)
    const map = p.mmap({ fd, length: 3 * PAGE })
    await map.promises.advise(MADV.RANDOM)
    await map.promises.read(0, 1)
    expect(outcome(() => map.write(PAGE - 2, fill(4, 9)))).toBe(BLOCKS)
    expect([...map.read(PAGE - 2, 2)]).toEqual([1, 1])
    const into = fill(4, 7)
    expect(outcome(() => map.read(PAGE - 2, into))).toBe(BLOCKS)
    expect([...into]).toEqual([7, 7, 7, 7])
    await map.promises.write(PAGE - 2, fill(4, 9))
    expect([...(await map.promises.read(PAGE - 3, 6))]).toEqual([1, 9, 9, 9, 9, 2])
  })

  test('a forbidden store after such a page is still SIGSEGV, and what came before it is stored', async () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.protect(PROT.READ, { offset: PAGE })
    expect(outcome(() => map.write(PAGE - 2, fill(4, 9)))).toBe('SIGSEGV')
    expect([...map.read(PAGE - 2, 4)]).toEqual([9, 9, 0, 0])
  })

  test('msync, fsync and a write with O_SYNC of dirty pages leave them dirty, and the store as it was', async () => {
    const fd = await file(2, O.RDWR | O.SYNC)
    const map = p.mmap({ fd, length: 2 * PAGE })
    await map.promises.write(0, fill(PAGE, 8))
    expect(outcome(() => map.sync())).toBe(BLOCKS)
    expect(outcome(() => p.fsync(fd))).toBe(BLOCKS)
    expect(outcome(() => p.fdatasync(fd))).toBe(BLOCKS)
    expect(outcome(() => void p.write(fd, fill(PAGE, 9)))).toBe(BLOCKS)
    expect(outcome(() => void p.pwrite(fd, fill(PAGE, 9), 0))).toBe(BLOCKS)
    expect(p.lseek(fd, 0, 1)).toBe(0)
    expect(kernel.stats().dirtyPages).toBe(1)
    expect([...map.read(0, 1)]).toEqual([8])
    await map.promises.sync()
    expect(await bytes()).toEqual([8, 2])
  })
})

test('a failure found in the background waits for the fsync that says it: one that would block says nothing', async () => {
  const { promises } = p
  const fd = await promises.open('/m/failing', RW)
  await promises.pwrite(fd, fill(PAGE, 1), 0)
  const map = await promises.mmap({ fd, length: PAGE })
  await expect(kernel.sync()).rejects.toMatchObject({ code: 'EIO' })
  expect(outcome(() => p.fsync(fd))).toBe(BLOCKS)
  expect(outcome(() => map.sync())).toBe(BLOCKS)
  await expect(promises.fsync(fd)).rejects.toMatchObject({ code: 'EIO' })
  await expect(map.promises.sync()).rejects.toMatchObject({ code: 'EIO' })
  await promises.fsync(fd)
  await map.promises.sync()
  await promises.unlink('/m/failing')
})

describe('a wait, in a thread that may not block', () => {
  let q: Process
  beforeEach(() => {
    q = kernel.process()
    return () => q.exit()
  })

  test('flock and F_SETLKW leave the lock with who has it, and a conversion what it had', () => {
    const [theirs, mine] = [q.open('/lock', RW), p.open('/lock', RW)]
    q.flock(theirs, LOCK.SH)
    p.flock(mine, LOCK.SH)
    expect(outcome(() => p.flock(mine, LOCK.EX))).toBe(BLOCKS)
    expect(outcome(() => q.flock(theirs, LOCK.EX | LOCK.NB))).toBe('EAGAIN')
    q.fcntl(theirs, F.SETLK, { type: F.WRLCK, start: 5, length: 1 })
    p.fcntl(mine, F.SETLK, { type: F.RDLCK, start: 0, length: 1 })
    expect(outcome(() => void p.fcntl(mine, F.SETLKW, { type: F.WRLCK }))).toBe(BLOCKS)
    const inTheWay = q.fcntl(theirs, F.GETLK, { type: F.WRLCK })
    expect(inTheWay).toEqual({ type: F.RDLCK, start: 0, length: 1, pid: p.pid })
  })

  test('a futex wait leaves no waiter', () => {
    const map = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    expect(outcome(() => map.wait(0, 0))).toBe(BLOCKS)
    expect(map.notify(0)).toBe(0)
  })
})

describe('a wait for others, in a thread that may not block', () => {
  test('msgsnd to a full queue sends nothing, msgrcv of an empty one takes nothing', () => {
    const id = p.msgget(IPC.PRIVATE, IPC.CREAT | 0o600)
    expect(outcome(() => p.msgrcv(id))).toBe(BLOCKS)
    const { qbytes } = p.msgctl(id, IPC.STAT)
    for (let sent = 0; sent < qbytes; sent += 8192) p.msgsnd(id, 1, fill(8192, 1))
    const before = p.msgctl(id, IPC.STAT)
    expect(outcome(() => p.msgsnd(id, 2, fill(8192, 2)))).toBe(BLOCKS)
    expect(p.msgctl(id, IPC.STAT)).toEqual(before)
    p.msgctl(id, IPC.RMID)
  })

  test('semop and sem_wait take no unit and count no waiter', () => {
    const id = p.semget(IPC.PRIVATE, 2, IPC.CREAT | 0o600)
    p.semop(id, [{ num: 0, op: 1 }])
    const both = [
      { num: 0, op: -1 },
      { num: 1, op: -1 },
    ]
    expect(outcome(() => p.semop(id, both))).toBe(BLOCKS)
    expect(outcome(() => p.semtimedop(id, both, 1e6))).toBe(BLOCKS)
    expect([...p.semctl(id, 0, SEM.GETALL)]).toEqual([1, 0])
    expect(p.semctl(id, 1, SEM.GETNCNT)).toBe(0)
    p.semctl(id, 0, IPC.RMID)
    const { address } = p.mmap({ length: PAGE })
    p.sem_init(address, false, 0)
    expect(outcome(() => p.sem_wait(address))).toBe(BLOCKS)
    p.sem_post(address)
    expect(p.sem_getvalue(address)).toBe(1)
  })

  test('mq_receive of an empty queue and mq_send to a full one change nothing', () => {
    const mqd = p.mq_open('/q', O.CREAT | O.RDWR, { maxmsg: 1 })
    expect(outcome(() => p.mq_receive(mqd))).toBe(BLOCKS)
    p.mq_send(mqd, fill(1, 1))
    expect(outcome(() => p.mq_send(mqd, fill(1, 2), 9))).toBe(BLOCKS)
    expect(outcome(() => p.mq_timedsend(mqd, fill(1, 2), 9, Date.now() + 1e6))).toBe(BLOCKS)
    expect(p.mq_getattr(mqd).curmsgs).toBe(1)
    expect([...p.mq_receive(mqd).data]).toEqual([1])
    p.mq_unlink('/q')
  })

  test('a mutex, a condition, a barrier and an rwlock are as they were', () => {
    const { address } = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    const [mutex, condition, barrier, lock] = [0, 64, 128, 192].map((at) => address + at) as [
      ...[number, number, number, number],
    ]
    p.pthread_mutex_lock(mutex)
    p.pthread_barrier_init(barrier, 2)
    p.pthread_rwlock_rdlock(lock)
    expect(outcome(() => p.pthread_mutex_lock(mutex))).toBe(BLOCKS)
    expect(outcome(() => p.pthread_cond_wait(condition, mutex))).toBe(BLOCKS)
    expect(outcome(() => p.pthread_barrier_wait(barrier))).toBe(BLOCKS)
    expect(outcome(() => p.pthread_rwlock_wrlock(lock))).toBe(BLOCKS)
    expect(outcome(() => p.pthread_mutex_destroy(mutex))).toBe('EBUSY')
    p.pthread_rwlock_rdlock(lock)
    for (const unlock of [1, 2])
      expect(
        outcome(() => p.pthread_rwlock_unlock(lock)),
        `${unlock}`,
      ).toBe('ok')
    for (const destroy of [
      () => p.pthread_rwlock_destroy(lock),
      () => p.pthread_cond_destroy(condition),
      () => p.pthread_barrier_destroy(barrier),
      () => p.pthread_mutex_unlock(mutex),
      () => p.pthread_mutex_destroy(mutex),
    ]) {
      expect(outcome(destroy)).toBe('ok')
    }
  })
})
