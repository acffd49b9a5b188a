import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_RESULT,
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENOTSUP,
  EROFS,
  EXDEV,
  FST_ATIM,
  FST_MTIM,
  MOUNT_READONLY,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  STAT_MTIME,
} from '../../assembly/abi'
import { sysFutimens, sysUtimens } from '../../assembly/attributes'
import { fileAt } from '../../assembly/fd'
import { Inode } from '../../assembly/inode'
import { lock, unlock } from '../../assembly/lock'
import { openMountedFile } from '../../assembly/mounted'
import { beginOpen, finishOpen } from '../../assembly/open'
import { FOLLOW, walk, walkOf } from '../../assembly/path'
import { sysFsync, sysLseek } from '../../assembly/readwrite'
import { sysFstat } from '../../assembly/statfile'
import { sysFtruncate } from '../../assembly/truncate'
import {
  chdir,
  chmod,
  close,
  getcwd,
  link,
  linksOf,
  list,
  mkdir,
  modeOf,
  mount,
  open,
  read,
  readlink,
  rename,
  rmdir,
  sizeOf,
  stat,
  step,
  symlink,
  unlink,
  write,
} from './support/files'
import { anotherProcess, bootForSpec, process, putText, textAt } from './support/kernel'

/** => the inode that `fd` of the spec's process is open on. */
function inodeAt(fd: i32): Inode {
  lock()
  const inode = fileAt(process, fd)!.inode!
  unlock()
  return inode
}

/** Makes a file of the mount with these contents, by the kernel, and closes it. */
function make(path: string, text: string): void {
  const fd = open(process, path, O_CREAT | O_WRONLY | O_TRUNC)
  write(process, fd, text)
  expect(step(sysFsync(process, fd, false))).toBe(0)
  close(process, fd)
}

describe('mounted', () => {
  beforeAll(() => {
    bootForSpec()
    expect(mount(process, 0, '/mnt/data')).toBe(0)
    expect(mount(process, 1, '/ro', MOUNT_READONLY)).toBe(0)
  })

  it('refuses a taken point, a taken number, a relative path and a point in a mount', () => {
    expect(mount(process, 2, '/mnt/data')).toBe(-EBUSY)
    expect(mount(process, 0, '/mnt/other')).toBe(-EBUSY)
    expect(stat(process, '/mnt/other')).toBe(-ENOENT)
    expect(mount(process, 64, '/x')).toBe(-EINVAL)
    expect(mount(process, 3, 'x')).toBe(-EINVAL)
    expect(mount(process, 3, '/mnt/data/inside')).toBe(-ENOTSUP)
    expect(stat(process, '/mnt/data/inside')).toBe(-ENOENT)
  })

  it('reads back what it wrote, through one object for every open', () => {
    const fd = open(process, '/mnt/data/file', O_CREAT | O_EXCL | O_RDWR)
    expect(fd).toBe(0)
    expect(write(process, fd, 'hello, mount')).toBe(12)
    const again = open(process, '/mnt/../mnt/data/./file', O_RDONLY)
    expect(inodeAt(again) == inodeAt(fd)).toBeTruthy()
    expect(read(process, again, 100)).toBe('hello, mount')
    expect(stat(process, '/mnt/data/file')).toBe(0)
    expect(sizeOf()).toBe(12)
    expect(open(process, '/mnt/data/file', O_CREAT | O_EXCL | O_RDWR)).toBe(-EEXIST)
    expect(close(process, fd)).toBe(0)
    expect(close(process, again)).toBe(0)
    expect(open(process, '/mnt/data/file', O_RDONLY)).toBe(0)
    expect(read(process, 0, 5)).toBe('hello')
    close(process, 0)
    expect(unlink(process, '/mnt/data/file')).toBe(0)
  })

  it('closes the provider file of a clean inode, and keeps its pages while nothing changed', () => {
    make('/mnt/data/kept', 'kept')
    const fd = open(process, '/mnt/data/kept', O_RDONLY)
    expect(read(process, fd, 10)).toBe('kept')
    const inode = inodeAt(fd)
    close(process, fd)
    expect(inode.object!.fd).toBe(-1)
    expect(inode.inLru).toBe(1)
    expect(open(process, '/mnt/data/kept', O_RDONLY)).toBe(fd)
    expect(inodeAt(fd) == inode).toBeTruthy()
    expect(inode.object!.resident).toBe(1)
    close(process, fd)
  })

  it('sees at the next open what changed at the provider meanwhile', () => {
    // mount 1 is the same tree: a writer that the kernel takes for another file system
    make('/mnt/data/seen', 'before')
    const fd = open(process, '/mnt/data/seen', O_RDONLY)
    expect(read(process, fd, 10)).toBe('before')
    close(process, fd)
    expect(mount(process, 5, '/back')).toBe(0)
    make('/back/seen', 'after it')
    expect(open(process, '/mnt/data/seen', O_RDONLY)).toBe(fd)
    expect(read(process, fd, 10)).toBe('after it')
    close(process, fd)
  })
})

