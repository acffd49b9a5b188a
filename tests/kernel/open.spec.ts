/** What open asks before it gives a descriptor, and the calls on descriptors alone: open. (Tables and offsets are in fd.spec.) */
import {
  AT_FDCWD,
  EACCES,
  EBADF,
  EEXIST,
  EFBIG,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EWOULDBLOCK_PARK,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  FDS_MAX,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
  OFFSET_MAX,
} from '../../assembly/abi'
import { fileAt } from '../../assembly/fd'
import { openFiles } from '../../assembly/file'
import { lock, unlock } from '../../assembly/lock'
import { sysDup, sysDup2, sysFcntl, sysTruncate } from '../../assembly/open'
import { Process } from '../../assembly/process'
import { me } from '../../assembly/thread'
import { enqueue, isQueued, withdraw } from '../../assembly/wait'
import {
  chmod,
  close,
  list,
  mkdir,
  mkfifo,
  open,
  sizeOf,
  stat,
  step,
  symlink,
  unlink,
  write,
} from './support/files'
import { anotherProcess, bootForSpec, process, putText, textAt } from './support/kernel'

bootForSpec()
const user = anotherProcess(1000, 1000)

function truncate(by: Process, path: string, size: u64): i32 {
  const bytes = putText(path, 0)
  return step(sysTruncate(by, AT_FDCWD, textAt(0), bytes, size))
}

function fcntl(fd: i32, command: u32, argument: u32 = 0): i32 {
  return step(sysFcntl(process, fd, command, argument))
}

/** Makes a file of ten bytes. */
function create(path: string): void {
  const fd = open(process, path, O_CREAT | O_RDWR, 0o644)
  write(process, fd, '0123456789')
  close(process, fd)
}

function sizeAt(path: string): i32 {
  assert(stat(process, path) == 0, 'stat')
  return sizeOf()
}

/** Open descriptions before a test. */
let before: u32 = 0

