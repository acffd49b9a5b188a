import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_BYTES,
  BUFFER_DATA_BYTES,
  EACCES,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_ISGID,
  S_ISVTX,
} from '../../assembly/abi'
import { sysMkdir } from '../../assembly/names'
import {
  chdir,
  chmod,
  chown,
  close,
  getcwd,
  link,
  linksOf,
  list,
  mkdir,
  modeOf,
  open,
  readlink,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
} from './support/files'
import { anotherProcess, bootForSpec, process, textAt } from './support/kernel'

describe('path', () => {
  beforeAll(() => {
    bootForSpec()
    mkdir(process, '/a')
    mkdir(process, '/a/b')
    close(process, open(process, '/a/file', O_CREAT | O_RDWR))
  })

  it('walks dots, double slashes and .. past the root', () => {
    expect(stat(process, '/')).toBe(0)
    expect(stat(process, '//a/./b/..//file')).toBe(0)
    expect(stat(process, '/../../a')).toBe(0)
    expect(stat(process, 'a/b')).toBe(0)
  })

  it('refuses what cannot be walked with the errno of POSIX', () => {
    expect(stat(process, '')).toBe(-ENOENT)
    expect(stat(process, '/none/x')).toBe(-ENOENT)
    expect(stat(process, '/a/file/x')).toBe(-ENOTDIR)
    expect(stat(process, '/a/file/')).toBe(-ENOTDIR)
    expect(stat(process, '/a/file/..')).toBe(-ENOTDIR)
    expect(stat(process, '/a/none/..')).toBe(-ENOENT)
    expect(stat(process, `/${'x'.repeat(256)}`)).toBe(-ENAMETOOLONG)
    expect(stat(process, `/${'x'.repeat(255)}`)).toBe(-ENOENT)
    expect(stat(process, '/a'.repeat(2048))).toBe(-ENAMETOOLONG)
    expect(stat(process, '/a\0b')).toBe(-EINVAL)
    expect(sysMkdir(process, AT_FDCWD, 0, 4, 0)).toBe(-EFAULT)
    expect(sysMkdir(process, AT_FDCWD, textAt(BUFFER_BYTES - 1), 2, 0)).toBe(-EFAULT)
  })

  it('follows symlinks, relative and absolute, and gives up on a loop', () => {
    expect(symlink(process, 'b', '/a/relative')).toBe(0)
    expect(symlink(process, '/a/file', '/a/b/absolute')).toBe(0)
    expect(symlink(process, 'loop', '/loop')).toBe(0)
    expect(symlink(process, 'nowhere', '/dangling')).toBe(0)
    expect(stat(process, '/a/relative/absolute')).toBe(0)
    expect(stat(process, '/loop')).toBe(-ELOOP)
    expect(stat(process, '/loop/x')).toBe(-ELOOP)
    expect(stat(process, '/dangling')).toBe(-ENOENT)
    expect(readlink(process, '/a/relative')).toBe('b')
    expect(readlink(process, '/a/file')).toBe(`!${EINVAL}`)
  })

  it('keeps a symlink of the longest length whole', () => {
    const target = 'x'.repeat(4095)
    expect(symlink(process, target, '/long')).toBe(0)
    expect(readlink(process, '/long')).toBe(target)
    expect(symlink(process, `${target}x`, '/longer')).toBe(-ENAMETOOLONG)
    expect(unlink(process, '/long')).toBe(0)
  })
})

describe('path: last components', () => {
  it('follows a last symlink unless told not to, and always before a slash', () => {
    expect(stat(process, '/a/relative', AT_SYMLINK_NOFOLLOW)).toBe(0)
    expect(modeOf() & S_IFMT).toBe(S_IFLNK)
    expect(stat(process, '/a/relative/', AT_SYMLINK_NOFOLLOW)).toBe(0)
    expect(modeOf() & S_IFMT).toBe(S_IFDIR)
    expect(open(process, '/a/relative', O_RDONLY | O_NOFOLLOW)).toBe(-ELOOP)
    expect(open(process, '/dangling', O_RDWR | O_CREAT | O_EXCL)).toBe(-EEXIST)
    const fd = open(process, '/dangling', O_RDWR | O_CREAT)
    expect(fd).toBe(0)
    close(process, fd)
    expect(unlink(process, '/nowhere')).toBe(0)
  })

  it('treats a trailing slash as the call wants it', () => {
    expect(mkdir(process, '/slashed/')).toBe(0)
    expect(mkdir(process, '/a/file/')).toBe(-EEXIST)
    expect(open(process, '/new/', O_RDWR | O_CREAT)).toBe(-EISDIR)
    expect(unlink(process, '/a/file/')).toBe(-ENOTDIR)
    expect(rmdir(process, '/a/relative/')).toBe(-ENOTDIR)
    expect(symlink(process, 'x', '/new/')).toBe(-ENOENT)
    expect(rename(process, '/a/file', '/new/')).toBe(-ENOTDIR)
    expect(rename(process, '/slashed/', '/moved/')).toBe(0)
    expect(rmdir(process, '/moved/')).toBe(0)
  })

  it('removes directories only when they are empty, and never by a dot', () => {
    expect(rmdir(process, '/a')).toBe(-ENOTEMPTY)
    expect(rmdir(process, '/a/.')).toBe(-EINVAL)
    expect(rmdir(process, '/a/b/..')).toBe(-ENOTEMPTY)
    expect(rmdir(process, '/')).toBe(-EBUSY)
    expect(rmdir(process, '/a/file')).toBe(-ENOTDIR)
    expect(unlink(process, '/a/b')).toBe(-EISDIR)
    expect(mkdir(process, '/a/b')).toBe(-EEXIST)
    expect(mkdir(process, '/')).toBe(-EEXIST)
  })

  it('renames by the rules of POSIX', () => {
    mkdir(process, '/r')
    mkdir(process, '/r/empty')
    mkdir(process, '/r/full')
    mkdir(process, '/r/full/x')
    close(process, open(process, '/r/one', O_CREAT | O_RDWR))
    close(process, open(process, '/r/two', O_CREAT | O_RDWR))
    expect(rename(process, '/r/none', '/r/x')).toBe(-ENOENT)
    expect(rename(process, '/r/one', '/r/two')).toBe(0)
    expect(rename(process, '/r/two', '/r/empty')).toBe(-EISDIR)
    expect(rename(process, '/r/empty', '/r/two')).toBe(-ENOTDIR)
    expect(rename(process, '/r/empty', '/r/full')).toBe(-ENOTEMPTY)
    expect(rename(process, '/r/full', '/r/full/x/y')).toBe(-EINVAL)
    expect(rename(process, '/r/full', '/r/empty')).toBe(0)
    expect(rename(process, '/r/.', '/r2')).toBe(-EBUSY)
    expect(link(process, '/r/two', '/r/three')).toBe(0)
    expect(rename(process, '/r/two', '/r/three')).toBe(0)
    expect(list(process, '/r')).toBe('. .. empty three two')
    expect(rename(process, '/r/empty/x', '/a/x')).toBe(0)
    expect(stat(process, '/a/x/..')).toBe(0)
    expect(linksOf()).toBe(4)
  })
})

