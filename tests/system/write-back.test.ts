/** SEMANTICS, write-back nobody asked for by name: times, O_SYNC, the background, `limits.dirtyPages`, and frames that views outlive. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type BootOptions,
  boot,
  type Kernel,
  MAP,
  type Mapping,
  MS,
  O,
  type Process,
} from '../../dist/src/index.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { collector } from '../support/collect.ts'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import { Store } from '../support/store.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096
const RW = O.CREAT | O.RDWR

let store: Store
let kernel: Kernel
let p: Process

async function start(options: BootOptions = {}, plan: readonly FaultRule[] = []): Promise<void> {
  store = new Store()
  const mounts = { '/m': plan.length > 0 ? faulty(store, plan) : store }
  kernel = await boot({ memory: '8MiB', mounts, dirtyAgeMs: 3_600_000, ...options })
  p = kernel.process()
}

afterEach(async () => {
  kernel.check()
  await kernel.close().catch(() => {})
})

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)
const moment = () => pause(15)

function mapped(path: string, pages = 1): { fd: number; map: Mapping } {
  const fd = p.open(path, RW)
  p.ftruncate(fd, pages * PAGE)
  return { fd, map: p.mmap({ fd, length: pages * PAGE }) }
}

describe.each(['/f', '/m/f'])('st_mtime and st_ctime of %s', (path) => {
  beforeEach(() => start())

  /** What another process is told of the file. */
  const times = () => {
    const other = kernel.process()
    const { mtimeMs, ctimeMs } = other.stat(path)
    other.exit()
    return { mtimeMs, ctimeMs }
  }
  const stores: [string, (map: Mapping) => void][] = [
    ['a tracked store', (map) => map.write(5, fill(1, 1))],
    ['a second tracked store to a page', (map) => map.write(9, fill(1, 1))],
    ['a store through bytes', (map) => void map.bytes.fill(1, 5, 6)],
  ]
  const ends: [string, (map: Mapping) => void][] = [
    ['msync(MS_SYNC)', (map) => map.sync()],
    ['msync(MS_ASYNC)', (map) => map.sync({ flags: MS.ASYNC })],
    ['munmap', (map) => map.unmap()],
  ]
  test.for(stores)('move between %s and msync or munmap, for another process too', async ([
    ,
    act,
  ]) => {
    for (const [end, by] of ends) {
      const { map } = mapped(path)
      map.write(0, fill(1, 1))
      const before = times()
      await moment()
      act(map)
      by(map)
      const after = times()
      expect(after.mtimeMs, end).toBeGreaterThan(before.mtimeMs)
      expect(after.ctimeMs, end).toBeGreaterThan(before.ctimeMs)
      await moment()
      expect(times(), end).toEqual(after)
    }
  })

  test('do not move by a load, nor by an msync without a store', async () => {
    const { map } = mapped(path)
    map.write(0, fill(1, 1))
    map.sync()
    const before = times()
    await moment()
    map.read(0, PAGE)
    map.sync()
    map.unmap()
    expect(times()).toEqual(before)
  })
})

describe('O_SYNC and O_DSYNC', () => {
  test.each([
    ['O_SYNC', O.SYNC],
    ['O_DSYNC', O.DSYNC],
  ])('a write through a descriptor with %s is durable when it returns, and no other', async (_, flag) => {
    await start()
    const synced = p.open('/m/f', RW | flag)
    const other = p.open('/m/f', O.RDWR)
    expect(p.write(synced, fill(100, 1))).toBe(100)
    expect(store.durable('f')).toEqual(fill(100, 1))
    p.pwrite(other, fill(100, 2), 0)
    expect(store.durable('f')).toEqual(fill(100, 1))
    expect(p.pwrite(synced, fill(10, 3), 200)).toBe(10)
    expect(store.durable('f')).toEqual(
      Uint8Array.from([...fill(100, 2), ...fill(100, 0), ...fill(10, 3)]),
    )
  })

  test('a store that fails is said by the write, whose bytes stay dirty and go with the next', async () => {
    await start({}, [{ op: 'sync', nth: 1, effect: { error: 'EIO' } }])
    const fd = p.open('/m/f', RW | O.SYNC)
    expect(outcome(() => void p.write(fd, fill(10, 1)))).toBe('EIO')
    expect(p.pwrite(fd, fill(1, 2), 10)).toBe(1)
    expect(store.durable('f')).toEqual(Uint8Array.from([...fill(10, 1), 2]))
  })
})

