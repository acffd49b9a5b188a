/** SEMANTICS: System V message queues. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  IPC,
  type Kernel,
  MSG,
  type MsgrcvOptions,
  type Process,
} from '../../dist/src/index.js'
import { stopClock } from '../support/clock.ts'
import { outcome } from '../support/errno.ts'

const KEY = 0x1234
const LONG_MIN = -(2 ** 31)
const NOWAIT = IPC.NOWAIT

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  p = kernel.process()
  return () => {
    const { last } = p.msgctl(0, IPC.INFO)
    for (let slot = 0; slot <= last; slot++) {
      if (outcome(() => p.msgctl(slot, MSG.STAT)) === 'ok') {
        p.msgctl(p.msgctl(slot, MSG.STAT).id, IPC.RMID)
      }
    }
    expect(kernel.stats().queues).toBe(0)
    p[Symbol.dispose]()
    kernel.check()
  }
})
afterAll(() => kernel.close())

const bytes = (...values: number[]) => new Uint8Array(values)
const queue = (mode = 0o600, by = p) => by.msgget(IPC.PRIVATE, IPC.CREAT | mode)
const stat = (id: number) => p.msgctl(id, IPC.STAT)
const send = (id: number, type: number, size = 1, value = type) =>
  p.msgsnd(id, type, new Uint8Array(size).fill(value), NOWAIT)
const receive = (id: number, options: MsgrcvOptions = {}) =>
  p.msgrcv(id, { ...options, flags: (options.flags ?? 0) | NOWAIT })
/** The types that a queue gives back, one after the other. */
const drain = (id: number, type: number, flags = 0) => {
  const types: number[] = []
  while (outcome(() => types.push(receive(id, { type, flags }).type)) === 'ok');
  return types
}
const now = () => Math.floor(Date.now() / 1000)

describe('msgget', () => {
  test('a public key finds one queue, IPC.PRIVATE makes a new one each time', () => {
    const id = p.msgget(KEY, IPC.CREAT | 0o600)
    expect(p.msgget(KEY, 0)).toBe(id)
    expect(p.msgget(KEY, IPC.CREAT | 0o600)).toBe(id)
    expect(p.msgget(-1, IPC.CREAT)).not.toBe(id)
    expect(queue()).not.toBe(queue())
  })

  test('no queue without IPC.CREAT is ENOENT; IPC.EXCL beside it EEXIST, alone ignored', () => {
    expect(outcome(() => p.msgget(KEY, 0))).toBe('ENOENT')
    expect(outcome(() => p.msgget(KEY, IPC.EXCL))).toBe('ENOENT')
    const id = p.msgget(KEY, IPC.CREAT | IPC.EXCL | 0o600)
    expect(outcome(() => p.msgget(KEY, IPC.CREAT | IPC.EXCL | 0o600))).toBe('EEXIST')
    expect(p.msgget(KEY, IPC.EXCL)).toBe(id)
  })

  test('asking for more than the mode gives is EACCES', () => {
    const user = kernel.process({ uid: 5, gid: 6 })
    const id = p.msgget(KEY, IPC.CREAT | 0o604)
    expect(user.msgget(KEY, 0)).toBe(id)
    expect(user.msgget(KEY, 0o004)).toBe(id)
    expect(outcome(() => user.msgget(KEY, 0o200))).toBe('EACCES')
    expect(outcome(() => user.msgget(KEY, 0o600))).toBe('EACCES')
    user.exit()
  })

  test('past MSGMNI queues it is ENOSPC', async () => {
    await using small = await boot({ memory: '16MiB', limits: { msgmni: 2 } })
    const q = small.process()
    const first = queue(0o600, q)
    queue(0o600, q)
    expect(outcome(() => queue(0o600, q))).toBe('ENOSPC')
    expect(outcome(() => q.msgget(KEY, IPC.CREAT))).toBe('ENOSPC')
    q.msgctl(first, IPC.RMID)
    expect(outcome(() => queue(0o600, q))).toBe('ok')
  })

  test('a new queue is empty, and says whose it is', () => {
    const user = kernel.process({ uid: 5, gid: 6 })
    const before = now()
    const id = user.msgget(KEY, IPC.CREAT | 0o1640)
    const { perm, ctime, ...rest } = stat(id)
    expect(perm).toEqual({ key: KEY, uid: 5, gid: 6, cuid: 5, cgid: 6, mode: 0o640, seq: perm.seq })
    expect(perm.seq).toBe(Math.floor(id / 32768))
    expect(ctime - before).toBeOneOf([0, 1])
    const zero = { stime: 0, rtime: 0, cbytes: 0, qnum: 0, lspid: 0, lrpid: 0 }
    expect(rest).toEqual({ ...zero, qbytes: 16384 })
    user.exit()
  })
})

