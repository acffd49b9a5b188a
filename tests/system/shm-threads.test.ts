/** System V shared memory between processes in several threads, which race, block, fork and are killed. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { boot, IPC, type Kernel, type Process, SHM } from '../../dist/src/index.js'
import { effort, soak } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
const KEY = 77
const WORKERS = 3
/** Segments at a time; fewer than SHMMNI. */
const TOGETHER = soak ? 400 : 100
/** Frames that slabs and page tables may keep when all is gone. */
const KEPT = 24

let kernel: Kernel
let p: Process
let threads: Thread[]

async function start(): Promise<Thread> {
  const thread = await startThread(new URL('./shm.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker))
  return thread
}

beforeEach(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
  threads = await Promise.all(Array.from({ length: WORKERS }, start))
})
afterEach(async () => {
  await Promise.all(threads.map(({ worker }) => kernel.terminate(worker)))
  expect(outcome(() => p.shmctl(p.shmget(KEY, 0), IPC.RMID))).toMatch(/^(ok|ENOENT)$/)
  expect(kernel.stats().segments).toBe(0)
  kernel.check()
  await kernel.close()
})

const all = <T>(name: string, args: (worker: number) => unknown[]) =>
  Promise.all(threads.map((thread, worker) => thread.call<T>(name, ...args(worker))))
const free = () => kernel.stats().framesFree
const attached = (id: number) => p.shmctl(id, IPC.STAT).nattch

test('processes in several threads find each other by key and share the page', async () => {
  const times = effort(200_000)
  const ids = await all<number>('add', () => [KEY, times])
  const id = p.shmget(KEY, 0)
  expect(ids).toEqual(Array(WORKERS).fill(id))
  const map = p.shmat(id)
  expect(new Int32Array(map.buffer, map.byteOffset, 1)[0]).toBe(WORKERS * times)
  expect(p.shmctl(id, IPC.STAT).nattch).toBe(1)
  map.unmap()
})

test('two processes wait for each other on a word of the segment, and none waits in vain', async () => {
  const rounds = effort(5000)
  const [first, second] = threads
  const turns = await Promise.all([
    first?.call('takeTurns', KEY, 0, rounds),
    second?.call('takeTurns', KEY, 1, rounds),
  ])
  expect(turns).toEqual([rounds, rounds])
})

test('of all that ask for a key with IPC.EXCL at once, one gets it', async () => {
  const rounds = effort(300)
  for (let round = 0; round < rounds; round++) {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const said = await all<string>('claim', () => [gate, WORKERS, KEY])
    expect(said.sort()).toEqual([...Array(WORKERS - 1).fill('EEXIST'), 'ok'])
    p.shmctl(p.shmget(KEY, 0), IPC.RMID)
  }
})

test('all that open a view of a new page at once get it', async () => {
  for (let round = 0; round < effort(20); round++) {
    const gates = new Int32Array(new SharedArrayBuffer(4 * TOGETHER))
    const ids = Array.from(gates, () => p.shmget(IPC.PRIVATE, PAGE, IPC.CREAT | 0o600))
    const said = await all<string[]>('view', () => [gates, WORKERS, ids])
    for (const each of said) expect(new Set(each)).toEqual(new Set(['ok']))
    for (const id of ids) p.shmctl(id, IPC.RMID)
  }
})

test('the last detach of a removed segment ends it, in whichever thread', async () => {
  const id = p.shmget(KEY, 8 * PAGE, IPC.CREAT | 0o600)
  const pids = await all<number>('keep', () => [id, 8])
  const map = p.shmat(id)
  expect(p.shmctl(id, IPC.STAT)).toMatchObject({ nattch: WORKERS + 1, lpid: p.pid })
  p.shmctl(id, IPC.RMID)
  map.unmap()
  for (const [worker, thread] of threads.entries()) {
    expect(attached(id)).toBe(WORKERS - worker)
    await thread.call('drop')
    if (worker + 1 === WORKERS) break
    expect(p.shmctl(id, IPC.STAT).lpid).toBe(pids[worker])
  }
  expect(outcome(() => attached(id))).toBe('EINVAL')
})

test('a killed thread detaches all that its process had attached; its frames and promises are back', async () => {
  const warm = p.shmget(KEY, PAGE, IPC.CREAT | 0o600)
  await threads[0]?.call('keep', warm, 1)
  await threads[0]?.call('drop')
  p.shmctl(warm, IPC.RMID)
  const { framesFree, framesCommitted } = kernel.stats()
  const id = p.shmget(KEY, 200 * PAGE, IPC.CREAT | 0o600)
  const pid = await threads[0]?.call('keep', id, 200)
  await threads[0]?.call('keep', id, 1)
  expect(attached(id)).toBe(2)
  await kernel.terminate((threads.shift() as Thread).worker)
  expect(p.shmctl(id, IPC.STAT)).toMatchObject({ nattch: 0, lpid: pid })
  await threads[0]?.call('keep', id, 1)
  p.shmctl(id, IPC.RMID)
  expect(kernel.stats().framesCommitted).toBeGreaterThan(framesCommitted + 199)
  await kernel.terminate((threads.shift() as Thread).worker)
  expect(outcome(() => attached(id))).toBe('EINVAL')
  expect(kernel.stats().framesCommitted).toBeLessThanOrEqual(framesCommitted + KEPT)
  expect(free()).toBeGreaterThanOrEqual(framesFree - KEPT)
})

test('whatever threads do to one segment at once, the kernel stays whole and all frames come back', async () => {
  const before = kernel.stats()
  const rounds = effort(1500)
  await all('churn', (worker) => [KEY, rounds, worker + 1])
  expect(outcome(() => p.shmctl(p.shmget(KEY, 0), IPC.RMID))).toMatch(/^(ok|ENOENT)$/)
  kernel.check()
  expect(kernel.stats()).toMatchObject({ segments: 0, objects: before.objects, mappings: 0 })
  expect(kernel.stats().framesCommitted).toBeLessThanOrEqual(before.framesCommitted + KEPT)
  expect(free()).toBeGreaterThanOrEqual(before.framesFree - KEPT)
})

test('threads that are killed at any moment of it leave nothing behind', async () => {
  const before = kernel.stats()
  const rounds = effort(60)
  for (let round = 0; round < rounds; round++) {
    const victim = await start()
    const begun = new Int32Array(new SharedArrayBuffer(4))
    victim.call('churnOn', begun, KEY, round + 1).catch(() => {})
    await threads[0]?.call('churn', KEY, 20, round + 7)
    while (Atomics.load(begun, 0) === 0) await pause(1)
    await pause(round % 5)
    await kernel.terminate(victim.worker)
    kernel.check()
  }
  expect(outcome(() => p.shmctl(p.shmget(KEY, 0), IPC.RMID))).toMatch(/^(ok|ENOENT)$/)
  expect(kernel.stats()).toMatchObject({ segments: 0, objects: before.objects, mappings: 0 })
  expect(kernel.stats().framesCommitted).toBeLessThanOrEqual(before.framesCommitted + KEPT)
  expect(free()).toBeGreaterThanOrEqual(before.framesFree - KEPT)
})

test('a child of fork has the attaches of its parent, each counted; it detaches its own', () => {
  const id = p.shmget(KEY, 2 * PAGE, IPC.CREAT | 0o600)
  const map = p.shmat(id)
  const readOnly = p.shmat(id, { flags: SHM.RDONLY })
  const child = p.fork()
  expect(p.shmctl(id, IPC.STAT)).toMatchObject({ nattch: 4, lpid: p.pid })
  child.vmWrite(map.address, new Uint8Array([5]))
  expect(readOnly.read(0, 1)[0]).toBe(5)
  expect(outcome(() => child.vmWrite(readOnly.address, new Uint8Array(1)))).toBe('SIGSEGV')
  child.shmdt(readOnly.address)
  expect(p.shmctl(id, IPC.STAT)).toMatchObject({ nattch: 3, lpid: child.pid })
  p.shmctl(id, IPC.RMID)
  map.unmap()
  readOnly.unmap()
  expect(child.vmRead(map.address, new Uint8Array(1))).toBe(1)
  child.exit()
  expect(outcome(() => attached(id))).toBe('EINVAL')
})
