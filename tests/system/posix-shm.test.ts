/** SEMANTICS: POSIX shared memory. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boot, FD, type Kernel, MAP, O, PROT, type Process } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { Store } from '../support/store.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096
const RW = O.CREAT | O.RDWR

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  const inodes = kernel.stats().inodes
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats().inodes).toBe(inodes)
  }
})
afterAll(() => kernel.close())

/** A process that is not root; the test ends it. */
function user(uid: number, gid = uid): Process {
  const made = kernel.process({ uid, gid })
  return made
}

/** Makes an object of one byte `value` a page. */
function make(by: Process, name: string, pages: number, value: number, mode = 0o600): number {
  const fd = by.shm_open(name, RW | O.EXCL, mode)
  by.ftruncate(fd, pages * PAGE)
  by.pwrite(fd, new Uint8Array(pages * PAGE).fill(value), 0)
  return fd
}

describe('names', () => {
  test.for([
    '/',
    '',
    '//',
    '/a/b',
    'a/b',
    '/a/',
    '/.',
    '/..',
  ])('%j is EINVAL; to unlink it, ENOENT', (name) => {
    expect(outcome(() => p.shm_open(name, RW))).toBe('EINVAL')
    expect(outcome(() => p.shm_unlink(name))).toBe('ENOENT')
  })

  test('255 bytes fit, 256 are ENAMETOOLONG, the slash not counted', () => {
    for (const letter of ['x', 'é']) {
      const bytes = new TextEncoder().encode(letter).length
      const fits = letter.repeat(Math.floor(255 / bytes)) + 'x'.repeat(255 % bytes)
      p.close(p.shm_open(`/${fits}`, RW))
      expect(outcome(() => p.shm_open(`/${fits}x`, RW))).toBe('ENAMETOOLONG')
      expect(outcome(() => p.shm_unlink(`/${fits}x`))).toBe('ENAMETOOLONG')
      p.shm_unlink(fits)
    }
  })

  test('the leading slash may be left out, or doubled: it is the same object', () => {
    p.close(make(p, '/same', 1, 7))
    for (const name of ['same', '//same']) {
      expect(outcome(() => p.shm_open(name, RW | O.EXCL))).toBe('EEXIST')
    }
    p.shm_unlink('same')
    expect(outcome(() => p.shm_open('/same', O.RDWR))).toBe('ENOENT')
  })

  test('stand in no directory that can be seen, whatever is mounted on /', async () => {
    await using other = await boot({ memory: '8MiB', mounts: { '/': new Store() } })
    const q = other.process()
    q.close(make(q, '/hidden', 1, 1))
    expect(q.readdir(q.open('/', O.RDONLY)).map(({ name }) => name)).not.toContain('hidden')
    expect(outcome(() => q.stat('/hidden'))).toBe('ENOENT')
    q.shm_unlink('/hidden')
    q.exit()
  })

  test('a name with NUL, or that is no text, is refused before anything is done', () => {
    expect(() => p.shm_open('/a\0b', RW)).toThrow(RangeError)
    expect(() => p.shm_open(3 as unknown as string, RW)).toThrow(TypeError)
    expect(() => p.shm_unlink(undefined as unknown as string)).toThrow(TypeError)
  })
})