describe('open', () => {
  beforeAll(() => {
    mkdir(process, '/o')
    create('/o/file')
    symlink(process, 'file', '/o/link')
    symlink(process, '/o', '/o/dirlink')
    symlink(process, 'nothing', '/o/dangling')
  })

  beforeEach(() => {
    before = openFiles()
  })

  afterEach(() => {
    assert(openFiles() == before && me().file == 0, 'a description was left')
  })

  it('refuses by the errno of POSIX, with no descriptor and no file made', () => {
    expect(open(process, '/o/file', 0)).toBe(-EINVAL)
    expect(open(process, '/o/new', O_RDWR | O_CREAT | O_DIRECTORY)).toBe(-EINVAL)
    expect(open(process, '/o/link', O_RDWR | O_CREAT | O_EXCL)).toBe(-EEXIST)
    expect(open(process, '/o/dangling', O_RDWR | O_CREAT | O_EXCL)).toBe(-EEXIST)
    expect(open(process, '/o', O_RDONLY | O_CREAT | O_EXCL)).toBe(-EEXIST)
    expect(open(process, '/o/link', O_RDONLY | O_NOFOLLOW)).toBe(-ELOOP)
    expect(open(process, '/o/file', O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR)
    expect(open(process, '/o/link', O_RDONLY | O_DIRECTORY | O_NOFOLLOW)).toBe(-ENOTDIR)
    expect(open(process, '/o/file/', O_RDONLY)).toBe(-ENOTDIR)
    expect(open(process, '/o/file/', O_RDWR | O_CREAT)).toBe(-EISDIR)
    expect(open(process, '/o/link/', O_RDWR | O_CREAT | O_EXCL)).toBe(-EISDIR)
    expect(open(process, '/o/new/', O_RDWR | O_CREAT)).toBe(-EISDIR)
    expect(open(process, '/o/file/new', O_RDWR | O_CREAT)).toBe(-ENOTDIR)
    expect(open(process, '/o', O_RDONLY | O_CREAT)).toBe(-EISDIR)
    expect(open(process, '/o', O_RDONLY | O_TRUNC)).toBe(-EISDIR)
    expect(open(process, '/o', O_WRONLY)).toBe(-EISDIR)
    expect(open(process, '/o/none', O_RDWR)).toBe(-ENOENT)
    expect(open(process, '/o/none/x', O_RDWR | O_CREAT)).toBe(-ENOENT)
    expect(open(user, '/o/new', O_RDWR | O_CREAT)).toBe(-EACCES)
    expect(open(user, '/o/file', O_WRONLY)).toBe(-EACCES)
    process.fdLimit = 0
    expect(open(process, '/o/new', O_RDWR | O_CREAT)).toBe(-EMFILE)
    expect(open(process, '/o/file', O_RDWR | O_TRUNC)).toBe(-EMFILE)
    process.fdLimit = FDS_MAX
    expect(list(process, '/o')).toBe('. .. dangling dirlink file link')
    expect(sizeAt('/o/file')).toBe(10)
  })

  it('cuts with O_TRUNC what may be written, though it is opened to be read', () => {
    expect(open(user, '/o/file', O_RDONLY | O_TRUNC)).toBe(-EACCES)
    expect(sizeAt('/o/file')).toBe(10)
    const path = open(process, '/o/file', O_PATH | O_TRUNC)
    expect(sizeAt('/o/file')).toBe(10)
    close(process, path)
    close(process, open(process, '/o/file', O_RDONLY | O_TRUNC))
    expect(sizeAt('/o/file')).toBe(0)
    unlink(process, '/o/file')
    create('/o/file')
  })

  it('of a FIFO without the other side is ENXIO, or waits, and leaves nothing when it may not', () => {
    mkfifo(process, '/o/fifo', 0o666)
    const flags = me().flags
    me().flags = 0
    expect(open(process, '/o/fifo', O_WRONLY | O_NONBLOCK)).toBe(-ENXIO)
    expect(open(process, '/o/fifo', O_WRONLY)).toBe(-EWOULDBLOCK_PARK)
    expect(open(process, '/o/fifo', O_RDONLY)).toBe(-EWOULDBLOCK_PARK)
    expect(open(process, '/o/fifo', O_RDONLY | O_NONBLOCK)).toBe(0)
    expect(open(process, '/o/fifo', O_WRONLY)).toBe(1)
    expect(open(process, '/o/fifo', O_RDWR)).toBe(2)
    for (let fd = 0; fd < 3; fd++) close(process, fd)
    unlink(process, '/o/fifo')
    me().flags = flags
  })
})

describe('truncate by path', () => {
  it('refuses what is no file that may be written, and takes no descriptor', () => {
    before = openFiles()
    process.fdLimit = 0
    expect(truncate(process, '/o/file', 4)).toBe(0)
    process.fdLimit = FDS_MAX
    expect(sizeAt('/o/file')).toBe(4)
    expect(truncate(process, '/o/link', OFFSET_MAX)).toBe(0)
    expect(truncate(process, '/o/file', OFFSET_MAX + 1)).toBe(-EFBIG)
    expect(truncate(process, '/o/file', 0xffffffffffffffff)).toBe(-EFBIG)
    expect(truncate(process, '/o', 0)).toBe(-EISDIR)
    expect(truncate(process, '/o/none', 0)).toBe(-ENOENT)
    expect(truncate(process, '/o/file/', 0)).toBe(-ENOTDIR)
    expect(truncate(user, '/o/file', 0)).toBe(-EACCES)
    expect(truncate(process, '/o/file', 10)).toBe(0)
    expect(openFiles()).toBe(before)
  })

  it('of a FIFO is EINVAL, and no side of it was open for a moment', () => {
    mkfifo(process, '/o/fifo', 0o666)
    const fd = open(process, '/o/fifo', O_PATH)
    lock()
    const opener = enqueue(changetype<usize>(fileAt(process, fd)!.inode!.pipe!), 3)! // as open for reading does
    unlock()
    expect(truncate(process, '/o/fifo', 0)).toBe(-EINVAL)
    expect(isQueued(opener)).toBe(true)
    lock()
    withdraw(opener)
    unlock()
    close(process, fd)
    unlink(process, '/o/fifo')
  })
})

describe('descriptors', () => {
  it('are copied to the number asked for, which is closed first', () => {
    const a = open(process, '/o/file', O_RDWR)
    const b = open(process, '/o/link', O_RDONLY)
    before = openFiles()
    expect(step(sysDup2(process, a, a, 0))).toBe(a)
    expect(step(sysDup2(process, a, a, O_CLOEXEC))).toBe(-EINVAL)
    expect(fcntl(a, F_GETFD)).toBe(0)
    expect(step(sysDup2(process, a, b, O_CLOEXEC))).toBe(b)
    expect(openFiles()).toBe(before - 1)
    expect(fcntl(b, F_GETFD)).toBe(FD_CLOEXEC)
    expect(fcntl(b, F_GETFL)).toBe(O_RDWR)
    expect(step(sysDup2(process, a, FDS_MAX - 1, 0))).toBe(FDS_MAX - 1)
    expect(step(sysDup2(process, a, FDS_MAX, 0))).toBe(-EBADF)
    expect(step(sysDup2(process, a, -1, 0))).toBe(-EBADF)
    expect(step(sysDup2(process, 77, b, 0))).toBe(-EBADF)
    expect(fcntl(b, F_GETFD)).toBe(FD_CLOEXEC)
    process.fdLimit = b + 1
    expect(step(sysDup(process, a))).toBe(-EMFILE)
    expect(step(sysDup2(process, a, b + 1, 0))).toBe(-EBADF)
    expect(fcntl(a, F_DUPFD, b + 1)).toBe(-EINVAL)
    expect(fcntl(a, F_DUPFD, b)).toBe(-EMFILE)
    process.fdLimit = FDS_MAX
    close(process, a)
    close(process, b)
    close(process, FDS_MAX - 1)
    expect(openFiles()).toBe(before - 2)
  })

  it('have flags of their own, and share those of the description; F_SETFL changes two of them', () => {
    const fd = open(process, '/o/file', O_RDWR | O_SYNC | O_CLOEXEC)
    expect(fcntl(fd, F_GETFL)).toBe(O_RDWR | O_SYNC)
    expect(fcntl(fd, F_GETFD)).toBe(FD_CLOEXEC)
    expect(fcntl(fd, F_DUPFD, 10)).toBe(10)
    expect(fcntl(10, F_GETFD)).toBe(0)
    expect(fcntl(fd, F_DUPFD_CLOEXEC, 10)).toBe(11)
    expect(fcntl(11, F_GETFD)).toBe(FD_CLOEXEC)
    expect(fcntl(fd, F_SETFD, 0xfffffffe)).toBe(0)
    expect(fcntl(fd, F_GETFD)).toBe(0)
    expect(fcntl(10, F_SETFL, 0xffffffff)).toBe(0)
    expect(fcntl(fd, F_GETFL)).toBe(O_RDWR | O_SYNC | O_APPEND | O_NONBLOCK)
    expect(fcntl(fd, F_SETFL, 0)).toBe(0)
    expect(fcntl(11, F_GETFL)).toBe(O_RDWR | O_SYNC)
    expect(fcntl(fd, 12345)).toBe(-EINVAL)
    expect(fcntl(55, F_GETFL)).toBe(-EBADF)
    expect(fcntl(fd, F_DUPFD, 0xffffffff)).toBe(-EINVAL)
    const path = open(process, '/o/file', O_PATH | O_APPEND)
    expect(fcntl(path, F_SETFL, O_APPEND)).toBe(-EBADF)
    expect(fcntl(path, F_GETFL)).toBe(O_PATH)
    close(process, path)
    close(process, fd)
    close(process, 10)
    close(process, 11)
    chmod(process, '/o/file', 0)
    expect(step(0)).toBe(0)
  })
})
