import {
  EBADF,
  EFBIG,
  EINVAL,
  ENOSPC,
  ENOTSUP,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  OFFSET_MAX,
} from '../../assembly/abi'
import { K } from '../../assembly/root'
import { sysFallocate, sysFtruncate } from '../../assembly/truncate'
import { close, open, sizeOf, stat, step, unlink, write } from './support/files'
import { bootForSpec, process } from './support/kernel'

let fd = 0

function size(): i32 {
  stat(process, '/t')
  return sizeOf()
}

describe('sizes', () => {
  beforeAll(bootForSpec)
  beforeEach(() => {
    fd = open(process, '/t', O_CREAT | O_RDWR)
    write(process, fd, 'twelve bytes')
  })
  afterEach(() => {
    close(process, fd)
    unlink(process, '/t')
  })

  it('ftruncate cuts and grows, up to the largest offset', () => {
    expect(step(sysFtruncate(process, fd, 3))).toBe(0)
    expect(size()).toBe(3)
    expect(step(sysFtruncate(process, fd, 100))).toBe(0)
    expect(size()).toBe(100)
    expect(sysFtruncate(process, fd, OFFSET_MAX + 1)).toBe(-EFBIG)
    expect(step(sysFtruncate(process, fd, OFFSET_MAX))).toBe(0)
    expect(step(sysFtruncate(process, fd, 0))).toBe(0)
  })

  it('want a descriptor of a file, open for writing', () => {
    const reader = open(process, '/t', O_RDONLY)
    const path = open(process, '/t', O_PATH)
    const dir = open(process, '/', O_RDONLY)
    expect(sysFtruncate(process, 99, 0)).toBe(-EBADF)
    expect(sysFtruncate(process, path, 0)).toBe(-EBADF)
    expect(sysFtruncate(process, reader, 0)).toBe(-EINVAL)
    expect(sysFtruncate(process, dir, 0)).toBe(-EINVAL)
    expect(sysFallocate(process, reader, 0, 0, 1)).toBe(-EBADF)
    expect(sysFallocate(process, dir, 0, 0, 1)).toBe(-EBADF)
    expect(size()).toBe(12)
    for (let other = reader; other <= dir; other++) close(process, other)
  })

  it('fallocate says bad descriptors first, then bad ranges and modes', () => {
    expect(sysFallocate(process, 99, 0, 0, 0)).toBe(-EBADF)
    expect(sysFallocate(process, fd, 0, 0, 0)).toBe(-EINVAL)
    expect(sysFallocate(process, fd, 0, OFFSET_MAX, 2)).toBe(-EFBIG)
    expect(sysFallocate(process, fd, FALLOC_FL_PUNCH_HOLE, 0, 1)).toBe(-ENOTSUP)
    expect(sysFallocate(process, fd, 64, 0, 1)).toBe(-ENOTSUP)
    expect(step(sysFallocate(process, fd, FALLOC_FL_KEEP_SIZE, 0, 9000))).toBe(0)
    expect(size()).toBe(12)
    expect(step(sysFallocate(process, fd, 0, 0, 9000))).toBe(0)
    expect(size()).toBe(9000)
  })

  it('fallocate that finds no room gives back what it added, and nothing else', () => {
    const end: u64 = 1 << 30
    expect(step(sysFtruncate(process, fd, end))).toBe(0)
    expect(step(sysFallocate(process, fd, 0, 40960, 8192))).toBe(0)
    const free = K.freeFrames
    const committed = K.committed
    expect(step(sysFallocate(process, fd, 0, 0, end))).toBe(-ENOSPC)
    expect(step(sysFallocate(process, fd, FALLOC_FL_KEEP_SIZE, 0, 2 * end))).toBe(-ENOSPC)
    expect(step(sysFallocate(process, fd, 0, 0, 2 * end))).toBe(-ENOSPC)
    expect(K.committed).toBe(committed)
    expect(K.freeFrames).toBe(free)
    expect(size()).toBe(<i32>end)
  })
})
