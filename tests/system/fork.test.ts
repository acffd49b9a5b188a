/** SEMANTICS: fork. */

import { describe, expect, test } from 'vitest'
import {
  F,
  FD,
  LOCK,
  MADV,
  MAP,
  MCL,
  O,
  PROT,
  type Process,
  RLIMIT,
  SEEK,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import {
  beginFamilies,
  byteOf,
  fork,
  kernel,
  PAGE,
  p,
  put,
  RW,
  SHARED,
} from '../support/families.ts'
import { Store } from '../support/store.ts'

beginFamilies({ mounts: { '/m': new Store() } })

describe('the address space of a child', () => {
  test('MAP_SHARED|MAP_ANONYMOUS is the same memory in parent and child', () => {
    const map = p.mmap({ length: 4 * PAGE, flags: SHARED })
    map.write(0, Uint8Array.of(1))
    const child = fork(p)
    put(child, map.address, 2)
    put(child, map.address + 3 * PAGE, 3)
    expect(map.read(0, 1)).toEqual(Uint8Array.of(2))
    expect(map.read(3 * PAGE, 1)).toEqual(Uint8Array.of(3))
    map.write(PAGE, Uint8Array.of(9))
    expect(byteOf(child, map.address + PAGE)).toBe(9)
    child.exit()
  })

  test('private stores of each reach nobody else, before and after the other exits', () => {
    const map = p.mmap({ length: 4 * PAGE })
    for (let page = 0; page < 4; page++) map.write(page * PAGE, Uint8Array.of(10 + page))
    const child = fork(p)
    put(child, map.address, 20)
    map.write(PAGE, Uint8Array.of(31))
    expect(map.read(0, 1)).toEqual(Uint8Array.of(10))
    expect(byteOf(child, map.address + PAGE)).toBe(11)
    child.exit()
    expect(map.read(0, 1)).toEqual(Uint8Array.of(10))
    map.write(2 * PAGE, Uint8Array.of(42))
    expect(map.read(3 * PAGE, 1)).toEqual(Uint8Array.of(13))
  })

  test('pages that nobody had touched are zeros of its own', () => {
    const map = p.mmap({ length: 2 * PAGE })
    const child = fork(p)
    map.write(0, Uint8Array.of(1))
    expect(byteOf(child, map.address)).toBe(0)
    put(child, map.address + PAGE, 5)
    expect(map.read(PAGE, 1)).toEqual(Uint8Array.of(0))
    child.exit()
  })

  test('pages that are only read stay one frame for both; a store takes one frame, the last owner none', () => {
    const map = p.mmap({ length: 64 * PAGE })
    map.write(0, new Uint8Array(64 * PAGE).fill(1))
    const before = kernel.stats().framesFree
    const child = fork(p)
    child.vmRead(map.address, new Uint8Array(64 * PAGE))
    expect(before - kernel.stats().framesFree).toBeLessThan(16)
    const shared = kernel.stats().framesFree
    put(child, map.address, 2)
    expect(kernel.stats().framesFree).toBe(shared - 1)
    map.write(0, Uint8Array.of(3))
    expect(kernel.stats().framesFree).toBe(shared - 1)
    child.exit()
    map.write(0, new Uint8Array(64 * PAGE).fill(4))
    expect(kernel.stats().framesFree).toBe(before)
  })
})

describe('mapped files of a child', () => {
  test.for([
    '/f',
    '/m/f',
  ])('private mappings of %s show later writes to it until they are stored to, in both', (path) => {
    const fd = p.open(path, O.CREAT | O.RDWR)
    p.pwrite(fd, new Uint8Array(2 * PAGE).fill(1), 0)
    const map = p.mmap({ fd, length: 2 * PAGE, flags: MAP.PRIVATE })
    map.write(PAGE, Uint8Array.of(50))
    const child = fork(p)
    p.pwrite(fd, new Uint8Array(2 * PAGE).fill(2), 0)
    expect([byteOf(child, map.address), byteOf(child, map.address + PAGE)]).toEqual([2, 50])
    put(child, map.address, 60)
    p.pwrite(fd, new Uint8Array(2 * PAGE).fill(3), 0)
    expect([byteOf(child, map.address), byteOf(p, map.address)]).toEqual([60, 3])
    child.exit()
    p.unlink(path)
  })

  test.for(['/f', '/m/f'])('shared mappings of %s are the file, in both', (path) => {
    const fd = p.open(path, O.CREAT | O.RDWR)
    p.ftruncate(fd, PAGE)
    const map = p.mmap({ fd, length: PAGE })
    const child = fork(p)
    put(child, map.address, 60)
    expect(byteOf(p, map.address)).toBe(60)
    child.msync(map.address, PAGE)
    child.exit()
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect(into).toEqual(Uint8Array.of(60))
    p.unlink(path)
  })
})

describe('the mappings of a child', () => {
  test('has the same mappings at the same addresses with the same rights, and its own from then on', () => {
    const a = p.mmap({ length: 2 * PAGE })
    const b = p.mmap({ length: PAGE, prot: PROT.READ, flags: SHARED })
    const c = p.mmap({ length: PAGE, prot: PROT.NONE })
    a.write(0, Uint8Array.of(1))
    const child = fork(p)
    const shape = (process: Process) =>
      process.maps().map(({ start, end, prot }) => [start, end, prot])
    expect(shape(child)).toEqual(shape(p))
    expect(outcome(() => put(child, b.address, 1))).toBe('SIGSEGV')
    expect(outcome(() => byteOf(child, c.address))).toBe('SIGSEGV')
    child.mprotect(a.address, PAGE, PROT.NONE)
    child.munmap(a.address + PAGE, PAGE)
    const more = child.mmap({ addr: 0xa000_0000, length: PAGE })
    expect(byteOf(p, a.address)).toBe(1)
    expect(byteOf(p, a.address + PAGE)).toBe(0)
    expect(outcome(() => byteOf(p, more.address))).toBe('SIGSEGV')
    child.exit()
  })
})

describe('what one does to its address space', () => {
  test('mprotect that gives the right to write back does not bring the shared page back', () => {
    const map = p.mmap({ length: PAGE })
    map.write(0, Uint8Array.of(1))
    const child = fork(p)
    p.mprotect(map.address, PAGE, PROT.READ)
    p.mprotect(map.address, PAGE, RW)
    map.write(0, Uint8Array.of(2))
    expect(byteOf(child, map.address)).toBe(1)
    child.exit()
  })

  test('mremap and MADV_DONTNEED of one leave the pages of the other', () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.write(0, new Uint8Array(2 * PAGE).fill(7))
    const child = fork(p)
    child.madvise(map.address, PAGE, MADV.DONTNEED)
    const moved = child.mremap(map.address + PAGE, PAGE, 4 * PAGE)
    put(child, moved, 8)
    expect([...map.read(0, 1), ...map.read(PAGE, 1)]).toEqual([7, 7])
    expect([byteOf(child, map.address), byteOf(child, moved)]).toEqual([0, 8])
    child.exit()
  })

  test('a private page past the new end of a file goes in both, and reads 0 after it grows again', () => {
    const fd = p.open('/end', O.CREAT | O.RDWR)
    p.ftruncate(fd, 2 * PAGE)
    const map = p.mmap({ fd, length: 2 * PAGE, flags: MAP.PRIVATE })
    map.write(PAGE, Uint8Array.of(5))
    const child = fork(p)
    p.ftruncate(fd, PAGE)
    expect(outcome(() => byteOf(child, map.address + PAGE))).toBe('SIGBUS')
    p.ftruncate(fd, 2 * PAGE)
    expect([byteOf(child, map.address + PAGE), byteOf(p, map.address + PAGE)]).toEqual([0, 0])
    child.exit()
    p.unlink('/end')
  })
})

