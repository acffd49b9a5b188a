/** The part of the conformance suite that goes through pointers: wasiFiles() over a provider. */

import { beforeEach, expect, test } from 'vitest'
import { errnoName } from '../../dist/src/providers/errno.js'
import { type WasiFiles, wasiFiles } from '../../dist/src/providers/wasi.js'
import type { Mounted } from './fixture.ts'
import { OFLAGS, READ, sharedMemory, WasiCaller, WRITE } from './wasi-caller.ts'

const ROOT = 3
const BOTH = READ | WRITE

/** The errno's name, so that a failing expectation can be read. */
function named<T>(outcome: { errno: number; value?: T }): string {
  return outcome.errno === 0 ? 'ESUCCESS' : (errnoName(outcome.errno) ?? String(outcome.errno))
}

const text = (value: string) => new TextEncoder().encode(value)

/** A fresh caller for each test over mount 0; mount 1 is not served by this thread. */
function callers(mounted: Mounted) {
  let caller: WasiCaller
  beforeEach(() => {
    const memory = sharedMemory()
    caller = new WasiCaller(memory, wasiFiles(memory, [mounted(), null]))
  })
  const opened = async (path: string, oflags: number, rights = BOTH): Promise<number> => {
    const { errno, value } = await caller.open(ROOT, path, oflags, rights)
    expect(errno).toBe(0)
    return value as number
  }
  return { wasi: () => caller, opened }
}

export function wasiConformance(mounted: Mounted): void {
  const { wasi, opened } = callers(mounted)

  test('opens, writes and reads through scatter lists', async () => {
    const fd = await opened('f', OFLAGS.create)
    const parts = [text('ab'), text(''), text('cdef')]
    expect(await wasi().pwrite(fd, parts, 1n)).toEqual({ errno: 0, value: 6 })
    const { value } = await wasi().pread(fd, [1, 0, 3, 9], 0n)
    expect(value).toEqual([0, ...text('abcdef')])
    expect(named(await wasi().close(fd))).toBe('ESUCCESS')
    expect(named(await wasi().close(fd))).toBe('EBADF')
  })

  test('filestat has type, size, links and the same inode by both doors', async () => {
    const fd = await opened('f', OFLAGS.create)
    await wasi().pwrite(fd, [text('abc')], 0n)
    const [byFd, byPath] = [await wasi().filestat(fd), await wasi().pathFilestat(ROOT, 'f')]
    expect(byFd.value).toMatchObject({ type: 4, size: 3n, nlink: 1n })
    expect(byPath.value?.ino).toBe(byFd.value?.ino)
    expect((await wasi().filestat(ROOT)).value?.type).toBe(3)
    expect((await wasi().pathFilestat(ROOT, '.')).value?.type).toBe(3)
    expect((await wasi().pathFilestat(ROOT, '')).value?.type).toBe(3)
  })

  test('set_size and both syncs', async () => {
    const fd = await opened('f', OFLAGS.create)
    expect(named(await wasi().setSize(fd, 5n))).toBe('ESUCCESS')
    expect(named(await wasi().sync(fd, false))).toBe('ESUCCESS')
    expect(named(await wasi().sync(fd, true))).toBe('ESUCCESS')
    expect((await wasi().pread(fd, [9], 0n)).value).toEqual([0, 0, 0, 0, 0])
  })

  test('readdir gives each name once, in code point order, whatever the buffer', async () => {
    await wasi().makeDirectory(ROOT, 'd')
    const names = Array.from({ length: 30 }, (_, index) => `n${index}`)
    for (const name of names) await wasi().close(await opened(`d/${name}`, OFLAGS.create))
    const fd = await opened('d', OFLAGS.directory, READ)
    for (const length of [64, 100, 4096]) {
      const seen: string[] = []
      let cookie = 0n
      for (;;) {
        const { entries, used } = await wasi().readdir(fd, cookie, length)
        for (const entry of entries) seen.push(entry.name)
        cookie = entries.at(-1)?.next ?? cookie
        if (used < length) break
      }
      expect(seen).toEqual([...names].sort())
    }
  })

  test('paths are relative to any directory descriptor', async () => {
    await wasi().makeDirectory(ROOT, 'd')
    const directory = await opened('d', OFLAGS.directory, READ)
    const { errno, value } = await wasi().open(directory, 'f', OFLAGS.create, BOTH)
    expect(errno).toBe(0)
    await wasi().close(value as number)
    expect((await wasi().pathFilestat(ROOT, 'd/f')).errno).toBe(0)
    expect(named(await wasi().pathFilestat(directory, '/d/f'))).toBe('ENOTCAPABLE')
    expect(named(await wasi().pathFilestat(directory, '../d/f'))).toBe('ENOTCAPABLE')
    expect(named(await wasi().rename(directory, 'f', ROOT, 'g'))).toBe('ESUCCESS')
    expect(named(await wasi().removeDirectory(ROOT, 'd'))).toBe('ESUCCESS')
    expect(named(await wasi().unlink(ROOT, 'g'))).toBe('ESUCCESS')
  })

  test('a symlink is made and read, cut to the buffer, or both are refused', async () => {
    const made = await wasi().symlink('a/target', ROOT, 's')
    if (!mounted().capabilities.symlinks) {
      expect(named(made)).toBe('ENOTSUP')
      return
    }
    expect((await wasi().readlink(ROOT, 's')).value).toBe('a/target')
    expect((await wasi().readlink(ROOT, 's', 3)).value).toBe('a/t')
  })
}