describe('msgsnd', () => {
  test.for([0, -1, LONG_MIN])('a type of %i is EINVAL', (type) => {
    expect(outcome(() => p.msgsnd(queue(), type, bytes(1)))).toBe('EINVAL')
  })

  test('MSGMAX bytes fit, one more is EINVAL, none is fine', () => {
    const id = queue()
    expect(outcome(() => send(id, 1, 8192))).toBe('ok')
    expect(outcome(() => send(id, 1, 8193))).toBe('EINVAL')
    expect(outcome(() => send(id, 1, 70_000))).toBe('EINVAL')
    expect(outcome(() => send(id, 2 ** 31 - 1, 0))).toBe('ok')
    expect(stat(id)).toMatchObject({ cbytes: 8192, qnum: 2 })
  })

  test('full is EAGAIN with IPC.NOWAIT: by bytes, and by messages', () => {
    const id = queue()
    p.msgctl(id, IPC.SET, { qbytes: 10 })
    send(id, 1, 6)
    expect(outcome(() => send(id, 1, 5))).toBe('EAGAIN')
    expect(outcome(() => send(id, 1, 4))).toBe('ok')
    expect(outcome(() => send(id, 1, 1))).toBe('EAGAIN')
    p.msgctl(id, IPC.SET, { qbytes: 3 })
    drain(id, 0)
    for (let i = 0; i < 3; i++) send(id, 1, 0)
    expect(outcome(() => send(id, 1, 0))).toBe('EAGAIN')
  })

  test('a failing send changes nothing', () => {
    const id = queue(0o600)
    send(id, 1, 8192)
    send(id, 1, 8192)
    const before = stat(id)
    expect(outcome(() => send(id, 1, 1))).toBe('EAGAIN')
    expect(outcome(() => send(id, 0, 1))).toBe('EINVAL')
    expect(stat(id)).toEqual(before)
  })

  test('takes any view or buffer', () => {
    const id = queue()
    p.msgsnd(id, 1, new Uint16Array([1, 2]))
    p.msgsnd(id, 1, bytes(1, 2, 3, 4).subarray(1, 3))
    p.msgsnd(id, 1, new SharedArrayBuffer(3))
    const data = [1, 2, 3].map(() => [...receive(id).data])
    expect(data).toEqual([
      [1, 0, 2, 0],
      [2, 3],
      [0, 0, 0],
    ])
  })
})

/** A queue with six messages. */
const filled = () => {
  const id = queue()
  for (const type of [5, 3, 9, 3, 1, 9]) send(id, type)
  return id
}

describe('which message msgrcv takes', () => {
  test('type 0 takes the first message, whatever its type', () => {
    expect(drain(filled(), 0)).toEqual([5, 3, 9, 3, 1, 9])
  })

  test('a type above 0 takes the first of that type', () => {
    const id = filled()
    expect(drain(id, 9)).toEqual([9, 9])
    expect(drain(id, 4)).toEqual([])
    expect(drain(id, 0)).toEqual([5, 3, 3, 1])
  })

  test('MSG.EXCEPT takes the first of any other type', () => {
    const id = filled()
    expect(drain(id, 3, MSG.EXCEPT)).toEqual([5, 9, 1, 9])
    expect(drain(id, 0)).toEqual([3, 3])
  })

  test('MSG.EXCEPT means nothing with type 0 or below', () => {
    expect(drain(filled(), 0, MSG.EXCEPT)).toEqual([5, 3, 9, 3, 1, 9])
    expect(drain(filled(), -4, MSG.EXCEPT)).toEqual([1, 3, 3])
  })

  test('a type below 0 takes the first of the lowest type up to its amount', () => {
    const id = filled()
    expect(drain(id, -5)).toEqual([1, 3, 3, 5])
    expect(drain(id, -8)).toEqual([])
    expect(drain(filled(), LONG_MIN)).toEqual([1, 3, 3, 5, 9, 9])
  })

  test('LONG_MIN takes a message of LONG_MAX, and so does LONG_MIN + 1', () => {
    const id = queue()
    for (const type of [LONG_MIN, LONG_MIN + 1]) {
      send(id, 2 ** 31 - 1)
      expect(drain(id, type)).toEqual([2 ** 31 - 1])
    }
  })
})

