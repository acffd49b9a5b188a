/** process.interrupt(): what a signal does to calls that sleep. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, F, type Kernel, LOCK, MAP, O, type Process } from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'
import { pause } from '../support/pause.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096

let kernel: Kernel
let threads: Thread[]
let p: Process
let q: Process

beforeAll(async () => {
  kernel = await boot({ memory: '16MiB' })
  const start = () => startThread(new URL('../support/process.thread.ts', import.meta.url))
  threads = await Promise.all([start(), start()])
  for (const thread of threads) await thread.call('attach', kernel.handleFor(thread.worker))
})
afterAll(async () => {
  for (const thread of threads) await thread.call('leave')
  await Promise.all(threads.map((thread) => thread.end()))
  await kernel.close()
})
beforeEach(async () => {
  p = kernel.process()
  q = kernel.process()
  for (const thread of threads) for (const { pid } of [p, q]) await thread.call('join', pid)
})
afterEach(async () => {
  p.exit()
  q.exit()
  for (const thread of threads) for (const { pid } of [p, q]) await thread.call('part', pid)
  kernel.check()
  expect(kernel.stats()).toMatchObject({ sleepers: 0, processes: 0 })
})

interface Said {
  value?: unknown
  failure?: { code: string }
}

/** Makes a call in a thread. */
function inThread(
  which: number,
  process: Process,
  name: string,
  ...args: unknown[]
): Promise<Said> {
  return (threads[which] as Thread).call<Said>('call', process.pid, name, args)
}

/** Resolves when so many threads sleep in calls. */
async function sleepers(count: number): Promise<void> {
  while (kernel.stats().sleepers !== count) await pause(1)
}

const shared = () => p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
const EINTR = { failure: { code: 'EINTR' } }

/** A file that `q` has locked whole, both ways; `p` has it open too. */
function locked(path: string): number {
  const theirs = q.open(path, O.CREAT | O.RDWR)
  q.flock(theirs, LOCK.EX)
  q.fcntl(theirs, F.SETLK, { type: F.WRLCK })
  return p.open(path, O.RDWR)
}

test('a sleeping futexWait, flock and fcntl F_SETLKW end with EINTR, with nothing locked', async () => {
  const fd = locked('/held')
  const map = shared()
  const calls: [string, ...unknown[]][] = [
    ['futexWait', map.address, 0],
    ['flock', fd, LOCK.EX],
    ['fcntl', fd, F.SETLKW, { type: F.WRLCK }],
  ]
  for (const [name, ...args] of calls) {
    const call = inThread(0, p, name, ...args)
    await sleepers(1)
    expect(p.interrupt()).toBe(1)
    expect(await call).toMatchObject(EINTR)
  }
  expect(map.notify(0)).toBe(0)
  q.flock(0, LOCK.UN)
  q.fcntl(0, F.SETLK, { type: F.UNLCK })
  expect(await codeOf(() => q.flock(0, LOCK.EX | LOCK.NB))).toBe('none')
  expect(q.fcntl(0, F.GETLK, { type: F.WRLCK })).toBeNull()
  p.unlink('/held')
})

test('calls with a timeout end with EINTR too, before their time is over', async () => {
  const map = shared()
  const call = inThread(0, p, 'futexWait', map.address, 0, 1e9)
  await sleepers(1)
  p.interrupt()
  expect(await call).toMatchObject(EINTR)
})

test('every thread that is in a call of the process is interrupted, a thread in a call of another is not', async () => {
  const map = shared()
  const theirs = q.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
  const first = inThread(0, p, 'futexWait', map.address, 0)
  const other = inThread(1, q, 'futexWait', theirs.address, 0)
  const own = expect(p.promises.futexWait(map.address, 0)).rejects.toMatchObject({ code: 'EINTR' })
  await sleepers(3)
  expect(p.interrupt()).toBe(2)
  expect(await first).toMatchObject(EINTR)
  await own
  expect(kernel.sleepers()).toMatchObject([{ pid: q.pid }])
  expect(theirs.notify(0)).toBe(1)
  expect(await other).toEqual({ value: undefined })
})

test('another thread may interrupt, and by promise', async () => {
  const map = shared()
  const call = inThread(0, p, 'futexWait', map.address, 0)
  await sleepers(1)
  expect(await inThread(1, p, 'interrupt')).toEqual({ value: 1 })
  expect(await call).toMatchObject(EINTR)
  const again = inThread(0, p, 'futexWait', map.address, 0)
  await sleepers(1)
  expect(await p.promises.interrupt()).toBe(1)
  expect(await again).toMatchObject(EINTR)
})

test('a call that was completed stays completed', async () => {
  const map = shared()
  for (let round = 0; round < 50; round++) {
    const call = inThread(0, p, 'futexWait', map.address, 0)
    await sleepers(1)
    expect(map.notify(0)).toBe(1)
    expect(p.interrupt()).toBe(0)
    expect(await call).toEqual({ value: undefined })
  }
})

test('a lock that comes free goes to who still waits, not to who was interrupted', async () => {
  const fd = locked('/queue')
  const first = inThread(0, p, 'flock', fd, LOCK.EX)
  await sleepers(1)
  p.interrupt()
  expect(await first).toMatchObject(EINTR)
  const r = kernel.process()
  await threads[1]?.call('join', r.pid)
  const second = inThread(1, r, 'flock', r.open('/queue', O.RDWR), LOCK.EX)
  await sleepers(1)
  q.flock(0, LOCK.UN)
  expect(await second).toEqual({ value: undefined })
  await threads[1]?.call('part', r.pid)
  r.exit()
  p.unlink('/queue')
})

test('nobody asleep is 0; calls made later are not interrupted', async () => {
  const map = shared()
  expect(p.interrupt()).toBe(0)
  const call = inThread(0, p, 'futexWait', map.address, 0, 20)
  expect(await call).toMatchObject({ failure: { code: 'ETIMEDOUT' } })
})

test('a signal of an aborted promise is still an AbortError', async () => {
  const map = shared()
  const controller = new AbortController()
  const wait = p.promises.futexWait(map.address, 0, undefined, { signal: controller.signal })
  await sleepers(1)
  controller.abort()
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' })
})

test('a process that has exited is ESRCH', async () => {
  const r = kernel.process()
  const same = kernel.process({ pid: r.pid })
  r.exit()
  expect(await codeOf(() => r.interrupt())).toBe('ESRCH')
  expect(await codeOf(() => same.interrupt())).toBe('ESRCH')
})

test('reads and writes that another thread interrupts all the time move every byte once', async () => {
  const fd = p.open('/traffic', O.CREAT | O.RDWR | O.APPEND)
  const rounds = 200
  const writes = [0, 1].map(async (which) => {
    let done = 0
    for (let round = 0; round < rounds; round++) {
      const { value } = await inThread(which, p, 'write', fd, new Uint8Array(9000).fill(which + 1))
      if (value !== undefined) done += value as number
    }
    return done
  })
  let over = false
  const all = Promise.all(writes).finally(() => {
    over = true
  })
  while (!over) {
    p.interrupt()
    await pause(0)
  }
  const counts = await all
  const bytes = new Uint8Array(p.fstat(fd).size)
  p.pread(fd, bytes, 0)
  expect([1, 2].map((value) => bytes.filter((byte) => byte === value).length)).toEqual(counts)
  p.unlink('/traffic')
})
