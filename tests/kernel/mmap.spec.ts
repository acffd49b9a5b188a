import {
  EAGAIN,
  EBADF,
  EEXIST,
  EINVAL,
  ENOMEM,
  EOVERFLOW,
  EPERM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  OFFSET_MAX,
  PROT_READ,
  WINDOW_END,
  WINDOW_START,
} from '../../assembly/abi'
import { sysMincore } from '../../assembly/madvise'
import { sysMmap, sysMunmap } from '../../assembly/mmap'
import { pteOf } from '../../assembly/pte'
import { K } from '../../assembly/root'
import { checkAll } from './support/boot'
import {
  AT,
  begin,
  bootMemory,
  end,
  map,
  PAGE,
  peek,
  poke,
  process,
  RIGHTS,
} from './support/memory'
import { dieAtEveryPush } from './support/transactions'

bootMemory()

const ANON: u32 = MAP_PRIVATE | MAP_ANONYMOUS

function mmap(at: u64, bytes: u64, flags: u32 = ANON, offset: u64 = 0, fd: i32 = -1): i32 {
  return sysMmap(process, at, bytes, RIGHTS, flags, fd, offset)
}

describe('mmap refuses', () => {
  beforeEach(begin)
  afterEach(() => {
    expect(process.space!.count).toBe(0)
    end()
  })

  it('in the order of the checks: offset, descriptor, length, range, type', () => {
    expect(mmap(0, 0, 0, 1)).toBe(-EINVAL)
    expect(mmap(0, 0, MAP_SHARED, 0, 99)).toBe(-EBADF)
    expect(mmap(0, 0, ANON)).toBe(-EINVAL)
    expect(mmap(0, 0x80000000, MAP_ANONYMOUS)).toBe(-ENOMEM)
    expect(mmap(0, 2 * PAGE, MAP_ANONYMOUS, OFFSET_MAX + 1 - PAGE)).toBe(-EOVERFLOW)
    expect(mmap(0, PAGE, MAP_ANONYMOUS)).toBe(-EINVAL)
    expect(mmap(0, PAGE, MAP_SHARED_VALIDATE | MAP_ANONYMOUS)).toBe(-EINVAL)
  })

  it('fixed addresses that are unaligned with EINVAL, outside the window with ENOMEM', () => {
    for (let i = 0; i < 2; i++) {
      const fixed = ANON | (i == 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE)
      expect(mmap(AT + 1, PAGE, fixed)).toBe(-EINVAL)
      expect(mmap(WINDOW_START - PAGE, PAGE, fixed)).toBe(-ENOMEM)
      expect(mmap(WINDOW_END - PAGE, 2 * PAGE, fixed)).toBe(-ENOMEM)
      expect(mmap(0xfffffffffffff000, PAGE, fixed)).toBe(-ENOMEM)
    }
  })

  it('more than was promised, than the limit of mappings, RLIMIT_AS with ENOMEM, RLIMIT_MEMLOCK with EAGAIN, without any with EPERM', () => {
    const left = K.commitLimit - K.committed
    const most = K.mappingsMax
    expect(mmap(0, (left + 1) * PAGE)).toBe(-ENOMEM)
    expect(mmap(0, (left + 1) * PAGE, MAP_SHARED | MAP_ANONYMOUS)).toBe(-ENOMEM)
    K.mappingsMax = 0
    expect(mmap(0, PAGE)).toBe(-ENOMEM)
    K.mappingsMax = most
    process.space!.limitAs = PAGE
    expect(mmap(0, 2 * PAGE)).toBe(-ENOMEM)
    process.euid = 1
    process.space!.limitMemlock = PAGE - 1
    expect(mmap(0, PAGE, ANON | MAP_LOCKED)).toBe(-EAGAIN)
    process.space!.limitMemlock = 0
    expect(mmap(0, PAGE, ANON | MAP_LOCKED)).toBe(-EPERM)
    expect(K.committed).toBe(K.commitLimit - left)
  })
})

