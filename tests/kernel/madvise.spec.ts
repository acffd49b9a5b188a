import {
  BUFFER_DATA,
  EACCES,
  EINVAL,
  ENOMEM,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_PRIVATE,
  MAP_SHARED,
  POSIX_MADV_DONTNEED,
} from '../../assembly/abi'
import { isPresent, sysMadvise, sysMincore, sysPosixMadvise } from '../../assembly/madvise'
import { sysMlock } from '../../assembly/mlock'
import { sysMunmap } from '../../assembly/mmap'
import { K } from '../../assembly/root'
import { me } from '../../assembly/thread'
import { findVma, VMA_RANDOM, VMA_SEQUENTIAL } from '../../assembly/vma'
import {
  AT,
  begin,
  bootMemory,
  end,
  makeFile,
  map,
  PAGE,
  peek,
  poke,
  process,
  show,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

function advise(advice: u32, pages: u32 = 4, at: u32 = AT): i32 {
  return sysMadvise(process, at, pages * PAGE, advice)
}

describe('madvise', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('refuses unknown advice and unaligned addresses with EINVAL; a hole is ENOMEM after the rest', () => {
    map(4, MAP_PRIVATE, AT)
    for (let page: u32 = 0; page < 4; page++) poke(AT + page * PAGE, 5)
    sysMunmap(process, AT + PAGE, PAGE)
    expect(advise(5)).toBe(-EINVAL)
    expect(advise(99)).toBe(-EINVAL)
    expect(sysMadvise(process, AT + 1, PAGE, MADV_NORMAL)).toBe(-EINVAL)
    expect(sysMadvise(process, AT, 0, MADV_DONTNEED)).toBe(0)
    expect(sysMadvise(process, 0, PAGE, MADV_NORMAL)).toBe(-ENOMEM)
    expect(advise(MADV_DONTNEED)).toBe(-ENOMEM)
    expect(peek(AT)).toBe(0)
    expect(peek(AT + 3 * PAGE)).toBe(0)
  })

  it('notes SEQUENTIAL and RANDOM, and forgets them for NORMAL', () => {
    show(makeFile(4), 4)
    expect(advise(MADV_RANDOM, 2)).toBe(0)
    expect(advise(MADV_SEQUENTIAL, 2, AT + 2 * PAGE)).toBe(0)
    expect(findVma(process.space!, AT)!.flags & VMA_RANDOM).toBe(VMA_RANDOM)
    expect(findVma(process.space!, AT + 2 * PAGE)!.flags & VMA_SEQUENTIAL).toBe(VMA_SEQUENTIAL)
    expect(process.space!.count).toBe(2)
    expect(advise(MADV_NORMAL)).toBe(0)
    expect(process.space!.count).toBe(1)
  })

  it('brings pages in for WILLNEED, and changes nothing else', () => {
    const file = makeFile(4)
    show(file, 4)
    expect(advise(MADV_WILLNEED)).toBe(0)
    expect(file.resident).toBe(4)
    expect(file.dirtyPages).toBe(0)
  })

  it('drops copies for DONTNEED: what is touched again is zero, or the object', () => {
    const file = makeFile(1)
    show(file, 1)
    poke(AT, 77)
    expect(advise(MADV_DONTNEED, 1)).toBe(0)
    expect(peek(AT)).toBe(77)
    expect(file.dirtyPages).toBe(1)
    map(1, MAP_PRIVATE, AT + PAGE)
    poke(AT + PAGE, 9)
    sysMlock(process, AT + PAGE, PAGE)
    expect(advise(MADV_DONTNEED, 1, AT + PAGE)).toBe(-EINVAL)
    expect(peek(AT + PAGE)).toBe(9)
  })
})

describe('advice that destroys', () => {
  beforeEach(begin)
  afterEach(end)

  it('FREE is for private anonymous memory only', () => {
    map(1, MAP_SHARED, AT)
    expect(advise(MADV_FREE, 1)).toBe(-EINVAL)
    show(makeFile(1), 1, AT + PAGE)
    expect(advise(MADV_FREE, 1, AT + PAGE)).toBe(-EINVAL)
    map(1, MAP_PRIVATE, AT + 2 * PAGE)
    poke(AT + 2 * PAGE, 9)
    const free = K.freeFrames
    expect(advise(MADV_FREE, 1, AT + 2 * PAGE)).toBe(0)
    expect(K.freeFrames).toBeGreaterThan(free)
  })

  it('REMOVE is for shared memory without a store, writable and not locked', () => {
    map(2, MAP_SHARED, AT)
    poke(AT, 1)
    poke(AT + PAGE, 2)
    expect(advise(MADV_REMOVE, 1)).toBe(0)
    expect(peek(AT)).toBe(0)
    expect(peek(AT + PAGE)).toBe(2)
    sysMlock(process, AT, PAGE)
    expect(advise(MADV_REMOVE, 1)).toBe(-EINVAL)
    map(1, MAP_PRIVATE, AT + 8 * PAGE)
    expect(advise(MADV_REMOVE, 1, AT + 8 * PAGE)).toBe(-EINVAL)
    show(makeFile(1), 1, AT + 9 * PAGE)
    expect(advise(MADV_REMOVE, 1, AT + 9 * PAGE)).toBe(-EINVAL)
    findVma(process.space!, AT + PAGE)!.maxProt = 1
    expect(advise(MADV_REMOVE, 1, AT + PAGE)).toBe(-EACCES)
  })

  it('posix_madvise DONTNEED keeps everything', () => {
    map(1, MAP_PRIVATE, AT)
    poke(AT, 5)
    expect(sysPosixMadvise(process, AT, PAGE, POSIX_MADV_DONTNEED)).toBe(0)
    expect(peek(AT)).toBe(5)
    expect(sysPosixMadvise(process, AT, PAGE, 5)).toBe(-EINVAL)
    expect(sysPosixMadvise(process, AT + 1, PAGE, 0)).toBe(-EINVAL)
    expect(sysPosixMadvise(process, AT, 2 * PAGE, POSIX_MADV_DONTNEED)).toBe(-ENOMEM)
  })

  it('mincore tells what a touch would find, and touches nothing', () => {
    map(2, MAP_PRIVATE, AT)
    const file = makeFile(1)
    show(file, 1, AT + 2 * PAGE)
    poke(AT + PAGE, 1)
    expect(sysMincore(process, AT, 3 * PAGE)).toBe(3)
    expect(load<u32>(<usize>me().buffer + BUFFER_DATA) & 0xffffff).toBe(0x000100)
    expect(isPresent(process.space!, AT + 2 * PAGE)).toBe(false)
    peek(AT + 2 * PAGE)
    expect(isPresent(process.space!, AT + 2 * PAGE)).toBe(true)
    expect(sysMincore(process, AT + 1, PAGE)).toBe(-EINVAL)
    expect(sysMincore(process, AT, 4 * PAGE)).toBe(-ENOMEM)
    expect(sysMincore(process, AT, 0)).toBe(0)
  })
})
