/** fork beside other threads of the process: they store, map and fork meanwhile; the child is a copy of one moment, and has one thread. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { boot, type Kernel, MAP, PROT, type Process } from '../../dist/src/index.js'
import { effort } from '../support/effort.ts'
import { pause } from '../support/pause.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
const WORKERS = 2

let kernel: Kernel
let p: Process
let threads: Thread[]
/** What tells a worker to stop. */
const stops: Int32Array[] = []

beforeEach(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
  const start = () => startThread(new URL('./fork.thread.ts', import.meta.url))
  threads = await Promise.all(Array.from({ length: WORKERS }, start))
  for (const thread of threads) await thread.call('attach', kernel.handle)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) Atomics.store(stop, 0, 1)
  for (const thread of threads) await thread.call('leave')
  await Promise.all(threads.map((thread) => thread.end()))
  p[Symbol.dispose]()
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, mappings: 0 })
  await kernel.close()
})

/** A function of a worker that runs until it is stopped. */
async function runs(worker: number, name: string, ...args: unknown[]) {
  const control = new Int32Array(new SharedArrayBuffer(8))
  stops.push(control)
  const running = (threads[worker] as Thread).call<number>(name, ...args, control.buffer)
  running.catch(() => {})
  const moved = async () => {
    const before = Atomics.load(control, 1)
    while (Atomics.load(control, 1) === before) {
      await Promise.race([running, pause(0)])
    }
  }
  await moved()
  return {
    moved,
    stop() {
      Atomics.store(control, 0, 1)
      return running
    },
  }
}

function wordOf(process: Process, address: number): number {
  const bytes = new Uint8Array(4)
  process.vmRead(address, bytes)
  return new DataView(bytes.buffer).getUint32(0, true)
}

test('a child has what was stored before the fork and nothing of what is stored after it, in order', async () => {
  const pages = 1200
  const map = p.mmap({ length: pages * PAGE })
  // So many mappings in between that a fork copies them in several pieces.
  for (let page = 2; page < pages - 2; page += 2) {
    p.mprotect(map.address + page * PAGE, PAGE, PROT.READ)
  }
  map.write(0, new Uint8Array(PAGE))
  map.write((pages - 1) * PAGE, new Uint8Array(PAGE))
  // One counter is stored to a first and then to a last page, the other the other way round.
  const up = await runs(0, 'count', p.pid, map.address, 0, pages - 1)
  const down = await runs(1, 'count', p.pid, map.address + 8, pages - 1, 0)
  for (let round = 0; round < effort(2000); round++) {
    const child = await forkWaiting(p)
    const at = (page: number, word: number) => wordOf(child, map.address + page * PAGE + 8 * word)
    const seen = [at(0, 0) - at(pages - 1, 0), at(pages - 1, 1) - at(0, 1)]
    const all = [at(0, 0), at(pages - 1, 1)]
    await Promise.resolve()
    expect(seen.every((ahead) => ahead === 0 || ahead === 1)).toBe(true)
    expect([at(0, 0), at(pages - 1, 1)]).toEqual(all)
    child.vmWrite(map.address, new Uint8Array(PAGE).fill(0xff))
    child.vmWrite(map.address + (pages - 1) * PAGE, new Uint8Array(PAGE).fill(0xff))
    child.exit()
    if (round % 16 === 0) await Promise.all([up.moved(), down.moved()])
  }
  const last = [await up.stop(), await down.stop()]
  expect([wordOf(p, map.address), wordOf(p, map.address + (pages - 1) * PAGE + 8)]).toEqual(last)
})

test('stores of several pages that are under way are not lost to the parent, and do not go on in the child', async () => {
  const pages = 64
  const map = p.mmap({ length: pages * PAGE })
  const filling = await runs(0, 'fill', p.pid, map.address, pages)
  for (let round = 0; round < effort(2000); round++) {
    const child = await forkWaiting(p)
    const first = new Uint8Array(pages * PAGE)
    const second = new Uint8Array(pages * PAGE)
    child.vmRead(map.address, first)
    if (round % 8 === 0) await filling.moved()
    child.vmRead(map.address, second)
    expect(same(first, second)).toBe(true)
    // Whole pages of one store, then whole pages of the one before.
    const values = Array.from({ length: pages }, (_, page) => first[page * PAGE])
    expect(new Set(values).size).toBeLessThanOrEqual(2)
    child.exit()
  }
  const rounds = await filling.stop()
  expect(map.read(0, pages * PAGE).every((byte) => byte === rounds % 256)).toBe(true)
})

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

test('a fork beside mmap, mremap and munmap copies whole mappings', async () => {
  const pages = 10_000
  const mapping = await runs(0, 'remap', p.pid, 0xa000_0000, pages)
  const moving = await runs(1, 'remap', p.pid, 0xc000_0000, pages)
  for (let round = 0; round < effort(4000); round++) {
    const child = await forkWaiting(p)
    for (const { start, end } of child.maps()) {
      expect([1, pages, pages + 1]).toContain((end - start) / PAGE)
      child.vmWrite(start, Uint8Array.of(round % 256))
    }
    child.exit()
    if (round % 16 === 0) {
      kernel.check()
      await mapping.moved()
    }
  }
  await mapping.stop()
  await moving.stop()
})

/** In a browser this thread may not wait for who is in the middle of a change: then a service worker forks. */
async function forkWaiting(process: Process): Promise<Process> {
  try {
    return process.fork()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_WOULD_BLOCK') throw error
    return await process.promises.fork()
  }
}

test('threads that fork one process at once each get children of their own', async () => {
  const map = p.mmap({ length: PAGE })
  const shared = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
  map.write(0, Uint8Array.of(7))
  const rounds = effort(4000)
  await Promise.all(threads.map((thread) => thread.call('fork', p.pid, map.address, rounds)))
  expect(map.read(0, 1)).toEqual(Uint8Array.of(7))
  expect(shared.read(0, 1)).toEqual(Uint8Array.of(0))
  expect(kernel.stats().processes).toBe(1)
})

test('the child has the thread that forked it and no other: it ends when that leaves', async () => {
  const filling = await runs(0, 'fill', p.pid, p.mmap({ length: PAGE }).address, 1)
  const child = await forkWaiting(p)
  expect(kernel.stats().processes).toBe(2)
  child.leave()
  expect(kernel.stats().processes).toBe(1)
  await filling.stop()
})

test('futexes: on shared memory parent and child meet, on private memory they do not', async () => {
  const shared = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
  const own = p.mmap({ length: PAGE })
  const child = p.fork()
  const onShared = child.promises.futexWait(shared.address, 0)
  const onOwn = child.promises.futexWait(own.address, 0)
  while (kernel.stats().sleepers < 2) await pause(1)
  expect(p.futexWake(own.address)).toBe(0)
  expect(p.futexWake(shared.address)).toBe(1)
  await onShared
  expect(child.futexWake(own.address)).toBe(1)
  await onOwn
  child.exit()
})

test('interrupt of the parent leaves the sleeps of the child', async () => {
  const shared = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
  const child = p.fork()
  const wait = child.promises.futexWait(shared.address, 0)
  while (kernel.stats().sleepers < 1) await pause(1)
  expect(p.interrupt()).toBe(0)
  expect(child.interrupt()).toBe(1)
  await expect(wait).rejects.toMatchObject({ code: 'EINTR' })
  child.exit()
})
