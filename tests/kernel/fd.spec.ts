import {
  AT_FDCWD,
  BUFFER_DATA,
  EBADF,
  EFBIG,
  EINVAL,
  EISDIR,
  EMFILE,
  ENXIO,
  F_DUPFD,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  OFFSET_MAX,
  S_ISGID,
  S_ISUID,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from '../../assembly/abi'
import { checkTable, clearFd, closeFiles, copyFiles, fileAt, reserveFd } from '../../assembly/fd'
import { checkFile, openFiles } from '../../assembly/file'
import { sweepIdle } from '../../assembly/idle'
import { lock, unlock } from '../../assembly/lock'
import { sysDup, sysDup2, sysFcntl, sysTruncate } from '../../assembly/open'
import { sysLseek, sysPread, sysPwrite } from '../../assembly/readwrite'
import { K } from '../../assembly/root'
import { sysFstat } from '../../assembly/statfile'
import { sysFallocate, sysFtruncate } from '../../assembly/truncate'
import {
  chmod,
  chown,
  close,
  linksOf,
  modeOf,
  open,
  read,
  sizeOf,
  stat,
  step,
  unlink,
  write,
} from './support/files'
import {
  anotherProcess,
  bootForSpec,
  checkAll,
  getText,
  process,
  putText,
  restores,
  textAt,
} from './support/kernel'

const NEW: u32 = O_CREAT | O_RDWR

describe('fd', () => {
  beforeAll(() => {
    bootForSpec()
  })

  it('gives the lowest free number', () => {
    expect(open(process, '/a', NEW)).toBe(0)
    expect(open(process, '/b', NEW)).toBe(1)
    expect(open(process, '/c', NEW)).toBe(2)
    expect(close(process, 1)).toBe(0)
    expect(close(process, 1)).toBe(-EBADF)
    expect(open(process, '/a', O_RDONLY)).toBe(1)
    expect(step(sysDup(process, 0))).toBe(3)
    expect(step(sysFcntl(process, 0, F_DUPFD, 200))).toBe(200)
    expect(step(sysDup2(process, 0, 200, O_CLOEXEC))).toBe(200)
    expect(sysFcntl(process, 200, F_GETFD, 0)).toBe(1)
    expect(step(sysDup2(process, 0, 1, 0))).toBe(1)
    expect(step(sysDup2(process, 0, 5000, 0))).toBe(-EBADF)
    expect(step(sysDup2(process, 9, 1, 0))).toBe(-EBADF)
    expect(step(sysDup2(process, 0, 0, 0))).toBe(0)
  })

  it('gives a child the same descriptions, and exec closes what asks for it', () => {
    const child = anotherProcess(0, 0)
    lock()
    expect(copyFiles(process, child)).toBeTruthy()
    expect(checkTable(child)).toBe(5)
    expect(fileAt(child, 2) == fileAt(process, 2)).toBeTruthy()
    closeFiles(child, false)
    expect(checkTable(child)).toBe(4)
    closeFiles(child, true)
    expect(checkTable(child)).toBe(0)
    unlock()
    checkAll()
  })

  it('closes everything, and nothing is left open in the machine', () => {
    lock()
    closeFiles(process, true)
    unlock()
    checkAll()
    expect(openFiles()).toBe(0)
  })

  it('is EMFILE at the limit, and makes no file then', () => {
    const other = anotherProcess(0, 0)
    other.fdLimit = 2
    expect(open(other, '/a', O_RDONLY)).toBe(0)
    expect(open(other, '/a', O_RDONLY)).toBe(1)
    expect(open(other, '/unmade', NEW)).toBe(-EMFILE)
    expect(step(sysDup(other, 0))).toBe(-EMFILE)
    expect(sysFcntl(other, 0, F_DUPFD, 2)).toBe(-EINVAL)
    expect(unlink(process, '/unmade')).toBe(-44)
    lock()
    closeFiles(other, true)
    unlock()
    checkAll()
  })
})

describe('fd: offsets', () => {
  it('shares the offset among duplicates and not among opens', () => {
    const fd = open(process, '/shared', NEW)
    const twin = step(sysDup(process, fd))
    const apart = open(process, '/shared', O_RDONLY)
    expect(write(process, fd, 'one')).toBe(3)
    expect(write(process, twin, 'two')).toBe(3)
    expect(read(process, apart, 10)).toBe('onetwo')
    expect(read(process, fd, 10)).toBe('')
    close(process, fd)
    close(process, twin)
    close(process, apart)
  })

  it('appends whatever the offset, and pwrite does not', () => {
    const fd = open(process, '/log', NEW | O_APPEND)
    write(process, fd, 'aaa')
    expect(<i32>sysLseek(process, fd, 0, SEEK_SET)).toBe(0)
    write(process, fd, 'bbb')
    putText('c', BUFFER_DATA)
    expect(step(sysPwrite(process, fd, textAt(BUFFER_DATA), 1, 1))).toBe(1)
    expect(step(sysPread(process, fd, textAt(BUFFER_DATA), 10, 0))).toBe(6)
    expect(getText(BUFFER_DATA, 6)).toBe('acabbb')
    expect(sysFcntl(process, fd, F_SETFL, 0)).toBe(0)
    expect(sysFcntl(process, fd, F_GETFL, 0)).toBe(O_RDWR)
    expect(sysFcntl(process, fd, F_SETFD, 1)).toBe(0)
    expect(sysFcntl(process, fd, 99, 0)).toBe(-EINVAL)
    close(process, fd)
  })

  it('refuses what the access mode does not allow', () => {
    const reader = open(process, '/log', O_RDONLY)
    const writer = open(process, '/log', O_WRONLY)
    expect(write(process, reader, 'x')).toBe(-EBADF)
    expect(read(process, writer, 1)).toBe(`!${EBADF}`)
    expect(step(sysFtruncate(process, reader, 0))).toBe(-EINVAL)
    expect(open(process, '/log', O_CREAT)).toBe(-EINVAL)
    const root = open(process, '/', O_RDONLY)
    expect(read(process, root, 1)).toBe(`!${EISDIR}`)
    close(process, root)
    close(process, reader)
    close(process, writer)
  })

  it('seeks by every whence', () => {
    const fd = open(process, '/sparse', NEW)
    expect(step(sysFtruncate(process, fd, 5 * 4096))).toBe(0)
    putText('x', BUFFER_DATA)
    expect(sysPwrite(process, fd, textAt(BUFFER_DATA), 1, 2 * 4096)).toBe(1)
    expect(<i32>sysLseek(process, fd, -1, SEEK_END)).toBe(5 * 4096 - 1)
    expect(<i32>sysLseek(process, fd, 1, SEEK_CUR)).toBe(5 * 4096)
    expect(<i32>sysLseek(process, fd, -1, SEEK_SET)).toBe(-EINVAL)
    expect(<i32>sysLseek(process, fd, 0, 9)).toBe(-EINVAL)
    expect(<i32>sysLseek(process, fd, 0, SEEK_DATA)).toBe(2 * 4096)
    expect(<i32>sysLseek(process, fd, 2 * 4096, SEEK_HOLE)).toBe(3 * 4096)
    expect(<i32>sysLseek(process, fd, 3 * 4096, SEEK_DATA)).toBe(-ENXIO)
    expect(<i32>sysLseek(process, fd, 5 * 4096, SEEK_HOLE)).toBe(-ENXIO)
    close(process, fd)
  })
})

describe('fd: sizes', () => {
  it('allocates, keeps the size when asked, and punches holes', () => {
    const fd = open(process, '/sparse', O_RDWR)
    const punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
    expect(step(sysFallocate(process, fd, 0, 0, 6 * 4096))).toBe(0)
    expect(<i32>sysLseek(process, fd, 0, SEEK_HOLE)).toBe(6 * 4096)
    expect(step(sysFallocate(process, fd, punch, 4096, 4096))).toBe(0)
    expect(<i32>sysLseek(process, fd, 0, SEEK_HOLE)).toBe(4096)
    expect(step(sysFallocate(process, fd, FALLOC_FL_KEEP_SIZE, 0, 8 * 4096))).toBe(0)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(sizeOf()).toBe(6 * 4096)
    expect(step(sysFallocate(process, fd, 0, 0, 0))).toBe(-EINVAL)
    expect(step(sysFallocate(process, fd, 0, OFFSET_MAX, 1))).toBe(-EFBIG)
    close(process, fd)
  })

  it('leaves the size as it was when there is no room to allocate', () => {
    const fd = open(process, '/toobig', NEW)
    expect(step(sysFallocate(process, fd, 0, 0, 4096 * 4096))).toBeLessThan(0)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(sizeOf()).toBe(0)
    close(process, fd)
    unlink(process, '/toobig')
  })

  it('truncates by path without a descriptor', () => {
    const bytes = putText('/sparse', 0)
    expect(step(sysTruncate(process, AT_FDCWD, textAt(0), bytes, 10))).toBe(0)
    expect(stat(process, '/sparse')).toBe(0)
    expect(sizeOf()).toBe(10)
    expect(step(sysTruncate(process, AT_FDCWD, textAt(0), 1, 10))).toBe(-EISDIR)
    const fd = open(process, '/sparse', O_RDWR | O_TRUNC)
    expect(stat(process, '/sparse')).toBe(0)
    expect(sizeOf()).toBe(0)
    close(process, fd)
  })

  it('frees an unlinked file with its last descriptor, pages and all', () => {
    const free = K.freeFrames
    const inodes = K.inodes
    const fd = open(process, '/gone', NEW)
    for (let i = 0; i < 20; i++) write(process, fd, 'x'.repeat(4096))
    expect(unlink(process, '/gone')).toBe(0)
    expect(K.inodes).toBe(inodes + 1)
    expect(step(sysFstat(process, fd))).toBe(0)
    expect(linksOf()).toBe(0)
    expect(close(process, fd)).toBe(0)
    expect(K.inodes).toBe(inodes)
    expect(K.freeFrames).toBe(free)
  })
})

describe('fd: rights and roll-back', () => {
  it('takes set-user-ID away when another writes', () => {
    close(process, open(process, '/tool', NEW))
    chown(process, '/tool', 5, 5)
    chmod(process, '/tool', S_ISUID | 0o777)
    const user = anotherProcess(1000, 1000)
    const fd = open(user, '/tool', O_WRONLY)
    expect(write(user, fd, 'x')).toBe(1)
    expect(stat(process, '/tool')).toBe(0)
    expect(modeOf() & S_ISUID).toBe(0)
    close(user, fd)
  })

  it('takes set-user-ID away when another cuts, by descriptor, by path or by O_TRUNC, and not when root does', () => {
    const user = anotherProcess(1000, 1000)
    for (let how = 0; how < 4; how++) {
      chmod(process, '/tool', S_ISUID | S_ISGID | 0o777)
      const by = how == 3 ? process : user
      const fd = open(by, '/tool', how == 0 ? O_WRONLY | O_TRUNC : O_WRONLY)
      if (how == 1 || how == 3) expect(step(sysFtruncate(by, fd, 5))).toBe(0)
      if (how == 2) expect(sysTruncate(by, AT_FDCWD, textAt(0), putText('/tool', 0), 7)).toBe(0)
      expect(stat(process, '/tool')).toBe(0)
      expect(modeOf() & (S_ISUID | S_ISGID)).toBe(how == 3 ? S_ISUID | S_ISGID : 0)
      close(by, fd)
    }
  })

  it('restores every byte when a descriptor given or closed is rolled back', () => {
    const fd = open(process, '/a', O_RDONLY)
    expect(
      restores(() => {
        reserveFd(process, O_RDWR)
      }),
    ).toBeTruthy()
    expect(
      restores(() => {
        clearFd(process, 0)
      }),
    ).toBeTruthy()
    lock()
    checkFile(fileAt(process, fd)!)
    unlock()
    close(process, fd)
    sweepIdle()
  })
})
