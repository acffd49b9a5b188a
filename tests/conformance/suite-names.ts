/** What every provider owes for names: directories, rename, links, identity. */

import { expect, test } from 'vitest'
import type { FileStat } from '../../dist/src/providers/provider.js'
import { pause } from '../support/pause.ts'
import {
  CREATE,
  type Mounted,
  make,
  namesOf,
  READ_ONLY,
  READ_WRITE,
  shared,
  textOf,
} from './fixture.ts'
import { codeOf } from './runtime.ts'

export function names(mounted: Mounted): void {
  test('readdir lists names, types and inodes, and neither dot', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await make(provider, 'd/f')
    await make(provider, 'd/ü 💥')
    await provider.mkdir('d/sub', 0o777)
    expect(await namesOf(provider, 'd')).toEqual(['directory sub', 'file f', 'file ü 💥'])
    expect(await namesOf(provider, '')).toEqual(['directory d'])
    for (const { name, ino } of await provider.readdir('d')) {
      expect(ino).toBe((await provider.lstat(`d/${name}`)).ino)
    }
    expect(await codeOf(() => provider.readdir('d/f'))).toBe('ENOTDIR')
    expect(await codeOf(() => provider.readdir('none'))).toBe('ENOENT')
  })

  test('mkdir refuses what is there with EEXIST, rmdir what is not empty with ENOTEMPTY', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await make(provider, 'd/f')
    expect(await codeOf(() => provider.mkdir('d', 0o777))).toBe('EEXIST')
    expect(await codeOf(() => provider.mkdir('d/f', 0o777))).toBe('EEXIST')
    expect(await codeOf(() => provider.mkdir('no/where', 0o777))).toBe('ENOENT')
    expect(await codeOf(() => provider.rmdir('d'))).toBe('ENOTEMPTY')
    expect(await codeOf(() => provider.rmdir('d/f'))).toBe('ENOTDIR')
    expect(await codeOf(() => provider.rmdir('none'))).toBe('ENOENT')
    await provider.unlink('d/f')
    await provider.rmdir('d')
    expect(await namesOf(provider, '')).toEqual([])
  })

  test('unlink refuses a directory with EISDIR and a missing name with ENOENT', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    expect(await codeOf(() => provider.unlink('d'))).toBe('EISDIR')
    expect(await codeOf(() => provider.unlink('none'))).toBe('ENOENT')
  })

  test('an unlinked file works through its handles, and its name is free at once', async () => {
    const provider = mounted()
    await make(provider, 'f', 'old')
    const handle = await provider.open('f', READ_WRITE)
    await provider.unlink('f')
    expect(await codeOf(() => provider.lstat('f'))).toBe('ENOENT')
    expect(await namesOf(provider, '')).toEqual([])
    await make(provider, 'f', 'new')
    await provider.pwrite(handle, shared('OLD!'), 0)
    const into = shared(9)
    expect(await provider.pread(handle, into, 0)).toBe(4)
    expect((await provider.stat(handle)).nlink).toBe(0)
    await provider.close(handle)
    expect(await textOf(provider, 'f')).toBe('new')
  })

  test('the root is neither made, removed nor unlinked', async () => {
    const provider = mounted()
    expect(await codeOf(() => provider.mkdir('', 0o777))).toBe('EEXIST')
    expect(await codeOf(() => provider.rmdir(''))).toBe('EBUSY')
    expect(await codeOf(() => provider.unlink(''))).toBe('EISDIR')
    expect((await provider.lstat('')).type).toBe('directory')
  })
}

