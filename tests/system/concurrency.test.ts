/** Threads that race: on counters through two mappings, on first touches, on truncation, on munmap under readers. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { boot, type Kernel, MAP, O, type Process } from '../../dist/src/index.js'
import { effort } from '../support/effort.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
const WORKERS = 2
const AT = 0x9000_0000

let kernel: Kernel
let p: Process
let threads: Thread[]

beforeEach(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
  const start = () => startThread(new URL('./race.thread.ts', import.meta.url))
  threads = await Promise.all(Array.from({ length: WORKERS }, start))
  for (const thread of threads) await thread.call('attach', kernel.handle, p.pid)
})
afterEach(async () => {
  for (const thread of threads) await thread.call('leave')
  await Promise.all(threads.map((thread) => thread.end()))
  kernel.check()
  await kernel.close()
})

/** Runs a function in every worker at once. */
function together<T>(name: string, ...args: unknown[]): Promise<T[]> {
  return Promise.all(threads.map((thread, worker) => thread.call<T>(name, worker, ...args)))
}

test('atomic additions of several threads through two mappings of one page all count', async () => {
  const fd = p.open('/counter', O.CREAT | O.RDWR)
  p.ftruncate(fd, PAGE)
  const rounds = effort(2_000_000)
  const maps = [0, 1].map(() => p.mmap({ fd, length: PAGE }).address)
  await together('add', maps, rounds)
  const map = p.mmap({ fd, length: PAGE })
  expect(new Int32Array(map.buffer, map.byteOffset, 1)[0]).toBe(WORKERS * rounds)
})

test('threads that touch the same new pages at once get the same frames', async () => {
  const rounds = effort(4000)
  for (let round = 0; round < rounds; round++) {
    const map = p.mmap({
      length: 8 * PAGE,
      flags: (round % 2 ? MAP.SHARED : MAP.PRIVATE) | MAP.ANONYMOUS,
    })
    const gate = new Int32Array(new SharedArrayBuffer(4))
    await together('touchAll', gate, map.address, 8, WORKERS)
    for (let page = 0; page < 8; page++) {
      const expected = Array.from({ length: WORKERS }, (_, worker) => worker + 1)
      expect([...map.read(page * PAGE, WORKERS)]).toEqual(expected)
    }
    map.unmap()
  }
})

test('readers of a file that shrinks and grows see its bytes, zeros or SIGBUS, never anything else', async () => {
  const fd = p.open('/shrinks', O.CREAT | O.RDWR)
  p.ftruncate(fd, 16 * PAGE)
  const map = p.mmap({ fd, length: 16 * PAGE })
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const reading = threads[0]?.call<string>('readWhile', stop, map.address, 16 * PAGE, 7)
  await threads[1]?.call('resizeAndFill', fd, 16 * PAGE, 7, effort(20_000))
  Atomics.store(stop, 0, 1)
  expect(await reading).toMatch(/^ok, \d+ reads/)
})

test('what is unmapped under a reader is not used for anything else before the reader lets go', async () => {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const reading = threads[0]?.call<string>('readWhile', stop, AT, 64 * PAGE, 5)
  await threads[1]?.call('mapAndReuse', AT, 64, 5, effort(20_000))
  Atomics.store(stop, 0, 1)
  expect(await reading).toMatch(/^ok, \d+ reads/)
})

test.for([
  'munmap',
  'MAP_FIXED',
  'ftruncate',
  'MADV_DONTNEED',
  'MADV_REMOVE',
])('%s waits for a reader that was granted the pages', async (how) => {
  const fd = p.open('/granted', O.CREAT | O.RDWR)
  p.ftruncate(fd, 16 * PAGE)
  const ofFile = how === 'ftruncate' || how === 'MADV_REMOVE'
  const map = p.mmap(ofFile ? { fd, length: 16 * PAGE } : { length: 16 * PAGE })
  for (let page = 15; page >= 0; page--) map.write(page * PAGE, new Uint8Array(PAGE).fill(5))
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const [seen] = await Promise.all([
    threads[0]?.call('readSlowly', gate, map.address, PAGE),
    threads[1]?.call('takeAway', gate, how, map.address, 16 * PAGE, fd),
  ])
  expect(seen).toEqual([5])
})

test('writes of several threads to one file by O_APPEND are all there, each whole', async () => {
  const rounds = effort(10_000)
  await together('append', '/log', rounds)
  const fd = p.open('/log', O.RDONLY)
  const bytes = new Uint8Array(WORKERS * rounds * 100)
  expect(p.read(fd, bytes)).toBe(bytes.length)
  const counts = new Array(WORKERS + 1).fill(0)
  for (let at = 0; at < bytes.length; at += 100) {
    const record = bytes.subarray(at, at + 100)
    expect(record.every((byte) => byte === record[0])).toBe(true)
    counts[record[0] as number]++
  }
  expect(counts.slice(1)).toEqual(new Array(WORKERS).fill(rounds))
})
