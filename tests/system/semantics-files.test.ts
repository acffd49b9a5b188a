/** SEMANTICS: files and their locks, general rules of calls, processes. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  F,
  FALLOC_FL,
  type Kernel,
  LOCK,
  MAP,
  O,
  type Process,
  SEEK,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { Store } from '../support/store.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096
const { SH, EX, NB, UN } = LOCK

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB', mounts: { '/m': new Store() } })
})
beforeEach(() => {
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
  }
})
afterAll(() => kernel.close())

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)
const RW = O.CREAT | O.RDWR

function bytesAt(fd: number, offset: number, length: number): number[] {
  const into = new Uint8Array(length)
  return [...into.subarray(0, p.pread(fd, into, offset))]
}

describe.each(['/', '/m/'])('files in %s', (root) => {
  test('pwrite from a mapping of the same page works', () => {
    const fd = p.open(`${root}self`, RW)
    p.ftruncate(fd, PAGE)
    const map = p.mmap({ fd, length: PAGE })
    map.write(
      0,
      Uint8Array.from({ length: 100 }, (_, i) => i),
    )
    expect(p.pwrite(fd, map.bytes.subarray(0, 100), 50)).toBe(100)
    expect([...map.read(50, 100)]).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('a write past the end leaves a hole that reads 0', () => {
    const fd = p.open(`${root}hole`, RW | O.TRUNC)
    p.pwrite(fd, fill(1, 1), 3 * PAGE)
    expect(bytesAt(fd, PAGE, 3)).toEqual([0, 0, 0])
    expect(p.fstat(fd).size).toBe(3 * PAGE + 1)
  })

  test('O_APPEND writes at the end, pwrite at its offset all the same', () => {
    const fd = p.open(`${root}append`, RW | O.TRUNC | O.APPEND)
    p.write(fd, fill(3, 1))
    p.lseek(fd, 0, SEEK.SET)
    p.write(fd, fill(2, 2))
    p.pwrite(fd, fill(1, 9), 0)
    expect(bytesAt(fd, 0, 9)).toEqual([9, 1, 1, 2, 2])
  })

  test('read stops at the end, and moves the offset that dup shares', () => {
    const fd = p.open(`${root}offset`, RW | O.TRUNC)
    p.write(fd, fill(10, 4))
    const copy = p.dup(fd)
    p.lseek(fd, 6, SEEK.SET)
    expect(p.read(copy, new Uint8Array(100))).toBe(4)
    expect(p.lseek(fd, 0, SEEK.CUR)).toBe(10)
    expect(p.read(fd, new Uint8Array(1))).toBe(0)
  })

  test('a bad descriptor, or one not open for it, is EBADF', () => {
    const [r, w] = [p.open(`${root}ro`, RW), p.open(`${root}ro`, O.WRONLY)]
    p.close(r)
    const ro = p.open(`${root}ro`, O.RDONLY)
    const said = [
      () => p.read(w, new Uint8Array(1)),
      () => p.write(ro, new Uint8Array(1)),
      () => p.fsync(99),
      () => p.lseek(-1, 0, SEEK.SET),
      () => p.close(99),
    ].map((call) => outcome(() => void call()))
    expect(said).toEqual(new Array(5).fill('EBADF'))
    expect(outcome(() => p.ftruncate(ro, 0))).toBe('EINVAL')
    expect(outcome(() => p.fallocate(ro, 0, 0, 1))).toBe('EBADF')
  })

  test('rename replaces, unlink leaves open files alone, link counts', () => {
    const a = p.open(`${root}ra`, RW | O.TRUNC)
    const b = p.open(`${root}rb`, RW | O.TRUNC)
    p.write(a, fill(1, 1))
    p.write(b, fill(1, 2))
    p.rename(`${root}ra`, `${root}rb`)
    expect(outcome(() => p.open(`${root}ra`, O.RDONLY))).toBe('ENOENT')
    expect([bytesAt(p.open(`${root}rb`, O.RDONLY), 0, 1), bytesAt(b, 0, 1)]).toEqual([[1], [2]])
    p.link(`${root}rb`, `${root}rc`)
    expect(p.fstat(a).nlink).toBe(2)
    p.unlink(`${root}rb`)
    p.unlink(`${root}rc`)
    expect([p.fstat(a).nlink, p.fstat(b).nlink]).toEqual([0, 0])
    expect(bytesAt(a, 0, 1)).toEqual([1])
  })

  test('O_EXCL finds what is there with EEXIST; O_TRUNC empties it', () => {
    const fd = p.open(`${root}excl`, RW)
    p.write(fd, fill(5, 5))
    expect(outcome(() => p.open(`${root}excl`, RW | O.EXCL))).toBe('EEXIST')
    p.open(`${root}excl`, O.RDWR | O.TRUNC)
    expect(p.fstat(fd).size).toBe(0)
  })
})

describe('tmpfs', () => {
  test('SEEK_DATA and SEEK_HOLE find data, holes, and the end', () => {
    const fd = p.open('/seek', RW)
    p.pwrite(fd, fill(PAGE, 1), 2 * PAGE)
    p.ftruncate(fd, 5 * PAGE)
    expect(p.lseek(fd, 0, SEEK.DATA)).toBe(2 * PAGE)
    expect(p.lseek(fd, 0, SEEK.HOLE)).toBe(0)
    expect(p.lseek(fd, 2 * PAGE + 7, SEEK.DATA)).toBe(2 * PAGE + 7)
    expect(p.lseek(fd, 2 * PAGE, SEEK.HOLE)).toBe(3 * PAGE)
    expect(outcome(() => void p.lseek(fd, 3 * PAGE, SEEK.DATA))).toBe('ENXIO')
    expect(outcome(() => void p.lseek(fd, 5 * PAGE, SEEK.HOLE))).toBe('ENXIO')
  })

  test('fallocate extends, keeps the size, or punches a hole', () => {
    const fd = p.open('/fallocate', RW)
    p.fallocate(fd, 0, 0, 3 * PAGE)
    p.fallocate(fd, FALLOC_FL.KEEP_SIZE, 0, 9 * PAGE)
    expect(p.fstat(fd).size).toBe(3 * PAGE)
    p.pwrite(fd, fill(3 * PAGE, 7), 0)
    p.fallocate(fd, FALLOC_FL.KEEP_SIZE | FALLOC_FL.PUNCH_HOLE, 100, 2 * PAGE)
    expect(
      [99, 100, PAGE, 2 * PAGE + 99, 2 * PAGE + 100].map((at) => bytesAt(fd, at, 1)[0]),
    ).toEqual([7, 0, 0, 0, 7])
    expect(outcome(() => p.fallocate(fd, 0, 0, 0))).toBe('EINVAL')
  })

  test('symlinks are followed, read, and told by lstat', () => {
    p.close(p.open('/target', RW))
    p.symlink('target', '/sym')
    expect(p.readlink('/sym')).toBe('target')
    expect(p.stat('/sym').ino).toBe(p.stat('/target').ino)
    expect(p.lstat('/sym').ino).not.toBe(p.stat('/target').ino)
    expect(outcome(() => p.open('/sym', O.RDONLY | O.NOFOLLOW))).toBe('ELOOP')
  })

  test('permissions are POSIX ones for users, and root passes', () => {
    p.umask(0)
    p.close(p.open('/secret', RW, 0o600))
    const user = kernel.process({ uid: 1000, gid: 1000 })
    expect(outcome(() => user.open('/secret', O.RDONLY))).toBe('EACCES')
    p.chmod('/secret', 0o604)
    expect(outcome(() => user.open('/secret', O.RDONLY))).toBe('ok')
    expect(outcome(() => user.open('/secret', O.RDWR))).toBe('EACCES')
    p.chmod('/secret', 0)
    expect(outcome(() => p.open('/secret', O.RDWR))).toBe('ok')
    user.exit()
  })

  test('umask takes bits off new files', () => {
    p.umask(0o077)
    p.close(p.open('/masked', RW, 0o666))
    expect(p.stat('/masked').mode & 0o777).toBe(0o600)
  })
})

describe('flock', () => {
  test('belongs to the open description: dup shares it, another open does not, closing all ends it', () => {
    const [a, b] = [p.open('/flock', RW), p.open('/flock', RW)]
    const copy = p.dup(a)
    p.flock(a, EX | NB)
    expect(outcome(() => p.flock(copy, EX | NB))).toBe('ok')
    expect(outcome(() => p.flock(b, SH | NB))).toBe('EAGAIN')
    p.close(a)
    expect(outcome(() => p.flock(b, SH | NB))).toBe('EAGAIN')
    p.close(copy)
    expect(outcome(() => p.flock(b, SH | NB))).toBe('ok')
  })

  test('shared ones go together; a conversion that may not wait keeps what it had', () => {
    const [a, b, c] = [1, 2, 3].map(() => p.open('/flock', RW)) as [number, number, number]
    p.flock(a, SH)
    p.flock(b, SH)
    expect(outcome(() => p.flock(a, EX | NB))).toBe('EAGAIN')
    p.flock(b, UN)
    expect(outcome(() => p.flock(c, EX | NB))).toBe('EAGAIN')
    expect(outcome(() => p.flock(a, EX | NB))).toBe('ok')
    expect(outcome(() => p.flock(a, 7))).toBe('EINVAL')
  })
})

describe('fcntl locks', () => {
  let q: Process
  let fds: [number, number]
  beforeEach(() => {
    q = kernel.process()
    fds = [p.open('/ranges', RW), q.open('/ranges', RW)]
    return () => q[Symbol.dispose]()
  })
  const set = (who: Process, fd: number, type: number, start: number, length: number) =>
    outcome(() => void who.fcntl(fd, F.SETLK, { type, start, length }))

  test('writers exclude, readers share, by bytes', () => {
    expect(set(p, fds[0], F.WRLCK, 10, 10)).toBe('ok')
    expect(set(q, fds[1], F.RDLCK, 19, 1)).toBe('EAGAIN')
    expect(set(q, fds[1], F.RDLCK, 20, 0)).toBe('ok')
    expect(set(p, fds[0], F.RDLCK, 0, 0)).toBe('ok')
    expect(set(p, fds[0], F.WRLCK, 30, 1)).toBe('EAGAIN')
    expect(set(p, fds[0], F.UNLCK, 12, 2)).toBe('ok')
    expect(set(q, fds[1], F.WRLCK, 12, 2)).toBe('ok')
  })

  test('F_GETLK tells what stands in the way, and whose it is', () => {
    set(p, fds[0], F.WRLCK, 5, 5)
    expect(q.fcntl(fds[1], F.GETLK, { type: F.RDLCK, start: 0, length: 100 })).toEqual({
      type: F.WRLCK,
      start: 5,
      length: 5,
      pid: p.pid,
    })
    expect(q.fcntl(fds[1], F.GETLK, { type: F.RDLCK, start: 10, length: 0 })).toBe(null)
  })

  test('closing any descriptor of the file drops the locks of the process on it', () => {
    set(p, fds[0], F.WRLCK, 0, 0)
    p.close(p.open('/ranges', O.RDONLY))
    expect(set(q, fds[1], F.WRLCK, 0, 0)).toBe('ok')
  })

  test('exit drops them', () => {
    set(q, fds[1], F.WRLCK, 0, 0)
    q.exit()
    expect(set(p, fds[0], F.WRLCK, 0, 0)).toBe('ok')
  })

  test('more of them than a file may have are ENOLCK, with nothing locked; what does not add one is done', () => {
    let count = 0
    while (set(p, fds[0], F.WRLCK, 2 * count, 1) === 'ok') count++
    expect(set(p, fds[0], F.WRLCK, 2 * count, 1)).toBe('ENOLCK')
    expect(count).toBeGreaterThan(1000)
    expect(set(q, fds[1], F.WRLCK, 2 * count, 1)).toBe('ENOLCK')
    expect(set(p, fds[0], F.RDLCK, 0, 1)).toBe('ok')
    expect(set(p, fds[0], F.UNLCK, 2, 1)).toBe('ok')
    expect(set(q, fds[1], F.WRLCK, 2, 1)).toBe('ok')
    expect(set(p, fds[0], F.UNLCK, 0, 0)).toBe('ok')
    expect(set(q, fds[1], F.WRLCK, 0, 0)).toBe('ok')
  })

  test('a lock needs a descriptor open for it', () => {
    expect(set(p, p.open('/ranges', O.RDONLY), F.WRLCK, 0, 1)).toBe('EBADF')
    expect(set(p, p.open('/ranges', O.WRONLY), F.RDLCK, 0, 1)).toBe('EBADF')
  })

  test('a wait in a circle is EDEADLK', async () => {
    set(p, fds[0], F.WRLCK, 0, 1)
    set(q, fds[1], F.WRLCK, 1, 1)
    const wait = (who: Process, fd: number, start: number) =>
      who.promises.fcntl(fd, F.SETLKW, { type: F.WRLCK, start, length: 1 }).then(
        () => 'ok',
        (error: { code: string }) => error.code,
      )
    const waits = [wait(p, fds[0], 1), wait(q, fds[1], 0)]
    expect(await Promise.race(waits)).toBe('EDEADLK')
    set(p, fds[0], F.UNLCK, 0, 1)
    set(q, fds[1], F.UNLCK, 1, 1)
    expect((await Promise.all(waits)).sort()).toEqual(['EDEADLK', 'ok'])
  })
})

describe('processes', () => {
  test('exit releases mappings, descriptors and locks', () => {
    const before = kernel.stats()
    const q = kernel.process()
    const fd = q.open('/exit', RW)
    q.mmap({ length: 64 * PAGE }).write(0, fill(64 * PAGE, 1))
    q.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS }).write(0, fill(1, 1))
    q.flock(fd, EX)
    q.exit()
    const { mappings, processes, objects } = kernel.stats()
    expect({ mappings, processes }).toEqual({
      mappings: before.mappings,
      processes: before.processes,
    })
    expect(objects).toBeLessThanOrEqual(before.objects + 1)
    expect(outcome(() => p.flock(p.open('/exit', O.RDWR), EX | NB))).toBe('ok')
    expect(outcome(() => q.getuid())).toBe('ESRCH')
  })

  test('leave ends a process with its last thread, and no earlier', async () => {
    await using thread = await startThread(new URL('../support/process.thread.ts', import.meta.url))
    await thread.call('attach', kernel.handleFor(thread.worker))
    const before = kernel.stats().processes
    const alone = kernel.process()
    alone.leave()
    expect(outcome(() => alone.getuid())).toBe('ESRCH')
    expect(kernel.stats().processes).toBe(before)
    const both = kernel.process()
    await thread.call('join', both.pid)
    both.leave()
    expect(outcome(() => both.getuid())).toBe('ESRCH')
    expect(await thread.call('call', both.pid, 'getuid', [])).toEqual({ value: 0 })
    await kernel.terminate(thread.worker)
    expect(kernel.stats().processes).toBe(before)
  })

  test('have their own address space and descriptors', () => {
    const q = kernel.process()
    const map = p.mmap({ length: PAGE, addr: 0x9000_0000 })
    map.write(0, fill(1, 7))
    expect(outcome(() => void q.vmRead(map.address, new Uint8Array(1)))).toBe('SIGSEGV')
    const fd = p.open('/own', RW)
    expect(outcome(() => void q.fstat(fd))).toBe('EBADF')
    q.exit()
  })

  test('credentials: a user may not become another, root may', () => {
    const user = kernel.process({ uid: 1000, gid: 1000, parent: p.pid })
    expect([user.getuid(), user.geteuid(), user.getgid(), user.getppid()]).toEqual([
      1000,
      1000,
      1000,
      p.pid,
    ])
    expect(outcome(() => user.setuid(0))).toBe('EPERM')
    const root = kernel.process()
    root.setuid(5)
    expect([root.getuid(), outcome(() => root.setuid(0))]).toEqual([5, 'EPERM'])
    user.exit()
    root.exit()
  })
})