describe('msgrcv', () => {
  test('a message that is too long is E2BIG and stays; MSG.NOERROR cuts it', () => {
    const id = queue()
    p.msgsnd(id, 7, bytes(1, 2, 3))
    expect(outcome(() => receive(id, { size: 2 }))).toBe('E2BIG')
    expect(stat(id)).toMatchObject({ qnum: 1, rtime: 0, lrpid: 0 })
    expect(receive(id, { size: 2, flags: MSG.NOERROR })).toEqual({ type: 7, data: bytes(1, 2) })
    expect(stat(id)).toMatchObject({ qnum: 0, cbytes: 0 })
    p.msgsnd(id, 7, bytes(1, 2, 3))
    expect(receive(id, { size: 0, flags: MSG.NOERROR }).data).toEqual(bytes())
    expect(stat(id).qnum).toBe(0)
  })

  test('E2BIG says that of the message chosen by type, not of another', () => {
    const id = queue()
    send(id, 1, 1)
    send(id, 2, 9)
    expect(outcome(() => receive(id, { type: 2, size: 5 }))).toBe('E2BIG')
    expect(receive(id, { type: -2, size: 5 }).type).toBe(1)
  })

  test('a negative size is EINVAL', () => {
    expect(outcome(() => receive(queue(), { size: -1 }))).toBe('EINVAL')
  })

  test('none is ENOMSG with IPC.NOWAIT', () => {
    const id = queue()
    expect(outcome(() => receive(id))).toBe('ENOMSG')
    send(id, 1)
    expect(outcome(() => receive(id, { type: 2 }))).toBe('ENOMSG')
    expect(outcome(() => receive(id, { type: 1, flags: MSG.EXCEPT }))).toBe('ENOMSG')
  })

  test('MSG.COPY gives a message by its place, and leaves it and all else as it is', () => {
    const id = filled()
    const before = stat(id)
    const places = [0, 4, 5].map((type) => receive(id, { type, flags: MSG.COPY }).type)
    expect(places).toEqual([5, 1, 9])
    expect(outcome(() => receive(id, { type: 6, flags: MSG.COPY }))).toBe('ENOMSG')
    expect(outcome(() => receive(id, { type: -1, flags: MSG.COPY }))).toBe('ENOMSG')
    expect(stat(id)).toEqual(before)
  })

  test('MSG.COPY without IPC.NOWAIT, or with MSG.EXCEPT, is EINVAL; too long E2BIG', () => {
    const id = filled()
    expect(outcome(() => p.msgrcv(id, { flags: MSG.COPY }))).toBe('EINVAL')
    expect(outcome(() => receive(id, { flags: MSG.COPY | MSG.EXCEPT }))).toBe('EINVAL')
    expect(outcome(() => receive(id, { size: 0, flags: MSG.COPY }))).toBe('E2BIG')
    const cut = { size: 0, flags: MSG.COPY | MSG.NOERROR }
    expect(outcome(() => receive(id, cut))).toBe('EINVAL')
  })

  test('the data is its own copy', () => {
    const id = queue()
    const sent = bytes(1, 2, 3)
    p.msgsnd(id, 1, sent)
    sent.fill(0)
    const { data } = receive(id)
    p.msgsnd(id, 1, bytes(9, 9, 9))
    expect(data).toEqual(bytes(1, 2, 3))
    expect(data.buffer).toBeInstanceOf(ArrayBuffer)
  })
})