export function renames(mounted: Mounted): void {
  test('rename moves a file, replaces another, and handles go with it', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await make(provider, 'f', 'one')
    await make(provider, 'd/g', 'two')
    const [moved, replaced] = [
      await provider.open('f', READ_WRITE),
      await provider.open('d/g', READ_WRITE),
    ]
    await provider.rename('f', 'd/g')
    await provider.pwrite(moved, shared('ONE'), 0)
    const into = shared(3)
    await provider.pread(replaced, into, 0)
    expect(new TextDecoder().decode(new Uint8Array(into))).toBe('two')
    await provider.close(moved)
    await provider.close(replaced)
    expect(await textOf(provider, 'd/g')).toBe('ONE')
    expect(await namesOf(provider, '')).toEqual(['directory d'])
    await provider.rename('d/g', 'd/g')
    expect(await textOf(provider, 'd/g')).toBe('ONE')
  })

  test('rename moves a directory with all that is in it, under open handles', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await provider.mkdir('d/sub', 0o777)
    await make(provider, 'd/sub/f', 'deep')
    const handle = await provider.open('d/sub/f', READ_WRITE)
    const { ino } = await provider.lstat('d/sub')
    await provider.mkdir('e', 0o777)
    await provider.rename('d', 'e')
    await provider.pwrite(handle, shared('D'), 0)
    await provider.close(handle)
    expect(await textOf(provider, 'e/sub/f')).toBe('Deep')
    expect((await provider.lstat('e/sub')).ino).toBe(ino)
    expect(await namesOf(provider, '')).toEqual(['directory e'])
  })

  test('rename refuses by POSIX and leaves both names', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await provider.mkdir('full', 0o777)
    await make(provider, 'full/x')
    await make(provider, 'f')
    expect(await codeOf(() => provider.rename('none', 'x'))).toBe('ENOENT')
    expect(await codeOf(() => provider.rename('f', 'no/where'))).toBe('ENOENT')
    expect(await codeOf(() => provider.rename('f', 'd'))).toBe('EISDIR')
    expect(await codeOf(() => provider.rename('d', 'f'))).toBe('ENOTDIR')
    expect(await codeOf(() => provider.rename('d', 'full'))).toBe('ENOTEMPTY')
    expect(await codeOf(() => provider.rename('full', 'full/y'))).toBe('EINVAL')
    expect(await codeOf(() => provider.rename('', 'y'))).toBe('EBUSY')
    expect(await codeOf(() => provider.rename('d', ''))).toBe('EBUSY')
    expect(await namesOf(provider, '')).toEqual(['directory d', 'directory full', 'file f'])
  })
}

export function links(mounted: Mounted): void {
  test('hard links name one file, or are ENOTSUP', async () => {
    const provider = mounted()
    await make(provider, 'f', 'one')
    if (!provider.capabilities.hardLinks) {
      expect(await codeOf(() => provider.link('f', 'g'))).toBe('ENOTSUP')
      return
    }
    await provider.mkdir('d', 0o777)
    await provider.link('f', 'd/g')
    const [one, other] = [await provider.lstat('f'), await provider.lstat('d/g')]
    expect([one.nlink, other.nlink, other.ino === one.ino]).toEqual([2, 2, true])
    expect(await codeOf(() => provider.link('f', 'd/g'))).toBe('EEXIST')
    expect(await codeOf(() => provider.link('d', 'e'))).toBe('EPERM')
    expect(await codeOf(() => provider.link('none', 'e'))).toBe('ENOENT')
    await provider.unlink('f')
    expect(await textOf(provider, 'd/g')).toBe('one')
  })

  test('symlinks are stored and never followed, or are ENOTSUP', async () => {
    const provider = mounted()
    if (!provider.capabilities.symlinks) {
      expect(await codeOf(() => provider.symlink('f', 's'))).toBe('ENOTSUP')
      await make(provider, 'f')
      expect(await codeOf(() => provider.readlink('f'))).toBe('EINVAL')
      return
    }
    await provider.mkdir('d', 0o777)
    await make(provider, 'd/f', 'inside')
    for (const [path, target] of [
      ['toFile', 'd/f'],
      ['toDirectory', 'd'],
      ['dangling', 'nowhere'],
      ['absolute', '/etc'],
      ['up', '../..'],
    ] as const) {
      await provider.symlink(target, path)
      expect(await provider.readlink(path)).toBe(target)
      expect((await provider.lstat(path)).type).toBe('symlink')
      expect(await codeOf(() => provider.open(path, READ_ONLY))).toBe('ELOOP')
      expect(await codeOf(() => provider.open(path, CREATE))).toBe('ELOOP')
      expect(await codeOf(() => provider.open(path, { ...CREATE, exclusive: true }))).toBe('EEXIST')
      expect(await codeOf(() => provider.lstat(`${path}/f`))).toBe('ELOOP')
      expect(await codeOf(() => provider.open(`${path}/passwd`, READ_ONLY))).toBe('ELOOP')
      expect(await codeOf(() => provider.readdir(path))).toBe('ELOOP')
      expect(await codeOf(() => provider.mkdir(`${path}/new`, 0o777))).toBe('ELOOP')
    }
    expect(await codeOf(() => provider.readlink('d/f'))).toBe('EINVAL')
    expect(await codeOf(() => provider.symlink('x', 'up'))).toBe('EEXIST')
    await provider.unlink('toFile')
    expect(await textOf(provider, 'd/f')).toBe('inside')
  })
}