describe('shm_open', () => {
  test('O_CREAT makes an object of size 0 once; without it a name that is not there is ENOENT', () => {
    expect(outcome(() => p.shm_open('/o', O.RDWR))).toBe('ENOENT')
    const fd = p.shm_open('/o', RW)
    expect(p.fstat(fd).size).toBe(0)
    p.ftruncate(fd, 100)
    expect(p.fstat(p.shm_open('/o', RW)).size).toBe(100)
    p.shm_unlink('/o')
  })

  test('O_CREAT|O_EXCL on a name that is there is EEXIST; O_EXCL alone is ignored', () => {
    p.shm_open('/e', RW | O.EXCL)
    expect(outcome(() => p.shm_open('/e', RW | O.EXCL))).toBe('EEXIST')
    expect(p.shm_open('/e', O.RDWR | O.EXCL)).toBe(1)
    p.shm_unlink('/e')
  })

  test('gives the lowest free descriptor, with FD_CLOEXEC set', () => {
    const other = p.open('/f', RW)
    expect(p.fcntl(other, 1)).toBe(0)
    p.close(other)
    const fd = p.shm_open('/c', RW)
    expect(fd).toBe(other)
    expect(p.fcntl(fd, 1)).toBe(FD.CLOEXEC)
    p.shm_unlink('/c')
    p.unlink('/f')
  })

  test('an object has the permissions asked for less umask, and the ids of who made it', () => {
    const maker = user(10, 20)
    maker.umask(0o027)
    const fd = maker.shm_open('/m', RW, 0o666)
    const { mode, uid, gid } = maker.fstat(fd)
    expect([mode & 0o7777, uid, gid]).toEqual([0o640, 10, 20])
    maker.umask(0)
    expect(maker.fstat(maker.shm_open('/n', RW, 0o7755)).mode & 0o7777).toBe(0o755)
    maker.shm_unlink('/m')
    maker.shm_unlink('/n')
    maker.exit()
  })

  test('O_TRUNC makes it empty, with O_RDONLY too; its mappings are SIGBUS then', () => {
    const fd = make(p, '/t', 2, 5)
    const map = p.mmap({ fd, length: 2 * PAGE })
    for (const flags of [O.RDWR, O.RDONLY]) {
      p.ftruncate(fd, 2 * PAGE)
      p.shm_open('/t', flags | O.TRUNC)
      expect(p.fstat(fd).size).toBe(0)
      expect(outcome(() => map.read(0, 1))).toBe('SIGBUS')
    }
    p.ftruncate(fd, PAGE)
    expect(map.read(0, 1)).toEqual(new Uint8Array(1))
    p.shm_unlink('/t')
  })

  test('O_TRUNC without permission to write is EACCES, with nothing truncated', () => {
    const fd = make(p, '/r', 1, 5, 0o444)
    const reader = user(5)
    expect(outcome(() => reader.shm_open('/r', O.RDONLY | O.TRUNC))).toBe('EACCES')
    expect(p.fstat(fd).size).toBe(PAGE)
    reader.exit()
    p.shm_unlink('/r')
  })

  test('without an access mode, or as a directory or path, is EINVAL', () => {
    expect(outcome(() => p.shm_open('/a', O.CREAT))).toBe('EINVAL')
    expect(outcome(() => p.shm_open('/a', RW | O.DIRECTORY))).toBe('EINVAL')
    expect(outcome(() => p.shm_open('/a', RW | O.PATH))).toBe('EINVAL')
    expect(outcome(() => p.shm_unlink('/a'))).toBe('ENOENT')
  })

  test('with all descriptors in use is EMFILE, and makes no object', () => {
    p.setrlimit(7, 1)
    p.open('/', O.RDONLY)
    expect(outcome(() => p.shm_open('/full', RW))).toBe('EMFILE')
    expect(outcome(() => p.shm_unlink('/full'))).toBe('ENOENT')
  })
})

