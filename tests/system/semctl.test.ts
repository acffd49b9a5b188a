/** SEMANTICS: System V semaphores: semctl, rule by rule. */

import { describe, expect, test } from 'vitest'
import { IPC, SEM, type SemOperation } from '../../dist/src/index.js'
import { stopClock } from '../support/clock.ts'
import { outcome } from '../support/errno.ts'
import { act, as, beginSets, kernel, make, p, stat, value, values } from '../support/sets.ts'

beginSets()

describe('the times of a set', () => {
  test('otime moves by operations and what exit undoes, ctime by SETVAL, SETALL and IPC_SET, no other by any', () => {
    using clock = stopClock()
    clock.set(100)
    const id = make()
    const q = kernel.process()
    const then = (at: number, change: () => unknown) => {
      clock.set(at)
      change()
      return [stat(id).otime, stat(id).ctime]
    }
    expect(then(150, () => [value(id), values(id), act(id, -1)])).toEqual([0, 100])
    expect(then(200, () => act(id, 3, SEM.UNDO, 0, q))).toEqual([200, 100])
    expect(then(300, () => q.exit())).toEqual([300, 100])
    expect(value(id)).toBe(0)
    expect(then(400, () => p.semctl(id, 0, SEM.SETVAL, 1))).toEqual([300, 400])
    expect(then(500, () => p.semctl(id, 0, SEM.SETALL, [2]))).toEqual([300, 500])
    expect(then(600, () => p.semctl(id, 0, IPC.SET, {}))).toEqual([300, 600])
    expect(then(700, () => act(id, 0, 0, 0))).toEqual([300, 600])
    expect(then(800, () => act(id, -2))).toEqual([800, 600])
  })
})

describe('semctl', () => {
  test('GETVAL, SETVAL, GETALL, SETALL read and set, with sempid', () => {
    const id = make(3)
    p.semctl(id, 1, SEM.SETVAL, 32767)
    expect(values(id)).toEqual([0, 32767, 0])
    expect([0, 1, 2].map((num) => p.semctl(id, num, SEM.GETPID))).toEqual([0, p.pid, 0])
    p.semctl(id, 0, SEM.SETALL, new Uint16Array([1, 2, 3]))
    expect([0, 1, 2].map(value.bind(null, id))).toEqual([1, 2, 3])
    expect([0, 2].map((num) => p.semctl(id, num, SEM.GETPID))).toEqual([p.pid, p.pid])
  })

  test('32000 semaphores are set and read whole', () => {
    const id = make(32000)
    const given = Array.from({ length: 32000 }, (_, i) => (i * 7919) % 32768)
    p.semctl(id, 0, SEM.SETALL, given)
    expect(values(id)).toEqual(given)
    expect(act(id, -1, 0, 31999)).toBe('ok')
    expect(value(id, 31999)).toBe((given[31999] as number) - 1)
  })

  test('SETVAL and SETALL outside 0 to SEMVMX are ERANGE, with nothing set', () => {
    const id = make(2)
    for (const wrong of [-1, 32768, 2 ** 31 - 1]) {
      expect(outcome(() => p.semctl(id, 0, SEM.SETVAL, wrong))).toBe('ERANGE')
    }
    for (const wrong of [
      [1, 32768],
      [1, -1],
    ]) {
      expect(outcome(() => p.semctl(id, 0, SEM.SETALL, wrong))).toBe('ERANGE')
    }
    expect(outcome(() => p.semctl(9999, 0, SEM.SETVAL, -1))).toBe('ERANGE')
    expect(values(id)).toEqual([0, 0])
  })

  test('SETALL with more or fewer values than semaphores is EINVAL', () => {
    const id = make(2)
    for (const wrong of [[], [1], [1, 2, 3], Array(100_000).fill(0)]) {
      expect(outcome(() => p.semctl(id, 0, SEM.SETALL, wrong))).toBe('EINVAL')
    }
  })

  test('a semaphore that the set has not is EINVAL; for SETVAL before EACCES, else after', () => {
    const id = make(2)
    const commands = [SEM.GETVAL, SEM.GETPID, SEM.GETNCNT, SEM.GETZCNT]
    for (const num of [-1, 2]) {
      for (const command of commands) {
        expect(outcome(() => p.semctl(id, num, command))).toBe('EINVAL')
        as(5, 5, (q) => expect(outcome(() => q.semctl(id, num, command))).toBe('EACCES'))
      }
      expect(outcome(() => p.semctl(id, num, SEM.SETVAL, 0))).toBe('EINVAL')
      as(5, 5, (q) => expect(outcome(() => q.semctl(id, num, SEM.SETVAL, 0))).toBe('EINVAL'))
    }
  })

  test('an unknown command, or an id that is none, is EINVAL', () => {
    const id = make()
    expect(outcome(() => p.semctl(id, 0, 99))).toBe('EINVAL')
    for (const wrong of [-1, id + 1]) {
      for (const command of [IPC.STAT, IPC.RMID, SEM.GETALL, SEM.GETVAL] as number[]) {
        expect(outcome(() => p.semctl(wrong, 0, command))).toBe('EINVAL')
      }
      expect(outcome(() => p.semctl(wrong, 0, IPC.SET, {}))).toBe('EINVAL')
    }
    expect(outcome(() => p.semctl(-1, 0, IPC.INFO))).toBe('EINVAL')
  })
})

