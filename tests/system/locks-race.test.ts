/** Locks under threads that race for them, each in a process of its own, and die with them. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, type Kernel, MAP, O, type Process } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { effort, seedOf, soak } from '../support/effort.ts'
import { Hammers } from '../support/hammers.ts'
import { untilReaped } from '../support/reaped.ts'
import { startThread, type Thread } from '../support/thread.ts'

const MODULE = new URL('./locks.thread.ts', import.meta.url)
const WORKERS = 4
/** A kill takes Chromium 2 s, where a busy worker runs on that long after terminate(), and Deno and Bun one. */
const KILLS = soak && !inBrowser ? (inNode ? 10_000 : 2000) : inNode ? 60 : inBrowser ? 4 : 20

let kernel: Kernel
let p: Process
let words: Int32Array
let threads: Thread[]

beforeAll(async () => {
  kernel = await boot({ memory: '64MiB', stallMs: 10_000 })
})
beforeEach(async () => {
  p = kernel.process()
  const fd = p.shm_open('/race', O.CREAT | O.RDWR, 0o600)
  p.ftruncate(fd, 4096)
  const map = p.mmap({ fd, length: 4096, flags: MAP.SHARED })
  words = new Int32Array(map.buffer, map.byteOffset, 1024)
  threads = []
  return async () => {
    await Promise.all(threads.map(({ worker }) => kernel.terminate(worker)))
    p.shm_unlink('/race')
    p.exit()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  }
})
afterAll(() => kernel.close())

async function startWorker(): Promise<Thread> {
  const thread = await startThread(MODULE)
  await thread.call('attach', kernel.handleFor(thread.worker))
  return thread
}

async function start(count: number): Promise<void> {
  threads = await Promise.all(Array.from({ length: count }, startWorker))
}

function all<T>(name: string, ...args: unknown[]): Promise<T[]> {
  return Promise.all(threads.map((thread) => thread.call<T>(name, ...args)))
}

for (const options of [
  {},
  { type: 'recursive' },
  { type: 'errorcheck' },
  { robust: true },
  { type: 'recursive', robust: true },
  { type: 'errorcheck', robust: true },
]) {
  test(`no addition under a mutex is lost: ${JSON.stringify(options)}`, async () => {
    const count = effort(100_000)
    await start(WORKERS)
    await all('add', count, options, false)
    expect(words[310]).toBe(WORKERS * count)
    await all('add', count, options, true)
    expect(words[310]).toBe(2 * WORKERS * count)
    expect(words[0]).toBe(0)
  })
}

test('no wake-up of a condition is lost between producers and consumers', async () => {
  const count = effort(400_000)
  await start(WORKERS)
  const [a, b, c, d] = threads as [Thread, Thread, Thread, Thread]
  const sums = [c.call<number>('consume', count), d.call<number>('consume', count)]
  await Promise.all([a.call('produce', count), b.call('produce', count)])
  const [first = 0, second = 0] = await Promise.all(sums)
  expect(first + second).toBe(count * (count + 1))
})

test('a barrier of 4 workers lets nobody ahead, 1000 times, and names one of them each time', async () => {
  await start(WORKERS)
  const met = await Promise.all(
    threads.map((thread, index) => thread.call<number[]>('meet', index, WORKERS, 1000)),
  )
  expect(met.reduce((sum, [serial = 0]) => sum + serial, 0)).toBe(1000)
  expect(met.reduce((sum, [, behind = 0]) => sum + behind, 0)).toBe(0)
})

test('writers of an rwlock exclude all, and come in while readers never stop', async () => {
  const count = effort(20_000)
  await start(WORKERS)
  const [a, b, c, d] = threads as [Thread, Thread, Thread, Thread]
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const readers = [a, b].map((thread) => thread.call<number[]>('read', stop.buffer))
  const torn = await Promise.all([c, d].map((thread) => thread.call<number>('write', count)))
  Atomics.store(stop, 0, 1)
  expect(torn).toEqual([0, 0])
  for (const [, seen] of await Promise.all(readers)) expect(seen).toBe(0)
  expect(words[310]).toBe(2 * count)
  expect((words[24] as number) & 0x7fffffff).toBe(0)
})

test('what a robust mutex protects is whole after its holder was killed at any moment, and nobody hangs', async () => {
  const seed = seedOf()
  const survivor = await startWorker()
  const args = (number: number) => [seed + number]
  const hammers = new Hammers({ kernel, module: MODULE, most: 6, least: 2, args })
  let died = 0
  for (let round = 0; round < KILLS; round++) {
    const victim = await hammers.take()
    // After a raw end the kernel finds out by itself; until then the survivor waits.
    if (round % 2 === 0) await kernel.terminate(victim.worker)
    else await victim.end()
    if (await survivor.call<boolean>('mend')) died++
    expect(await untilReaped(kernel, victim)).toBe(true)
    await hammers.move()
  }
  threads = [...hammers.disband(), survivor]
  console.log(`locks: ISOPAGE_SEED=${seed}, ${KILLS} kills, ${died} seen by the survivor`)
})