describe('permissions', () => {
  const WAYS = { read: O.RDONLY, write: O.WRONLY, both: O.RDWR }

  test.for([
    { who: 'owner', uid: 10, gid: 99, shift: 6 },
    { who: 'group', uid: 11, gid: 20, shift: 3 },
    { who: 'other', uid: 12, gid: 22, shift: 0 },
  ])('$who has what its three bits say, else EACCES', ({ uid, gid, shift }) => {
    const owner = user(10, 20)
    const caller = user(uid, gid)
    for (const bits of [0, 2, 4, 6]) {
      const fd = owner.shm_open('/p', RW, 0)
      owner.fchmod(fd, bits << shift)
      const may = Object.values(WAYS).map((flags) => outcome(() => caller.shm_open('/p', flags)))
      const allowed = [bits & 4, bits & 2, bits === 6]
      expect(may.map((said) => said !== 'EACCES')).toEqual(allowed.map(Boolean))
      owner.shm_unlink('/p')
    }
    owner.exit()
    caller.exit()
  })

  test('a supplementary group counts; root passes', () => {
    const owner = user(10, 20)
    owner.shm_open('/g', RW, 0o040)
    const member = user(0, 0)
    member.setgroups([20])
    member.seteuid(30)
    expect(outcome(() => member.shm_open('/g', O.RDONLY))).toBe('ok')
    expect(outcome(() => member.shm_open('/g', O.RDWR))).toBe('EACCES')
    expect(p.shm_open('/g', O.RDWR)).toBe(0)
    owner.shm_unlink('/g')
    owner.exit()
    member.exit()
  })

  test('who made an object without permissions has it open all the same', () => {
    const owner = user(10)
    const fd = owner.shm_open('/z', RW, 0)
    owner.ftruncate(fd, PAGE)
    expect(outcome(() => owner.shm_open('/z', O.RDONLY))).toBe('EACCES')
    owner.shm_unlink('/z')
    owner.exit()
  })

  test('only the owner and root unlink: the directory is sticky; others get EACCES, whatever the mode', () => {
    const owner = user(10)
    const other = user(11)
    owner.umask(0)
    owner.shm_open('/s', RW, 0o777)
    expect(outcome(() => other.shm_unlink('/s'))).toBe('EACCES')
    owner.shm_unlink('/s')
    owner.shm_open('/s', RW, 0o777)
    p.shm_unlink('/s')
    owner.exit()
    other.exit()
  })
})

describe('an object', () => {
  test('is the same pages in every process: through mappings, read and write', () => {
    const q = kernel.process()
    const fd = make(p, '/shared', 1, 1)
    const mine = p.mmap({ fd, length: PAGE })
    const hers = q.mmap({ fd: q.shm_open('/shared', O.RDWR), length: PAGE })
    mine.write(10, Uint8Array.of(42))
    expect(hers.read(10, 1)).toEqual(Uint8Array.of(42))
    q.pwrite(0, Uint8Array.of(9), 10)
    expect(mine.read(10, 1)).toEqual(Uint8Array.of(9))
    q.exit()
    p.shm_unlink('/shared')
  })

  test('is the same in another thread', async () => {
    await using thread = await startThread(new URL('../support/process.thread.ts', import.meta.url))
    await thread.call('attach', kernel.handleFor(thread.worker))
    const q = kernel.process()
    await thread.call('join', q.pid)
    const call = (name: string, ...args: unknown[]) =>
      thread.call<{ value: number & { address: number } }>('call', q.pid, name, args)
    const map = p.mmap({ fd: make(p, '/thread', 1, 1), length: PAGE })
    const { value: fd } = await call('shm_open', '/thread', O.RDWR)
    const { value } = await call('mmap', { fd, length: PAGE })
    await call('vmWrite', value.address, Uint8Array.of(77))
    expect(map.read(0, 1)).toEqual(Uint8Array.of(77))
    p.shm_unlink('/thread')
    await thread.call('part', q.pid)
    q.exit()
    await thread.call('leave')
  })

  test('opened read-only is mapped read-only, ftruncate on it is EINVAL', () => {
    make(p, '/ro', 1, 3)
    const fd = p.shm_open('/ro', O.RDONLY)
    expect(outcome(() => p.ftruncate(fd, 0))).toBe('EINVAL')
    expect(outcome(() => p.mmap({ fd, length: PAGE }))).toBe('EACCES')
    const map = p.mmap({ fd, length: PAGE, prot: PROT.READ })
    expect(map.read(0, 1)).toEqual(Uint8Array.of(3))
    expect(outcome(() => p.mprotect(map.address, PAGE, PROT.READ | PROT.WRITE))).toBe('EACCES')
    p.shm_unlink('/ro')
  })

  test('grows by zeros and shrinks: beyond its end a mapping is SIGBUS', () => {
    const fd = make(p, '/grow', 1, 3)
    const map = p.mmap({ fd, length: 2 * PAGE })
    expect(outcome(() => map.read(PAGE, 1))).toBe('SIGBUS')
    p.ftruncate(fd, 2 * PAGE)
    expect(map.read(PAGE, 1)).toEqual(new Uint8Array(1))
    p.ftruncate(fd, 0)
    expect(outcome(() => map.read(0, 1))).toBe('SIGBUS')
    p.shm_unlink('/grow')
  })
})

