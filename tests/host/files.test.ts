/** File calls through the host's API: what each gives back, on the kernel's own tree. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  boot,
  F,
  FALLOC_FL,
  FD,
  type Kernel,
  LOCK,
  O,
  type Process,
  RLIMIT,
  S,
  SEEK,
} from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
})
afterAll(async () => {
  kernel.check()
  await kernel.close()
})

const encode = (text: string) => new TextEncoder().encode(text)

function make(path: string, text = ''): number {
  const fd = p.open(path, O.CREAT | O.RDWR | O.TRUNC)
  p.write(fd, encode(text))
  return fd
}

function textOf(fd: number): string {
  const into = new Uint8Array(p.fstat(fd).size)
  p.pread(fd, into, 0)
  return new TextDecoder().decode(into)
}

test('write and read move the offset, pread and pwrite do not', () => {
  const fd = make('/offset', 'hello')
  expect(p.lseek(fd, 0, SEEK.CUR)).toBe(5)
  p.pwrite(fd, encode('J'), 0)
  expect(p.lseek(fd, -2, SEEK.END)).toBe(3)
  const into = new Uint8Array(10)
  expect(p.read(fd, into)).toBe(2)
  expect(p.read(fd, into)).toBe(0)
  expect(textOf(fd)).toBe('Jello')
})

test('reads and writes of many pieces come whole', () => {
  const fd = make('/big')
  const data = Uint8Array.from({ length: 200_001 }, (_, index) => index % 253)
  expect(p.write(fd, data)).toBe(data.length)
  const into = new Uint8Array(data.length + 7)
  expect(p.pread(fd, into, 0)).toBe(data.length)
  expect(into.subarray(0, data.length)).toEqual(data)
})

test('stat, lstat and fstat tell type, size, times and links', () => {
  const before = Date.now() - 1000
  const fd = make('/stat', 'four')
  p.link('/stat', '/stat2')
  p.symlink('stat', '/stat3')
  const stat = p.stat('/stat3')
  expect(stat).toEqual(p.fstat(fd))
  expect(stat.size).toBe(4)
  expect(stat.nlink).toBe(2)
  expect(stat.mode & S.IFMT).toBe(S.IFREG)
  expect(stat.mtimeMs).toBeGreaterThan(before)
  expect(p.lstat('/stat3').mode & S.IFMT).toBe(S.IFLNK)
  expect(p.readlink('/stat3')).toBe('stat')
})

test('a directory lists what is in it, with types', () => {
  p.mkdir('/dir')
  make('/dir/file')
  p.mkdir('/dir/sub')
  p.symlink('file', '/dir/link')
  const fd = p.open('/dir', O.RDONLY | O.DIRECTORY)
  const found = p.readdir(fd).map(({ name, type }) => `${type} ${name}`)
  expect(found.sort()).toEqual(['directory sub', 'file file', 'symlink link'])
  expect(p.readdir(fd).length).toBe(3)
})

test('a directory of thousands lists each once', () => {
  p.mkdir('/many')
  const names = Array.from({ length: 3000 }, (_, index) => `name-that-is-rather-long-${index}`)
  for (const name of names) p.close(p.open(`/many/${name}`, O.CREAT | O.RDWR))
  const listed = p.readdir(p.open('/many', O.RDONLY)).map(({ name }) => name)
  expect(listed.sort()).toEqual(names.sort())
})

test('names change: rename, unlink, rmdir, and the errors name the path', async () => {
  p.close(make('/old', 'kept'))
  p.rename('/old', '/new')
  expect(() => p.stat('/old')).toThrow(
    expect.objectContaining({
      code: 'ENOENT',
      path: '/old',
      message: expect.stringContaining("'/old'"),
    }),
  )
  expect(() => p.rename('/old', '/other')).toThrow(
    expect.objectContaining({ code: 'ENOENT', path: '/old', dest: '/other' }),
  )
  p.unlink('/new')
  p.mkdir('/gone')
  p.rmdir('/gone')
  expect(await codeOf(() => p.rmdir('/gone'))).toBe('ENOENT')
})

test('the working directory is where relative paths begin', () => {
  const q = kernel.process()
  q.mkdir('/work')
  q.chdir('/work')
  q.close(q.open('here', O.CREAT | O.RDWR))
  expect(q.getcwd()).toBe('/work')
  expect(p.stat('/work/here').size).toBe(0)
  q.fchdir(q.open('/', O.RDONLY))
  expect(q.getcwd()).toBe('/')
  q.exit()
})

test('mode, owner and times are set', () => {
  const fd = make('/mode')
  p.fchmod(fd, 0o640)
  p.chown('/mode', 5, 6)
  p.fchown(fd, -1, 7)
  p.utimens('/mode', { atimeMs: 1000, mtimeMs: new Date(2000) })
  p.futimens(fd, { atimeMs: 3000 })
  expect(p.stat('/mode')).toMatchObject({ uid: 5, gid: 7, atimeMs: 3000, mtimeMs: 2000 })
  expect(p.stat('/mode').mode & 0o7777).toBe(0o640)
  p.chmod('/mode', 0o400)
  p.access('/mode', 4)
})

test('the umask is taken from the mode of what is made', () => {
  const q = kernel.process()
  expect(q.umask(0o077)).toBe(0o022)
  q.close(q.open('/masked', O.CREAT | O.RDWR, 0o666))
  expect(q.stat('/masked').mode & 0o777).toBe(0o600)
  q.exit()
})

test('permissions hold for who is not root', async () => {
  const user = kernel.process({ uid: 1000, gid: 1000 })
  p.close(make('/secret'))
  p.chmod('/secret', 0o600)
  expect(await codeOf(() => user.open('/secret', O.RDONLY))).toBe('EACCES')
  expect([user.getuid(), user.getegid(), user.getppid()]).toEqual([1000, 1000, 0])
  expect(await codeOf(() => user.setuid(0))).toBe('EPERM')
  user.exit()
  const root = kernel.process()
  root.seteuid(1000)
  expect(await codeOf(() => root.open('/secret', O.RDONLY))).toBe('EACCES')
  root.seteuid(0)
  root.close(root.open('/secret', O.RDONLY))
  root.exit()
})

test('truncate, ftruncate and fallocate set sizes', () => {
  const fd = make('/size', 'abcdef')
  p.ftruncate(fd, 3)
  expect(textOf(fd)).toBe('abc')
  p.truncate('/size', 5)
  expect(textOf(fd)).toBe('abc\0\0')
  p.fallocate(fd, 0, 0, 9000)
  expect(p.fstat(fd).size).toBe(9000)
  p.fallocate(fd, FALLOC_FL.PUNCH_HOLE | FALLOC_FL.KEEP_SIZE, 0, 4096)
  expect(p.fstat(fd).size).toBe(9000)
})

test('descriptors are copied, and flags are kept by descriptor and by description', async () => {
  const fd = make('/dup', 'x')
  const copy = p.dup(fd)
  p.lseek(fd, 0, SEEK.SET)
  expect(p.lseek(copy, 0, SEEK.CUR)).toBe(0)
  expect(p.dup2(fd, 40, true)).toBe(40)
  expect(p.fcntl(40, F.GETFD)).toBe(FD.CLOEXEC)
  expect(p.fcntl(fd, F.DUPFD, 41)).toBe(41)
  p.fcntl(fd, F.SETFL, O.APPEND)
  expect(Number(p.fcntl(copy, F.GETFL)) & O.APPEND).toBe(O.APPEND)
  for (const each of [fd, copy, 40, 41]) p.close(each)
  expect(await codeOf(() => p.fcntl(40, F.GETFD))).toBe('EBADF')
})

test('locks of two processes stand in each other’s way, and GETLK tells which', async () => {
  const other = kernel.process()
  const [mine, theirs] = [p, other].map((process) => process.open('/locks', O.CREAT | O.RDWR))
  const [a, b] = [mine as number, theirs as number]
  expect(p.fcntl(a, F.SETLK, { type: F.WRLCK, start: 10, length: 5 })).toBe(0)
  expect(await codeOf(() => other.fcntl(b, F.SETLK, { type: F.RDLCK }))).toBe('EAGAIN')
  expect(other.fcntl(b, F.GETLK, { type: F.WRLCK, start: 12 })).toEqual({
    type: F.WRLCK,
    start: 10,
    length: 5,
    pid: p.pid,
  })
  expect(other.fcntl(b, F.GETLK, { type: F.WRLCK, start: 15 })).toBe(null)
  p.flock(a, LOCK.EX)
  expect(await codeOf(() => other.flock(b, LOCK.SH | LOCK.NB))).toBe('EAGAIN')
  p.flock(a, LOCK.UN)
  other.flock(b, LOCK.SH | LOCK.NB)
  other.exit()
})

test('limits are kept, and Infinity is none', async () => {
  const q = kernel.process()
  expect(q.getrlimit(RLIMIT.AS)).toBe(Number.POSITIVE_INFINITY)
  expect(await codeOf(() => q.getrlimit(99))).toBe('EINVAL')
  expect(await codeOf(() => q.setrlimit(99, 1))).toBe('EINVAL')
  q.setrlimit(RLIMIT.AS, 8192)
  expect(await codeOf(() => q.mmap({ length: 8193 }))).toBe('ENOMEM')
  q.setrlimit(RLIMIT.AS, Number.POSITIVE_INFINITY)
  q.mmap({ length: 8193 })
  q.setgroups([1, 2, 3])
  q.exit()
})
