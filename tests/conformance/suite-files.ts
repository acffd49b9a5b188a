/** What every provider owes for open files: bytes, flags, handles. */

import { expect, test } from 'vitest'
import {
  AS_DIRECTORY,
  CREATE,
  type Mounted,
  make,
  READ_ONLY,
  READ_WRITE,
  shared,
  textOf,
} from './fixture.ts'
import { codeOf } from './runtime.ts'

export function bytes(mounted: Mounted): void {
  test('reads back what was written, through views over shared memory', async () => {
    const provider = mounted()
    const handle = await provider.open('f', CREATE)
    expect(await provider.pwrite(handle, shared('hello'), 0)).toBe(5)
    const into = shared(8)
    expect(await provider.pread(handle, into, 0)).toBe(5)
    expect([...into]).toEqual([...new TextEncoder().encode('hello'), 0, 0, 0])
  })

  test('overwrites in place and keeps the size', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abcdefgh')
    const handle = await provider.open('f', READ_WRITE)
    await provider.pwrite(handle, shared('XY'), 3)
    expect((await provider.stat(handle)).size).toBe(8)
    await provider.close(handle)
    expect(await textOf(provider, 'f')).toBe('abcXYfgh')
  })

  test('a hole reads as zeros', async () => {
    const provider = mounted()
    const handle = await provider.open('f', CREATE)
    await provider.pwrite(handle, shared('z'), 10_000)
    const into = shared(10_001).fill(0xee)
    expect(await provider.pread(handle, into, 0)).toBe(10_001)
    expect(into.subarray(0, 10_000).every((byte) => byte === 0)).toBe(true)
    expect(into[10_000]).toBe(122)
  })

  test('reads short at the end of the file and nothing past it', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abc')
    const handle = await provider.open('f', READ_ONLY)
    expect(await provider.pread(handle, shared(9), 1)).toBe(2)
    expect(await provider.pread(handle, shared(9), 3)).toBe(0)
    expect(await provider.pread(handle, shared(9), 2 ** 40)).toBe(0)
  })

  test('truncate cuts, and grows with zeros', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abcdef')
    const handle = await provider.open('f', READ_WRITE)
    await provider.truncate(handle, 2)
    await provider.truncate(handle, 5)
    const into = shared(9).fill(0xee)
    expect(await provider.pread(handle, into, 0)).toBe(5)
    expect([...into.subarray(0, 5)]).toEqual([97, 98, 0, 0, 0])
  })
}

export function sharing(mounted: Mounted): void {
  test('two handles on one file see the same bytes at once', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abcdef')
    const [one, other] = [
      await provider.open('f', READ_WRITE),
      await provider.open('f', READ_WRITE),
    ]
    await provider.pwrite(one, shared('Z'), 0)
    const into = shared(1)
    await provider.pread(other, into, 0)
    expect(into[0]).toBe(90)
    await provider.truncate(other, 3)
    expect((await provider.stat(one)).size).toBe(3)
    await provider.close(one)
    expect(await provider.pread(other, into, 2)).toBe(1)
  })

  test('sync and a data-only sync succeed on files and on directories', async () => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    const handle = await provider.open('d/f', CREATE)
    await provider.pwrite(handle, shared('durable'), 0)
    await provider.sync(handle, true)
    await provider.rename('d/f', 'g')
    await provider.sync(handle, false)
    const directory = await provider.open('d', AS_DIRECTORY)
    await provider.sync(directory, false)
    expect(await textOf(provider, 'g')).toBe('durable')
  })
}

export function opening(mounted: Mounted): void {
  test('create makes a file, exclusive refuses one that is there with EEXIST', async () => {
    const provider = mounted()
    await make(provider, 'f', 'kept')
    await make(provider, 'f')
    expect(await textOf(provider, 'f')).toBe('kept')
    expect(await codeOf(() => provider.open('f', { ...CREATE, exclusive: true }))).toBe('EEXIST')
    await provider.close(await provider.open('g', { ...CREATE, exclusive: true }))
  })

  test('truncate empties the file; without write it is EINVAL', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abc')
    expect(await codeOf(() => provider.open('f', { ...READ_ONLY, truncate: true }))).toBe('EINVAL')
    await provider.close(await provider.open('f', { ...READ_WRITE, truncate: true }))
    expect(await textOf(provider, 'f')).toBe('')
  })

  test('a name that is not there is ENOENT, below a file ENOTDIR', async () => {
    const provider = mounted()
    await make(provider, 'f')
    expect(await codeOf(() => provider.open('nothing', READ_WRITE))).toBe('ENOENT')
    expect(await codeOf(() => provider.open('no/where', CREATE))).toBe('ENOENT')
    expect(await codeOf(() => provider.open('f/x', CREATE))).toBe('ENOTDIR')
    expect(await codeOf(() => provider.lstat('f/x'))).toBe('ENOTDIR')
  })

  test('directory demands a directory; a directory opens for reading only', async () => {
    const provider = mounted()
    await make(provider, 'f')
    await provider.mkdir('d', 0o777)
    expect(await codeOf(() => provider.open('f', AS_DIRECTORY))).toBe('ENOTDIR')
    expect(await codeOf(() => provider.open('d', READ_WRITE))).toBe('EISDIR')
    expect(await codeOf(() => provider.open('d', CREATE))).toBe('EISDIR')
    expect(await codeOf(() => provider.open('x', { ...AS_DIRECTORY, create: true }))).toBe('EINVAL')
    for (const path of ['d', '']) {
      const handle = await provider.open(path, AS_DIRECTORY)
      expect((await provider.stat(handle)).type).toBe('directory')
      expect(await codeOf(() => provider.pread(handle, shared(4), 0))).toBe('EISDIR')
      await provider.close(handle)
    }
  })
}

export function handles(mounted: Mounted): void {
  test('a handle does only what it was opened for', async () => {
    const provider = mounted()
    await make(provider, 'f', 'abc')
    const reader = await provider.open('f', READ_ONLY)
    expect(await codeOf(() => provider.pwrite(reader, shared('x'), 0))).toBe('EBADF')
    expect(await codeOf(() => provider.truncate(reader, 0))).toBe('EINVAL')
    const writer = await provider.open('f', { ...READ_WRITE, read: false })
    expect(await codeOf(() => provider.pread(writer, shared(1), 0))).toBe('EBADF')
    await provider.pwrite(writer, shared('X'), 0)
    await provider.close(writer)
    expect(await textOf(provider, 'f')).toBe('Xbc')
  })

  test('a closed handle, and one that never was, is EBADF for every call', async () => {
    const provider = mounted()
    const handle = await provider.open('f', CREATE)
    await provider.close(handle)
    for (const wrong of [handle, 99_999, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(await codeOf(() => provider.pread(wrong, shared(1), 0))).toBe('EBADF')
      expect(await codeOf(() => provider.pwrite(wrong, shared(1), 0))).toBe('EBADF')
      expect(await codeOf(() => provider.truncate(wrong, 0))).toBe('EBADF')
      expect(await codeOf(() => provider.sync(wrong, false))).toBe('EBADF')
      expect(await codeOf(() => provider.stat(wrong))).toBe('EBADF')
      expect(await codeOf(() => provider.close(wrong))).toBe('EBADF')
    }
  })
}