describe('the life of an object', () => {
  test('outlives its name while mapped, and while open', () => {
    const fd = make(p, '/life', 4, 9)
    const map = p.mmap({ fd, length: 4 * PAGE })
    p.shm_unlink('/life')
    expect(p.fstat(fd).nlink).toBe(0)
    p.close(fd)
    expect(map.read(3 * PAGE, 1)).toEqual(Uint8Array.of(9))
    const again = make(p, '/life', 1, 1)
    expect(map.read(0, 1)).toEqual(Uint8Array.of(9))
    p.munmap(map.address, map.length)
    p.shm_unlink('/life')
    expect(p.pread(again, new Uint8Array(1), 0)).toBe(1)
  })

  test.for([
    'close',
    'munmap',
    'unlink',
    'exit',
  ])('its last user gone by %s gives every frame back', (last) => {
    const q = kernel.process()
    const before = kernel.stats()
    const fd = make(q, '/frames', 64, 9)
    const map = q.mmap({ fd, length: 64 * PAGE })
    const ends = {
      close: () => q.close(fd),
      munmap: () => q.munmap(map.address, map.length),
      unlink: () => q.shm_unlink('/frames'),
    }
    for (const [name, end] of Object.entries(ends)) if (name !== last && last !== 'exit') end()
    expect(before.framesFree - kernel.stats().framesFree).toBeGreaterThanOrEqual(64)
    if (last === 'exit') q.shm_unlink('/frames')
    else ends[last as keyof typeof ends]()
    q.exit()
    const { framesFree, framesCommitted } = kernel.stats()
    expect(framesFree).toBeGreaterThanOrEqual(before.framesFree)
    expect(framesCommitted).toBeLessThanOrEqual(before.framesCommitted)
  })

  test('stays without users while it has its name', () => {
    p.close(make(p, '/stay', 1, 8))
    p.exit()
    p = kernel.process()
    const into = new Uint8Array(1)
    p.pread(p.shm_open('/stay', O.RDONLY), into, PAGE - 1)
    expect(into).toEqual(Uint8Array.of(8))
    p.shm_unlink('/stay')
  })

  test('unlinked twice is ENOENT', () => {
    p.shm_open('/twice', RW)
    p.shm_unlink('/twice')
    expect(outcome(() => p.shm_unlink('/twice'))).toBe('ENOENT')
  })

  test('private mappings of it keep their stores to themselves', () => {
    const fd = make(p, '/private', 1, 1)
    const map = p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE })
    map.write(0, Uint8Array.of(5))
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect(into).toEqual(Uint8Array.of(1))
    p.shm_unlink('/private')
  })

  test('more pages than there is memory: ftruncate succeeds, a store without a frame is SIGBUS, a write ENOSPC', () => {
    const fd = p.shm_open('/sparse', RW)
    p.ftruncate(fd, 64 * 1024 * 1024)
    const chunk = new Uint8Array(65536)
    let said = 'ok'
    for (let at = 0; at < 64 * 1024 * 1024 && said === 'ok'; at += chunk.length) {
      said = outcome(() => p.pwrite(fd, chunk, at))
    }
    expect(said).toBe('ENOSPC')
    const map = p.mmap({ fd, length: 64 * 1024 * 1024 })
    expect(outcome(() => map.write(map.length - PAGE, Uint8Array.of(1)))).toBe('SIGBUS')
    p.shm_unlink('/sparse')
  })
})

test('the promise forms do the same', async () => {
  const fd = await p.promises.shm_open('/promise', RW)
  expect(p.fstat(fd).size).toBe(0)
  await p.promises.shm_unlink('/promise')
  await expect(p.promises.shm_open('/promise', O.RDWR)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('an error says the call and the name', () => {
  expect(() => p.shm_open('/none', O.RDONLY)).toThrow(
    expect.objectContaining({ code: 'ENOENT', syscall: 'shm_open', path: '/none' }),
  )
})
