/** SEMANTICS: System V semaphores whose operations wait, in threads of their own. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, IPC, type Kernel, type Process, SEM } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
import { effort, seedOf } from '../support/effort.ts'
import { begin } from '../support/sets.ts'

let kernel: Kernel
let p: Process
let q: Process
let callers: Caller[]
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  callers = await Promise.all([1, 2, 3, 4].map(() => Caller.start(kernel)))
})
beforeEach(() => {
  p = kernel.process()
  q = kernel.process()
  const end = begin(kernel, p)
  return () => {
    q[Symbol.dispose]()
    end()
  }
})
afterAll(async () => {
  for (const each of callers) await each.kill()
  await kernel.close()
})

const make = (count = 1) => p.semget(IPC.PRIVATE, count, 0o600)
const values = (id: number) => p.semctl(id, 0, SEM.GETALL)
const add = (id: number, num: number, op: number, flags = 0) => p.semop(id, [{ num, op, flags }])
const ncount = (id: number, num = 0) => p.semctl(id, num, SEM.GETNCNT)
const zcount = (id: number, num = 0) => p.semctl(id, num, SEM.GETZCNT)
type Triple = readonly [num: number, op: number, flags?: number]
const operations = (triples: readonly Triple[]) =>
  triples.map(([num, op, flags = 0]) => ({ num, op, flags }))
let sleeping = 0

/** Starts an operation that has to wait, in thread `index`, and comes back once it sleeps. => how it ends, in an array. */
async function waits(index: number, id: number, ...triples: Triple[]): Promise<[Promise<unknown>]> {
  sleeping = kernel.stats().sleepers
  const said = (callers[index] as Caller).call(q, 'semop', id, operations(triples))
  await asleep(kernel, sleeping + 1)
  return [said]
}

test('a decrement sleeps until there is enough, and takes it under the lock of who gave it', async () => {
  const id = make()
  const [said] = await waits(0, id, [0, -3])
  expect([ncount(id), zcount(id)]).toEqual([1, 0])
  add(id, 0, 2)
  expect(values(id)).toEqual([2])
  add(id, 0, 1)
  expect(values(id)).toEqual([0])
  expect(p.semctl(id, 0, SEM.GETPID)).toBe(q.pid)
  expect(await said).toBeUndefined()
})

test('a zero-wait sleeps until the value is 0, and goes on though it is more again at once', async () => {
  const id = make()
  add(id, 0, 2)
  const [said] = await waits(0, id, [0, 0])
  expect([ncount(id), zcount(id)]).toEqual([0, 1])
  add(id, 0, -1)
  expect(kernel.stats().sleepers).toBe(1)
  add(id, 0, -1)
  add(id, 0, 5)
  expect(await said).toBeUndefined()
})

test('an operation that leaves 0 lets every zero-wait go before a later decrement takes', async () => {
  const id = make()
  add(id, 0, 1)
  const taken = await waits(0, id, [0, -2])
  const refills = await waits(1, id, [0, 0], [0, 2])
  const zeros = [await waits(2, id, [0, 0]), await waits(3, id, [0, 0])]
  add(id, 0, -1)
  expect(await Promise.all([taken, refills, ...zeros].flat())).toEqual(Array(4).fill(undefined))
  expect(values(id)).toEqual([0])
})

test('who came first goes first among those that can', async () => {
  const id = make()
  const ends: number[] = []
  const all = []
  for (const [i, op] of [-2, -1, -2, -1].entries()) {
    const [said] = await waits(i, id, [0, op])
    all.push(said.then(() => ends.push(i)))
  }
  add(id, 0, 1)
  await all[1]
  for (const [give, who] of [
    [2, 0],
    [1, 3],
    [2, 2],
  ] as const) {
    add(id, 0, give)
    await all[who]
  }
  expect(ends).toEqual([1, 0, 3, 2])
})

test('an array waits whole: what it could have is left to others', async () => {
  const id = make(2)
  const [said] = await waits(0, id, [0, -1], [1, -1])
  add(id, 0, 1)
  expect(values(id)).toEqual([1, 0])
  expect([ncount(id, 0), ncount(id, 1)]).toEqual([0, 1])
  add(id, 0, -1)
  add(id, 1, 1)
  expect([ncount(id, 0), ncount(id, 1)]).toEqual([1, 0])
  add(id, 0, 1)
  expect(await said).toBeUndefined()
  expect(values(id)).toEqual([0, 0])
})

test('an array that comes to an error while it sleeps ends with it: EAGAIN, ERANGE', async () => {
  const id = make(2)
  const [again] = await waits(0, id, [0, -1], [1, -1, IPC.NOWAIT])
  const [range] = await waits(1, id, [0, -1], [1, 32767], [1, 1])
  add(id, 0, 1)
  expect([await again, await range]).toEqual(['EAGAIN', 'ERANGE'])
  expect(values(id)).toEqual([1, 0])
})