export function wasiBadInput(mounted: Mounted): void {
  const { wasi, opened } = callers(mounted)

  test('a mount that is not served here, and any wrong descriptor, is EBADF', async () => {
    for (const fd of [0, 1, 2, 4, 5, 66, 67 + 64 * 5000, -1, 2 ** 31]) {
      expect(named(await wasi().open(fd, 'f', 0, READ))).toBe('EBADF')
      expect(named(await wasi().pread(fd, [1], 0n))).toBe('EBADF')
      expect(named(await wasi().filestat(fd))).toBe('EBADF')
      expect(named(await wasi().close(fd))).toBe('EBADF')
      expect(named(await wasi().rename(ROOT, 'f', fd, 'g'))).toBe('EBADF')
    }
    expect(named(await wasi().close(ROOT))).toBe('EBADF')
    expect(named(await wasi().setSize(ROOT, 0n))).toBe('EBADF')
  })

  test('two mounts are two devices: EXDEV', async () => {
    const { memory } = wasi()
    const two = new WasiCaller(memory, wasiFiles(memory, [mounted(), mounted()]))
    await wasi().close(await opened('f', OFLAGS.create))
    expect(named(await two.rename(ROOT, 'f', ROOT + 1, 'g'))).toBe('EXDEV')
  })

  test('offsets and sizes past what a number holds are refused, not rounded', async () => {
    const fd = await opened('f', OFLAGS.create)
    expect(named(await wasi().pread(fd, [1], 2n ** 53n))).toBe('EOVERFLOW')
    expect(named(await wasi().pwrite(fd, [text('x')], 2n ** 53n))).toBe('EFBIG')
    expect(named(await wasi().setSize(fd, 2n ** 62n))).toBe('EFBIG')
    expect(named(await wasi().pread(fd, [1], -1n))).toBe('EINVAL')
    expect(named(await wasi().setSize(fd, 2n ** 63n))).toBe('EINVAL')
  })

  test('every address that leaves the memory is EFAULT, and nothing is done', async () => {
    const fd = await opened('f', OFLAGS.create)
    const end = wasi().memory.buffer.byteLength
    const f = wasi().functions
    for (const wrong of [end - 1, end, -8, 2 ** 32 - 4]) await faults(f, fd, wrong)
    expect(named({ errno: await f.fd_readdir(ROOT, 0, -1, 0n, 0) })).toBe('EFAULT')
    expect(named({ errno: await f.path_unlink_file(ROOT, end - 2, 3) })).toBe('EFAULT')
    // A list whose entry points outside.
    wasi().view.setUint32(64, end - 4, true)
    wasi().view.setUint32(68, 8, true)
    expect(named({ errno: await f.fd_pread(fd, 64, 1, 0n, 0) })).toBe('EFAULT')
    expect(named({ errno: await f.fd_pwrite(fd, 64, 1, 0n, 0) })).toBe('EFAULT')
    expect((await wasi().filestat(fd)).value?.size).toBe(0n)
    expect(await mounted().readdir('')).toHaveLength(1)
  })

  test('more than 1024 buffers is EINVAL, a path that is not UTF-8 EILSEQ', async () => {
    const fd = await opened('f', OFLAGS.create)
    expect(named({ errno: await wasi().functions.fd_pread(fd, 64, 1025, 0n, 0) })).toBe('EINVAL')
    expect(named({ errno: await wasi().functions.fd_pread(fd, 64, -1, 0n, 0) })).toBe('EINVAL')
    wasi().bytes(64, 2).set([0xc0, 0x80])
    expect(named({ errno: await wasi().functions.path_unlink_file(ROOT, 64, 2) })).toBe('EILSEQ')
    const long = { errno: await wasi().functions.path_unlink_file(ROOT, 64, 4096) }
    expect(named(long)).toBe('ENAMETOOLONG')
  })
}

/** Each function with one address outside. */
async function faults(f: WasiFiles, fd: number, wrong: number): Promise<void> {
  const outcomes = await Promise.all([
    f.path_open(ROOT, 0, wrong, 9, OFLAGS.create, BOTH, BOTH, 0, 64),
    f.path_open(ROOT, 0, 0, 1, OFLAGS.create, BOTH, BOTH, 0, wrong),
    f.fd_pread(fd, wrong, 1, 0n, 64),
    f.fd_pread(fd, 64, 0, 0n, wrong),
    f.fd_pwrite(fd, 64, 0, 0n, wrong),
    f.fd_filestat_get(fd, wrong),
    f.fd_readdir(ROOT, 0, 64, 0n, wrong),
    f.path_filestat_get(ROOT, 0, 0, 0, wrong),
    f.path_filestat_set_times(ROOT, 0, wrong, 9, 0n, 0n, 0),
    f.path_create_directory(ROOT, wrong, 9),
    f.path_remove_directory(ROOT, wrong, 9),
    f.path_unlink_file(ROOT, wrong, 9),
    f.path_rename(ROOT, wrong, 9, ROOT, 0, 1),
    f.path_rename(ROOT, 0, 1, ROOT, wrong, 9),
    f.path_link(ROOT, 0, 0, 1, ROOT, wrong, 9),
    f.path_symlink(wrong, 9, ROOT, 0, 1),
    f.path_readlink(ROOT, 0, 1, wrong, 9, 0),
  ])
  expect(outcomes.map((errno) => named({ errno }))).toEqual(outcomes.map(() => 'EFAULT'))
}
