/** SEMANTICS: System V semaphores, rule by rule, without anybody asleep. */

import { describe, expect, test } from 'vitest'
import { boot, IPC, SEM, type SemOperation } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import {
  act,
  as,
  beginSets,
  CREATE,
  kernel,
  make,
  p,
  seconds,
  stat,
  value,
  values,
} from '../support/sets.ts'

beginSets()

describe('semget', () => {
  test('IPC_PRIVATE makes a new set each time, a key finds the one it made', () => {
    expect(make()).not.toBe(make())
    const id = p.semget(77, 3, CREATE)
    expect([p.semget(77, 3), p.semget(77, 0), p.semget(77, 2, IPC.CREAT)]).toEqual([id, id, id])
  })

  test('a new set is all 0, of its maker, with no operation and a change now', () => {
    const before = seconds()
    const made = as(7, 8, (q) => q.semget(IPC.PRIVATE, 3, IPC.CREAT | 0o4640))
    const { perm, otime, ctime, nsems } = stat(made)
    expect(perm).toMatchObject({ key: 0, uid: 7, gid: 8, cuid: 7, cgid: 8, mode: 0o640 })
    expect([otime, nsems]).toEqual([0, 3])
    expect(ctime).toBeGreaterThanOrEqual(before)
    expect(values(make(3))).toEqual([0, 0, 0])
  })

  test('a key without a set is ENOENT unless IPC_CREAT is given', () => {
    expect(outcome(() => p.semget(5, 1))).toBe('ENOENT')
    expect(outcome(() => p.semget(5, 1, CREATE))).toBe('ok')
  })

  test('IPC_CREAT|IPC_EXCL on a key that has a set is EEXIST; IPC_EXCL alone is ignored', () => {
    const id = p.semget(6, 1, CREATE)
    expect(outcome(() => p.semget(6, 1, CREATE | IPC.EXCL))).toBe('EEXIST')
    expect(p.semget(6, 1, IPC.EXCL)).toBe(id)
  })

  test('0 or fewer semaphores, or more than SEMMSL, for a new set is EINVAL', () => {
    for (const count of [0, -1, 32001]) {
      expect(outcome(() => p.semget(IPC.PRIVATE, count, CREATE))).toBe('EINVAL')
    }
    expect(stat(make(32000)).nsems).toBe(32000)
  })

  test('more semaphores than the set of that key has is EINVAL, before EACCES and after EEXIST', () => {
    p.semget(8, 2, CREATE)
    expect(outcome(() => p.semget(8, 3))).toBe('EINVAL')
    expect(outcome(() => p.semget(8, 3, IPC.CREAT | IPC.EXCL))).toBe('EEXIST')
    as(5, 5, (q) => {
      expect(outcome(() => q.semget(8, 3, 0o600))).toBe('EINVAL')
      expect(outcome(() => q.semget(8, 2, 0o600))).toBe('EACCES')
      expect(outcome(() => q.semget(8, 2))).toBe('ok')
    })
  })

  test('past SEMMNI sets or SEMMNS semaphores is ENOSPC', async () => {
    await using small = await boot({ memory: '8MiB', limits: { semmni: 2, semmns: 5, semmsl: 4 } })
    using q = small.process()
    expect(outcome(() => q.semget(IPC.PRIVATE, 5, CREATE))).toBe('EINVAL')
    q.semget(IPC.PRIVATE, 4, CREATE)
    expect(outcome(() => q.semget(IPC.PRIVATE, 2, CREATE))).toBe('ENOSPC')
    q.semget(IPC.PRIVATE, 1, CREATE)
    expect(outcome(() => q.semget(IPC.PRIVATE, 1, CREATE))).toBe('ENOSPC')
    expect(outcome(() => q.semget(IPC.PRIVATE, 0, CREATE))).toBe('EINVAL')
  })

  test('memory that runs out is ENOMEM, with nothing made', async () => {
    await using small = await boot({ memory: '8MiB' })
    using q = small.process()
    let said = 'ok'
    while (said === 'ok') said = outcome(() => q.semget(IPC.PRIVATE, 32000, CREATE))
    expect(said).toBe('ENOMEM')
    const { semusz, semaem } = q.semctl(0, 0, SEM.INFO)
    expect(semaem).toBe(semusz * 32000)
    small.check()
  })
})

