/** Mounts through the host's API: a real store below, written back, and its failures told. */

import { describe, expect, test } from 'vitest'
import { boot, custom, type Kernel, MS, O, opfs, type Process } from '../../dist/src/index.js'
import type { MountedSpec } from '../../dist/src/providers/provider.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { codeOf, inBrowser } from '../conformance/runtime.ts'
import { LEFT, SHARED_BYTES, UNDER_WAY } from '../support/counting.provider.ts'
import { ALLOWED, ASKED, type LateOptions } from '../support/late.provider.ts'
import { pause } from '../support/pause.ts'
import { Store } from '../support/store.ts'
import { importing, startThread } from '../support/thread.ts'

const encode = (text: string) => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

interface Below {
  mount(): Promise<Kernel>
  /** A file's bytes, as the system below has them. */
  read(name: string): Promise<string>
}

async function diskStore(): Promise<Below> {
  const { disk } = await import('../../dist/src/index.js')
  const { temporaryDirectory, fs, path } = await import('../conformance/disk.ts')
  const dir = temporaryDirectory()
  return {
    mount: () => boot({ memory: '32MiB', mounts: { '/data': disk(dir) } }),
    read: async (name) => fs.readFileSync(path.join(dir, name), 'utf8'),
  }
}

async function opfsStore(): Promise<Below> {
  const dir = `host-mounts-${crypto.randomUUID()}`
  return {
    mount: () => boot({ memory: '32MiB', mounts: { '/data': opfs(dir) } }),
    async read(name) {
      const root = await navigator.storage.getDirectory()
      const file = await (await root.getDirectoryHandle(dir)).getFileHandle(name)
      return (await file.getFile()).text()
    },
  }
}

const store = inBrowser ? opfsStore : diskStore

describe('a mounted store', () => {
  test('msync makes a store through a mapping durable', async () => {
    const { mount, read } = await store()
    await using kernel = await mount()
    const p = kernel.process()
    const fd = await p.promises.open('/data/f', O.CREAT | O.RDWR)
    await p.promises.ftruncate(fd, 10)
    const map = await p.promises.mmap({ fd, length: 10 })
    await map.promises.write(2, encode('mapped'))
    await map.promises.sync()
    expect((await kernel.process().promises.stat('/data/f')).size).toBe(10)
    await p.promises.close(fd)
    await map.promises.unmap()
    await kernel.close()
    expect(await read('f')).toBe('\0\0mapped\0\0')
  })

  test('a thread attaches when cached pages have taken all memory', async () => {
    const { mount } = await store()
    await using kernel = await mount()
    const p = kernel.process()
    const fd = await p.promises.open('/data/large', O.CREAT | O.RDWR)
    const chunk = new Uint8Array(2 ** 20)
    for (let at = 0; at < 48; at++) await p.promises.pwrite(fd, chunk, at * chunk.length)
    await p.promises.fsync(fd)
    for (let at = 0; kernel.stats().framesFree > 32; at++) {
      await p.promises.pread(fd, chunk, (at % 48) * chunk.length)
    }
    await using thread = await startThread(new URL('./user.thread.ts', import.meta.url))
    expect(await thread.call('attach', kernel.handle, p.pid)).toBe(p.pid)
  })

  test('a store through bytes is found, and written by close()', async () => {
    const { mount, read } = await store()
    const kernel = await mount()
    const p = kernel.process()
    const fd = await p.promises.open('/data/g', O.CREAT | O.RDWR)
    await p.promises.write(fd, encode('0123456789'))
    const map = await p.promises.mmap({ fd, length: 10 })
    const bytes = await map.promises.bytes()
    expect(decode(bytes.slice())).toBe('0123456789')
    bytes[3] = 0x78
    await kernel.close()
    expect(await read('g')).toBe('012x456789')
  })

  test('what is dirty is written in time, without a call', async () => {
    const { mount, read } = await store()
    await using kernel = await mount()
    const p = kernel.process()
    const fd = await p.promises.open('/data/h', O.CREAT | O.RDWR)
    await p.promises.ftruncate(fd, 5)
    const map = await p.promises.mmap({ fd, length: 5 })
    await map.promises.write(0, encode('later'))
    await map.promises.sync({ flags: MS.ASYNC })
    const written = async () =>
      inBrowser ? kernel.stats().dirtyPages === 0 : (await read('h')) === 'later'
    while (!(await written())) await pause(20)
  })

  test('a mounted file is read where it lies', async () => {
    const { mount } = await store()
    {
      await using kernel = await mount()
      const p = kernel.process()
      const fd = await p.promises.open('/data/again', O.CREAT | O.RDWR)
      await p.promises.write(fd, encode('written before'))
    }
    await using kernel = await mount()
    const p = kernel.process()
    const fd = await p.promises.open('/data/again', O.RDONLY)
    const map = await p.promises.mmap({ fd, length: 14, prot: 1 })
    expect(decode(await map.promises.read(0, 14))).toBe('written before')
    const dir = await p.promises.open('/data', O.RDONLY)
    expect((await p.promises.readdir(dir)).map(({ name }) => name)).toContain('again')
  })
})

test.skipIf(inBrowser)('a directory that is not there fails the boot', async () => {
  const { disk } = await import('../../dist/src/index.js')
  expect(await codeOf(() => boot({ mounts: { '/d': disk('/none/such') } }))).toBe('ENOENT')
})

