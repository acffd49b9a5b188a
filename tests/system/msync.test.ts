/** SEMANTICS, msync and write-back: what is promised, who is told of failures, what a foreign writer's changes do. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { boot, type Kernel, MAP, MS, O, PROT, type Process } from '../../dist/src/index.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { outcome } from '../support/errno.ts'
import { Store } from '../support/store.ts'

const PAGE = 4096
const AT = 0x9000_0000
const RW = O.CREAT | O.RDWR
const { SYNC, ASYNC, INVALIDATE } = MS

let store: Store
let kernel: Kernel
let p: Process

async function start(plan: readonly FaultRule[] = [], limits = {}): Promise<void> {
  store = new Store()
  const provider = plan.length > 0 ? faulty(store, plan) : store
  kernel = await boot({
    memory: '16MiB',
    mounts: { '/m': provider },
    dirtyAgeMs: 3_600_000,
    limits,
  })
  p = kernel.process()
}

afterEach(async () => {
  kernel.check()
  await kernel.close().catch(() => {})
})

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)

function mapped(pages: number, path = '/m/f') {
  const fd = p.open(path, RW)
  p.ftruncate(fd, pages * PAGE)
  return { fd, map: p.mmap({ fd, length: pages * PAGE }) }
}

describe('msync', () => {
  beforeEach(() => start())

  test('MS_SYNC returns when the store is durable; the pages outside the range stay as they were there', () => {
    const { map } = mapped(3)
    map.write(0, fill(3 * PAGE, 7))
    map.sync({ offset: PAGE, length: PAGE })
    const durable = store.durable('f') as Uint8Array
    expect([0, PAGE, 2 * PAGE].map((at) => durable[at])).toEqual([0, 7, 0])
  })

  test('writes dirty pages only', () => {
    const { map } = mapped(64)
    map.sync()
    const before = store.bytesWritten
    map.write(5 * PAGE, fill(1, 1))
    map.sync()
    expect(store.bytesWritten - before).toBe(PAGE)
  })

  test('finds stores through bytes without being told', () => {
    const { map } = mapped(64)
    map.bytes[9 * PAGE + 1] = 3
    const before = store.bytesWritten
    map.sync()
    expect(store.durable('f')?.[9 * PAGE + 1]).toBe(3)
    expect(store.bytesWritten - before).toBe(PAGE)
    map.bytes[9 * PAGE + 1] = 4
    map.sync()
    expect(store.durable('f')?.[9 * PAGE + 1]).toBe(4)
  })

  test('never writes what mappings stored past the end', () => {
    const fd = p.open('/m/f', RW)
    p.ftruncate(fd, 100)
    const map = p.mmap({ fd, length: PAGE })
    map.write(0, fill(PAGE, 9))
    map.sync()
    expect(store.bytes('f')).toEqual(fill(100, 9))
    p.ftruncate(fd, 200)
    map.sync()
    expect(store.bytes('f')).toEqual(Uint8Array.from([...fill(100, 9), ...fill(100, 0)]))
  })
})

describe('msync of ranges', () => {
  beforeEach(() => start())

  test.for([
    ['SYNC with ASYNC', SYNC | ASYNC, 0, PAGE, 'EINVAL'],
    ['unknown bits', 8, 0, PAGE, 'EINVAL'],
    ['an unaligned address', SYNC, 1, PAGE, 'EINVAL'],
    ['length 0', SYNC, 0, 0, 'ok'],
    ['flags 0, which is ASYNC', 0, 0, PAGE, 'ok'],
    ['a hole', SYNC, 0, 4 * PAGE, 'ENOMEM'],
  ] as const)('%s', ([, flags, more, length, code]) => {
    const { fd } = mapped(1)
    p.mmap({ fd, addr: AT, length: PAGE, flags: MAP.SHARED | MAP.FIXED })
    expect(outcome(() => p.msync(AT + more, length, flags))).toBe(code)
  })

  test.for([
    ['MS_ASYNC', ASYNC],
    ['0', 0],
  ] as const)('%s schedules: the page stays dirty, and the store is not asked for anything', ([
    ,
    flags,
  ]) => {
    const { map } = mapped(1)
    map.write(0, fill(PAGE, 4))
    const before = [store.syncs, store.bytesWritten]
    map.sync({ flags })
    expect([store.syncs, store.bytesWritten]).toEqual(before)
    expect(kernel.stats().dirtyPages).toBe(1)
  })

  test('a hole is ENOMEM after every mapped part was done', () => {
    const { fd } = mapped(2)
    for (const page of [0, 1]) {
      const addr = AT + 2 * page * PAGE
      p.mmap({ fd, addr, length: PAGE, offset: page * PAGE, flags: MAP.SHARED | MAP.FIXED }).write(
        0,
        fill(1, 5),
      )
    }
    expect(outcome(() => p.msync(AT, 3 * PAGE, SYNC))).toBe('ENOMEM')
    const durable = store.durable('f') as Uint8Array
    expect([durable[0], durable[PAGE]]).toEqual([5, 5])
  })

  test('private and anonymous memory are fine, and reach no store', () => {
    const fd = p.open('/m/f', RW)
    p.ftruncate(fd, PAGE)
    const own = p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE })
    own.write(0, fill(PAGE, 1))
    own.sync()
    p.mmap({ length: PAGE }).sync()
    p.fsync(fd)
    expect(store.bytes('f')).toEqual(fill(PAGE, 0))
  })

  test('dirty pages of a mapping that is gone are still the file, and go to the store by fsync', () => {
    const { fd, map } = mapped(1)
    map.write(0, fill(PAGE, 6))
    map.unmap()
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect(into[0]).toBe(6)
    p.fsync(fd)
    expect(store.durable('f')).toEqual(fill(PAGE, 6))
  })

  test('kernel.close() writes all back', async () => {
    const { map } = mapped(2)
    map.write(0, fill(2 * PAGE, 3))
    map.unmap()
    p.exit()
    await kernel.close()
    expect(store.durable('f')).toEqual(fill(2 * PAGE, 3))
    await start()
  })
})

describe('a foreign writer', () => {
  beforeEach(() => start())

  test('is seen after MS_INVALIDATE, where the cached page is clean', () => {
    const { map } = mapped(2)
    map.read(0, 2 * PAGE)
    map.sync()
    store.foreign('f', 10, fill(5, 8))
    map.sync({ flags: INVALIDATE })
    expect([...map.read(9, 7)]).toEqual([0, 8, 8, 8, 8, 8, 0])
  })

  test('never costs a dirty page: with SYNC it is written first, without it stays', () => {
    const { map } = mapped(2)
    map.write(0, fill(PAGE, 1))
    store.foreign('f', 0, fill(2 * PAGE, 9))
    map.sync({ flags: INVALIDATE })
    expect(map.read(0, PAGE)).toEqual(fill(PAGE, 1))
    expect(map.read(PAGE, PAGE)).toEqual(fill(PAGE, 9))
    map.sync({ flags: SYNC | INVALIDATE })
    expect(store.bytes('f')?.slice(0, PAGE)).toEqual(fill(PAGE, 1))
    expect(map.read(0, PAGE)).toEqual(fill(PAGE, 1))
  })

  test('and locked pages, or pages under bytes: MS_INVALIDATE is EBUSY', () => {
    const { map } = mapped(1)
    map.lock()
    expect(outcome(() => map.sync({ flags: INVALIDATE }))).toBe('EBUSY')
    map.unlock()
    expect(outcome(() => map.sync({ flags: INVALIDATE }))).toBe('ok')
    const { bytes } = map
    expect(outcome(() => map.sync({ flags: INVALIDATE }))).toBe('EBUSY')
    expect(bytes.length).toBe(PAGE)
  })

  test('MS_INVALIDATE does nothing to memory without a store', () => {
    const map = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    map.write(0, fill(PAGE, 2))
    map.sync({ flags: SYNC | INVALIDATE })
    expect(map.read(0, PAGE)).toEqual(fill(PAGE, 2))
    const file = mapped(1, '/tmpfs').map
    file.write(0, fill(PAGE, 3))
    file.sync({ flags: INVALIDATE })
    expect(file.read(0, PAGE)).toEqual(fill(PAGE, 3))
    map.lock()
    expect(outcome(() => map.sync({ flags: INVALIDATE }))).toBe('EBUSY')
  })

  test('is seen by who opens the file when nobody had it open', () => {
    const { fd, map } = mapped(1)
    map.write(0, fill(PAGE, 1))
    map.sync()
    map.unmap()
    p.close(fd)
    store.foreign('f', 0, fill(PAGE + 10, 4))
    const again = p.open('/m/f', O.RDONLY)
    const into = new Uint8Array(2 * PAGE)
    expect(p.pread(again, into, 0)).toBe(PAGE + 10)
    expect(into.subarray(0, PAGE + 10)).toEqual(fill(PAGE + 10, 4))
  })
})

const failing = (op: FaultRule['op'], nth: FaultRule['nth'], error: 'EIO' | 'ENOSPC' | 'EDQUOT') =>
  start([{ op, nth, path: 'f', effect: { error } } as FaultRule])

describe('a failing store', () => {
  const failing = (
    op: FaultRule['op'],
    nth: FaultRule['nth'],
    error: 'EIO' | 'ENOSPC' | 'EDQUOT',
  ) => start([{ op, nth, path: 'f', effect: { error } } as FaultRule])

  test.for([
    'EIO',
    'ENOSPC',
    'EDQUOT',
  ] as const)('msync says %s, the page stays dirty, and the next one writes it', async (code) => {
    await failing('pwrite', 1, code)
    const { map } = mapped(1)
    map.write(0, fill(PAGE, 7))
    expect(outcome(() => map.sync())).toBe(code)
    expect(kernel.stats().dirtyPages).toBe(1)
    expect(outcome(() => map.sync())).toBe('ok')
    expect(store.durable('f')).toEqual(fill(PAGE, 7))
  })

  test('a failed sync is said by msync and fsync, and nothing counts as durable', async () => {
    await failing('sync', [1, 2], 'EIO')
    const { fd, map } = mapped(1)
    map.write(0, fill(PAGE, 7))
    expect(outcome(() => map.sync())).toBe('EIO')
    expect(outcome(() => p.fsync(fd))).toBe('EIO')
    expect(outcome(() => p.fsync(fd))).toBe('ok')
    expect(store.durable('f')).toEqual(fill(PAGE, 7))
  })

  test('what failed in the background is said once to each open description, by its next fsync or close', async () => {
    await failing('pwrite', 1, 'EIO')
    const { fd, map } = mapped(1)
    const other = p.open('/m/f', O.RDWR)
    const third = p.open('/m/f', O.RDWR)
    map.write(0, fill(PAGE, 7))
    map.unmap()
    await kernel.sync().catch(() => {})
    expect(kernel.stats().dirtyPages).toBe(1)
    expect([fd, fd].map((one) => outcome(() => p.fsync(one)))).toEqual(['EIO', 'ok'])
    expect([outcome(() => p.fsync(other)), outcome(() => p.fsync(other))]).toEqual(['EIO', 'ok'])
    expect(outcome(() => p.close(third))).toBe('EIO')
    expect(outcome(() => p.close(fd))).toBe('ok')
    expect(store.durable('f')).toEqual(fill(PAGE, 7))
  })

  test('short writes are gone on with', async () => {
    await start([{ op: 'pwrite', effect: { short: 1000 } }])
    const { map } = mapped(3)
    map.write(
      0,
      Uint8Array.from({ length: 3 * PAGE }, (_, i) => i % 251),
    )
    map.sync()
    expect(store.durable('f')).toEqual(Uint8Array.from({ length: 3 * PAGE }, (_, i) => i % 251))
  })
})

describe('a store that fails for long', () => {
  test('pages that cannot be written are bounded: past it a store is SIGBUS, a write gets the errno', async () => {
    await start([{ op: 'pwrite', path: 'f', effect: { error: 'EIO' } }], { dirtyPages: 8 })
    const { fd, map } = mapped(32)
    let stored = 0
    const store32 = () => {
      for (; stored < 32; stored++) map.write(stored * PAGE, fill(PAGE, 1 + stored))
    }
    expect(outcome(store32)).toBe('SIGBUS')
    expect(stored).toBeGreaterThanOrEqual(8)
    expect(outcome(() => void p.pwrite(fd, fill(PAGE, 1), 31 * PAGE))).toBe('EIO')
    for (let page = 0; page < stored; page++) expect(map.read(page * PAGE, 1)[0]).toBe(1 + page)
  })

  test('kernel.close() rejects with what could not be written', async () => {
    await failing('pwrite', [1, 99], 'EIO')
    const { map } = mapped(1)
    map.write(0, fill(1, 1))
    await expect(kernel.close()).rejects.toMatchObject({ code: 'EIO' })
    await start()
  })

  test('a failed read is SIGBUS for a load, EIO for read, and is asked again', async () => {
    await start([{ op: 'pread', nth: [1, 2], effect: { error: 'EIO' } }])
    store.foreignSize('g', PAGE)
    store.foreign('g', 0, fill(PAGE, 5))
    const fd = p.open('/m/g', O.RDONLY)
    const map = p.mmap({ fd, length: PAGE, prot: PROT.READ })
    expect(outcome(() => map.read(0, 1))).toBe('SIGBUS')
    expect(outcome(() => void p.pread(fd, new Uint8Array(1), 0))).toBe('EIO')
    expect(map.read(0, 1)[0]).toBe(5)
  })

  test('a resize that the store refuses changes nothing', async () => {
    await start([{ op: 'truncate', nth: 2, effect: { error: 'ENOSPC' } }])
    const { fd, map } = mapped(2)
    map.write(0, fill(2 * PAGE, 3))
    expect(outcome(() => p.ftruncate(fd, 8 * PAGE))).toBe('ENOSPC')
    expect(p.fstat(fd).size).toBe(2 * PAGE)
    expect(map.read(0, 2 * PAGE)).toEqual(fill(2 * PAGE, 3))
  })

  test('a store that fills up keeps what was acknowledged', async () => {
    await start([{ effect: { fillAfterBytes: 5 * PAGE } }])
    const fd = p.open('/m/full', RW)
    let acknowledged = 0
    for (let page = 0; page < 10; page++) {
      p.pwrite(fd, fill(PAGE, page + 1), page * PAGE)
      if (outcome(() => p.fsync(fd)) === 'ok') acknowledged = page + 1
    }
    expect(acknowledged).toBe(5)
    const durable = store.durable('full') as Uint8Array
    for (let page = 0; page < acknowledged; page++) {
      expect(durable.subarray(page * PAGE, (page + 1) * PAGE)).toEqual(fill(PAGE, page + 1))
    }
  })
})