describe('a host without descriptors', () => {
  const none: FaultRule = { op: 'open', path: /g$/, nth: [1, 3], effect: { error: 'EMFILE' } }
  const write = (path: string) => {
    const fd = p.open(path, RW)
    p.write(fd, fill(100, 1))
    p.close(fd)
  }

  test('gets those back of files that are closed and not written yet: they are written', async () => {
    await start({}, [none])
    for (const path of ['/m/a', '/m/b', '/m/c', '/m/d']) write(path)
    expect(store.bytes('a')).toEqual(fill(0, 0))
    write('/m/g')
    for (const path of ['a', 'b', 'c']) expect(store.durable(path), path).toEqual(fill(100, 1))
    expect(store.bytes('d')).toEqual(fill(0, 0))
    await kernel.sync()
    expect(store.durable('g')).toEqual(fill(100, 1))
  })

  test('refuses an open with EMFILE where no closed file has one, or none can be written', async () => {
    await start({}, [none, { op: 'sync', path: /a$/, effect: { error: 'EIO' } }])
    expect(outcome(() => write('/m/g'))).toBe('EMFILE')
    write('/m/a')
    expect(outcome(() => write('/m/g'))).toBe('EMFILE')
    write('/m/b')
    expect(outcome(() => write('/m/g'))).toBe('ok')
    expect(store.durable('b')).toEqual(fill(100, 1))
  })
})

describe('background write-back', () => {
  /** Resolves once the store has these bytes, whoever wrote them. */
  async function written(bytes: Uint8Array): Promise<void> {
    const is = () => store.bytes('f')?.every((byte, at) => byte === bytes[at])
    while (!is() || kernel.stats().dirtyPages > 0) await moment()
  }

  test('writes what is dirty for dirtyAgeMs, without any call', async () => {
    await start({ dirtyAgeMs: 50 })
    const { map } = mapped('/m/f', 3)
    map.write(PAGE, fill(PAGE, 4))
    await written(Uint8Array.from([...fill(PAGE, 0), ...fill(PAGE, 4), ...fill(PAGE, 0)]))
    p.pwrite(p.open('/m/f', O.RDWR), fill(3, 5), 0)
    await written(
      Uint8Array.from([...fill(3, 5), ...fill(PAGE - 3, 0), ...fill(PAGE, 4), ...fill(PAGE, 0)]),
    )
  })

  test('writes what was dirty when its mapping went, and its file was closed', async () => {
    await start({ dirtyAgeMs: 50 })
    const { fd, map } = mapped('/m/f')
    map.write(0, fill(PAGE, 4))
    p.close(fd)
    map.unmap()
    await written(fill(PAGE, 4))
  })

  test('writes what a worker stored that has left; in a page the worker starts no worker for it', async () => {
    await start({ dirtyAgeMs: 50 })
    await using thread = await startThread(new URL('./flusher.thread.ts', import.meta.url))
    store.foreignSize('f', PAGE)
    const started = await thread.call('store', kernel.handle, '/m/f', fill(PAGE, 4))
    if (inBrowser) expect(started).toBe(0)
    await written(fill(PAGE, 4))
  })

  test('goes on after a failure, which is said once, by the next msync', async () => {
    await start({ dirtyAgeMs: 50 }, [{ op: 'pwrite', nth: [1, 2], effect: { error: 'ENOSPC' } }])
    const { map } = mapped('/m/f')
    map.write(0, fill(PAGE, 4))
    await written(fill(PAGE, 4))
    expect([outcome(() => map.sync()), outcome(() => map.sync())]).toEqual(['ENOSPC', 'ok'])
  })
})

