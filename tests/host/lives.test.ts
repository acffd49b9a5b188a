/** Many kernels in one page or process, one after another: what each held of the runtime is given back. */

import { expect, test } from 'vitest'
import { RING_SLOTS } from '../../assembly/abi.ts'
import { boot, IPC, type Mountable, opfs } from '../../dist/src/index.js'
import { inBrowser, inDeno } from '../conformance/runtime.ts'
import { soak } from '../support/effort.ts'
import { pause } from '../support/pause.ts'
import { Store } from '../support/store.ts'
import { startThread } from '../support/thread.ts'
import { live } from './lives.ts'

/** A store that answers each lstat so late that another thread has asked meanwhile. */
class BusyStore extends Store {
  calls = 0
  readonly enough = new Int32Array(new SharedArrayBuffer(4))

  override lstat(path: string) {
    this.calls++
    const until = performance.now() + 2
    while (performance.now() < until) {}
    return super.lstat(path)
  }
}

const LIVES = inBrowser && !soak ? 4 : 8
/** Deno takes 2 s to end a worker of a worker. */
const LIVES_BELOW = inDeno ? 2 : LIVES
const inFirefox = inBrowser && !('chrome' in globalThis)

async function store(): Promise<Mountable> {
  if (inBrowser) return opfs(`lives-${crypto.randomUUID()}`)
  const { disk } = await import('../../dist/src/index.js')
  const { temporaryDirectory } = await import('../conformance/disk.ts')
  return disk(temporaryDirectory())
}

test('kernels boot and close one after another in this thread', async () => {
  expect(await live(await store(), LIVES)).toBe('whole')
})

test('a thread that serves a mount runs its event loop while requests follow each other', async () => {
  const below = new BusyStore()
  below.foreignSize('f', 1)
  await using kernel = await boot({ memory: '16MiB', mounts: { '/m': below } })
  const p = kernel.process()
  const threads = await Promise.all(
    [0, 1, 2].map(() => startThread(new URL('./user.thread.ts', import.meta.url))),
  )
  for (const thread of threads) await thread.call('attach', kernel.handle, p.pid)
  const asking = Promise.all(
    threads.map((thread) => thread.call('statUntil', '/m/f', below.enough)),
  )
  const between: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    const before = below.calls
    await pause(0)
    between.push(below.calls - before)
  }
  Atomics.store(below.enough, 0, 1)
  expect(await asking).toEqual(['told to stop', 'told to stop', 'told to stop'])
  expect(Math.max(...between)).toBeLessThan(2 * RING_SLOTS)
  for (const thread of threads) await thread.call('leave')
  for (const thread of threads) await thread.end()
})

/** A page's own thread may not wait. */
test.skipIf(inBrowser)('a thread serves what it was asked before it began to sleep', async () => {
  const below = new Store()
  below.foreignSize('f', 1)
  await using kernel = await boot({ memory: '16MiB', mounts: { '/m': below } })
  const p = kernel.process()
  const id = p.semget(IPC.PRIVATE, 1, 0o600)
  const thread = await startThread(new URL('./user.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handle, p.pid)
  const begun = new Int32Array(new SharedArrayBuffer(4))
  const posted = thread.call('statAndPost', '/m/f', id, begun)
  while (Atomics.load(begun, 0) === 0) await pause(1)
  // Long enough for the request to be there, and this thread does not look: then it sleeps until the other has its answer.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  p.semtimedop(id, [{ num: 0, op: -1 }], 60_000)
  await posted
  await thread.call('leave')
  await thread.end()
})

/** Firefox itself may hang in `new Worker` there once a worker has ended several of its own. */
test.skipIf(inFirefox)(
  'kernels boot and close one after another in a worker (Firefox: it hangs)',
  async () => {
    const thread = await startThread(new URL('./lives.thread.ts', import.meta.url))
    expect(await thread.call('live', await store(), LIVES_BELOW)).toBe('whole')
    await thread.end()
  },
)
