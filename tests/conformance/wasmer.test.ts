/** `wasmer` conforms over @wasmer/wasi, and what the package does wrong is pinned. */

import { MemFS, WASI } from '@wasmer/wasi'
import { beforeAll, describe, expect, test } from 'vitest'
import { FILE_BYTES_MAX, wasmer } from '../../dist/src/providers/wasmer.js'
import { CREATE, make, READ_WRITE, shared, textOf } from './fixture.ts'
import { codeOf, inBrowser } from './runtime.ts'
import { conformance } from './suite.ts'
import { OFLAGS, READ, sharedMemory, type WasiCaller, WRITE } from './wasi-caller.ts'
import { bareInitFailure, startWasmer, wasmerGuest } from './wasmer-guest.ts'

beforeAll(startWasmer)

const text = (value: string) => new TextEncoder().encode(value)

conformance('wasmer over an instance', async () => {
  await startWasmer()
  return { provider: wasmer(new WASI({ preopens: { '/': '/' } })), end: () => {} }
})

describe('wasmer', () => {
  test('takes a MemFS, and a directory in it as its root', async () => {
    const memfs = new MemFS()
    memfs.createDir('/mount')
    const provider = wasmer(memfs, '/mount/')
    await make(provider, 'f', 'inside')
    expect(memfs.readDir('/mount').map((entry) => entry.path)).toEqual(['/mount/f'])
    expect(await codeOf(() => wasmer(memfs, '/none'))).toBe('ENOENT')
    expect(await codeOf(() => wasmer(memfs, '/mount/f'))).toBe('ENOTDIR')
  })

  test('a file past the limit is EFBIG and the file stays', async () => {
    const provider = wasmer(new MemFS())
    const handle = await provider.open('f', CREATE)
    await provider.pwrite(handle, shared('kept'), 0)
    expect(await codeOf(() => provider.truncate(handle, FILE_BYTES_MAX + 1))).toBe('EFBIG')
    expect(await codeOf(() => provider.pwrite(handle, shared('x'), FILE_BYTES_MAX))).toBe('EFBIG')
    await provider.close(handle)
    expect(await textOf(provider, 'f')).toBe('kept')
  })

  test('a guest of the instance sees what was synced, with its size', async () => {
    const { guest, wasi, root } = wasmerGuest()
    const provider = wasmer(wasi)
    const handle = await provider.open('f', CREATE)
    await provider.pwrite(handle, shared('for the guest'), 0)
    await provider.sync(handle, false)
    const { value: fd } = await guest.open(root, 'f', 0, READ)
    expect((await guest.pread(fd as number, [64], 0n)).value).toEqual([...text('for the guest')])
    expect((await guest.filestat(fd as number)).value?.size).toBe(13n)
  })

  test('what a guest wrote is seen at the next open', async () => {
    const { guest, wasi, root } = wasmerGuest()
    const provider = wasmer(wasi)
    await make(provider, 'f', 'ours')
    const first = await provider.open('f', READ_WRITE)
    const { value: fd } = await guest.open(root, 'f', OFLAGS.truncate, READ | WRITE)
    await guest.pwrite(fd as number, [text('theirs')], 0n)
    expect(await textOf(provider, 'f')).toBe('theirs')
    const into = shared(8)
    expect(await provider.pread(first, into, 0)).toBe(6)
    expect((await provider.lstat('f')).size).toBe(6)
    const { mtimeNs } = await provider.stat(first)
    const { value: again } = await guest.open(root, 'f', OFLAGS.truncate, READ | WRITE)
    await guest.pwrite(again as number, [text('THEIRS')], 0n)
    await provider.close(await provider.open('f', READ_WRITE))
    expect((await provider.stat(first)).mtimeNs).toBeGreaterThan(mtimeNs)
  })
})

async function opened(name: string, content: string) {
  const { guest, root, wasi } = wasmerGuest()
  const { value } = await guest.open(root, name, OFLAGS.create, READ | WRITE)
  const fd = value as number
  if (content) await guest.pwrite(fd, [text(content)], 0n)
  return { guest, root, fd, wasi }
}
const read = async (guest: WasiCaller, fd: number) =>
  new TextDecoder().decode(new Uint8Array((await guest.pread(fd, [64], 0n)).value ?? []))

/** Each of these is a reason for moving whole files; when one fails the package was mended. */
describe('@wasmer/wasi 1.2.2 has these traps', () => {
  test('fd_pwrite inserts instead of overwriting', async () => {
    const { guest, fd } = await opened('f', 'abcdef')
    await guest.pwrite(fd, [text('XY')], 0n)
    expect(await read(guest, fd)).toBe('XYabcdef')
  })

  test('a hole is compacted away', async () => {
    const { guest, fd } = await opened('f', 'ab')
    await guest.pwrite(fd, [text('Z')], 10n)
    expect(await read(guest, fd)).toBe('abZ')
  })

  test('filestat says 0 until the size is set', async () => {
    const { guest, fd } = await opened('f', 'abcdef')
    expect((await guest.filestat(fd)).value?.size).toBe(0n)
    await guest.setSize(fd, 6n)
    expect((await guest.filestat(fd)).value?.size).toBe(6n)
  })

  test('closing one descriptor breaks the others on the file', async () => {
    const { guest, fd, root } = await opened('f', 'abcdef')
    const { value: other } = await guest.open(root, 'f', 0, READ)
    await guest.close(fd)
    expect((await guest.pread(other as number, [6], 0n)).errno).not.toBe(0)
  })

  test('the preopen "/" is descriptor 4', async () => {
    const { guest } = await opened('f', '')
    expect((await guest.open(4, 'f', 0, READ)).errno).toBe(0)
    expect((await guest.open(3, 'f', 0, READ)).errno).not.toBe(0)
  })

  test('a MemFS is consumed by the instance that takes it', () => {
    const memfs = new MemFS()
    const wasi = new WASI({ preopens: { '/': '/' }, fs: memfs })
    expect(() => memfs.readDir('/')).toThrow()
    expect(wasi.fs.readDir('/')).toEqual([])
  })

  test('a directory is made twice, and lost when it moves into itself', () => {
    const memfs = new MemFS()
    memfs.createDir('/d')
    memfs.createDir('/d')
    expect(memfs.readDir('/').map((entry) => entry.path)).toEqual(['/d', '/d'])
    const other = new MemFS()
    other.createDir('/d')
    other.rename('/d', '/d/e')
    expect(other.readDir('/')).toEqual([])
  })

  test('a size of 2 GiB traps, and the instance with it', async () => {
    const { guest, fd } = await opened('f', '')
    await expect(guest.setSize(fd, 2n ** 31n)).rejects.toThrow(WebAssembly.RuntimeError)
    await expect(guest.setSize(fd, 1n)).rejects.toThrow(WebAssembly.RuntimeError)
  })

  test('only a real Instance starts', () => {
    const pretended = { exports: { memory: sharedMemory(), _start() {} } } as never
    expect(() => new WASI({}).start(pretended)).toThrow('WebAssembly.Instance')
  })

  test('a bare init() wants Buffer, which browsers lack', () => {
    expect(bareInitFailure.includes('Buffer')).toBe(inBrowser)
  })

  test('a memory of 65,536 pages is refused with EFAULT, one of 65,535 works', async () => {
    const EFAULT = 21
    for (const [pages, errno] of [
      [65_536, EFAULT],
      [65_535, 0],
    ] as const) {
      const { guest, root } = wasmerGuest(pages)
      expect((await guest.makeDirectory(root, 'd')).errno).toBe(errno)
    }
  })
})