describe('mounted: what a name means by the time it is opened', () => {
  it('an open goes by the name when the number that the walk found is of another file by now', () => {
    make('/mnt/data/f', 'of f')
    make('/mnt/data/g', 'of g')
    const g = open(process, '/mnt/data/g', O_RDWR)
    const fd = beginOpen(process, O_RDWR)
    expect(walk(process, 0, AT_FDCWD, textAt(0), putText('/mnt/data/f', 0), FOLLOW)).toBe(0)
    walkOf(0).ino = inodeAt(g).ino // f was unlinked and g made after the provider had answered
    expect(finishOpen(process, fd, openMountedFile(walkOf(0), 0, true), O_RDWR)).toBe(fd)
    expect(read(process, fd, 10)).toBe('of f')
    close(process, fd)
    close(process, g)
  })

  it('both names of a file that is open under one of them are that file', () => {
    make('/mnt/data/one', 'same')
    expect(link(process, '/mnt/data/one', '/mnt/data/two')).toBe(0)
    const one = open(process, '/mnt/data/one', O_RDWR)
    const two = open(process, '/mnt/data/two', O_RDWR)
    expect(inodeAt(two) == inodeAt(one)).toBeTruthy()
    const again = open(process, '/mnt/data/one', O_RDWR)
    expect(inodeAt(again) == inodeAt(one)).toBeTruthy()
    close(process, one)
    close(process, two)
    close(process, again)
  })
})

describe('mounted: rights and symlinks', () => {
  it('refuses changes of a read-only mount with EROFS', () => {
    make('/mnt/data/there', 'x')
    expect(open(process, '/ro/new', O_CREAT | O_RDWR)).toBe(-EROFS)
    expect(open(process, '/ro/there', O_RDWR)).toBe(-EROFS)
    expect(mkdir(process, '/ro/dir')).toBe(-EROFS)
    expect(unlink(process, '/ro/there')).toBe(-EROFS)
    expect(rename(process, '/ro/there', '/ro/x')).toBe(-EROFS)
    expect(chmod(process, '/ro/there', 0o600)).toBe(-EROFS)
    const fd = open(process, '/ro/there', O_RDONLY)
    expect(read(process, fd, 1)).toBe('x')
    expect(inodeAt(fd).object!.writable).toBe(0)
    close(process, fd)
  })

  it('reads a file that the provider will not open for writing', () => {
    make('/mnt/data/open', 'text')
    expect(rename(process, '/mnt/data/open', '/mnt/data/denied')).toBe(0)
    expect(open(process, '/mnt/data/denied', O_RDWR)).toBe(-EACCES)
    const fd = open(process, '/mnt/data/denied', O_RDONLY)
    expect(read(process, fd, 10)).toBe('text')
    expect(rename(process, '/mnt/data/denied', '/mnt/data/allowed')).toBe(0)
    const writer = open(process, '/mnt/data/allowed', O_WRONLY | O_APPEND)
    expect(inodeAt(writer) == inodeAt(fd)).toBeTruthy()
    expect(write(process, writer, ' and more')).toBe(9)
    expect(inodeAt(writer).spareFd).not.toBe(-1)
    expect(read(process, fd, 20)).toBe(' and more')
    close(process, fd)
    close(process, writer)
  })

  it('follows symlinks of the mount in the namespace of the kernel', () => {
    mkdir(process, '/mnt/data/deep')
    make('/mnt/data/deep/x', 'deep x')
    expect(symlink(process, 'deep/x', '/mnt/data/near')).toBe(0)
    expect(symlink(process, '/mnt/data/deep', '/mnt/data/far')).toBe(0)
    expect(symlink(process, '../../outside', '/mnt/data/out')).toBe(0)
    expect(symlink(process, 'itself', '/mnt/data/itself')).toBe(0)
    make('/mnt/data/target', '')
    close(process, open(process, '/outside', O_CREAT | O_RDWR))
    expect(stat(process, '/mnt/data/near')).toBe(0)
    expect(sizeOf()).toBe(6)
    expect(stat(process, '/mnt/data/far/x')).toBe(0)
    expect(stat(process, '/mnt/data/out')).toBe(0)
    expect(stat(process, '/mnt/data/itself')).toBe(-ELOOP)
    expect(stat(process, '/mnt/data/near', AT_SYMLINK_NOFOLLOW)).toBe(0)
    expect(modeOf() & S_IFMT).toBe(S_IFLNK)
    expect(readlink(process, '/mnt/data/far')).toBe('/mnt/data/deep')
    expect(stat(process, '/mnt/data/deep/x/')).toBe(-ENOTDIR)
    expect(stat(process, '/mnt/data/deep/../../../outside')).toBe(0)
  })
})

