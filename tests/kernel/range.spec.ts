import {
  BUFFER_RESULT,
  EAGAIN,
  EBADF,
  EINVAL,
  EOVERFLOW,
  F_GETLK,
  F_RDLCK,
  F_SETLK,
  F_UNLCK,
  F_WRLCK,
  FLOCK_LENGTH,
  FLOCK_PID,
  FLOCK_START,
  FLOCK_TYPE,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from '../../assembly/abi'
import { copyFiles, fileAt } from '../../assembly/fd'
import { sysFlock, sysLockRange } from '../../assembly/flock'
import { Inode } from '../../assembly/inode'
import { lock, unlock } from '../../assembly/lock'
import { sysDup } from '../../assembly/open'
import { Process } from '../../assembly/process'
import {
  checkRanges,
  dropRanges,
  findConflict,
  forgetWaiter,
  noteWaiter,
  setRange,
  wouldDeadlock,
} from '../../assembly/range'
import { me } from '../../assembly/thread'
import { close, open, step, write } from './support/files'
import { anotherProcess, bootForSpec, process, restores, textAt } from './support/kernel'

let other: Process = changetype<Process>(0)
let inode: Inode = changetype<Inode>(0)
const MINE: i32 = 0
const HIS: i32 = 0

/** F_SETLK on bytes from the beginning, then the checker. => its result. */
function place(owner: Process, kind: u32, start: i64, length: i64): i32 {
  const result = step(sysLockRange(owner, 0, F_SETLK, kind, SEEK_SET, start, length))
  lock()
  checkRanges(inode)
  unlock()
  return result
}

function find(kind: u32, start: i64, length: i64): u32 {
  sysLockRange(other, HIS, F_GETLK, kind, SEEK_SET, start, length)
  return load<u32>(textAt(BUFFER_RESULT), FLOCK_TYPE)
}

describe('range', () => {
  beforeAll(() => {
    bootForSpec()
    other = anotherProcess(0, 0)
    expect(open(process, '/file', O_CREAT | O_RDWR)).toBe(MINE)
    expect(open(other, '/file', O_RDWR)).toBe(HIS)
    write(process, MINE, '0123456789')
    lock()
    inode = fileAt(process, MINE)!.inode!
    unlock()
  })

  it('merges what touches and splits what is cut', () => {
    expect(place(process, F_WRLCK, 0, 10)).toBe(0)
    expect(place(process, F_WRLCK, 10, 10)).toBe(0)
    expect(inode.rangeCount).toBe(1)
    expect(place(process, F_UNLCK, 5, 5)).toBe(0)
    expect(inode.rangeCount).toBe(2)
    expect(place(process, F_RDLCK, 12, 2)).toBe(0)
    expect(inode.rangeCount).toBe(4)
    expect(place(process, F_WRLCK, 0, 0)).toBe(0)
    expect(inode.rangeCount).toBe(1)
    expect(place(process, F_UNLCK, 0, 0)).toBe(0)
    expect(inode.rangeCount).toBe(0)
  })

  it('agrees with a naive table of owners over random calls', () => {
    const table = new Uint8Array(64)
    let seed: u32 = 12345
    for (let i = 0; i < 400; i++) {
      seed = seed * 1664525 + 1013904223
      const start = (seed >> 8) % 60
      const length = 1 + ((seed >> 16) % 8)
      const kind = (seed >> 24) % 3
      const mine = (seed >> 28) % 2 == 0
      let blocked = false
      for (let at = start; at < min<u32>(start + length, 64); at++) {
        const held = mine ? table[at] >> 4 : table[at] & 15
        if (held == 2 || (held == 1 && kind == F_WRLCK)) blocked = true
      }
      if (start + length > 64) continue
      const result = place(mine ? process : other, kind, start, length)
      const refused = blocked && kind != F_UNLCK
      expect(result).toBe(refused ? -EAGAIN : 0)
      if (refused) continue
      const value: u8 = kind == F_UNLCK ? 0 : kind == F_RDLCK ? 1 : 2
      for (let at = start; at < start + length; at++) {
        table[at] = mine ? (table[at] & 0xf0) | value : (table[at] & 15) | (value << 4)
      }
    }
    lock()
    dropRanges(inode, process.pid)
    dropRanges(inode, other.pid)
    unlock()
    expect(inode.rangeCount).toBe(0)
  })
})

describe('range: fcntl', () => {
  it('tells by F_GETLK who is in the way', () => {
    place(process, F_WRLCK, 3, 4)
    expect(find(F_RDLCK, 0, 0)).toBe(F_WRLCK)
    const found = textAt(BUFFER_RESULT)
    expect(load<u32>(found, FLOCK_PID)).toBe(process.pid)
    expect(<u32>load<u64>(found, FLOCK_START)).toBe(3)
    expect(<u32>load<u64>(found, FLOCK_LENGTH)).toBe(4)
    expect(find(F_RDLCK, 7, 1)).toBe(F_UNLCK)
    place(process, F_UNLCK, 0, 0)
  })

  it('counts ranges from the offset and from the end, backwards too', () => {
    expect(sysLockRange(process, MINE, F_SETLK, F_WRLCK, SEEK_END, -2, 0)).toBe(0)
    expect(find(F_RDLCK, 7, 1)).toBe(F_UNLCK)
    expect(find(F_RDLCK, 8, 1)).toBe(F_WRLCK)
    expect(sysLockRange(process, MINE, F_SETLK, F_UNLCK, SEEK_CUR, 0, -10)).toBe(0)
    expect(find(F_RDLCK, 8, 1)).toBe(F_UNLCK)
    expect(find(F_RDLCK, 10, 1)).toBe(F_WRLCK)
    expect(sysLockRange(process, MINE, F_SETLK, F_WRLCK, SEEK_SET, -1, 1)).toBe(-EINVAL)
    expect(sysLockRange(process, MINE, F_SETLK, F_WRLCK, SEEK_SET, 1, -2)).toBe(-EINVAL)
    const far = i64.MAX_VALUE
    expect(sysLockRange(process, MINE, F_SETLK, F_WRLCK, SEEK_END, far, 1)).toBe(-EOVERFLOW)
    expect(sysLockRange(process, MINE, F_SETLK, 3, SEEK_SET, 0, 1)).toBe(-EINVAL)
    place(process, F_UNLCK, 0, 0)
  })

  it('wants a descriptor open for what the lock protects', () => {
    const reader = open(process, '/file', O_RDONLY)
    expect(sysLockRange(process, reader, F_SETLK, F_WRLCK, SEEK_SET, 0, 1)).toBe(-EBADF)
    expect(sysLockRange(process, 77, F_SETLK, F_WRLCK, SEEK_SET, 0, 1)).toBe(-EBADF)
    close(process, reader)
  })

  it('drops the locks of a process with any descriptor of the file', () => {
    place(process, F_WRLCK, 0, 1)
    const second = open(process, '/file', O_RDONLY)
    close(process, second)
    expect(inode.rangeCount).toBe(0)
  })

  it('finds a cycle of waiters, and none in a chain', () => {
    lock()
    noteWaiter(inode, other.pid, 999)
    expect(wouldDeadlock(process.pid, other.pid)).toBeFalsy()
    noteWaiter(inode, other.pid, process.pid)
    expect(wouldDeadlock(process.pid, other.pid)).toBeTruthy()
    forgetWaiter(me().index)
    expect(wouldDeadlock(process.pid, other.pid)).toBeFalsy()
    expect(findConflict(inode, other.pid, 0, 10, F_WRLCK) == null).toBeTruthy()
    unlock()
  })
})

describe('range: waits and flock', () => {
  it('restores every byte when placing and dropping locks is rolled back', () => {
    place(process, F_WRLCK, 0, 10)
    place(process, F_WRLCK, 20, 10)
    expect(
      restores(() => {
        setRange(inode, process.pid, 5, 25, F_RDLCK)
      }),
    ).toBeTruthy()
    expect(
      restores(() => {
        dropRanges(inode, process.pid)
      }),
    ).toBeTruthy()
    expect(inode.rangeCount).toBe(2)
    place(process, F_UNLCK, 0, 0)
  })

  it('gives flock to descriptions: shared by dup and fork, apart from another open', () => {
    expect(step(sysFlock(process, MINE, LOCK_EX))).toBe(0)
    expect(step(sysFlock(other, HIS, LOCK_SH | LOCK_NB))).toBe(-EAGAIN)
    const twin = step(sysDup(process, MINE))
    expect(step(sysFlock(process, twin, LOCK_EX | LOCK_NB))).toBe(0)
    const child = anotherProcess(0, 0)
    lock()
    copyFiles(process, child)
    unlock()
    expect(step(sysFlock(child, MINE, LOCK_UN))).toBe(0)
    expect(step(sysFlock(other, HIS, LOCK_SH | LOCK_NB))).toBe(0)
    expect(step(sysFlock(process, MINE, LOCK_SH | LOCK_NB))).toBe(0)
    expect(step(sysFlock(process, MINE, LOCK_EX | LOCK_NB))).toBe(-EAGAIN)
    expect(step(sysFlock(other, HIS, LOCK_EX | LOCK_NB))).toBe(-EAGAIN)
    expect(step(sysFlock(process, MINE, 3))).toBe(-EINVAL)
    close(process, MINE)
    close(process, twin)
    expect(step(sysFlock(other, HIS, LOCK_EX | LOCK_NB))).toBe(-EAGAIN)
    close(child, MINE)
    close(child, twin)
    expect(step(sysFlock(other, HIS, LOCK_EX | LOCK_NB))).toBe(0)
    close(other, HIS)
  })
})
