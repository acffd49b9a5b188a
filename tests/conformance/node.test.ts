/** `disk` conforms, stays inside its mount, syncs for real and caches nothing. Not in browsers: no node:fs. */

import { describe, expect, test } from 'vitest'
import { CREATE, make, READ_ONLY, READ_WRITE, shared, textOf } from './fixture.ts'
import { codeOf, inBrowser, inDeno } from './runtime.ts'
import { conformance } from './suite.ts'

if (inBrowser) {
  describe.skip('disk: a browser has no node:fs', () => test('conforms', () => {}))
} else {
  const { descriptorsBelow, temporaryDirectory, fs, path, openDisk, foreignWrite } = await import(
    './disk.ts'
  )
  conformance('disk', async () => {
    const dir = temporaryDirectory()
    return { provider: await openDisk(dir), end: () => fs.rmSync(dir, { recursive: true }) }
  })

  conformance('disk without /proc', async () => {
    const dir = temporaryDirectory()
    const provider = await openDisk(dir, { walk: 'plain' })
    return { provider, end: () => fs.rmSync(dir, { recursive: true }) }
  })

  describe('disk', () => {
    test('a spec makes a provider in this thread, and the directory must exist', async () => {
      const { disk, instantiate, mountOf } = await import('../../dist/src/providers/specs.js')
      const dir = temporaryDirectory()
      const provider = await instantiate(structuredClone(mountOf(disk(dir))))
      await make(provider, 'f', 'by spec')
      expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe('by spec')
      await provider.dispose?.()
      expect(await codeOf(() => instantiate(mountOf(disk(path.join(dir, 'none')))))).toBe('ENOENT')
      expect(await codeOf(() => instantiate(mountOf(disk(path.join(dir, 'f')))))).toBe('ENOTDIR')
    })

    test('a file: URL names the directory too', async () => {
      const { pathToFileURL } = await import('node:url')
      const dir = temporaryDirectory()
      const provider = await openDisk(pathToFileURL(dir).href)
      await make(provider, 'f')
      expect(fs.readdirSync(dir)).toEqual(['f'])
    })
  })

  describe('disk and what is not its own', () => {
    test('a foreign writer of the same file is seen by the next read', async () => {
      const dir = temporaryDirectory()
      const provider = await openDisk(dir)
      await make(provider, 'f', 'ours')
      const handle = await provider.open('f', READ_WRITE)
      const into = shared(8)
      expect(await provider.pread(handle, into, 0)).toBe(4)
      foreignWrite(path.join(dir, 'f'), 'theirs!')
      expect(await provider.pread(handle, into, 0)).toBe(7)
      expect(new TextDecoder().decode(new Uint8Array(into.subarray(0, 7)))).toBe('theirs!')
      expect((await provider.stat(handle)).size).toBe(7)
      fs.truncateSync(path.join(dir, 'f'), 2)
      expect(await provider.pread(handle, into, 0)).toBe(2)
    })

    test('a read-only mount refuses every change with EROFS', async () => {
      const dir = temporaryDirectory()
      fs.writeFileSync(path.join(dir, 'f'), 'kept')
      const provider = await openDisk(dir, { readonly: true })
      const changes: (() => unknown)[] = [
        () => provider.open('f', READ_WRITE),
        () => provider.open('g', CREATE),
        () => provider.open('f', { ...READ_ONLY, truncate: true }),
        () => provider.mkdir('d', 0o777),
        () => provider.rmdir('d'),
        () => provider.unlink('f'),
        () => provider.rename('f', 'g'),
        () => provider.link('f', 'g'),
        () => provider.symlink('f', 'g'),
        () => provider.utimes('f', 0n, 0n),
      ]
      for (const change of changes) expect(await codeOf(change)).toBe('EROFS')
      expect(await textOf(provider, 'f')).toBe('kept')
      const handle = await provider.open('f', READ_ONLY)
      expect(await codeOf(() => provider.pwrite(handle, shared('x'), 0))).toBe('EBADF')
    })

    test('a descriptor of the host that the mount did not open is EBADF', async () => {
      const dir = temporaryDirectory()
      const provider = await openDisk(dir)
      const foreign = fs.openSync(path.join(dir, 'secret'), 'w+')
      fs.writeSync(foreign, 'secret')
      expect(await codeOf(() => provider.pread(foreign, shared(6), 0))).toBe('EBADF')
      expect(await codeOf(() => provider.close(foreign))).toBe('EBADF')
      fs.fstatSync(foreign)
      fs.closeSync(foreign)
    })

    test('a fifo neither blocks nor opens: ENXIO', async () => {
      const { execFileSync } = await import('node:child_process')
      const dir = temporaryDirectory()
      execFileSync('mkfifo', [path.join(dir, 'fifo')])
      const provider = await openDisk(dir)
      expect(await codeOf(() => provider.open('fifo', READ_ONLY))).toBe('ENXIO')
      expect(await codeOf(() => provider.open('fifo', READ_WRITE))).toBe('ENXIO')
      expect((await provider.lstat('fifo')).type).toBe('other')
    })
  })

  describe('disk handles', () => {
    test('offsets beyond 4 GiB keep their digits', async () => {
      const provider = await openDisk(temporaryDirectory())
      const handle = await provider.open('f', CREATE)
      const at = 2 ** 33 + 123_457
      await provider.pwrite(handle, shared('far'), at)
      expect((await provider.stat(handle)).size).toBe(at + 3)
      const into = shared(4)
      expect(await provider.pread(handle, into, at)).toBe(3)
      expect(await provider.pread(handle, into, 0)).toBe(4)
      expect([...into]).toEqual([0, 0, 0, 0])
    })

    test('dispose closes every handle, and what waited for a sync of names', async () => {
      const dir = temporaryDirectory()
      const provider = await openDisk(dir)
      for (const name of ['a', 'b', 'c']) await provider.open(name, CREATE)
      // The root, three files, and the directory whose names changed.
      if (fs.existsSync('/proc/self/fd')) expect(descriptorsBelow(dir)).toHaveLength(5)
      await provider.dispose?.()
      expect(descriptorsBelow(dir)).toEqual([])
      expect(await codeOf(() => provider.lstat('a'))).toBe('EBADF')
    })

    test.skipIf(inDeno)(
      'a handle of one thread works in the others (Deno: owner only)',
      async () => {
        const { startThread } = await import('../support/thread.ts')
        const { disk, instantiate, mountOf } = await import('../../dist/src/providers/specs.js')
        const dir = temporaryDirectory()
        const mount = mountOf(disk(dir))
        const provider = await instantiate(mount)
        await using thread = await startThread(new URL('./provider.thread.ts', import.meta.url))
        await thread.call('mount', mount)
        const { value: handle } = await thread.call<{ value: number }>('call', 'open', 'f', CREATE)
        expect(await provider.pwrite(handle, shared('across'), 0)).toBe(6)
        await provider.sync(handle, false)
        expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe('across')
        await provider.close(handle)
        const closed = await thread.call<{ code: string }>('call', 'stat', handle)
        expect(closed.code).toBe('EBADF')
      },
    )
  })
}