describe('permission for semctl', () => {
  test('reading commands ask for the right to read, SETVAL and SETALL to alter', () => {
    const reading = [SEM.GETVAL, SEM.GETALL, SEM.GETPID, SEM.GETNCNT, SEM.GETZCNT, IPC.STAT]
    for (const [mode, may, mayNot] of [
      [0o604, 'ok', 'EACCES'],
      [0o602, 'EACCES', 'ok'],
    ] as const) {
      const id = p.semget(IPC.PRIVATE, 1, mode)
      as(5, 5, (q) => {
        for (const command of reading as number[]) {
          expect(outcome(() => q.semctl(id, 0, command))).toBe(may)
        }
        expect(outcome(() => q.semctl(id, 0, SEM.SETVAL, 1))).toBe(mayNot)
        expect(outcome(() => q.semctl(id, 0, SEM.SETALL, [1]))).toBe(mayNot)
      })
    }
  })

  test('IPC_SET changes owner, group and nine mode bits; creator and owner may, others are EPERM', () => {
    const id = as(10, 20, (q) => q.semget(IPC.PRIVATE, 1, 0o666))
    expect(as(11, 20, (q) => outcome(() => q.semctl(id, 0, IPC.SET, { mode: 0 })))).toBe('EPERM')
    as(10, 20, (q) => q.semctl(id, 0, IPC.SET, { uid: 11, gid: 21, mode: 0o7640 }))
    expect(stat(id).perm).toMatchObject({ uid: 11, gid: 21, cuid: 10, cgid: 20, mode: 0o640 })
    as(11, 99, (q) => q.semctl(id, 0, IPC.SET, { mode: 0o600 }))
    as(10, 20, (q) => q.semctl(id, 0, IPC.SET, { mode: 0o604 }))
    expect(stat(id).perm).toMatchObject({ uid: 11, gid: 21, mode: 0o604 })
    expect(outcome(() => p.semctl(id, 0, IPC.SET, { uid: 2 ** 32 - 1 }))).toBe('EINVAL')
  })

  test('IPC_RMID is for creator, owner and root, EPERM to others; the key is free at once', () => {
    const id = as(10, 20, (q) => q.semget(41, 1, IPC.CREAT | 0o666))
    expect(as(11, 20, (q) => outcome(() => q.semctl(id, 0, IPC.RMID)))).toBe('EPERM')
    as(10, 99, (q) => q.semctl(id, 0, IPC.RMID))
    expect(outcome(() => p.semget(41, 1))).toBe('ENOENT')
    expect(outcome(() => p.semctl(id, 0, IPC.STAT))).toBe('EINVAL')
  })
})

describe('observers', () => {
  test('SEM_STAT takes a slot and gives the id; SEM_STAT_ANY needs no permission', () => {
    const id = p.semget(42, 4, IPC.CREAT | 0o600)
    const { last } = p.semctl(0, 0, IPC.INFO)
    const found = p.semctl(last, 0, SEM.STAT)
    expect(found).toMatchObject({ id, nsems: 4, perm: { key: 42, mode: 0o600 } })
    as(5, 5, (q) => {
      expect(outcome(() => q.semctl(last, 0, SEM.STAT))).toBe('EACCES')
      expect(q.semctl(last, 0, SEM.STAT_ANY)).toEqual(found)
    })
    expect(outcome(() => p.semctl(last + 1, 0, SEM.STAT))).toBe('EINVAL')
  })

  test('IPC_INFO tells the limits, SEM_INFO what is in use', () => {
    const limits = {
      semmap: 1024000000,
      semmni: 32000,
      semmns: 1024000000,
      semmnu: 1024000000,
      semmsl: 32000,
      semopm: 500,
      semume: 500,
      semvmx: 32767,
    }
    expect(p.semctl(0, 0, IPC.INFO)).toMatchObject({ ...limits, semusz: 20, semaem: 32767 })
    make(3)
    make(4)
    expect(p.semctl(0, 0, SEM.INFO)).toMatchObject({ ...limits, semusz: 2, semaem: 7 })
  })
})

describe('arguments', () => {
  test('of a wrong type or range are refused by name, with nothing done', () => {
    const id = make()
    const call = (ops: unknown) => () => p.semop(id, ops as SemOperation[])
    expect(call(undefined)).toThrow(/"operations"/)
    expect(call([3])).toThrow(/"operations\[0\]"/)
    expect(
      call([
        { num: 0, op: 1 },
        { num: 0, op: 1.5 },
      ]),
    ).toThrow(/operations.op/)
    expect(call([{ num: 65536, op: 1 }])).toThrow(RangeError)
    expect(call([{ num: 0, op: 32768 }])).toThrow(RangeError)
    expect(call([{ num: 0, op: '1' }])).toThrow(TypeError)
    expect(() => p.semtimedop(id, [{ num: 0, op: 1 }], Number.NaN)).toThrow(RangeError)
    expect(() => p.semctl(id, 0, SEM.SETALL, 3 as unknown as number[])).toThrow(/"values"/)
    expect(() => p.semctl(id, 0, SEM.SETVAL, '3' as unknown as number)).toThrow(/"value"/)
    expect(() => p.semget('x' as unknown as number, 1)).toThrow(/"key"/)
    expect(value(id)).toBe(0)
  })
})