describe('msqid_ds', () => {
  test('send and receive keep bytes, messages, times and pids', () => {
    const other = kernel.process()
    const id = queue(0o666)
    const before = now()
    send(id, 1, 100)
    other.msgsnd(id, 2, bytes(1, 2))
    expect(stat(id)).toMatchObject({ cbytes: 102, qnum: 2, lspid: other.pid, lrpid: 0, rtime: 0 })
    expect(stat(id).stime - before).toBeOneOf([0, 1])
    receive(id)
    expect(stat(id)).toMatchObject({ cbytes: 2, qnum: 1, lspid: other.pid, lrpid: p.pid })
    expect(stat(id).rtime - before).toBeOneOf([0, 1])
    other.exit()
    expect(stat(id).lspid).toBe(other.pid)
  })

  test('each time moves by its own call alone: stime by a send, rtime by a receive, ctime by IPC.SET', () => {
    using clock = stopClock()
    const times = (at: number) => {
      clock.set(at)
      return ({ stime, rtime, ctime } = stat(id)) => [stime, rtime, ctime]
    }
    clock.set(100)
    const id = queue()
    const sent = times(200)
    send(id, 1)
    expect(sent()).toEqual([200, 0, 100])
    const received = times(300)
    receive(id)
    expect(received()).toEqual([200, 300, 100])
    const set = times(400)
    p.msgctl(id, IPC.SET, {})
    expect(set()).toEqual([200, 300, 400])
  })

  test('IPC.SET changes owner, group, nine mode bits and qbytes; the creator stays', () => {
    const id = queue(0o600)
    p.msgctl(id, IPC.SET, { uid: 7, gid: 8, mode: 0o7642, qbytes: 20_000 })
    const { perm, qbytes } = stat(id)
    expect(perm).toMatchObject({ uid: 7, gid: 8, cuid: 0, cgid: 0, mode: 0o642 })
    expect(qbytes).toBe(20_000)
    p.msgctl(id, IPC.SET, { mode: 0o600 })
    expect(stat(id)).toMatchObject({ perm: { uid: 7, gid: 8, mode: 0o600 }, qbytes: 20_000 })
    expect(outcome(() => p.msgctl(id, IPC.SET, { uid: 2 ** 32 - 1 }))).toBe('EINVAL')
  })

  test('raising qbytes over MSGMNB is EPERM but for root', () => {
    const user = kernel.process({ uid: 5 })
    const id = queue(0o600, user)
    expect(outcome(() => user.msgctl(id, IPC.SET, { qbytes: 16_384 }))).toBe('ok')
    expect(outcome(() => user.msgctl(id, IPC.SET, { qbytes: 16_385 }))).toBe('EPERM')
    expect(outcome(() => user.msgctl(id, IPC.SET, { qbytes: 5 }))).toBe('ok')
    p.msgctl(id, IPC.SET, { qbytes: 50_000 })
    expect(outcome(() => user.msgctl(id, IPC.SET, { mode: 0o640 }))).toBe('ok')
    expect(stat(id)).toMatchObject({ qbytes: 50_000, perm: { mode: 0o640 } })
    user.exit()
  })

  test('lowering qbytes below what is queued keeps the messages', () => {
    const id = queue()
    send(id, 1, 100)
    p.msgctl(id, IPC.SET, { qbytes: 50 })
    expect(stat(id)).toMatchObject({ cbytes: 100, qnum: 1, qbytes: 50 })
    expect(outcome(() => send(id, 1, 0))).toBe('EAGAIN')
    receive(id)
    expect(outcome(() => send(id, 1, 50))).toBe('ok')
  })
})