describe('semop', () => {
  test('no operations, or an id that is none, is EINVAL', () => {
    const id = make()
    expect(outcome(() => p.semop(id, []))).toBe('EINVAL')
    for (const wrong of [-1, id + 1, 2 ** 31 - 1]) expect(act(wrong, 1)).toBe('EINVAL')
  })

  test('an id that is stale is EINVAL, also when its slot is used again', () => {
    const id = make()
    p.semctl(id, 0, IPC.RMID)
    expect(make() % 32768).not.toBe(id % 32768)
    for (let i = 0; i < 70; i++) {
      p.semctl(make(), 0, IPC.RMID)
      expect(act(id, 1)).toBe('EINVAL')
    }
  })

  test('more operations than SEMOPM is E2BIG, before anything else is looked at', () => {
    const id = make()
    const many = (count: number): SemOperation[] => Array(count).fill({ num: 0, op: 1 })
    p.semop(id, many(500))
    expect(value(id)).toBe(500)
    for (const count of [501, 100_000]) {
      expect(outcome(() => p.semop(id, many(count)))).toBe('E2BIG')
      expect(outcome(() => p.semop(9999, many(count)))).toBe('E2BIG')
    }
  })

  test('a semaphore that the set has not is EFBIG, before EACCES', () => {
    const id = make(2)
    expect(act(id, 1, 0, 2)).toBe('EFBIG')
    expect(act(id, 1, 0, 65535)).toBe('EFBIG')
    expect(as(5, 5, (q) => act(id, 1, 0, 2, q))).toBe('EFBIG')
    expect(
      outcome(() =>
        p.semop(id, [
          { num: 0, op: 1 },
          { num: 2, op: 1 },
        ]),
      ),
    ).toBe('EFBIG')
    expect(values(id)).toEqual([0, 0])
  })

  test('a value over SEMVMX is ERANGE, with nothing changed', () => {
    const id = make(2)
    expect(act(id, 32767)).toBe('ok')
    expect(act(id, 1)).toBe('ERANGE')
    expect(
      outcome(() =>
        p.semop(id, [
          { num: 1, op: 3 },
          { num: 0, op: 1 },
        ]),
      ),
    ).toBe('ERANGE')
    expect(values(id)).toEqual([32767, 0])
  })

  test('what would have to wait is EAGAIN with IPC_NOWAIT', () => {
    const id = make()
    expect([act(id, -1), act(id, 0), act(id, 2), act(id, 0), act(id, -3), act(id, -2)]).toEqual([
      'EAGAIN',
      'ok',
      'ok',
      'EAGAIN',
      'EAGAIN',
      'ok',
    ])
  })
})

describe('an array', () => {
  test('is all or nothing, in order, one semaphore twice allowed', () => {
    const id = make(3)
    const run = (...ops: [number, number][]) =>
      outcome(() =>
        p.semop(
          id,
          ops.map(([num, op]) => ({ num, op, flags: IPC.NOWAIT })),
        ),
      )
    expect(run([0, 1], [1, 2], [2, -1])).toBe('EAGAIN')
    expect(values(id)).toEqual([0, 0, 0])
    expect(run([0, 1], [0, -1], [0, 0], [1, 4])).toBe('ok')
    expect(run([0, -1], [0, 1])).toBe('EAGAIN')
    expect(run([1, 32767], [1, -32767])).toBe('ERANGE')
    expect(run([1, -4], [1, 0], [1, 6])).toBe('ok')
    expect(values(id)).toEqual([0, 6, 0])
  })

  test('sets sempid of every semaphore that it names, and otime', () => {
    const id = make(3)
    expect([0, 1].map((num) => p.semctl(id, num, SEM.GETPID))).toEqual([0, 0])
    const before = seconds()
    using q = kernel.process()
    q.semop(id, [
      { num: 0, op: 0 },
      { num: 2, op: 1 },
    ])
    expect([0, 1, 2].map((num) => p.semctl(id, num, SEM.GETPID))).toEqual([q.pid, 0, q.pid])
    expect(stat(id).otime).toBeGreaterThanOrEqual(before)
  })
})

describe('permission for semop', () => {
  test('a zero-wait asks for the right to read, all others for the right to alter', () => {
    const can = (mode: number, op: number) => {
      const id = p.semget(IPC.PRIVATE, 1, mode)
      return as(5, 5, (q) => act(id, op, 0, 0, q))
    }
    expect([can(0o604, 0), can(0o604, 1), can(0o604, -1)]).toEqual(['ok', 'EACCES', 'EACCES'])
    expect([can(0o602, 0), can(0o602, 1), can(0o602, -1)]).toEqual(['EACCES', 'ok', 'EAGAIN'])
    const id = p.semget(IPC.PRIVATE, 2, 0o602)
    const both: SemOperation[] = [
      { num: 0, op: 0 },
      { num: 1, op: 1 },
    ]
    expect(as(5, 5, (q) => outcome(() => q.semop(id, both)))).toBe('ok')
  })

  test('owner, group and others have the bits of their class; root passes', () => {
    for (const [uid, gid, shift] of [
      [10, 99, 6],
      [11, 20, 3],
      [12, 21, 0],
    ] as const) {
      for (const bits of [0, 2, 4, 6]) {
        const id = as(10, 20, (q) => q.semget(IPC.PRIVATE, 1, bits << shift))
        const said = as(uid, gid, (q) => [
          act(id, 1, 0, 0, q),
          outcome(() => q.semctl(id, 0, SEM.GETVAL)),
        ])
        expect(said).toEqual([bits & 2 ? 'ok' : 'EACCES', bits & 4 ? 'ok' : 'EACCES'])
        expect(act(id, 1)).toBe('ok')
      }
    }
  })
})