describe('mounted: names', () => {
  it('links, renames and removes in a mount, and not across', () => {
    mkdir(process, '/mnt/data/dir')
    make('/mnt/data/dir/one', '1')
    expect(link(process, '/mnt/data/dir/one', '/mnt/data/dir/two')).toBe(0)
    expect(stat(process, '/mnt/data/dir/two')).toBe(0)
    expect(linksOf()).toBe(2)
    expect(rename(process, '/mnt/data/dir/one', '/mnt/data/dir/two')).toBe(0)
    expect(list(process, '/mnt/data/dir')).toBe('. .. one two')
    expect(rename(process, '/mnt/data/dir/one', '/one')).toBe(-EXDEV)
    expect(link(process, '/outside', '/mnt/data/outside')).toBe(-EXDEV)
    expect(rename(process, '/mnt/data/dir', '/mnt/data/dir/in')).toBe(-EINVAL)
    expect(rename(process, '/mnt/data/dir/one', '/mnt/data/dir')).toBe(-ENOTEMPTY)
    expect(open(process, '/mnt/data/dir/one/', O_RDWR | O_CREAT)).toBe(-EISDIR)
    expect(rename(process, '/mnt/data', '/mnt/elsewhere')).toBe(-EBUSY)
    expect(rmdir(process, '/mnt/data/dir')).toBe(-ENOTEMPTY)
    expect(rmdir(process, '/mnt/data')).toBe(-EBUSY)
    expect(unlink(process, '/mnt/data/dir')).toBe(-EISDIR)
    expect(unlink(process, '/mnt/data/dir/one')).toBe(0)
    expect(unlink(process, '/mnt/data/dir/two')).toBe(0)
    expect(rmdir(process, '/mnt/data/dir')).toBe(0)
    expect(stat(process, '/mnt/data/dir')).toBe(-ENOENT)
  })

  it('keeps an unlinked file that is open, apart from a new one of its name', () => {
    make('/mnt/data/name', 'old')
    const fd = open(process, '/mnt/data/name', O_RDWR)
    expect(unlink(process, '/mnt/data/name')).toBe(0)
    make('/mnt/data/name', 'new one')
    expect(read(process, fd, 10)).toBe('old')
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(linksOf()).toBe(0)
    close(process, fd)
    expect(unlink(process, '/mnt/data/name')).toBe(0)
  })

  it('keeps the path of a working directory true when it is renamed', () => {
    const other = anotherProcess(0, 0)
    mkdir(process, '/mnt/data/up')
    mkdir(process, '/mnt/data/up/down')
    make('/mnt/data/up/down/leaf', 'leaf')
    expect(chdir(other, '/mnt/data/up/down')).toBe(0)
    expect(getcwd(other)).toBe('/mnt/data/up/down')
    expect(rename(process, '/mnt/data/up', '/mnt/data/renamed')).toBe(0)
    expect(getcwd(other)).toBe('/mnt/data/renamed/down')
    expect(stat(other, 'leaf')).toBe(0)
    expect(stat(other, '../down/leaf')).toBe(0)
    expect(unlink(other, 'leaf')).toBe(0)
    expect(rmdir(process, '/mnt/data/renamed/down')).toBe(0)
    expect(getcwd(other)).toBe(`!${ENOENT}`)
    expect(chdir(other, '/')).toBe(0)
  })

  it('lists a directory from which the reader removes as it goes', () => {
    mkdir(process, '/mnt/data/many')
    for (let i = 0; i < 120; i++) mkdir(process, `/mnt/data/many/name${i}`)
    expect(list(process, '/mnt/data/many', 300)).toBe(list(process, '/mnt/data/many'))
    const fd = open(process, '/mnt/data/many', O_RDONLY)
    const inode = inodeAt(fd)
    expect(inode.mode & S_IFMT).toBe(S_IFDIR)
    close(process, fd)
    for (let i = 0; i < 120; i++) rmdir(process, `/mnt/data/many/name${i}`)
    expect(list(process, '/mnt/data/many')).toBe('. ..')
  })
})