describe('path: working directory and permissions', () => {
  it('counts links, and refuses one to a directory', () => {
    expect(link(process, '/a/file', '/a/again')).toBe(0)
    expect(stat(process, '/a/file')).toBe(0)
    expect(linksOf()).toBe(2)
    expect(link(process, '/a/b', '/a/c')).toBe(-EPERM)
    expect(link(process, '/a/file', '/a/again')).toBe(-EEXIST)
    expect(unlink(process, '/a/again')).toBe(0)
  })

  it('knows the working directory by name, and after its removal not at all', () => {
    const other = anotherProcess(0, 0)
    expect(getcwd(other)).toBe('/')
    expect(chdir(other, 'a/b')).toBe(0)
    expect(getcwd(other)).toBe('/a/b')
    expect(stat(other, '../file')).toBe(0)
    expect(chdir(other, '../file')).toBe(-ENOTDIR)
    expect(mkdir(other, 'gone')).toBe(0)
    expect(chdir(other, 'gone')).toBe(0)
    expect(rename(process, '/a/b/gone', '/a/went')).toBe(0)
    expect(getcwd(other)).toBe('/a/went')
    expect(rmdir(process, '/a/went')).toBe(0)
    expect(getcwd(other)).toBe(`!${ENOENT}`)
    expect(open(other, 'x', O_CREAT | O_RDWR)).toBe(-ENOENT)
    expect(stat(other, '..')).toBe(-ENOENT)
    expect(stat(other, '.')).toBe(0)
    expect(chdir(other, '/')).toBe(0)
  })

  it('asks for search, write and ownership as POSIX has it', () => {
    const user = anotherProcess(1000, 1000)
    mkdir(process, '/secret', 0o700)
    close(process, open(process, '/secret/x', O_CREAT | O_RDWR))
    expect(stat(user, '/secret/x')).toBe(-EACCES)
    expect(mkdir(user, '/mine')).toBe(-EACCES)
    expect(chmod(user, '/a', 0o777)).toBe(-EPERM)
    expect(open(user, '/a/file', O_RDWR)).toBe(-EACCES)
    expect(open(user, '/a/file', O_RDONLY)).toBe(0)
    expect(close(user, 0)).toBe(0)
    expect(chown(user, '/a/file', 1000, 0xffffffff)).toBe(-EPERM)
  })

  it('lets only owners remove from a sticky directory', () => {
    const user = anotherProcess(1000, 1000)
    const other = anotherProcess(1001, 1001)
    mkdir(process, '/tmp')
    expect(chmod(process, '/tmp', S_ISVTX | 0o777)).toBe(0)
    close(user, open(user, '/tmp/his', O_CREAT | O_RDWR))
    expect(unlink(other, '/tmp/his')).toBe(-EPERM)
    expect(rename(other, '/tmp/his', '/tmp/mine')).toBe(-EPERM)
    expect(unlink(user, '/tmp/his')).toBe(0)
  })
})

describe('path: listings', () => {
  it('hands the group of a set-group-ID directory down', () => {
    mkdir(process, '/shared')
    chown(process, '/shared', 0xffffffff, 77)
    chmod(process, '/shared', S_ISGID | 0o777)
    const user = anotherProcess(1000, 1000)
    expect(mkdir(user, '/shared/sub')).toBe(0)
    expect(stat(user, '/shared/sub')).toBe(0)
    expect(modeOf() & S_ISGID).toBe(S_ISGID)
  })

  it('lists a directory in small reads as in one', () => {
    mkdir(process, '/many')
    for (let i = 0; i < 50; i++) mkdir(process, `/many/directory${i}`)
    expect(list(process, '/many', 64)).toBe(list(process, '/many', BUFFER_DATA_BYTES))
    expect(list(process, '/many', 10)).toBe(`!${EINVAL}`)
    for (let i = 0; i < 50; i++) expect(rmdir(process, `/many/directory${i}`)).toBe(0)
    expect(list(process, '/many')).toBe('. ..')
    expect(open(process, '/many', O_RDWR)).toBe(-EISDIR)
    expect(open(process, '/a/file', O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR)
  })
})
