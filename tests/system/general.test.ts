/** SEMANTICS, General: what a failing call leaves behind, and counts that tell of a part. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  MREMAP,
  MS,
  O,
  PROT,
  type Process,
} from '../../dist/src/index.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { outcome } from '../support/errno.ts'
import { Store } from '../support/store.ts'

const PAGE = 4096
const AT = 0x9000_0000

let store: Store
let kernel: Kernel
let p: Process

async function start(plan: readonly FaultRule[] = []): Promise<void> {
  store = new Store()
  kernel = await boot({ memory: '8MiB', mounts: { '/m': faulty(store, plan) } })
  p = kernel.process()
}

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)

describe('counts that tell of a part', () => {
  afterEach(async () => {
    kernel.check()
    await kernel.close()
  })

  test('a read that fails half way gives what came before, and the next one the errno', async () => {
    // Also when the page is asked for alone, without those read ahead.
    await start([{ op: 'pread', nth: [2, 3], effect: { error: 'EIO' } }])
    store.foreignSize('f', 64 * PAGE)
    store.foreign('f', 0, fill(64 * PAGE, 5))
    const fd = p.open('/m/f', O.RDONLY)
    const into = new Uint8Array(64 * PAGE)
    const count = p.read(fd, into)
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(64 * PAGE)
    expect(into.subarray(0, count)).toEqual(fill(count, 5))
    expect(into.subarray(count)).toEqual(fill(64 * PAGE - count, 0))
    expect(p.lseek(fd, 0, 1)).toBe(count)
    expect(p.read(fd, into)).toBe(64 * PAGE - count)
  })

  test('a write that finds no room half way gives what it wrote, and the next one ENOSPC', async () => {
    await start()
    const fd = p.open('/f', O.CREAT | O.RDWR)
    const length = kernel.stats().frames * PAGE
    const count = p.write(fd, fill(length, 3))
    expect(count).toBeGreaterThan(0)
    expect(count).toBeLessThan(length)
    expect([p.fstat(fd).size, p.lseek(fd, 0, 1)]).toEqual([count, count])
    expect(outcome(() => void p.write(fd, fill(PAGE, 3)))).toBe('ENOSPC')
    expect(p.fstat(fd).size).toBe(count)
    const last = new Uint8Array(1)
    p.pread(fd, last, count - 1)
    expect(last[0]).toBe(3)
    p.ftruncate(fd, 0)
  })
})

describe('a failing call changes nothing', () => {
  beforeAll(() => start())
  beforeEach(() => {
    p = kernel.process()
    return () => {
      p.unlink('/f')
      p.exit()
      kernel.check()
    }
  })
  afterAll(() => kernel.close())

  const calls: [string, string, (fd: number) => unknown][] = [
    ['mmap', 'EEXIST', () => p.mmap({ length: PAGE, addr: AT, flags: 0x100022 })],
    ['mmap that replaces', 'ENOMEM', () => fixed(2 ** 31 - 2 ** 28)],
    ['munmap', 'EINVAL', () => p.munmap(AT + 1, PAGE)],
    ['mprotect', 'EINVAL', () => p.mprotect(AT, PAGE, 0x40)],
    ['mremap', 'EINVAL', () => p.mremap(AT, PAGE, 0)],
    ['mremap without room', 'ENOMEM', () => p.mremap(AT, PAGE, 2 * PAGE, 0)],
    [
      'mremap that the promises refuse',
      'ENOMEM',
      () => p.mremap(AT, PAGE, 2 ** 28, MREMAP.MAYMOVE),
    ],
    ['msync', 'EINVAL', () => p.msync(AT, PAGE, MS.SYNC | MS.ASYNC)],
    ['madvise', 'EINVAL', () => p.madvise(AT, PAGE, 77)],
    ['madvise of shared memory', 'EINVAL', () => p.madvise(AT + PAGE, PAGE, MADV.FREE)],
    ['mincore', 'EINVAL', () => p.mincore(AT + 1, PAGE)],
    ['mlockall', 'EINVAL', () => p.mlockall(0)],
    ['open', 'EEXIST', () => p.open('/f', O.CREAT | O.EXCL | O.RDWR)],
    ['open of a directory', 'EISDIR', () => p.open('/', O.RDWR)],
    ['pwrite', 'EFBIG', (fd) => p.pwrite(fd, fill(1, 1), 2 ** 53 - 1)],
    ['lseek', 'EINVAL', (fd) => p.lseek(fd, -1, 0)],
    ['rename', 'ENOENT', () => p.rename('/none', '/f')],
    ['link', 'EEXIST', () => p.link('/f', '/f')],
    ['symlink', 'EEXIST', () => p.symlink('x', '/f')],
    ['mkdir', 'EEXIST', () => p.mkdir('/f')],
    ['rmdir', 'ENOTDIR', () => p.rmdir('/f')],
    ['unlink', 'EISDIR', () => p.unlink('/')],
    ['dup2', 'EBADF', () => p.dup2(99, 5)],
    ['flock', 'EINVAL', (fd) => p.flock(fd, 7)],
  ]
  const fixed = (length: number) =>
    p.mmap({ length, addr: AT, flags: MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED })

  const names = (at: string) => p.readdir(p.open(at, O.RDONLY)).map(({ name }) => name)

  test.for(calls)('%s: %s', ([, code, call]) => {
    const fd = p.open('/f', O.CREAT | O.RDWR)
    p.write(fd, fill(100, 4))
    fixed(PAGE).write(0, fill(PAGE, 7))
    p.mmap({ length: PAGE, addr: AT + PAGE, flags: MAP.SHARED | MAP.ANONYMOUS, prot: PROT.READ })
    const state = () => [p.maps(), { ...kernel.stats() }, p.stat('/f'), p.lseek(fd, 0, 1)]
    const before = state()
    const listed = names('/')
    const between = state()
    expect(outcome(() => call(fd))).toBe(code)
    const after = state()
    expect([after[0], after[2], after[3]]).toEqual([before[0], before[2], before[3]])
    expect(after[1]).toEqual(between[1])
    expect(names('/')).toEqual(listed)
  })
})
