/** What files say of themselves, and who may change it: attributes, statfile. */
import {
  AT_EACCESS,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_RESULT,
  DEV_TMPFS,
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  EPERM,
  FST_ATIM,
  FST_ATIM_NOW,
  FST_MTIM,
  FST_MTIM_NOW,
  O_CREAT,
  O_EXCL,
  O_PATH,
  O_RDWR,
  R_OK,
  S_ISGID,
  S_ISUID,
  STAT_ATIME,
  STAT_BLKSIZE,
  STAT_BLOCKS,
  STAT_CTIME,
  STAT_DEV,
  STAT_GID,
  STAT_INO,
  STAT_MTIME,
  STAT_SIZE,
  STAT_UID,
  W_OK,
  X_OK,
} from '../../assembly/abi'
import { sysFchmod, sysFchown, sysFutimens, sysUmask, sysUtimens } from '../../assembly/attributes'
import { Process } from '../../assembly/process'
import { sysAccessPath, sysFstat } from '../../assembly/statfile'
import {
  chmod,
  chown,
  close,
  linksOf,
  mkdir,
  modeOf,
  open,
  stat,
  step,
  symlink,
  unlink,
  write,
} from './support/files'
import { anotherProcess, bootForSpec, process, putText, textAt } from './support/kernel'

bootForSpec()
const SAME: u32 = 0xffffffff
const user = anotherProcess(1000, 1000)
const other = anotherProcess(1001, 1001)

function field(offset: u32): u32 {
  return load<u32>(textAt(BUFFER_RESULT) + offset)
}

function time(offset: u32): f64 {
  return load<f64>(textAt(BUFFER_RESULT) + offset)
}

function utimens(
  by: Process,
  path: string,
  atime: f64,
  mtime: f64,
  which: u32,
  flags: u32 = 0,
): i32 {
  const bytes = putText(path, 0)
  return step(sysUtimens(by, AT_FDCWD, textAt(0), bytes, atime, mtime, which, flags))
}

function access(by: Process, path: string, mode: u32, flags: u32 = 0): i32 {
  const bytes = putText(path, 0)
  return step(sysAccessPath(by, AT_FDCWD, textAt(0), bytes, mode, flags))
}

/** A file of that mode, made by its owner. */
function create(by: Process, path: string, mode: u32): void {
  const fd = open(by, path, O_CREAT | O_EXCL | O_RDWR, 0)
  assert(fd >= 0 && step(sysFchmod(by, fd, mode)) == 0, 'create')
  close(by, fd)
}