export function identity(mounted: Mounted): void {
  const inoOf = async (path: string) => (await mounted().lstat(path)).ino

  test('an inode number is the file: rename and reopening keep it, another file has another', async () => {
    const provider = mounted()
    await make(provider, 'f')
    await make(provider, 'other')
    const ino = await inoOf('f')
    const handle = await provider.open('f', READ_ONLY)
    expect((await provider.stat(handle)).ino).toBe(ino)
    await provider.rename('f', 'g')
    expect([await inoOf('g'), (await provider.stat(handle)).ino]).toEqual([ino, ino])
    expect(await inoOf('other')).not.toBe(ino)
    await provider.unlink('g')
    await make(provider, 'g')
    expect(await inoOf('g')).not.toBe(ino) // the old file still lives through the handle
  })

  test('stat by handle and by path agree', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abc')
    const handle = await provider.open('f', READ_ONLY)
    const pick = ({ type, ino, size, nlink, mode }: FileStat) => ({ type, ino, size, nlink, mode })
    const stat = pick(await provider.stat(handle))
    expect(stat).toEqual(pick(await provider.lstat('f')))
    expect([stat.type, stat.size, stat.nlink]).toEqual(['file', 3, 1])
    expect((await provider.lstat('')).type).toBe('directory')
  })

  test('a write moves the modification time, and opening again keeps it', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abc')
    const handle = await provider.open('f', READ_WRITE)
    const { mtimeNs: before } = await provider.stat(handle)
    await pause(30) // longer than any store's step of time
    await provider.pwrite(handle, shared('X'), 0)
    const { mtimeNs: after } = await provider.stat(handle)
    expect(after).toBeGreaterThan(before)
    await provider.sync(handle, false)
    await provider.close(handle)
    const again = await provider.open('f', READ_ONLY)
    const { mtimeNs } = await provider.stat(again)
    expect(mtimeNs).toBeGreaterThan(before)
    expect((await provider.lstat('f')).mtimeNs).toBe(mtimeNs)
    await provider.close(again)
  })

  test('a new file has the mode it was given, where modes are stored', async () => {
    const provider = mounted()
    await provider.close(await provider.open('f', { ...CREATE, mode: 0o600 }))
    const { mode } = await provider.lstat('f')
    expect(mode).toBe(provider.capabilities.permissions ? 0o600 : 0o666)
  })

  times(mounted)
}

function times(mounted: Mounted): void {
  test('times are set to the microsecond, one at a time, or are ENOTSUP', async () => {
    const provider = mounted()
    await make(provider, 'f')
    const [first, second] = [1_600_000_000_123_456_000n, 1_700_000_000_000_000_000n]
    if (!provider.capabilities.times) {
      expect(await codeOf(() => provider.utimes('f', first, second))).toBe('ENOTSUP')
      return
    }
    await provider.utimes('f', first, second)
    await provider.utimes('f', null, first)
    await provider.utimes('f', second, null)
    const { atimeNs, mtimeNs } = await provider.lstat('f')
    // Deno keeps milliseconds when it sets times.
    expect(Number(atimeNs - second) / 1e6).toBeCloseTo(0, 0)
    expect(Number(mtimeNs - first) / 1e6).toBeCloseTo(0, 0)
    await provider.utimes('f', -5_000_000_000n, -86_400_000_000_000n) // before 1970
    const before = await provider.lstat('f')
    expect([before.atimeNs, before.mtimeNs]).toEqual([-5_000_000_000n, -86_400_000_000_000n])
    expect(await codeOf(() => provider.utimes('none', first, first))).toBe('ENOENT')
  })

  test('times of what is open are set under whatever name or none, where that can be done', async () => {
    const provider = mounted()
    if (!provider.futimes) return
    await make(provider, 'f')
    const handle = await provider.open('f', READ_WRITE)
    await provider.unlink('f')
    await provider.futimes(handle, 1_600_000_000_000_000_000n, null)
    await provider.futimes(handle, null, 1_700_000_000_000_000_000n)
    const { atimeNs, mtimeNs } = await provider.stat(handle)
    expect([atimeNs, mtimeNs]).toEqual([1_600_000_000_000_000_000n, 1_700_000_000_000_000_000n])
    await provider.close(handle)
    expect(await codeOf(() => provider.futimes?.(handle, null, null))).toBe('EBADF')
  })
}