describe('msgctl', () => {
  test('a removed queue is EINVAL for every call, also when its slot is used again', () => {
    const id = p.msgget(KEY, IPC.CREAT | 0o600)
    send(id, 1)
    p.msgctl(id, IPC.RMID)
    const calls = [
      () => send(id, 1),
      () => receive(id),
      () => stat(id),
      () => p.msgctl(id, IPC.SET, { mode: 0 }),
      () => p.msgctl(id, IPC.RMID),
    ]
    const codes = () => new Set(calls.map((call) => outcome(call)))
    expect(codes()).toEqual(new Set(['EINVAL']))
    for (let i = 0; i < 200; i++) p.msgctl(queue(), IPC.RMID)
    const again = p.msgget(KEY, IPC.CREAT | 0o600)
    expect(again).not.toBe(id)
    p.msgctl(again, IPC.RMID)
    expect(queue() % 32768).not.toBe(again % 32768)
    expect(codes()).toEqual(new Set(['EINVAL']))
  })

  test.for([-1, LONG_MIN, 12345])('id %i is EINVAL for every call', (id) => {
    expect(outcome(() => send(id, 1))).toBe('EINVAL')
    expect(outcome(() => receive(id))).toBe('EINVAL')
    expect(outcome(() => stat(id))).toBe('EINVAL')
    expect(outcome(() => p.msgctl(id, IPC.RMID))).toBe('EINVAL')
    expect(outcome(() => p.msgctl(id, MSG.STAT_ANY))).toBe('EINVAL')
  })

  test.for([4, 10, 14, 2 ** 32 - 1])('command %i is EINVAL', (command) => {
    expect(outcome(() => p.msgctl(queue(), command))).toBe('EINVAL')
  })

  test('MSG.STAT takes a slot and gives the id; MSG.STAT_ANY needs no permission', () => {
    const user = kernel.process({ uid: 5 })
    const id = queue(0o600)
    const slot = id % 32768
    expect(p.msgctl(slot, MSG.STAT)).toEqual({ ...stat(id), id })
    expect(outcome(() => user.msgctl(slot, MSG.STAT))).toBe('EACCES')
    expect(outcome(() => user.msgctl(id, IPC.STAT))).toBe('EACCES')
    expect(user.msgctl(slot, MSG.STAT_ANY)).toEqual({ ...stat(id), id })
    expect(outcome(() => p.msgctl(slot + 1, MSG.STAT))).toBe('EINVAL')
    user.exit()
  })

  test('IPC.INFO tells the limits, MSG.INFO what is in use; both the highest slot', () => {
    const limits = { msgmax: 8192, msgmnb: 16_384, msgmni: 32_000, msgssz: 16, msgseg: 65_535 }
    const pool = { msgpool: 512_000, msgmap: 16_384, msgtql: 16_384 }
    expect(p.msgctl(0, IPC.INFO)).toEqual({ ...limits, ...pool, last: 0 })
    expect(outcome(() => p.msgctl(-1, IPC.INFO))).toBe('EINVAL')
    expect(outcome(() => p.msgctl(-1, MSG.INFO))).toBe('EINVAL')
    const ids = [queue(), queue()]
    send(ids[0] as number, 1, 10)
    send(ids[1] as number, 1, 20)
    send(ids[1] as number, 1, 0)
    const last = Math.max(...ids) % 32768
    const used = { msgpool: 2, msgmap: 3, msgtql: 30 }
    expect(p.msgctl(0, MSG.INFO)).toEqual({ ...limits, ...used, last })
  })
})

