/**
 * What making and removing names in the tree asks for: tmpfs, and names, rename and open over it. Permissions, full directories, and memory that runs out
 * at any structure: then nothing has changed.
 */
import {
  EACCES,
  EINVAL,
  EMLINK,
  ENOENT,
  ENOMEM,
  ENOSPC,
  EPERM,
  LINK_MAX,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  S_IFDIR,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from '../../assembly/abi'
import { fileAt } from '../../assembly/fd'
import { openFiles } from '../../assembly/file'
import { sweepIdle } from '../../assembly/idle'
import { Inode } from '../../assembly/inode'
import { abandon, lock, unlock } from '../../assembly/lock'
import { Process } from '../../assembly/process'
import { K } from '../../assembly/root'
import { makeNode, mayAdd, mayRemove, ownEntry, setMode, whyNot } from '../../assembly/tmpfs'
import {
  chmod,
  chown,
  close,
  link,
  list,
  mkdir,
  mkfifo,
  modeOf,
  open,
  rename,
  rmdir,
  stat,
  step,
  symlink,
  unlink,
} from './support/files'
import { anotherProcess, bootForSpec, process, putText, textAt } from './support/kernel'
import { feed, spare, starve, structures } from './support/shortage'

bootForSpec()
const user = anotherProcess(1000, 1000)
const other = anotherProcess(1001, 1001)

function create(by: Process, path: string, mode: u32 = 0o644): i32 {
  const fd = open(by, path, O_CREAT | O_EXCL | O_RDWR, mode)
  return fd < 0 ? fd : close(by, fd)
}

/** => the directory at a path. */
function directory(path: string): Inode {
  const fd = open(process, path, O_RDONLY | O_DIRECTORY)
  lock()
  const inode = fileAt(process, fd)!.inode!
  unlock()
  close(process, fd)
  return inode
}

/** Tries what makes something while memory is out at one structure after another. => how often it failed, each time with nothing changed. */
function tryAll(call: () => i32, undo: () => void): u32 {
  assert(call() >= 0, 'a call that fails in any case')
  undo() // slabs stay once they are there
  const inodes = K.inodes
  const files = openFiles()
  const names = list(process, '/m')
  let failures: u32 = 0
  const full = structures()
  for (let classes: u32 = 0; classes < 50; classes++) {
    starve()
    for (let i: u32 = 1; i <= classes; i++) {
      spare(i * 16)
      spare(i * 16) // an inode may be as long as its object
    }
    const before = structures()
    const result = call()
    const after = structures()
    if (result < 0) {
      failures++
      assert(result == -ENOSPC || result == -ENOMEM, `${result}`)
      assert(after == before, `${after - before} structures were left by a failure`)
    }
    feed()
    if (result >= 0) undo()
    sweepIdle()
    step(0)
    assert(structures() == full, `${structures() - full} structures more after ${classes}`)
    assert(K.inodes == inodes && openFiles() == files, 'an inode or a file was left')
    assert(list(process, '/m') == names, 'a name was left')
  }
  return failures
}

function rawPath(path: string): u32 {
  return putText(path, 0)
}

describe('memory that runs out', () => {
  beforeAll(() => {
    mkdir(process, '/m')
    create(process, '/m/file')
    close(process, open(process, '/m', O_RDONLY))
  })

  it('at any structure lets mkdir, mkfifo, symlink, link, rename and open fail with nothing changed', () => {
    const failed = new StaticArray<u32>(6)
    failed[0] = tryAll(
      () => mkdir(process, '/m/a'),
      () => {
        rmdir(process, '/m/a')
      },
    )
    failed[1] = tryAll(
      () => mkfifo(process, '/m/a'),
      () => {
        unlink(process, '/m/a')
      },
    )
    failed[2] = tryAll(
      () => symlink(process, 't'.repeat(600), '/m/a'),
      () => {
        unlink(process, '/m/a')
      },
    )
    failed[3] = tryAll(
      () => link(process, '/m/file', '/m/a'),
      () => {
        unlink(process, '/m/a')
      },
    )
    failed[4] = tryAll(
      () => rename(process, '/m/file', '/m/a'),
      () => {
        rename(process, '/m/a', '/m/file')
      },
    )
    failed[5] = tryAll(
      () => open(process, '/m/a', O_CREAT | O_RDWR),
      () => {
        close(process, 0)
        unlink(process, '/m/a')
      },
    )
    for (let i = 0; i < 6; i++) assert(failed[i] > 1 && failed[i] < 50, `call ${i}: ${failed[i]}`)
  })
})

describe('full directories', () => {
  it('take no subdirectory more with EMLINK, but files, and what replaces one', () => {
    mkdir(process, '/f')
    mkdir(process, '/f/there')
    mkdir(process, '/moved')
    const dir = directory('/f')
    const links = dir.nlink
    dir.nlink = LINK_MAX
    const bytes = rawPath('/f/new')
    lock()
    expect(makeNode(process, dir, textAt(0) + 3, bytes - 3, S_IFDIR | 0o755) == null).toBe(true)
    expect(whyNot(dir, S_IFDIR)).toBe(-EMLINK)
    expect(whyNot(dir, 0)).toBe(-ENOSPC)
    abandon()
    unlock()
    dir.nlink = links
    step(0)
    expect(rename(process, '/moved', '/f/there')).toBe(0)
    expect(create(process, '/f/file')).toBe(0)
    const file = open(process, '/f/file', O_RDWR)
    lock()
    const inode = fileAt(process, file)!.inode!
    inode.nlink = LINK_MAX
    unlock()
    expect(link(process, '/f/file', '/f/again')).toBe(-EMLINK)
    inode.nlink = 1
    close(process, file)
    expect(list(process, '/f')).toBe('. .. file there')
  })
})

describe('permissions of names', () => {
  it('a directory takes names from who may write and search it, removed ones from nobody', () => {
    mkdir(process, '/p', 0o700)
    const dir = directory('/p')
    expect(mayAdd(process, dir)).toBe(0)
    expect(mayAdd(user, dir)).toBe(-EACCES)
    chmod(process, '/p', 0o702)
    expect(mayAdd(user, dir)).toBe(-EACCES)
    chmod(process, '/p', 0o703)
    expect(mayAdd(user, dir)).toBe(0)
    expect(ownEntry(dir) == null).toBe(false)
    const fd = open(process, '/p', O_RDONLY | O_DIRECTORY)
    rmdir(process, '/p')
    expect(mayAdd(process, dir)).toBe(-ENOENT)
    expect(ownEntry(dir) == null).toBe(true)
    close(process, fd)
  })

  it('a sticky directory gives a name up to the file’s owner, its own and root alone', () => {
    mkdir(process, '/s')
    chmod(process, '/s', S_ISVTX | 0o777)
    chown(process, '/s', 1001, 1001)
    expect(create(user, '/s/his')).toBe(0)
    expect(create(process, '/s/roots', 0o666)).toBe(0)
    expect(unlink(user, '/s/roots')).toBe(-EPERM)
    expect(rename(user, '/s/his', '/s/roots')).toBe(-EPERM)
    expect(rename(user, '/s/roots', '/s/his')).toBe(-EPERM)
    expect(rename(user, '/s/his', '/s/new')).toBe(0)
    expect(unlink(other, '/s/new')).toBe(0)
    expect(unlink(process, '/s/roots')).toBe(0)
  })

  it('a directory that moves elsewhere must let its `..` be written', () => {
    mkdir(process, '/from', 0o777)
    mkdir(process, '/to', 0o777)
    chmod(process, '/from', 0o777)
    chmod(process, '/to', 0o777)
    mkdir(process, '/from/roots', 0o755)
    mkdir(user, '/from/his', 0o500)
    mkdir(user, '/from/good', 0o700)
    expect(rename(user, '/from/roots', '/from/roots/in')).toBe(-EINVAL)
    expect(rename(user, '/from/roots', '/to/roots')).toBe(-EACCES)
    expect(rename(user, '/from/roots', '/from/renamed')).toBe(0)
    expect(rename(user, '/from/his', '/to/his')).toBe(-EACCES)
    mkdir(user, '/to/full')
    mkdir(user, '/to/full/x')
    expect(rename(user, '/from/his', '/to/full')).toBe(-EACCES) // before ENOTEMPTY
    expect(rename(user, '/from/good', '/to/good')).toBe(0)
    expect(list(process, '/from')).toBe('. .. his renamed')
  })

  it('a new file has the mode less umask; set-group-ID only for a member, and of a directory its group', () => {
    mkdir(process, '/g')
    chown(process, '/g', 0xffffffff, 77)
    chmod(process, '/g', 0o777)
    expect(create(user, '/g/a', S_ISGID | S_ISUID | 0o777)).toBe(0)
    expect(stat(process, '/g/a')).toBe(0)
    expect(modeOf() & 0o7777).toBe(S_ISGID | S_ISUID | 0o755)
    chmod(process, '/g', S_ISGID | 0o777)
    expect(create(user, '/g/b', S_ISGID | 0o777)).toBe(0)
    expect(stat(process, '/g/b')).toBe(0)
    expect(modeOf() & 0o7777).toBe(0o755)
    expect(mkdir(user, '/g/d', S_ISVTX | S_ISUID | 0o777)).toBe(0)
    expect(stat(process, '/g/d')).toBe(0)
    expect(modeOf()).toBe(S_IFDIR | S_ISGID | S_ISVTX | 0o755)
    const dir = directory('/g/d')
    expect(dir.gid).toBe(77)
    lock()
    setMode(dir, 0xffffffff)
    unlock()
    expect(dir.mode).toBe(S_IFDIR | 0o7777)
    expect(mayRemove(other, dir, dir)).toBe(-EPERM)
  })
})