test('SETVAL and SETALL let go whoever can', async () => {
  const id = make(2)
  const [one] = await waits(0, id, [0, -1])
  const [other] = await waits(1, id, [1, -3], [0, -1])
  p.semctl(id, 0, SEM.SETVAL, 1)
  expect(await one).toBeUndefined()
  p.semctl(id, 0, SEM.SETALL, [1, 4])
  expect(await other).toBeUndefined()
  expect(values(id)).toEqual([0, 1])
})

test('IPC_RMID ends every sleep with EIDRM', async () => {
  const id = make()
  add(id, 0, 1)
  const said = [
    await waits(0, id, [0, -2]),
    await waits(1, id, [0, 0]),
    await waits(2, id, [0, -5, SEM.UNDO]),
    await waits(3, id, [0, 0], [0, 1]),
  ]
  p.semctl(id, 0, IPC.RMID)
  expect(await Promise.all(said.flat())).toEqual(Array(4).fill('EIDRM'))
})

test('semtimedop is EAGAIN once the time is over, with nothing done', async () => {
  const id = make()
  const timed = (callers[0] as Caller).call(q, 'semtimedop', id, operations([[0, -1]]), 30)
  expect(await timed).toBe('EAGAIN')
  expect([ncount(id), values(id)]).toEqual([0, [0]])
})

test('an interrupt ends it with EINTR, an AbortSignal with AbortError, with nothing done', async () => {
  const id = make()
  const [said] = await waits(0, id, [0, -1])
  q.interrupt()
  expect(await said).toBe('EINTR')
  const aborted = new AbortController()
  const waiting = q.promises.semop(id, operations([[0, -1]]), { signal: aborted.signal })
  await asleep(kernel, 1)
  aborted.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORT_ERR' })
  add(id, 0, 1)
  expect(values(id)).toEqual([1])
})

test('losing the permission does not end a sleep', async () => {
  const id = make()
  q.setuid(7)
  p.semctl(id, 0, IPC.SET, { mode: 0o666 })
  const [said] = await waits(0, id, [0, -1])
  p.semctl(id, 0, IPC.SET, { mode: 0o600 })
  add(id, 0, 1)
  expect(await said).toBeUndefined()
})

test('a killed waiter leaves the queue intact', async () => {
  const id = make()
  await using victim = await Caller.start(kernel)
  victim.call(q, 'semop', id, operations([[0, -1, SEM.UNDO]])).catch(() => {})
  await asleep(kernel, 1)
  const [next] = await waits(0, id, [0, -1])
  await victim.kill()
  expect(ncount(id)).toBe(1)
  add(id, 0, 1)
  expect(await next).toBeUndefined()
})

test('a holder that is killed gives back what SEM_UNDO says, and who waits goes on', async () => {
  const id = make()
  add(id, 0, 1)
  const victim = await Caller.start(kernel)
  const pid = await victim.thread.call<number>('spawn')
  const taken = await victim.thread.call('call', pid, 'semop', [
    id,
    operations([[0, -1, SEM.UNDO]]),
  ])
  expect(taken).toEqual({ value: undefined })
  const [next] = await waits(0, id, [0, -1])
  await victim.kill()
  expect(await next).toBeUndefined()
  expect(values(id)).toEqual([0])
})

test('SEM_UNDO of one who slept for it is undone by its exit', async () => {
  const id = make()
  const r = kernel.process()
  const said = (callers[0] as Caller).call(r, 'semop', id, operations([[0, -2, SEM.UNDO]]))
  await asleep(kernel, 1)
  add(id, 0, 3)
  expect(await said).toBeUndefined()
  expect(values(id)).toEqual([1])
  r.exit()
  expect(values(id)).toEqual([3])
})

test('a thread that ends undoes nothing while another runs its process', async () => {
  const id = make()
  const r = kernel.process()
  const victim = await Caller.start(kernel)
  expect(await victim.call(r, 'semop', id, operations([[0, 1, SEM.UNDO]]))).toBeUndefined()
  await victim.kill()
  expect(values(id)).toEqual([1])
  r.exit()
  expect(values(id)).toEqual([0])
})

test('random arrays of four threads keep the sum, whoever waits for what', async () => {
  const seed = seedOf()
  const sets = 5
  const id = make(sets)
  p.semctl(id, 0, SEM.SETALL, Array(sets).fill(2))
  console.log(`sem-waits: ISOPAGE_SEED=${seed}`)
  const processes = callers.map(() => kernel.process())
  const jobs = callers.map(({ thread }, i) =>
    thread.call<number>('semMove', processes[i]?.pid, id, sets, seed + i, effort(20_000)),
  )
  const done = await Promise.all(jobs)
  expect(done.every((count) => count > 0)).toBe(true)
  expect(values(id)).toEqual(Array(sets).fill(2))
  for (const each of processes) each.exit()
})

test('two threads that hand one unit to each other lose no wake-up', async () => {
  const id = make(2)
  const rounds = effort(20_000)
  const jobs = [0, 1].map((side) =>
    (callers[side] as Caller).thread.call('semPingpong', q.pid, id, side, rounds),
  )
  add(id, 0, 1)
  await Promise.all(jobs)
  expect(values(id)).toEqual([1, 0])
})