describe('permissions', () => {
  const OWNER = 11
  const GROUP = 12

  test.for([
    ['owner', { uid: OWNER, gid: 1 }, 6],
    ['group', { uid: 1, gid: GROUP }, 3],
    ['other', { uid: 1, gid: 1 }, 0],
  ] as const)('the bits of %s decide for %o', ([, ids, shift]) => {
    const owner = kernel.process({ uid: OWNER, gid: GROUP })
    const user = kernel.process(ids)
    const id = queue(0o600, owner)
    const tried = (mode: number) => {
      p.msgctl(id, IPC.SET, { mode: mode << shift })
      send(id, 1)
      const codes = [
        outcome(() => user.msgsnd(id, 1, bytes(1), NOWAIT)),
        outcome(() => user.msgrcv(id, { flags: NOWAIT })),
        outcome(() => user.msgctl(id, IPC.STAT)),
      ]
      drain(id, 0)
      return codes
    }
    const no = 'EACCES'
    expect(tried(0)).toEqual([no, no, no])
    expect(tried(2)).toEqual(['ok', no, no])
    expect(tried(4)).toEqual([no, 'ok', 'ok'])
    expect(tried(6)).toEqual(['ok', 'ok', 'ok'])
    owner.exit()
    user.exit()
  })

  test('SET and RMID are for owner, creator and root: EPERM for others, whatever the mode', () => {
    const [creator, owner, other] = [21, 22, 23].map((uid) => kernel.process({ uid })) as [
      Process,
      Process,
      Process,
    ]
    const id = queue(0o666, creator)
    p.msgctl(id, IPC.SET, { uid: 22 })
    expect(outcome(() => other.msgctl(id, IPC.SET, { mode: 0o666 }))).toBe('EPERM')
    expect(outcome(() => other.msgctl(id, IPC.RMID))).toBe('EPERM')
    expect(outcome(() => creator.msgctl(id, IPC.SET, { mode: 0o666 }))).toBe('ok')
    expect(outcome(() => owner.msgctl(id, IPC.SET, { mode: 0o666 }))).toBe('ok')
    expect(outcome(() => owner.msgctl(id, IPC.RMID))).toBe('ok')
    for (const user of [creator, owner, other]) user.exit()
  })
})

describe('what runs out', () => {
  test('MSGMAX and MSGMNB are options of boot', async () => {
    await using small = await boot({ memory: '16MiB', limits: { msgmax: 100, msgmnb: 150 } })
    const q = small.process()
    const id = queue(0o600, q)
    expect(outcome(() => q.msgsnd(id, 1, new Uint8Array(101)))).toBe('EINVAL')
    q.msgsnd(id, 1, new Uint8Array(100))
    expect(outcome(() => q.msgsnd(id, 1, new Uint8Array(51), NOWAIT))).toBe('EAGAIN')
    expect(q.msgctl(id, IPC.STAT).qbytes).toBe(150)
  })

  test('memory is ENOMEM, with nothing half done, and comes back with the queue', async () => {
    await using small = await boot({ memory: '8MiB' })
    const q = small.process()
    const free = small.stats().framesFree
    const id = queue(0o600, q)
    q.msgctl(id, IPC.SET, { qbytes: 2 ** 31 })
    let sent = 0
    while (outcome(() => q.msgsnd(id, 1, new Uint8Array(8192))) === 'ok') sent++
    expect(outcome(() => q.msgsnd(id, 1, new Uint8Array(8192)))).toBe('ENOMEM')
    expect(q.msgctl(id, IPC.STAT)).toMatchObject({ qnum: sent, cbytes: sent * 8192 })
    expect(outcome(() => q.mmap({ length: 65536 }))).toBe('ENOMEM')
    small.check()
    q.msgctl(id, IPC.RMID)
    expect(small.stats().framesFree).toBeGreaterThan(free - 8)
    small.check()
  })

  test('clean pages of files make room for messages', async () => {
    await using small = await boot({ memory: '8MiB' })
    const q = small.process()
    const id = queue(0o600, q)
    q.msgctl(id, IPC.SET, { qbytes: 2 ** 31 })
    for (let i = 0; i < 100; i++) q.msgsnd(id, 1, new Uint8Array(8192))
    small.check()
  })
})

describe('arguments', () => {
  test.for([
    ['key', () => p.msgget('1' as never)],
    ['flags', () => p.msgget(1, -1)],
    ['id', () => p.msgsnd(1.5, 1, bytes())],
    ['type', () => p.msgsnd(1, 2 ** 31, bytes())],
    ['data', () => p.msgsnd(1, 1, 'text' as never)],
    ['options', () => p.msgrcv(1, 5 as never)],
    ['options.size', () => p.msgrcv(1, { size: 2 ** 31 })],
    ['command', () => p.msgctl(1, 'STAT' as never)],
    ['set.mode', () => p.msgctl(1, IPC.SET, { mode: -1 })],
  ] as const)('a wrong %s is refused by name', ([name, act]) => {
    expect(act).toThrow(`"${name}"`)
  })
})
