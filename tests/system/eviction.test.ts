/** A file larger than memory, walked and changed by several threads while pages come and go, is the file that a plain copy changed alike is. */

import { expect, test } from 'vitest'
import { boot, MADV, MAP, O } from '../../dist/src/index.js'
import { Store } from '../support/store.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096
const MEMORY = 8 * 1024 * 1024
const PAGES = 4096 // 16 MiB
const WORKERS = 2
const ROUNDS = 2

/** The bytes that a page has at first. */
function first(page: number): Uint8Array {
  return new Uint8Array(PAGE).fill(1 + (page % 199))
}

test('a file of twice the memory is walked and changed by several threads under eviction', async () => {
  const store = new Store()
  store.foreignSize('big', PAGES * PAGE)
  const plain = new Uint8Array(PAGES * PAGE)
  for (let page = 0; page < PAGES; page++) plain.set(first(page), page * PAGE)
  store.foreign('big', 0, plain)
  await using kernel = await boot({ memory: MEMORY, mounts: { '/m': store } })
  const p = kernel.process()
  const threads = await Promise.all(
    Array.from({ length: WORKERS }, () =>
      startThread(new URL('./walk.thread.ts', import.meta.url)),
    ),
  )
  for (const thread of threads) await thread.call('attach', kernel.handle, p.pid)
  const address = p.mmap({ fd: p.open('/m/big', O.RDWR), length: PAGES * PAGE }).address
  const walks = threads.map((thread, worker) =>
    thread.call<string>('walk', address, PAGES, worker, WORKERS, ROUNDS),
  )
  for (const said of await Promise.all(walks)) expect(said).toBe('as expected')
  for (let round = 1; round <= ROUNDS; round++) {
    for (let page = 0; page < PAGES; page++) change(plain, page, round)
  }
  kernel.check()
  expect(kernel.stats().cachedPages).toBeLessThan(PAGES)
  await Promise.all(threads.map((thread) => thread.call('leave')))
  p.exit()
  await kernel.sync()
  kernel.check()
  expect(equal(store.durable('big') as Uint8Array, plain)).toBe(true)
  await Promise.all(threads.map((thread) => thread.end()))
})

/** A store whose first write of dirty pages takes until other threads have come to store as well. */
class SlowStore extends Store {
  readonly gate = new Int32Array(new SharedArrayBuffer(8))

  override pwrite(handle: number, from: Uint8Array, offset: number): number {
    if (Atomics.exchange(this.gate, 0, 1) === 0) {
      while (Atomics.load(this.gate, 1) === 0) {}
      const until = performance.now() + 300
      while (performance.now() < until) {}
    }
    return super.pwrite(handle, from, offset)
  }
}

test('a store past limits.dirtyPages waits while another thread writes all that is dirty', async () => {
  const store = new SlowStore()
  store.foreignSize('file', 32 * PAGE)
  const limits = { dirtyPages: 4 }
  await using kernel = await boot({ memory: MEMORY, limits, mounts: { '/m': store } })
  const p = kernel.process()
  const module = new URL('./walk.thread.ts', import.meta.url)
  const [writer, other] = await Promise.all([startThread(module), startThread(module)])
  for (const thread of [writer, other]) await thread.call('attach', kernel.handle, p.pid)
  const { address } = p.mmap({ fd: p.open('/m/file', O.RDWR), length: 32 * PAGE })
  expect(await other.call('readAll', address, 32)).toBe(0)
  const open = new Int32Array(new SharedArrayBuffer(8)).fill(1)
  const said = await Promise.all([
    writer.call('storeWhenOpen', open, address, 5),
    other.call('storeWhenOpen', store.gate, address + 8 * PAGE, 8),
  ])
  expect(said).toEqual(['stored', 'stored'])
  kernel.check()
  for (const thread of [writer, other]) await thread.call('leave')
  for (const thread of [writer, other]) await thread.end()
})

test('private copies and locked pages stay while a file of twice the memory goes by', async () => {
  const store = new Store()
  store.foreignSize('big', PAGES * PAGE)
  await using kernel = await boot({ memory: MEMORY, mounts: { '/m': store } })
  const thread = await startThread(new URL('./walk.thread.ts', import.meta.url))
  const p = kernel.process()
  await thread.call('attach', kernel.handle, p.pid)
  const own = p.mmap({ length: 64 * PAGE, flags: MAP.PRIVATE | MAP.ANONYMOUS })
  own.write(0, new Uint8Array(64 * PAGE).fill(77))
  const big = p.mmap({ fd: p.open('/m/big', O.RDWR), length: PAGES * PAGE })
  await big.promises.lock({ offset: 0, length: 16 * PAGE })
  await big.promises.advise(MADV.SEQUENTIAL)
  expect(await thread.call('readAll', big.address, PAGES)).toBe(0)
  expect([...p.mincore(big.address, 16 * PAGE)].every((byte) => byte & 1)).toBe(true)
  expect(own.read(0, 64 * PAGE).every((byte) => byte === 77)).toBe(true)
  kernel.check()
  await thread.call('leave')
  await thread.end()
})

/** What one round does to a page: a few bytes, by page and round. */
function change(bytes: Uint8Array, page: number, round: number): void {
  bytes.fill((page * 7 + round) % 256, page * PAGE + round * 10, page * PAGE + round * 10 + 5)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
