/** SEMANTICS: POSIX semaphores, unnamed and named, in threads of their own where they wait. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boot, type Kernel, MAP, O, PROT, type Process } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
import { effort } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'

const PAGE = 4096
const MAX = 2 ** 31 - 1

let kernel: Kernel
let p: Process
let callers: Caller[]
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  callers = await Promise.all([1, 2, 3, 4].map(() => Caller.start(kernel)))
})
beforeEach(() => {
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ sleepers: 0, processes: 0, mappings: 0 })
  }
})
afterAll(async () => {
  for (const each of callers) await each.kill()
  await kernel.close()
})

const caller = (index: number) => callers[index] as Caller
const page = (flags: number = MAP.SHARED, by = p) =>
  by.mmap({ length: PAGE, flags: flags | MAP.ANONYMOUS }).address

/** => a semaphore of `value` units in a shared page of its own. */
function make(value: number): number {
  const address = page()
  p.sem_init(address, true, value)
  return address
}

describe('an unnamed semaphore', () => {
  test('counts: sem_wait takes, sem_post gives, sem_getvalue tells', () => {
    const sem = make(2)
    p.sem_wait(sem)
    p.sem_wait(sem)
    expect(p.sem_getvalue(sem)).toBe(0)
    p.sem_post(sem)
    expect(p.sem_getvalue(sem)).toBe(1)
  })

  test('sem_trywait without a unit is EAGAIN', () => {
    const sem = make(1)
    expect(outcome(() => p.sem_trywait(sem))).toBe('ok')
    expect(outcome(() => p.sem_trywait(sem))).toBe('EAGAIN')
  })

  test('a value above SEM_VALUE_MAX is EINVAL, and sem_post at it EOVERFLOW', () => {
    const sem = make(MAX)
    expect(outcome(() => p.sem_init(sem, true, MAX + 1))).toBe('EINVAL')
    expect(outcome(() => p.sem_init(sem, true, 2 ** 32 - 1))).toBe('EINVAL')
    expect(outcome(() => p.sem_post(sem))).toBe('EOVERFLOW')
    expect(p.sem_getvalue(sem)).toBe(MAX)
    p.sem_wait(sem)
    expect(outcome(() => p.sem_post(sem))).toBe('ok')
  })

  test('what is no semaphore, unaligned, or destroyed is EINVAL in every call', () => {
    const sem = make(1)
    p.sem_destroy(sem)
    const calls = ['sem_wait', 'sem_trywait', 'sem_post', 'sem_getvalue', 'sem_destroy'] as const
    for (const wrong of [sem, sem + 16, sem + 2]) {
      for (const name of calls)
        expect(
          outcome(() => p[name](wrong)),
          name,
        ).toBe('EINVAL')
      expect(outcome(() => p.sem_timedwait(wrong, 0))).toBe('EINVAL')
    }
    expect(outcome(() => p.sem_init(sem + 2, true, 0))).toBe('EINVAL')
    p.sem_init(sem, true, 1)
    expect(p.sem_getvalue(sem)).toBe(1)
  })

  test('an address that may not be stored to is SIGSEGV, one past the end of a file SIGBUS', () => {
    const sem = make(1)
    p.mprotect(sem, PAGE, PROT.READ)
    expect(outcome(() => p.sem_post(sem))).toBe('SIGSEGV')
    expect(outcome(() => p.sem_init(0xf000_0000, true, 1))).toBe('SIGSEGV')
    const fd = p.open('/short', O.CREAT | O.RDWR)
    p.unlink('/short')
    const map = p.mmap({ fd, length: PAGE })
    expect(outcome(() => p.sem_init(map.address, true, 1))).toBe('SIGBUS')
  })

  test('is one, whoever maps its page: by fork, by name, at another address', () => {
    const sem = make(1)
    using child = p.fork()
    child.sem_wait(sem)
    expect(outcome(() => p.sem_trywait(sem))).toBe('EAGAIN')
    const twin = p.mremap(sem, 0, PAGE)
    expect(twin).not.toBe(sem)
    p.sem_post(twin)
    expect(child.sem_getvalue(sem)).toBe(1)
  })

  test('lies across two pages as well as in one', () => {
    const { address } = p.mmap({ length: 2 * PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    for (const at of [PAGE - 4, PAGE - 8, PAGE - 12]) {
      p.sem_init(address + at, true, 1)
      p.sem_wait(address + at)
      p.sem_post(address + at)
      expect(p.sem_getvalue(address + at)).toBe(1)
    }
  })
})

describe('waiting', () => {
  test('sem_wait sleeps until a unit is posted; who waited longest gets it', async () => {
    const sem = make(0)
    const order: number[] = []
    const waits = []
    for (const i of [0, 1, 2]) {
      waits.push(
        caller(i)
          .call(p, 'sem_wait', sem)
          .then(() => order.push(i)),
      )
      await asleep(kernel, i + 1)
    }
    expect(p.sem_getvalue(sem)).toBe(0)
    for (const left of [2, 1, 0]) {
      p.sem_post(sem)
      expect(outcome(() => p.sem_trywait(sem))).toBe('EAGAIN')
      await waits[2 - left]
    }
    expect(order).toEqual([0, 1, 2])
  })

  test('sem_timedwait is ETIMEDOUT at its deadline, and no error when there is a unit', async () => {
    const sem = make(1)
    expect(outcome(() => p.sem_timedwait(sem, 0))).toBe('ok')
    for (const deadline of [0, -1e15, Date.now() + 30, new Date(Date.now() + 10)]) {
      expect(await caller(0).call(p, 'sem_timedwait', sem, deadline)).toBe('ETIMEDOUT')
    }
    const waiting = caller(0).call(p, 'sem_timedwait', sem, Number.POSITIVE_INFINITY)
    await asleep(kernel, 1)
    p.sem_post(sem)
    expect(await waiting).toBeUndefined()
  })

  test('a deadline that is none is EINVAL only when it would wait', () => {
    const sem = make(1)
    expect(outcome(() => p.sem_timedwait(sem, Number.NaN))).toBe('ok')
    expect(outcome(() => p.sem_timedwait(sem, Number.NaN))).toBe('EINVAL')
    expect(() => p.sem_timedwait(sem, '5' as unknown as number)).toThrow(TypeError)
  })
})

describe('a wait', () => {
  test('is ended by an interrupt with EINTR, with no unit taken', async () => {
    const sem = make(0)
    const q = p.fork()
    const waiting = caller(0).call(q, 'sem_wait', sem)
    await asleep(kernel, 1)
    q.interrupt()
    expect(await waiting).toBe('EINTR')
    p.sem_post(sem)
    expect(p.sem_getvalue(sem)).toBe(1)
    q.exit()
  })

  test('has a promise form, which an AbortSignal ends', async () => {
    const sem = make(0)
    const aborted = new AbortController()
    const waits = [
      p.promises.sem_wait(sem, { signal: aborted.signal }),
      p.promises.sem_wait(sem),
      p.promises.sem_timedwait(sem, Date.now() + 60_000),
    ]
    await asleep(kernel, 3)
    aborted.abort()
    await expect(waits[0]).rejects.toMatchObject({ code: 'ABORT_ERR' })
    p.sem_post(sem)
    p.sem_post(sem)
    await Promise.all(waits.slice(1))
    expect(p.sem_getvalue(sem)).toBe(0)
  })

  test('makes sem_destroy EBUSY', async () => {
    const sem = make(0)
    const waiting = caller(0).call(p, 'sem_wait', sem)
    await asleep(kernel, 1)
    expect(outcome(() => p.sem_destroy(sem))).toBe('EBUSY')
    p.sem_post(sem)
    await waiting
    expect(outcome(() => p.sem_destroy(sem))).toBe('ok')
  })

  test('that is killed leaves the queue intact: the next gets the unit', async () => {
    const sem = make(0)
    await using victim = await Caller.start(kernel)
    victim.call(p, 'sem_wait', sem).catch(() => {})
    await asleep(kernel, 1)
    const next = caller(0).call(p, 'sem_wait', sem)
    await asleep(kernel, 2)
    await victim.kill()
    expect(kernel.stats().sleepers).toBe(1)
    p.sem_post(sem)
    await next
    expect(p.sem_getvalue(sem)).toBe(0)
  })
})

describe('waiters', () => {
  test('on a page that is unmapped are told SIGSEGV once they look', async () => {
    const sem = make(0)
    const waiting = caller(0).call(p, 'sem_wait', sem)
    await asleep(kernel, 1)
    p.munmap(sem, PAGE)
    await (await Caller.start(kernel)).kill() // a death rings everybody
    expect(await waiting).toBe('SIGSEGV')
  })

  test('on a private page of a parent and its child are on two semaphores', async () => {
    const sem = page(MAP.PRIVATE)
    p.sem_init(sem, false, 0)
    const q = p.fork()
    const waiting = caller(0).call(q, 'sem_wait', sem)
    await asleep(kernel, 1)
    p.sem_post(sem)
    expect(p.sem_getvalue(sem)).toBe(1)
    expect(kernel.stats().sleepers).toBe(1)
    q.sem_post(sem)
    await waiting
    q.exit()
  })

  test('on a bounded buffer of two semaphores lose and double nothing, in four threads', async () => {
    const count = effort(20_000)
    const map = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    const [free, full, mutex] = [map.address, map.address + 16, map.address + 32] as const
    p.sem_init(free, true, 8)
    p.sem_init(full, true, 0)
    p.sem_init(mutex, true, 1)
    const children = [p.fork(), p.fork(), p.fork(), p.fork()]
    const jobs = children.map((child, i) =>
      caller(i).thread.call('semBuffer', child.pid, map.address, i < 2, count),
    )
    const [a, b, c, d] = (await Promise.all(jobs)) as [number, number, number, number]
    expect(c + d).toBe(a + b)
    expect([free, full, mutex].map((sem) => p.sem_getvalue(sem))).toEqual([8, 0, 1])
    for (const child of children) child.exit()
  })
})

describe('a named semaphore', () => {
  test('is made by O_CREAT, found by name, and ENOENT before', () => {
    expect(outcome(() => p.sem_open('/n'))).toBe('ENOENT')
    const sem = p.sem_open('/n', O.CREAT, 0o600, 3)
    using q = kernel.process()
    expect(q.sem_getvalue(q.sem_open('/n'))).toBe(3)
    q.sem_wait(q.sem_open('n', O.CREAT, 0o600, 9))
    expect(p.sem_getvalue(sem)).toBe(2)
    p.sem_unlink('/n')
  })

  test('O_CREAT|O_EXCL on a name that is there is EEXIST', () => {
    p.sem_open('/x', O.CREAT | O.EXCL)
    expect(outcome(() => p.sem_open('/x', O.CREAT | O.EXCL))).toBe('EEXIST')
    p.sem_unlink('/x')
  })

  test('opened twice by a process has one address, until it is closed as often', () => {
    const sem = p.sem_open('/t', O.CREAT, 0o600, 1)
    expect(p.sem_open('/t')).toBe(sem)
    p.sem_close(sem)
    expect(p.sem_getvalue(sem)).toBe(1)
    p.sem_close(sem)
    expect(outcome(() => p.sem_getvalue(sem))).toBe('SIGSEGV')
    expect(outcome(() => p.sem_close(sem))).toBe('EINVAL')
    p.sem_unlink('/t')
  })

  test('keeps its value while nobody has it open, and lives on unlinked while somebody has', () => {
    const sem = p.sem_open('/k', O.CREAT, 0o600, 5)
    p.sem_post(sem)
    p.sem_close(sem)
    const again = p.sem_open('/k')
    expect(p.sem_getvalue(again)).toBe(6)
    p.sem_unlink('/k')
    expect(outcome(() => p.sem_open('/k'))).toBe('ENOENT')
    expect(p.sem_getvalue(again)).toBe(6)
    const other = p.sem_open('/k', O.CREAT, 0o600, 1)
    expect(other).not.toBe(again)
    expect([p.sem_getvalue(other), p.sem_getvalue(again)]).toEqual([1, 6])
    p.sem_unlink('/k')
  })

  test('that loses its name ends no sleep, and is 0 meanwhile; a post of who has it open still does', async () => {
    const sem = p.sem_open('/u', O.CREAT, 0o600, 0)
    const others = [kernel.process(), kernel.process()] as const
    const theirs = others.map((q) => q.sem_open('/u'))
    const sleeps = others.map((q, at) => caller(at).call(q, 'sem_wait', theirs[at]))
    await asleep(kernel, 2)
    p.sem_unlink('/u')
    expect([kernel.stats().sleepers, p.sem_getvalue(sem)]).toEqual([2, 0])
    p.sem_post(sem)
    p.sem_close(sem)
    await asleep(kernel, 1)
    for (const [at, q] of others.entries()) q.sem_post(theirs[at] as number)
    expect(await Promise.all(sleeps)).toEqual([undefined, undefined])
    for (const q of others) q.exit()
  })
})

describe('names and permissions', () => {
  test.for([
    '/',
    '',
    '//',
    '/a/b',
    'a/b',
    '/.',
    '/..',
  ])('%j is no name: EINVAL, for sem_unlink ENOENT', (name) => {
    expect(outcome(() => p.sem_open(name, O.CREAT))).toBe('EINVAL')
    expect(outcome(() => p.sem_unlink(name))).toBe('ENOENT')
  })

  test('251 bytes of name fit, 252 are ENAMETOOLONG', () => {
    const name = `/${'x'.repeat(251)}`
    p.sem_open(name, O.CREAT)
    expect(outcome(() => p.sem_open(`${name}x`, O.CREAT))).toBe('ENAMETOOLONG')
    expect(outcome(() => p.sem_unlink(`${name}x`))).toBe('ENAMETOOLONG')
    p.sem_unlink(name)
  })

  test('a value above SEM_VALUE_MAX is EINVAL for a new one, and does not count for another', () => {
    expect(outcome(() => p.sem_open('/v', O.CREAT, 0o600, MAX + 1))).toBe('EINVAL')
    const sem = p.sem_open('/v', O.CREAT, 0o600, MAX)
    expect(p.sem_open('/v', O.CREAT, 0o600, MAX + 1)).toBe(sem)
    expect(outcome(() => p.sem_post(sem))).toBe('EOVERFLOW')
    p.sem_unlink('/v')
  })

  test.for([
    { who: 'owner', uid: 10, gid: 99, shift: 6 },
    { who: 'group', uid: 11, gid: 20, shift: 3 },
    { who: 'others', uid: 12, gid: 21, shift: 0 },
  ])('$who need both read and write permission, else EACCES', ({ uid, gid, shift }) => {
    using maker = kernel.process({ uid: 10, gid: 20 })
    using user = kernel.process({ uid, gid })
    maker.umask(0)
    for (const bits of [0, 2, 4, 6]) {
      maker.sem_open('/p', O.CREAT, bits << shift)
      expect(outcome(() => user.sem_open('/p'))).toBe(bits === 6 ? 'ok' : 'EACCES')
      expect(outcome(() => p.sem_open('/p'))).toBe('ok')
      maker.sem_unlink('/p')
    }
  })

  test('its mode is what was asked for, less umask', () => {
    using maker = kernel.process({ uid: 10, gid: 20 })
    using other = kernel.process({ uid: 11, gid: 20 })
    maker.umask(0o020)
    maker.sem_open('/u', O.CREAT, 0o666)
    expect(outcome(() => other.sem_open('/u'))).toBe('EACCES')
    maker.sem_unlink('/u')
  })

  test('is unlinked by its owner and root alone, EACCES to others', () => {
    using maker = kernel.process({ uid: 10, gid: 20 })
    using other = kernel.process({ uid: 11, gid: 20 })
    maker.umask(0)
    maker.sem_open('/r', O.CREAT, 0o666)
    expect(outcome(() => other.sem_unlink('/r'))).toBe('EACCES')
    maker.sem_unlink('/r')
    expect(outcome(() => p.sem_unlink('/r'))).toBe('ENOENT')
  })
})

describe('both kinds', () => {
  test('sem_close and sem_destroy are each for their own kind, else EINVAL', () => {
    const unnamed = make(1)
    const named = p.sem_open('/c', O.CREAT)
    expect(outcome(() => p.sem_close(unnamed))).toBe('EINVAL')
    expect(outcome(() => p.sem_destroy(named))).toBe('EINVAL')
    p.sem_unlink('/c')
  })

  test('a child has open what its parent had, at the same address', async () => {
    const sem = p.sem_open('/f', O.CREAT)
    p.sem_unlink('/f')
    const q = p.fork()
    const waiting = caller(0).call(q, 'sem_wait', sem)
    await asleep(kernel, 1)
    p.sem_post(sem)
    await waiting
    p.sem_close(sem)
    expect(q.sem_getvalue(sem)).toBe(0)
    q.sem_close(sem)
    q.exit()
  })

  test('memory that runs out is refused, with nothing made', async () => {
    await using small = await boot({ memory: '8MiB' })
    using q = small.process()
    let made = 0
    let said = 'ok'
    while (said === 'ok') said = outcome(() => q.sem_open(`/${made++}`, O.CREAT))
    expect(['ENOSPC', 'ENOMEM']).toContain(said)
    expect(outcome(() => q.sem_open(`/${made - 1}`))).toBe('ENOENT')
    small.check()
  })
})