describe('mmap', () => {
  beforeEach(() => {
    begin()
    dieAtEveryPush(true)
  })
  afterEach(end)

  it('takes a free hint, rounded up, and another place for a used one', () => {
    expect(<u32>mmap(AT - 5, PAGE)).toBe(AT)
    const other = <u32>mmap(AT, PAGE)
    expect(other).not.toBe(AT)
    expect(other % PAGE).toBe(0)
    expect(<u32>mmap(0, 1 << 17) % 65536).toBe(0)
  })

  it('replaces with MAP_FIXED what is there, and that only; with MAP_FIXED_NOREPLACE never', () => {
    map(3, MAP_PRIVATE, AT)
    for (let page: u32 = 0; page < 3; page++) poke(AT + page * PAGE, 1 + page)
    expect(mmap(AT + PAGE, PAGE, ANON | MAP_FIXED_NOREPLACE)).toBe(-EEXIST)
    const committed = K.committed
    expect(<u32>mmap(AT + PAGE, PAGE, ANON | MAP_FIXED)).toBe(AT + PAGE)
    expect(K.committed).toBe(committed)
    expect(peek(AT)).toBe(1)
    expect(peek(AT + PAGE)).toBe(0)
    expect(peek(AT + 2 * PAGE)).toBe(3)
  })

  it('takes with MAP_FIXED the promise of what is there, and changes nothing where more is wanted than there is', () => {
    const limit = K.commitLimit
    for (let pages: u32 = 40; pages <= 300; pages += 260) {
      expect(<u32>mmap(AT, pages * PAGE)).toBe(AT)
      poke(AT + PAGE, 7)
      const committed = K.committed
      K.commitLimit = committed
      expect(mmap(AT + PAGE, pages * PAGE, ANON | MAP_FIXED)).toBe(-ENOMEM)
      expect(peek(AT + PAGE)).toBe(7)
      dieAtEveryPush(true)
      expect(<u32>mmap(AT, pages * PAGE, ANON | MAP_FIXED)).toBe(AT)
      dieAtEveryPush(false)
      expect(peek(AT + PAGE)).toBe(0)
      expect(K.committed).toBe(committed)
      K.commitLimit = committed + 1
      expect(<u32>mmap(AT + PAGE, pages * PAGE, ANON | MAP_FIXED)).toBe(AT + PAGE)
      expect(K.committed).toBe(committed + 1)
      expect(<u32>mmap(AT, (pages + 1) * PAGE, ANON | MAP_FIXED | MAP_NORESERVE)).toBe(AT)
      expect(process.space!.charged).toBe(0)
      K.commitLimit = limit
      expect(sysMunmap(process, AT, (pages + 1) * PAGE)).toBe(0)
      checkAll()
    }
  })

  it('fills with MAP_POPULATE and MAP_LOCKED, promises nothing with MAP_NORESERVE or for reading only', () => {
    const committed = K.committed
    const a = <u32>mmap(0, 2 * PAGE, ANON | MAP_NORESERVE)
    sysMmap(process, 0, PAGE, PROT_READ, ANON, -1, 0)
    expect(K.committed).toBeLessThanOrEqual(committed + 1) // a slab
    const b = <u32>mmap(0, 2 * PAGE, ANON | MAP_POPULATE)
    const c = <u32>mmap(0, 2 * PAGE, ANON | MAP_LOCKED)
    expect(pteOf(process.space!, a)).toBe(0)
    expect(pteOf(process.space!, b + PAGE)).not.toBe(0)
    expect(pteOf(process.space!, c + PAGE)).not.toBe(0)
    expect(process.space!.lockedPages).toBe(2)
  })
})

describe('munmap', () => {
  beforeEach(begin)
  afterEach(end)

  it('refuses unaligned, empty and outside ranges with EINVAL; a hole is fine', () => {
    map(1, MAP_PRIVATE, AT)
    expect(sysMunmap(process, AT + 1, PAGE)).toBe(-EINVAL)
    expect(sysMunmap(process, AT, 0)).toBe(-EINVAL)
    expect(sysMunmap(process, 0, PAGE)).toBe(-EINVAL)
    expect(sysMunmap(process, AT, 1 << 40)).toBe(-EINVAL)
    expect(process.space!.count).toBe(1)
    expect(sysMunmap(process, AT - PAGE, 3 * PAGE)).toBe(0)
    expect(sysMunmap(process, AT, PAGE)).toBe(0)
    expect(sysMincore(process, AT, PAGE)).toBe(-ENOMEM)
  })

  it('splits, and where the number of mappings is out it is ENOMEM with nothing done', () => {
    map(3, MAP_PRIVATE, AT)
    const most = K.mappingsMax
    K.mappingsMax = 1
    expect(sysMunmap(process, AT + PAGE, PAGE)).toBe(-ENOMEM)
    K.mappingsMax = most
    expect(process.space!.mappedPages).toBe(3)
    expect(sysMunmap(process, AT + PAGE, 1)).toBe(0)
    expect(process.space!.count).toBe(2)
  })
})
