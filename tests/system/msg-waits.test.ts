/** SEMANTICS: System V message queues whose senders and receivers wait, in threads of their own. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, IPC, type Kernel, MSG, type Process } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
import { effort } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'

let kernel: Kernel
let p: Process
let callers: Caller[]
/** A queue that the test may leave behind. */
let id: number

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  callers = await Promise.all([1, 2, 3, 4].map(() => Caller.start(kernel)))
})
beforeEach(() => {
  p = kernel.process()
  id = p.msgget(IPC.PRIVATE, IPC.CREAT | 0o600)
  return () => {
    outcome(() => p.msgctl(id, IPC.RMID))
    p[Symbol.dispose]()
    expect(kernel.stats()).toMatchObject({ queues: 0, sleepers: 0, processes: 0 })
    kernel.check()
  }
})
afterAll(async () => {
  for (const each of callers) await each.kill()
  await kernel.close()
})

const bytes = (...values: number[]) => new Uint8Array(values)
const caller = (index: number) => callers[index] as Caller
const stat = () => p.msgctl(id, IPC.STAT)
const send = (type: number, size = 1) =>
  p.msgsnd(id, type, new Uint8Array(size).fill(type), IPC.NOWAIT)
const receive = (type = 0) => p.msgrcv(id, { type, flags: IPC.NOWAIT })
const drain = () => {
  const types: number[] = []
  while (outcome(() => types.push(receive().type)) === 'ok');
  return types
}

test('a receiver sleeps until a message of its type comes', async () => {
  const q = kernel.process()
  const received = caller(0).call(q, 'msgrcv', id, { type: 2 })
  await asleep(kernel, 1)
  expect(kernel.sleepers()).toMatchObject([{ pid: q.pid, on: 'queue', id }])
  send(1)
  expect(kernel.stats().sleepers).toBe(1)
  p.msgsnd(id, 2, bytes(7, 8))
  expect(await received).toEqual({ type: 2, data: bytes(7, 8) })
  expect(stat()).toMatchObject({ qnum: 1, lspid: p.pid, lrpid: q.pid })
  q.exit()
})

test('each message goes to the first receiver that wants it', async () => {
  const q = kernel.process()
  const asked: Promise<unknown>[] = []
  const wants = [{ type: 5 }, { type: -3 }, { type: 4, flags: MSG.EXCEPT }, { type: 0 }]
  for (const [i, options] of wants.entries()) {
    asked.push(caller(i).call(q, 'msgrcv', id, options))
    await asleep(kernel, i + 1)
  }
  for (const type of [4, 3, 5, 9]) send(type)
  const types = (await Promise.all(asked)).map((answer) => (answer as { type: number }).type)
  expect(types).toEqual([5, 3, 9, 4])
  expect(stat().qnum).toBe(0)
  q.exit()
})

test('a receiver whose buffer is too small is told E2BIG, and the next gets the message', async () => {
  const q = kernel.process()
  const small = caller(0).call(q, 'msgrcv', id, { size: 1 })
  await asleep(kernel, 1)
  const cuts = caller(1).call(q, 'msgrcv', id, { size: 1, flags: MSG.NOERROR })
  await asleep(kernel, 2)
  p.msgsnd(id, 1, bytes(1, 2))
  expect(await small).toBe('E2BIG')
  expect(await cuts).toEqual({ type: 1, data: bytes(1) })
  q.exit()
})

test('a sender sleeps until its message fits; a smaller one may overtake it', async () => {
  const q = kernel.process()
  p.msgctl(id, IPC.SET, { qbytes: 10 })
  send(1, 4)
  send(1, 6)
  const large = caller(0).call(q, 'msgsnd', id, 2, new Uint8Array(9))
  await asleep(kernel, 1)
  const small = caller(1).call(q, 'msgsnd', id, 3, new Uint8Array(3))
  await asleep(kernel, 2)
  receive()
  expect(await small).toBe(undefined)
  expect(stat()).toMatchObject({ cbytes: 9, qnum: 2, lspid: q.pid })
  receive()
  expect(kernel.stats().sleepers).toBe(1)
  receive()
  expect(await large).toBe(undefined)
  q.exit()
})

test('raising qbytes lets senders in', async () => {
  const q = kernel.process()
  p.msgctl(id, IPC.SET, { qbytes: 1 })
  send(1)
  const sent = caller(0).call(q, 'msgsnd', id, 2, bytes(1))
  await asleep(kernel, 1)
  p.msgctl(id, IPC.SET, { qbytes: 2 })
  expect(await sent).toBe(undefined)
  expect(drain()).toEqual([1, 2])
  q.exit()
})

test('IPC.RMID wakes every sender and receiver with EIDRM', async () => {
  const q = kernel.process()
  p.msgctl(id, IPC.SET, { qbytes: 1 })
  send(1)
  const calls = [
    caller(0).call(q, 'msgsnd', id, 1, bytes(1)),
    caller(1).call(q, 'msgsnd', id, 1, bytes(1)),
    caller(2).call(q, 'msgrcv', id, { type: 2 }),
    caller(3).call(q, 'msgrcv', id, { type: 3 }),
  ]
  await asleep(kernel, 4)
  p.msgctl(id, IPC.RMID)
  expect(await Promise.all(calls)).toEqual(['EIDRM', 'EIDRM', 'EIDRM', 'EIDRM'])
  q.exit()
})