describe('host views', () => {
  test("the parent's bytes keep their page, the child has what they were at the fork", () => {
    const map = p.mmap({ length: 4 * PAGE })
    const { bytes } = map
    bytes.fill(1)
    const child = fork(p)
    bytes.fill(2)
    expect(byteOf(child, map.address)).toBe(1)
    expect(map.read(PAGE, 1)).toEqual(Uint8Array.of(2))
    map.write(0, Uint8Array.of(3))
    expect(bytes[0]).toBe(3)
    put(child, map.address, 4)
    expect(bytes[0]).toBe(3)
    child.exit()
    expect(bytes[PAGE]).toBe(2)
  })

  test('bytes taken after the fork, in either, are its own', () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.write(0, new Uint8Array(2 * PAGE).fill(1))
    const child = fork(p)
    const theirs = child.view(map.address, 2 * PAGE)
    theirs.fill(9)
    expect(map.bytes[0]).toBe(1)
    map.bytes.fill(5)
    expect([theirs[0], byteOf(child, map.address)]).toEqual([9, 9])
    child.exit()
  })

  test('bytes of shared memory are the same in both', () => {
    const map = p.mmap({ length: PAGE, flags: SHARED })
    const { bytes } = map
    const child = fork(p)
    put(child, map.address, 6)
    expect(bytes[0]).toBe(6)
    expect(child.view(map.address, PAGE).byteOffset).toBe(bytes.byteOffset)
    child.exit()
  })
})

