import {
  EAGAIN,
  EBADF,
  EINVAL,
  EWOULDBLOCK_PARK,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  O_CREAT,
  O_PATH,
  O_RDWR,
  THREAD_MAY_BLOCK,
} from '../../assembly/abi'
import { sysFlock } from '../../assembly/flock'
import { sysDup } from '../../assembly/open'
import { me } from '../../assembly/thread'
import { close, open, step } from './support/files'
import { bootForSpec, process } from './support/kernel'

let a = 0
let b = 0

function flock(fd: i32, operation: u32): i32 {
  return step(sysFlock(process, fd, operation))
}

describe('flock', () => {
  beforeAll(bootForSpec)
  beforeEach(() => {
    a = open(process, '/lock', O_CREAT | O_RDWR)
    b = open(process, '/lock', O_RDWR)
  })
  afterEach(() => {
    close(process, a)
    close(process, b)
  })

  it('refuses what is no operation with EINVAL, what is no descriptor with EBADF', () => {
    expect(flock(a, LOCK_SH | LOCK_EX)).toBe(-EINVAL)
    expect(flock(a, 0)).toBe(-EINVAL)
    expect(flock(99, LOCK_EX)).toBe(-EBADF)
    const path = open(process, '/lock', O_PATH)
    expect(flock(path, LOCK_EX)).toBe(-EBADF)
    close(process, path)
  })

  it('excludes other descriptions, not duplicates, and goes with the last of them', () => {
    const copy = sysDup(process, a)
    expect(flock(a, LOCK_EX | LOCK_NB)).toBe(0)
    expect(flock(copy, LOCK_EX | LOCK_NB)).toBe(0)
    expect(flock(b, LOCK_SH | LOCK_NB)).toBe(-EAGAIN)
    close(process, copy)
    expect(flock(b, LOCK_SH | LOCK_NB)).toBe(-EAGAIN)
    expect(flock(a, LOCK_UN)).toBe(0)
    expect(flock(b, LOCK_EX | LOCK_NB)).toBe(0)
  })

  it('keeps what it had where a conversion may not wait, by LOCK_NB or by its thread', () => {
    const c = open(process, '/lock', O_RDWR)
    flock(a, LOCK_SH)
    flock(b, LOCK_SH)
    expect(flock(a, LOCK_EX | LOCK_NB)).toBe(-EAGAIN)
    me().flags &= ~THREAD_MAY_BLOCK
    expect(flock(a, LOCK_EX)).toBe(-EWOULDBLOCK_PARK)
    me().flags |= THREAD_MAY_BLOCK
    flock(b, LOCK_UN)
    expect(flock(c, LOCK_EX | LOCK_NB)).toBe(-EAGAIN)
    expect(flock(a, LOCK_EX | LOCK_NB)).toBe(0)
    close(process, c)
  })
})