test('a queue that is removed as a call begins to wait is EIDRM for it, or EINVAL before', async () => {
  const q = kernel.process()
  const full = { qbytes: 1 }
  for (let round = 0; round < effort(400); round++) {
    const other = p.msgget(IPC.PRIVATE, 0o600)
    p.msgctl(other, IPC.SET, full)
    p.msgsnd(other, 1, bytes(1))
    const waits = [
      caller(0).call(q, 'msgrcv', other, { type: 2 }),
      caller(1).call(q, 'msgsnd', other, 1, bytes(1)),
      caller(2).call(q, 'msgrcv', id),
      caller(3).call(q, 'msgrcv', id, { type: -3 }),
    ]
    if (round % 2) await asleep(kernel, waits.length)
    for (const each of [other, id]) p.msgctl(each, IPC.RMID)
    for (const end of await Promise.all(waits)) expect(['EIDRM', 'EINVAL']).toContain(end)
    id = p.msgget(IPC.PRIVATE, 0o600)
  }
  q.exit()
})

test('IPC.SET that takes the permission of a sleeping receiver is EACCES for it', async () => {
  const user = kernel.process({ uid: 5 })
  p.msgctl(id, IPC.SET, { mode: 0o666 })
  const received = caller(0).call(user, 'msgrcv', id, {})
  await asleep(kernel, 1)
  p.msgctl(id, IPC.SET, { mode: 0o600 })
  expect(await received).toBe('EACCES')
  user.exit()
})

test('an aborted promise ends the wait, and the queue goes on', async () => {
  const abort = new AbortController()
  const aborted = p.promises.msgrcv(id, {}, { signal: abort.signal })
  await asleep(kernel, 1)
  abort.abort()
  await expect(aborted).rejects.toThrow('aborted')
  const received = p.promises.msgrcv(id)
  await asleep(kernel, 1)
  p.msgsnd(id, 3, bytes(4))
  expect(await received).toEqual({ type: 3, data: bytes(4) })
})

test('an interrupt is EINTR for sender and receiver, and changes nothing', async () => {
  const q = kernel.process()
  p.msgctl(id, IPC.SET, { qbytes: 1 })
  send(1)
  const before = stat()
  const sent = caller(0).call(q, 'msgsnd', id, 2, bytes(2))
  const received = caller(1).call(q, 'msgrcv', id, { type: 3 })
  await asleep(kernel, 2)
  q.interrupt()
  expect(await sent).toBe('EINTR')
  expect(await received).toBe('EINTR')
  expect(stat()).toEqual(before)
  q.exit()
})

test('the exit of a process ends its sleeps with EINTR', async () => {
  const q = kernel.process()
  const received = caller(0).call(q, 'msgrcv', id, {})
  await asleep(kernel, 1)
  q.exit()
  expect(await received).toBe('EINTR')
  send(1)
  expect(stat().qnum).toBe(1)
})

test('a killed waiter leaves the queue as it is, and the next gets what comes', async () => {
  const q = kernel.process()
  p.msgctl(id, IPC.SET, { qbytes: 1 })
  const victims = [await Caller.start(kernel), await Caller.start(kernel)] as const
  send(1)
  void victims[0].call(q, 'msgsnd', id, 6, bytes(6)).catch(() => {})
  await asleep(kernel, 1)
  void victims[1].call(q, 'msgrcv', id, { type: 7 }).catch(() => {})
  await asleep(kernel, 2)
  const received = caller(0).call(q, 'msgrcv', id, { type: 7 })
  await asleep(kernel, 3)
  for (const victim of victims) await victim.kill()
  kernel.check()
  expect(kernel.stats().sleepers).toBe(1)
  expect(drain()).toEqual([1])
  send(7)
  expect(await received).toMatchObject({ type: 7 })
  q.exit()
})

test('two producers and two consumers: nothing lost, nothing twice, each type in order', async () => {
  const processes = callers.map(() => kernel.process())
  p.msgctl(id, IPC.SET, { qbytes: 64 })
  const count = effort(20_000)
  const work = callers.map((each, i) => {
    const { pid } = processes[i] as Process
    return i < 2
      ? each.thread.call('produce', pid, id, i + 1, count)
      : each.thread.call('consume', pid, id, 0, count)
  })
  const [, , ...received] = (await Promise.all(work)) as [number, number[][], ...number[][][]]
  const all = received.flat()
  for (const type of [1, 2]) {
    const numbers = all.filter(([of]) => of === type).map(([, n]) => n as number)
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
    for (const consumer of received) {
      const seen = consumer.filter(([of]) => of === type).map(([, n]) => n as number)
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    }
  }
  for (const each of processes) each.exit()
})