describe('semtimedop', () => {
  test('is EAGAIN once the time is over, and does what needs no waiting whatever the time', async () => {
    const id = make()
    expect(outcome(() => p.semtimedop(id, [{ num: 0, op: 2 }], 0))).toBe('ok')
    expect(outcome(() => p.semtimedop(id, [{ num: 0, op: -3 }], 0))).toBe('EAGAIN')
    const later = p.promises.semtimedop(id, [{ num: 0, op: 0 }], 20)
    await expect(later).rejects.toMatchObject({ code: 'EAGAIN', syscall: 'semtimedop' })
    expect(value(id)).toBe(2)
  })

  test('without a time waits as semop does', async () => {
    const id = make()
    const waiting = p.promises.semtimedop(id, [{ num: 0, op: -1 }])
    while (p.semctl(id, 0, SEM.GETNCNT) === 0) await pause(1)
    p.semop(id, [{ num: 0, op: 1 }])
    await waiting
  })
})

describe('SEM_UNDO', () => {
  test('is undone by exit, from what the process did alone, and sets sempid and otime', () => {
    const id = make(2)
    const q = kernel.process()
    act(id, 5, 0, 0, p)
    act(id, -2, SEM.UNDO, 0, q)
    act(id, 3, SEM.UNDO, 1, q)
    act(id, 4, 0, 1, q)
    expect(values(id)).toEqual([3, 7])
    const before = seconds()
    const { pid } = q
    q.exit()
    expect(values(id)).toEqual([5, 4])
    expect(p.semctl(id, 0, SEM.GETPID)).toBe(pid)
    expect(stat(id).otime).toBeGreaterThanOrEqual(before)
  })

  test('never takes a value below 0 or over SEMVMX', () => {
    const id = make(2)
    const q = kernel.process()
    act(id, 4, SEM.UNDO, 0, q)
    act(id, 32767, 0, 1, q)
    act(id, -5, SEM.UNDO, 1, q)
    act(id, -3)
    act(id, 2, 0, 1)
    q.exit()
    expect(values(id)).toEqual([0, 32767])
  })

  test('is not inherited by a child, whose exit undoes what it did itself alone', () => {
    const id = make()
    const q = kernel.process()
    act(id, 4, SEM.UNDO, 0, q)
    q.fork().exit()
    expect(value(id)).toBe(4)
    const child = q.fork()
    act(id, 2, SEM.UNDO, 0, child)
    child.exit()
    expect(value(id)).toBe(4)
    q.exit()
    expect(value(id)).toBe(0)
  })

  test('nets to nothing when a process undoes it itself', () => {
    const id = make()
    const q = kernel.process()
    act(id, 1, SEM.UNDO, 0, q)
    act(id, -1, SEM.UNDO, 0, q)
    act(id, 3)
    q.exit()
    expect(value(id)).toBe(3)
  })

  test('an adjustment past its range is ERANGE', () => {
    const id = make()
    expect(act(id, 32767, SEM.UNDO)).toBe('ok')
    act(id, -32767)
    expect(act(id, 1, SEM.UNDO)).toBe('ok')
    expect(act(id, 1, SEM.UNDO)).toBe('ERANGE')
    expect(value(id)).toBe(1)
  })
})

describe('what undoes nothing any more', () => {
  test('SETVAL forgets it for one semaphore, SETALL for all, in every process', () => {
    const id = make(3)
    const q = kernel.process()
    const r = kernel.process()
    for (const by of [q, r]) for (const num of [0, 1, 2]) act(id, 2, SEM.UNDO, num, by)
    p.semctl(id, 1, SEM.SETVAL, 10)
    q.exit()
    expect(values(id)).toEqual([2, 10, 2])
    p.semctl(id, 0, SEM.SETALL, [7, 8, 9])
    act(id, 1, SEM.UNDO, 2, r)
    r.exit()
    expect(values(id)).toEqual([7, 8, 9])
  })

  test('is nothing any more once the set is removed, also when its key is used again', () => {
    const id = p.semget(31, 1, CREATE)
    const q = kernel.process()
    act(id, 3, SEM.UNDO, 0, q)
    p.semctl(id, 0, IPC.RMID)
    const next = p.semget(31, 1, CREATE)
    act(next, 1)
    q.exit()
    expect(value(next)).toBe(1)
  })
})