describe('what else a child inherits', () => {
  test('descriptors: the same numbers, FD_CLOEXEC too, and the same open description', () => {
    const fd = p.open('/fds', O.CREAT | O.RDWR)
    const other = p.open('/fds', O.RDONLY | O.CLOEXEC)
    p.write(fd, new Uint8Array(10))
    const child = fork(p)
    expect([child.fcntl(fd, F.GETFD), child.fcntl(other, F.GETFD)]).toEqual([0, FD.CLOEXEC])
    child.lseek(fd, 3, SEEK.SET)
    expect(p.lseek(fd, 0, SEEK.CUR)).toBe(3)
    child.close(fd)
    expect(p.lseek(fd, 0, SEEK.CUR)).toBe(3)
    expect(child.open('/fds', O.RDONLY)).toBe(fd)
    child.exit()
    p.unlink('/fds')
  })

  test('a flock, which goes when the last of both has closed it; fcntl locks are not inherited', () => {
    const fd = p.open('/lock', O.CREAT | O.RDWR)
    p.flock(fd, LOCK.EX)
    p.fcntl(fd, F.SETLK, { type: F.WRLCK, start: 0, length: 10 })
    const child = fork(p)
    expect(outcome(() => child.fcntl(fd, F.SETLK, { type: F.WRLCK, start: 5, length: 1 }))).toBe(
      'EAGAIN',
    )
    expect(child.fcntl(fd, F.GETLK, { type: F.RDLCK })).toMatchObject({ pid: p.pid })
    const q = kernel.process()
    const theirs = q.open('/lock', O.RDWR)
    p.close(fd)
    expect(child.fcntl(fd, F.GETLK, { type: F.RDLCK })).toBeNull()
    expect(outcome(() => q.flock(theirs, LOCK.EX | LOCK.NB))).toBe('EAGAIN')
    child.close(fd)
    expect(outcome(() => q.flock(theirs, LOCK.EX | LOCK.NB))).toBe('ok')
    q.exit()
    child.exit()
    p.unlink('/lock')
  })
})

describe('what a process is', () => {
  test('working directory, umask, credentials, groups, limits; its parent is who forked it', () => {
    p.mkdir('/dir')
    p.chdir('/dir')
    p.umask(0o077)
    p.setgroups([7])
    p.setrlimit(RLIMIT.NOFILE, 10)
    p.setrlimit(RLIMIT.AS, 1 << 24)
    p.setgid(5)
    p.setuid(6)
    const child = fork(p)
    expect(child.getcwd()).toBe('/dir')
    expect(child.umask(0)).toBe(0o077)
    expect(p.umask(0o077)).toBe(0o077)
    expect([child.getuid(), child.geteuid(), child.getgid(), child.getegid()]).toEqual([6, 6, 5, 5])
    expect(child.getrlimit(RLIMIT.NOFILE)).toBe(10)
    expect(child.getrlimit(RLIMIT.AS)).toBe(1 << 24)
    expect(child.getppid()).toBe(p.pid)
    child.chdir('/')
    expect(p.getcwd()).toBe('/dir')
    child.exit()
    p.exit()
    const root = kernel.process()
    root.rmdir('/dir')
    root.exit()
  })
})

describe('what a child does not inherit, and shares', () => {
  test('no memory locks, and no MCL_FUTURE', () => {
    const map = p.mmap({ length: 4 * PAGE })
    p.mlockall(MCL.CURRENT | MCL.FUTURE)
    const child = fork(p)
    expect(outcome(() => p.madvise(map.address, PAGE, MADV.DONTNEED))).toBe('EINVAL')
    expect(outcome(() => child.madvise(map.address, PAGE, MADV.DONTNEED))).toBe('ok')
    const more = child.mmap({ length: PAGE })
    expect(outcome(() => child.madvise(more.address, PAGE, MADV.DONTNEED))).toBe('ok')
    child.exit()
  })

  test('named semaphores are open in the child, at the same address, until each has closed them', () => {
    const sem = p.sem_open('/inherited', O.CREAT, 0o600, 1)
    const child = fork(p)
    expect(child.sem_open('/inherited')).toBe(sem)
    child.sem_close(sem)
    child.sem_wait(sem)
    expect(outcome(() => p.sem_trywait(sem))).toBe('EAGAIN')
    child.sem_close(sem)
    expect(outcome(() => child.sem_close(sem))).toBe('EINVAL')
    p.sem_close(sem)
    p.sem_unlink('/inherited')
  })

  test('POSIX shared memory: descriptor and mapping, beyond its name', () => {
    const fd = p.shm_open('/forked', O.CREAT | O.RDWR)
    p.ftruncate(fd, PAGE)
    const map = p.mmap({ fd, length: PAGE })
    const child = fork(p)
    p.shm_unlink('/forked')
    p.exit()
    put(child, map.address, 3)
    const into = new Uint8Array(1)
    child.pread(fd, into, 0)
    expect(into).toEqual(Uint8Array.of(3))
    child.exit()
  })
})