describe('mounted: attributes', () => {
  it('sets times at the provider, and neither mode nor owner', () => {
    make('/mnt/data/timed', 'x')
    const bytes = putText('/mnt/data/timed', 0)
    const which = FST_ATIM | FST_MTIM
    expect(step(sysUtimens(process, AT_FDCWD, textAt(0), bytes, 5000, 7500.5, which, 0))).toBe(0)
    expect(stat(process, '/mnt/data/timed')).toBe(0)
    expect(load<f64>(textAt(BUFFER_RESULT), STAT_MTIME)).toBe(7500.5)
    expect(chmod(process, '/mnt/data/timed', 0o600)).toBe(-ENOTSUP)
  })

  it('sets times of the open file, whatever its name means by now, and of one without a name', () => {
    make('/mnt/data/stamped', 'x')
    const fd = open(process, '/mnt/data/stamped', O_RDWR)
    expect(link(process, '/mnt/data/stamped', '/mnt/data/other')).toBe(0)
    expect(unlink(process, '/mnt/data/stamped')).toBe(0)
    make('/mnt/data/stamped', 'new')
    stat(process, '/mnt/data/stamped')
    const before = load<f64>(textAt(BUFFER_RESULT), STAT_MTIME)
    expect(step(sysFutimens(process, fd, 0, 7000, FST_MTIM))).toBe(0)
    stat(process, '/mnt/data/stamped')
    expect(load<f64>(textAt(BUFFER_RESULT), STAT_MTIME)).toBe(before)
    stat(process, '/mnt/data/other')
    expect(load<f64>(textAt(BUFFER_RESULT), STAT_MTIME)).toBe(7000)
    expect(unlink(process, '/mnt/data/other')).toBe(0)
    expect(step(sysFutimens(process, fd, 0, 8000, FST_MTIM))).toBe(0)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(load<f64>(textAt(BUFFER_RESULT), STAT_MTIME)).toBe(8000)
    close(process, fd)
    unlink(process, '/mnt/data/stamped')
  })

  it('truncates with the provider, and keeps the size while the file is open', () => {
    make('/mnt/data/cut', 'a long text')
    const fd = open(process, '/mnt/data/cut', O_RDWR)
    expect(step(sysFtruncate(process, fd, 6))).toBe(0)
    expect(<i32>sysLseek(process, fd, 0, 2)).toBe(6)
    expect(write(process, fd, 'er')).toBe(2)
    expect(stat(process, '/mnt/data/cut')).toBe(0)
    expect(sizeOf()).toBe(8)
    close(process, fd)
    expect(open(process, '/mnt/data/cut', O_RDWR | O_TRUNC)).toBe(fd)
    expect(stat(process, '/mnt/data/cut')).toBe(0)
    expect(sizeOf()).toBe(0)
    close(process, fd)
  })

  it('opens by O_PATH what it may not read, for stat alone', () => {
    const fd = open(process, '/mnt/data/cut', O_PATH)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(read(process, fd, 1)).toBe('!8')
    close(process, fd)
  })
})