describe('attributes', () => {
  beforeAll(() => {
    mkdir(process, '/a')
    chmod(process, '/a', 0o777)
  })

  it('change by the owner and root alone; a group that one is not in loses set-group-ID', () => {
    create(user, '/a/mode', 0o644)
    expect(chmod(other, '/a/mode', 0o777)).toBe(-EPERM)
    expect(chmod(user, '/a/mode', 0o177777)).toBe(0)
    expect(stat(process, '/a/mode')).toBe(0)
    expect(modeOf() & 0o7777).toBe(0o7777)
    chown(process, '/a/mode', SAME, 55)
    expect(chmod(user, '/a/mode', S_ISGID | 0o640)).toBe(0)
    stat(process, '/a/mode')
    expect(modeOf() & 0o7777).toBe(0o640)
    expect(chmod(process, '/a/mode', S_ISGID | 0o640)).toBe(0)
    stat(process, '/a/mode')
    expect(modeOf() & 0o7777).toBe(S_ISGID | 0o640)
    expect(chmod(process, '/a/none', 0)).toBe(-ENOENT)
    expect(step(sysFchmod(process, 9, 0))).toBe(-EBADF)
    unlink(process, '/a/mode')
  })

  it('owners change to groups they are in; whoever changes one takes the set-ID bits of a file away', () => {
    create(user, '/a/own', S_ISUID | S_ISGID | 0o755)
    expect(chown(user, '/a/own', 1001, SAME)).toBe(-EPERM)
    expect(chown(user, '/a/own', SAME, 1001)).toBe(-EPERM)
    expect(chown(other, '/a/own', SAME, 1001)).toBe(-EPERM)
    stat(process, '/a/own')
    expect(modeOf() & 0o7777).toBe(S_ISUID | S_ISGID | 0o755)
    expect(chown(user, '/a/own', 1000, 1000)).toBe(0)
    stat(process, '/a/own')
    expect(modeOf() & 0o7777).toBe(0o755)
    chmod(process, '/a/own', S_ISUID | S_ISGID | 0o744)
    expect(chown(process, '/a/own', 7, 8)).toBe(0)
    stat(process, '/a/own')
    expect(modeOf() & 0o7777).toBe(S_ISGID | 0o744)
    expect(field(STAT_UID)).toBe(7)
    expect(field(STAT_GID)).toBe(8)
    chmod(process, '/a', S_ISGID | 0o777)
    expect(chown(process, '/a', SAME, SAME)).toBe(0)
    stat(process, '/a')
    expect(modeOf() & 0o7777).toBe(S_ISGID | 0o777)
    chmod(process, '/a', 0o777)
    unlink(process, '/a/own')
  })

  it('a stranger who changes neither owner nor group takes no set-ID bits away', () => {
    create(user, '/a/suid', S_ISUID | 0o755)
    expect(chown(other, '/a/suid', SAME, SAME)).toBe(-EPERM)
    stat(process, '/a/suid')
    expect(modeOf() & 0o7777).toBe(S_ISUID | 0o755)
    chmod(user, '/a/suid', 0o755)
    expect(chown(other, '/a/suid', SAME, SAME)).toBe(0)
    unlink(process, '/a/suid')
  })

  it('times are set by the owner, to now by who may write too; what is no time is EINVAL', () => {
    create(user, '/a/times', 0o666)
    expect(utimens(user, '/a/times', -1000.5, 1e300, FST_ATIM | FST_MTIM)).toBe(0)
    stat(process, '/a/times')
    expect(time(STAT_ATIME)).toBe(-1000.5)
    expect(time(STAT_MTIME)).toBe(1e300)
    expect(utimens(other, '/a/times', 1, 2, FST_ATIM)).toBe(-EPERM)
    expect(utimens(other, '/a/times', 1, 2, FST_ATIM_NOW)).toBe(-EPERM)
    expect(utimens(other, '/a/times', 1, 2, FST_ATIM_NOW | FST_MTIM_NOW)).toBe(0)
    expect(utimens(other, '/a/times', 1, 2, 0)).toBe(0)
    chmod(user, '/a/times', 0o644)
    expect(utimens(other, '/a/times', 1, 2, FST_ATIM_NOW | FST_MTIM_NOW)).toBe(-EACCES)
    expect(utimens(user, '/a/times', 5, 6, FST_MTIM)).toBe(0)
    stat(process, '/a/times')
    expect(time(STAT_MTIME)).toBe(6)
    expect(time(STAT_ATIME)).toBeGreaterThan(1e9)
    expect(time(STAT_CTIME)).toBeGreaterThan(1e9)
    expect(utimens(user, '/a/times', NaN, 6, FST_MTIM)).toBe(-EINVAL)
    expect(utimens(user, '/a/times', 5, Infinity, FST_MTIM)).toBe(-EINVAL)
    expect(utimens(user, '/a/times', 5, 6, FST_MTIM | FST_MTIM_NOW)).toBe(-EINVAL)
    expect(utimens(user, '/a/times', 5, 6, FST_ATIM | FST_ATIM_NOW)).toBe(-EINVAL)
    expect(utimens(user, '/a/times', 5, 6, 16)).toBe(-EINVAL)
    expect(step(sysFutimens(process, -1, 5, 6, FST_MTIM))).toBe(-EBADF)
    unlink(process, '/a/times')
  })

  it('of a symlink are its own with AT_SYMLINK_NOFOLLOW, but for a mode, and by O_PATH nobody’s', () => {
    symlink(process, 'target', '/a/link')
    create(process, '/a/target', 0o600)
    expect(utimens(process, '/a/link', 3, 4, FST_ATIM | FST_MTIM, AT_SYMLINK_NOFOLLOW)).toBe(0)
    stat(process, '/a/link', AT_SYMLINK_NOFOLLOW)
    expect(time(STAT_MTIME)).toBe(4)
    expect(field(STAT_SIZE)).toBe(6)
    stat(process, '/a/link')
    expect(time(STAT_MTIME)).toBeGreaterThan(1e9)
    const fd = open(process, '/a/target', O_PATH)
    expect(step(sysFchmod(process, fd, 0))).toBe(-EBADF)
    expect(step(sysFchown(process, fd, 1, 1))).toBe(-EBADF)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(modeOf() & 0o7777).toBe(0o600)
    close(process, fd)
    unlink(process, '/a/link')
    unlink(process, '/a/target')
  })

  it('umask gives the old bits and keeps nine', () => {
    expect(sysUmask(other, 0o7777)).toBe(0o22)
    expect(sysUmask(other, 0)).toBe(0o777)
    expect(sysUmask(other, 0o22)).toBe(0)
  })
})

describe('stat and access', () => {
  it('tell device, number, links, size and blocks', () => {
    create(process, '/a/s', 0o644)
    const fd = open(process, '/a/s', O_RDWR)
    write(process, fd, 'x'.repeat(5000))
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(field(STAT_DEV)).toBe(DEV_TMPFS)
    expect(field(STAT_SIZE)).toBe(5000)
    expect(field(STAT_BLOCKS)).toBe(16)
    expect(field(STAT_BLKSIZE)).toBe(4096)
    expect(linksOf()).toBe(1)
    const number = field(STAT_INO)
    unlink(process, '/a/s')
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(linksOf()).toBe(0)
    expect(field(STAT_INO)).toBe(number)
    close(process, fd)
    expect(step(sysFstat(process, fd))).toBe(-EBADF)
  })

  it('go by the real ids, unless asked for the effective ones', () => {
    create(user, '/a/x', 0o640)
    const both = anotherProcess(1001, 1001)
    both.euid = 1000
    expect(access(both, '/a/x', R_OK)).toBe(-EACCES)
    expect(access(both, '/a/x', R_OK | W_OK, AT_EACCESS)).toBe(0)
    expect(access(both, '/a/x', 0)).toBe(0)
    expect(access(both, '/a/x', X_OK, AT_EACCESS)).toBe(-EACCES)
    expect(access(process, '/a/x', R_OK | W_OK)).toBe(0)
    expect(access(process, '/a/x', X_OK)).toBe(-EACCES)
    expect(access(process, '/a', X_OK)).toBe(0)
    expect(access(process, '/a/x', 8)).toBe(-EINVAL)
    expect(access(process, '/a/none', 0)).toBe(-ENOENT)
    unlink(process, '/a/x')
  })
})