test.skipIf(inBrowser)('synchronous calls reach the disk too', async () => {
  const { mount, read } = await store()
  await using kernel = await mount()
  const p = kernel.process()
  const fd = p.open('/data/sync', O.CREAT | O.RDWR)
  p.write(fd, encode('now'))
  p.fsync(fd)
  expect(await read('sync')).toBe('now')
  p.unlink('/data/sync')
  await expect(read('sync')).rejects.toThrow('ENOENT')
})

/** A mount of which every thread has an instance, and a thread that can make one. */
const counting = custom(
  new URL('../support/counting.provider.ts', import.meta.url),
  {},
  'any',
  SHARED_BYTES,
)
const user = importing(new URL('./user.thread.ts', import.meta.url))

test('instances of a mount share memory with each other, and with no other mount', async () => {
  await using kernel = await boot({ memory: '16MiB', mounts: { '/a': counting, '/b': counting } })
  const p = kernel.process()
  expect(p.stat('/a/instances').size).toBe(1)
  await using thread = await startThread(user)
  await thread.call('attach', kernel.handle, p.pid)
  expect([p.stat('/a/instances').size, p.stat('/b/instances').size]).toEqual([2, 2])
  await thread.call('leave')
})

test('a mount is let go once no thread uses it', async () => {
  const mounts = { '/a': counting }
  const kernel = await boot({ memory: '16MiB', mounts, stallMs: 60_000 })
  const words = new Int32Array((kernel.handle.mounts[0] as MountedSpec).shared)
  await using thread = await startThread(user)
  await thread.call('attach', kernel.handle)
  const call = thread.call('call', 'stat', '/a/slow')
  let answered = false
  void call.then(() => (answered = true))
  while (Atomics.load(words, UNDER_WAY) === 0 && !answered) await pause(1)
  await kernel.close()
  expect(words[LEFT]).toBe(1)
  await call
})

test('sync makes names durable too, of the mounts where any changed, and tries again what failed', async () => {
  const [below, other] = [new Store(), new Store()]
  const plan: FaultRule[] = [{ op: 'sync', nth: 1, effect: { error: 'EIO' } }]
  const mounts = { '/a': faulty(below, plan), '/b': other }
  await using kernel = await boot({ memory: '16MiB', mounts })
  const p = kernel.process()
  await p.promises.close(await p.promises.open('/a/f', O.CREAT | O.RDWR))
  expect(await codeOf(() => kernel.sync())).toBe('EIO')
  expect([below.syncs, other.syncs]).toEqual([0, 0])
  await kernel.sync()
  await kernel.sync()
  expect([below.syncs, other.syncs]).toEqual([1, 0])
})

test('times before 1970 come to the provider as they are', async () => {
  const below = new Store()
  await using kernel = await boot({ memory: '16MiB', mounts: { '/m': below } })
  const p = kernel.process()
  p.close(p.open('/m/f', O.CREAT | O.RDWR))
  p.utimens('/m/f', { atimeMs: -1000, mtimeMs: -5000.5 })
  expect(below.lstat('f')).toMatchObject({ atimeNs: -1_000_000_000n, mtimeNs: -5_000_500_000n })
  expect(p.stat('/m/f')).toMatchObject({ atimeMs: -1000, mtimeMs: -5000.5 })
})

test.each([-1, 0.5, 'much'])('a mount cannot share %j bytes', (sharedBytes) => {
  expect(() => custom('data:text/javascript,', {}, 'any', sharedBytes as number)).toThrow(
    'sharedBytes must be an integer from 0',
  )
})

describe('a provider that answers late', () => {
  async function start(op: LateOptions['op'], acts: LateOptions['acts']) {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const module = new URL('../support/late.provider.ts', import.meta.url)
    const late = custom(module, { op, acts, words } satisfies LateOptions)
    const kernel = await boot({ memory: '16MiB', mounts: { '/m': late } })
    return { kernel, words, promises: kernel.process().promises }
  }

  const asked = async (words: Int32Array) => {
    while (Atomics.load(words, ASKED) === 0) await pause(1)
  }

  async function content({ promises }: Process, path: string): Promise<string> {
    const fd = await promises.open(path, O.RDONLY)
    const into = new Uint8Array(100)
    const count = await promises.read(fd, into)
    await promises.close(fd)
    return decode(into.subarray(0, count))
  }

  test('an open sees what was written and closed since the provider told it the size', async () => {
    const { kernel, words, promises } = await start('stat', 'first')
    await using _ = kernel
    const opening = promises.open('/m/f', O.CREAT | O.RDWR | O.APPEND)
    await asked(words)
    const other = await promises.open('/m/f', O.RDWR)
    await promises.write(other, encode('before, '))
    await promises.fsync(other)
    await promises.close(other)
    Atomics.store(words, ALLOWED, 1)
    const fd = await opening
    expect((await promises.fstat(fd)).size).toBe(8)
    await promises.write(fd, encode('after'))
    await promises.close(fd)
    expect(await content(kernel.process(), '/m/f')).toBe('before, after')
  })

  test('a file that gets a second name while its first one goes stays one file', async () => {
    const { kernel, words, promises } = await start('unlink', 'last')
    await using _ = kernel
    const fd = await promises.open('/m/a', O.CREAT | O.RDWR)
    await promises.write(fd, encode('unwritten'))
    const unlinking = promises.unlink('/m/a')
    await asked(words)
    await promises.link('/m/a', '/m/b')
    Atomics.store(words, ALLOWED, 1)
    await unlinking
    const again = await promises.open('/m/b', O.RDWR)
    expect((await promises.fstat(again)).size).toBe(9)
    await promises.close(fd)
    await promises.close(again)
    expect(await content(kernel.process(), '/m/b')).toBe('unwritten')
  })
})