describe('limits.dirtyPages', () => {
  test('is never passed: a store past it writes other pages first', async () => {
    await start({ limits: { dirtyPages: 4 } })
    const { fd, map } = mapped('/m/f', 64)
    for (let page = 0; page < 64; page++) {
      if (page % 2) map.write(page * PAGE, fill(PAGE, page))
      else p.pwrite(fd, fill(PAGE, page), page * PAGE)
      expect(kernel.stats().dirtyPages).toBeLessThanOrEqual(4)
    }
    map.sync()
    for (let page = 0; page < 64; page++) expect(store.bytes('f')?.[page * PAGE]).toBe(page)
  })

  test('is half of memory by default', async () => {
    await start()
    const pages = kernel.stats().frames
    const { map } = mapped('/m/f', pages)
    for (let page = 0; page < pages; page++) map.write(page * PAGE, fill(1, 1))
    const { dirtyPages } = kernel.stats()
    expect(dirtyPages).toBeGreaterThan(pages / 4)
    expect(dirtyPages).toBeLessThanOrEqual(1024)
  })
})

describe('bytes', () => {
  beforeEach(() => start())

  test('pins its pages while the mapping is open: they stay the file when other files go by', () => {
    const { fd, map } = mapped('/m/f', 4)
    const { bytes } = map
    const [, into] = [bytes.fill(7), new Uint8Array(PAGE)]
    map.sync()
    const pages = 2 * kernel.stats().frames
    store.foreignSize('large', pages * PAGE)
    const large = p.open('/m/large', O.RDONLY)
    for (let page = 0; page < pages; page++) p.pread(large, into, page * PAGE)
    expect(kernel.stats().cachedPages).toBeLessThan(pages)
    bytes[5] = 8
    p.pwrite(fd, fill(1, 9), 6)
    p.pread(fd, into, 0)
    expect([...into.subarray(4, 8), ...bytes.subarray(4, 8)]).toEqual([7, 8, 9, 7, 7, 8, 9, 7])
  })

  test.skipIf(!collector)(
    'gives its frames back once it is collected; a view derived from it does not keep them',
    async () => {
      const derived = Array.from({ length: 16 }, takeAway)
      expect(kernel.stats().orphanFrames).toBe(64)
      // An engine that takes every word of a stack for a reference may keep one or two.
      while (kernel.stats().orphanFrames > 8) {
        collector?.()
        await pause(1)
      }
      expect(derived.every(({ length }) => length === 10)).toBe(true)
      kernel.check()
    },
  )

  /** => what is derived from the bytes of a mapping that is gone. */
  function takeAway(): Uint8Array {
    const map = p.mmap({ length: 4 * PAGE })
    const { bytes } = map
    map.unmap()
    return bytes.subarray(0, 10)
  }
})

describe('frames that bytes outlives', () => {
  beforeEach(() => start())

  test.each([
    ['private memory', () => p.mmap({ length: 64 * PAGE })],
    ['a tmpfs file', () => mapped('/f', 64).map],
    ['a file of a mount', () => mapped('/m/f', 64).map],
  ])('of %s are counted, and capped by memory: then mmap is ENOMEM, and nobody else loses a page', (_, make) => {
    const kept: Uint8Array[] = []
    const other = p.mmap({ length: 8 * PAGE })
    other.write(0, fill(8 * PAGE, 200))
    const { commitLimit } = kernel.stats()
    const one = () => {
      const map = make()
      kept.push(map.bytes.fill(kept.length))
      const fd = p.open('/', O.RDONLY)
      map.unmap()
      for (let open = 0; open < fd; open++) {
        p.ftruncate(open, 0)
        p.close(open)
      }
      p.close(fd)
    }
    let code = 'ok'
    while (code === 'ok' && kept.length < 200) {
      code = outcome(one)
      kernel.check()
      const { orphanFrames, framesCommitted } = kernel.stats()
      expect(orphanFrames).toBeLessThanOrEqual(commitLimit)
      expect(framesCommitted).toBeLessThanOrEqual(commitLimit)
    }
    expect(code).toBe('ENOMEM')
    expect(kernel.stats().orphanFrames).toBeGreaterThan(commitLimit / 3)
    expect(kept.every((bytes, at) => bytes.every((byte) => byte === at))).toBe(true)
    expect(other.read(0, 8 * PAGE)).toEqual(fill(8 * PAGE, 200))
    expect(outcome(() => p.mmap({ length: PAGE, flags: MAP.PRIVATE | MAP.ANONYMOUS }))).toMatch(
      /ok|ENOMEM/,
    )
  })
})
